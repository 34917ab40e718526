"""Tests of matrix.py: what a row may say, and what a run writes into docs/matrix.md."""

import sys
import tempfile
import unittest
from pathlib import Path

import matrix
import report
import scenario
from emulator import Machine

sys.dont_write_bytecode = True


class Rows(unittest.TestCase):
    def justified(self, reason, machine, console=(), tests=(), **facts):
        named = {name.replace("_", " "): value for name, value in facts.items()}
        result = scenario.Result(scenario.Scenario("one", machine),
                                 report=report.Report(list(tests), machine=named))
        result.console = list(console)
        return matrix.justified(f"needs {reason}", result)

    def test_processors(self):
        four = {"processors": "4, 4 in use"}
        paced = ["processor 3 (APIC id 3) runs no guests but ends those of the others: ..."]
        self.assertFalse(self.justified("4 processors", Machine("bochs"), **four))
        self.assertTrue(self.justified("5 processors", Machine("bochs"), **four))
        self.assertTrue(self.justified("4 processors", Machine("bochs"), paced, **four))
        self.assertTrue(self.justified("all processors of the machine", Machine("bochs"), paced,
                                       **four))
        self.assertFalse(self.justified("all processors of the machine", Machine("bochs"), **four))

    def test_processor_that_is_lost_on_the_way(self):
        two, machine = {"processors": "2, 2 in use"}, Machine("virtualbox", 2)
        why = "processor 1 (APIC id 1) cannot be used: an NMI that was sent to it has not arrived"
        tests = [{"name": "machine.kick", "verdict": "ERROR", "reason": why}]
        for reason in ("2 processors", "all processors of the machine"):
            self.assertFalse(self.justified(reason, machine, **two))
            self.assertTrue(self.justified(reason, machine, tests=tests, **two))
        self.assertTrue(self.justified("TSC-deadline timer", machine))

    def test_failures_that_are_expected(self):
        expect = scenario.Expect(red=r"machine\.kick")
        for name, cell in (("machine.kick", "1 expected"), ("machine.clock", "0, **1 others**")):
            failing = [{"name": name, "verdict": "FAIL", "reason": "why"}]
            result = scenario.Result(scenario.Scenario("one", expect=expect),
                                     report=report.Report(failing),
                                     judgement=report.Judgement(failing, [], []))
            result.wrong += [] if name == "machine.kick" else ["FAIL machine.clock"]
            self.assertEqual(matrix.row(result)[3], cell)

    def test_failures_that_are_known(self):
        """Tests are counted, and the deviations that explain them."""
        first, second = ({"name": name, "verdict": "FAIL", "reason": "why"}
                         for name in ("vmx.entry.controls", "fuzz.entry"))
        known = [report.Deviation(f"@{rule}", 1, "why", "SDM 1") for rule in "ab"]
        result = scenario.Result(
            scenario.Scenario("one"), report=report.Report([first, second]),
            judgement=report.Judgement([], [(first, known[0]), (first, known[1]),
                                            (second, known[0])], []))
        self.assertEqual(matrix.row(result)[3], "2 (3 known)")

    def test_skips_on_svm(self):
        ryzen = Machine("bochs", model="ryzen")
        self.assertTrue(self.justified("Intel VMX", ryzen, svm_features="44f: nested paging"))
        self.assertFalse(self.justified("Intel VMX", ryzen, vmx_basic="1"))
        self.assertTrue(self.justified("nested paging", ryzen, svm_features="0: none"))
        self.assertFalse(self.justified("nested paging", ryzen, svm_features="1: nested paging"))
        self.assertTrue(self.justified("TSC-deadline timer", Machine("qemu")))
        self.assertFalse(self.justified("XSAVE", Machine("qemu")))
        self.assertTrue(self.justified("XSAVE", Machine("qemu", model="phenom")))

    def test_skips_by_mode_of_the_apic(self):
        self.assertTrue(self.justified("xAPIC mode", Machine("qemu"), apic_mode="x2APIC"))
        self.assertFalse(self.justified("xAPIC mode", Machine("qemu"), apic_mode="xAPIC"))


class Document(unittest.TestCase):
    """docs/matrix.md, of which a run may be all of a section or some rows."""

    def written(self, *runs):
        with tempfile.TemporaryDirectory() as folder:
            document = Path(folder) / "matrix.md"
            document.write_text("# Matrix\n")
            for heading, rows, order in runs:
                lines = [heading, "", "| machine |", "| --- |", *(f"| {row} |" for row in rows)]
                matrix.write(document, lines, order)
            return document.read_text()

    def test_sections(self):
        text = self.written(("## bochs-3, old", ["a | 1"], ()), ("## bochs-2, x", ["b | 1"], ()),
                            ("## bochs-3, new", ["a | 2"], ()))
        self.assertEqual(text.split("\n\n"), [
            "# Matrix", "## bochs-2, x", "| machine |\n| --- |\n| b | 1 |",
            "## bochs-3, new", "| machine |\n| --- |\n| a | 2 |\n"])

    def test_some_rows(self):
        text = self.written(("## bochs-3, old", ["a | 1", "c | 1", "gone | 1"], ()),
                            ("## bochs-3, new", ["c | 2", "b | 2"], "abc"))
        self.assertEqual(text, "# Matrix\n\n## bochs-3, old\n\n| machine |\n| --- |\n"
                               "| a | 1 |\n| b | 2 |\n| c | 2 |\n")


if __name__ == "__main__":
    unittest.main()
