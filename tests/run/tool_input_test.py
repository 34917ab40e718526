"""Tests of the host program with what it must refuse, survive, or read with care."""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from tool_test import CONSOLE, FAIL, HERE, PASS, SKIP, Disk, Tool, report  # first: the paths

import image
import loading
import report as reports

DOCS = HERE.parent.parent / "docs"
PROGRAM = [sys.executable, str(HERE / "tool")]
TOO_MANY = """FAIL b.fails (3, 120 ms)
      x.one: the first
      wanted 1H, got 2H
      SDM vol. 3C, "x"
      where  tests/b.c:12
      means  A long text that
             goes on.
        x.one: the first: wanted 1H, got 2H
        x.one: in words; 1 of 2 checks are wrong
        x.spoken_of: bit 64 of the descriptor set: VMsucceed
        x.two, row 3, case 0: RFLAGS wanted 1H, got 2H
"""


def log(block=TOO_MANY, cut=0):
    """A console whose one failure is this block."""
    text = CONSOLE.replace("\r\n", "\n")
    start, end = text.index("FAIL b.fails ("), text.index("SKIP c.skips")
    more = f"        and {cut} lines more in the report\n" if cut else ""
    return text[:start] + block + more + text[end:]


class Types(Tool):
    def test_table_is_that_of_the_schema(self):
        schema = json.loads((DOCS / "report.schema.json").read_text())
        test = schema["definitions"]["test"]
        for one, types in ((schema, reports.TYPES), (test, reports.TEST_TYPES),
                           (schema["properties"]["summary"], reports.TYPES["summary"]),
                           (schema["properties"]["bench"]["items"], reports.TYPES["bench"][0])):
            self.assertEqual(set(one["properties"]), set(types))
        self.assertEqual(schema["properties"]["format"]["const"], reports.FORMAT)

    def test_wrong_types(self):
        got = {k: v for k, v in FAIL.items() if k != "got"}
        for wrong, tests in (
                ({"machine": []}, [PASS]), ({"machine": {"cpu": 1}}, [PASS]),
                ({"capabilities": None}, [PASS]), ({"capabilities": {"virtualization": 1}}, [PASS]),
                ({"clock_hz": "1000"}, [PASS]), ({"duration_ms": None}, [PASS]),
                ({"summary": []}, [PASS]), ({"bench": {}}, [PASS]), ({"bench": [1]}, [PASS]),
                ({"filters": "x"}, [PASS]), ({"filters": [1]}, [PASS]), ({}, [got]),
                ({"processors": 2.5}, [PASS]), ({"outcome": "GOOD"}, [PASS]),
                ({}, [PASS | {"wrong": {"x.y": "1"}}]), ({}, [PASS | {"checks": True}]),
                ({}, [PASS | {"name": ""}]), ({"summary": {}}, [PASS])):
            path = self.file("R.JSON", report(tests, **wrong))
            for words in (["judge", path], ["convert", path, "--to", "html"],
                          ["convert", path, "--to", "junit"], ["compare", path, path]):
                status, text = self.call(*words)
                self.assertEqual(status, 2, (wrong, words, text))
                self.assertRegex(text, r"^assay: .*R\.JSON is damaged: .*\n$", wrong)

    def test_newer_format(self):
        self.ends(2, r"R.JSON is of format 2, this program reads format 1", "judge",
                  self.file("R.JSON", report([PASS], format=2)))

    def test_depth(self):
        self.ends(2, r"x.json is damaged", "judge", self.file("x.json", '{"a":' * 100000))

    def test_files_that_are_no_reports(self):
        for text, says in (("", "is empty"), (" \n", "is empty"),
                           ("TAP version 13\n", "a TAP file"),
                           ('<?xml version="1.0"?>', "an XML file"), ("MZ\0\1", "a program"),
                           ("hello\n", "no last line")):
            path = self.file("x.log", text)
            self.ends(2, rf"^assay: {path}:? .*{says}", "judge", path)
        self.ends(2, "x.json is damaged", "judge", self.file("x.json", "[]"))

    def test_mark_of_byte_order(self):
        self.ends(0, "GREEN", "judge", self.file("r.json", "\ufeff" + json.dumps(report([PASS]))))

    def test_last_resort(self):
        with mock.patch("judging.judge", side_effect=ZeroDivisionError):
            self.ends(2, "Traceback(?s:.*)there is no judgement", "judge",
                      self.file("r.json", report([PASS])))


class KnownList(Tool):
    def judge(self, status, says, known, *tests, **more):
        (self.root / "k.txt").write_bytes(known if isinstance(known, bytes) else known.encode())
        self.ends(status, says, "judge", self.file("R.JSON", report(list(tests), **more)),
                  "--known", self.root / "k.txt")

    def test_grammar(self):
        self.judge(0, "GREEN", "\ufeffb.* | why | 3C\n", PASS, FAIL)
        self.judge(0, "GREEN", "   # indented\n\n  b.* | why | 3C\n", PASS, FAIL)
        self.judge(2, r"k.txt:2: this is not UTF-8", b"# a\n# \xff\n", PASS)
        self.judge(2, r"k.txt:1: not `skip TEST \[cpus>=N\] \[model=GLOB\] \| why`",
                   "skip c.skips cpus>4 | x", PASS)
        self.judge(2, r"k.txt:3: not `TEST or @RULE .*\| why \| section`", "\n\nb.x | why", PASS)

    def test_skips_of_some_machines(self):
        self.judge(0, "GREEN", "skip c.* cpus>=4 | x", PASS, SKIP)
        self.judge(1, "unexpected skip", "skip c.* cpus>=5 | x", PASS, SKIP)
        self.judge(1, "unexpected skip", "skip c.* model=a | x", PASS, SKIP)

    def test_skip_that_matches_no_test(self):
        self.judge(1, r"`skip d\.\*` matches no test", "skip d.* | x", PASS, filters=[])
        self.judge(0, "GREEN", "skip d.* | x", PASS, filters=["a.*"])

    def test_rule_that_holds_again(self):
        self.judge(1, "the rule x.y holds, but is listed", "@x.y | why | 3C",
                   PASS | {"rules": {"x.y": 2}})


class Consoles(Tool):
    def judge(self, status, says, text, known):
        self.ends(status, says, "judge", self.file("c.log", text), "--known",
                  self.file("k.txt", known + "skip c.skips | x\n"))

    def test_rules(self):
        one, two = "@x.one | why | 3C\n", "@x.two | why | 3C\n"
        self.judge(0, "GREEN", log(), one + two)
        self.judge(1, "FAIL b.fails", log(), one)
        self.judge(1, "FAIL b.fails", log(), two)
        # A rule that is only spoken of is not broken, so it takes no line.
        self.judge(0, r"b.fails: why \(9 of its lines are not on the console\)", log(cut=9),
                   one + two)
        self.judge(1, "FAIL b.fails", log(cut=9), one)

    def test_list_of_a_console(self):
        path = self.file("c.log", log())
        self.ends(0, "3 lines", "judge", path, "--write-known", self.root / "k.txt")
        self.assertRegex((self.root / "k.txt").read_text(),
                         r"for logs(?s:.*)@x.one \| (?s:.*)@x.two \| ")
        self.ends(0, "GREEN", "judge", path, "--known", self.root / "k.txt")

    def test_explanation(self):
        test = loading.parse(log().encode(), "x").tests[1]
        self.assertEqual(test["means"], "A long text that goes on.")
        self.assertEqual(test["notes"].splitlines()[-1],
                         "x.two, row 3, case 0: RFLAGS wanted 1H, got 2H")

    def test_a_filter_is_not_known(self):
        self.judge(0, "GREEN", log(), "b.fails | why | 3C\nz.other | why | 3C\nskip z.more | x\n")

    def test_standard_input(self):
        done = subprocess.run([*PROGRAM, "judge", "-"], input=log(), text=True, check=False,
                              capture_output=True)
        self.assertIn("RED: 1 unexpected failure, 1 unexpected skip", done.stdout)
        with mock.patch("sys.stdin", SimpleNamespace(buffer=io.BytesIO())):
            self.ends(2, "standard input is empty", "judge", "-")

    def test_comparison_with_the_files(self):
        fails = FAIL | {"reason": "what it was", "wrong": {"x.y": 1}, "rules": {"x.y": 1}}
        # What a console tells otherwise, or not at all, is no difference.
        one = report([PASS, fails, SKIP], machine={
            "assay": "0.1 (abc)", "processors": "4, 4 in use ", "svm_vm_cr": "8: SVM on",
            "vmx_pin_based_controls": "0000000000000016: one, two",
            "hypervisor": "none announced by CPUID"},
            capabilities={"virtualization": True, "avx": True})
        facts = ("svm vm_cr              8: SVM on\n"
                 "vmx pin-based controls 0000000000000016: one,\n    two\n\ntest (number")
        text = CONSOLE.replace("\r\n", "\n").replace("\ntest (number", facts, 1)
        a, b = self.file("a.json", one), self.file("b.log", text)
        self.ends(0, "note: .*is a console's log(?s:.*)no difference", "compare", a, b)
        self.ends(0, "no difference", "compare", b, a)
        # And what both tell is compared.
        c = self.file("c.log", text.replace("    two", "    three").replace("VM on", "VM off"))
        self.ends(1, r"pin-based controls: three +no +yes(?s:.*)svm vm_cr +8: SVM on +8: SVM off",
                  "compare", a, c)

    def test_names_of_facts(self):
        """Those of the console, back from the keys of REPORT.JSON."""
        names = set(loading._facts((DOCS / "report.txt").read_text().splitlines()))
        for source in HERE.parent.parent.glob("*/caps.c"):
            names |= set(re.findall(r'facts_add\(facts, "([^"]+)"', source.read_text()))
        self.assertIn("vmx pin-based controls", names)
        self.assertIn("svm vm_cr", names)
        for name in names:
            self.assertEqual(reports.fact_name(re.sub("[ -]", "_", name)), name)


class Fleet(Tool):
    def test_logs(self):
        self.file("f/one/board.log", CONSOLE)
        self.file("f/two/console.txt", CONSOLE)
        self.file("f/three/REPORT.JSON", report([PASS]))
        self.file("f/three/serial.txt", "noise")
        self.file("f/three/vmm.log", "noise")
        self.file("f/four/ASSAY/REPORT.JSON", report([PASS]))
        self.file("f/four/board.log", "noise")
        status, text = self.call("fleet", self.root / "f")
        self.assertEqual(status, 1)
        rows = re.findall(r"^(\S+) .* (PASSED|FAILED|BROKEN) ", text, re.M)
        self.assertEqual(rows, [("four", "PASSED"), ("one/board.log", "FAILED"),
                                ("three", "PASSED"), ("two", "FAILED")])

    def test_what_is_no_report(self):
        self.file("f/REPORT.JSON", report([PASS]))
        self.file("f/a.json", '{"name": "x"}')
        self.file("f/g/notes.txt", "hello")
        self.ends(0, r"note: \S*a.json is no report(?s:.*)notes.txt is no report", "fleet",
                  self.root / "f")
        self.ends(0, r"Note: \S*a.json is no report", "fleet", "--markdown", self.root / "f")
        self.file("f/h/hung.log", "BdsDxe: starting")  # a board that never came to its end
        self.ends(1, r"h/hung.log +\S.* BROKEN", "fleet", self.root / "f")

    def test_broken_ones_are_rows(self):
        self.file("f/a/REPORT.JSON", report([PASS], machine=[]))
        self.file("f/b/REPORT.JSON", report([PASS]))
        self.file("f/c/REPORT.JSON", "{}")
        self.file("f/d/x.json", '{"tests": [')
        self.ends(1, r"a +.* BROKEN(?s:.*)b +.*PASSED(?s:.*)c +.*BROKEN(?s:.*)d/x.json +.*BROKEN",
                  "fleet", self.root / "f")

    def test_known(self):
        self.file("f/a/REPORT.JSON", report([PASS, FAIL]))
        self.file("f/b/REPORT.JSON", report([PASS, FAIL | {"name": "e.new"}]))
        known = self.file("known.list", "b.fails | why | 3C")
        self.ends(1, r"a +.*FAILED GREEN(?s:.*)b +.*FAILED RED", "fleet", self.root / "f",
                  "--known", known)
        self.ends(0, "FAILED GREEN", "fleet", self.root / "f/a", "--known", known)
        self.ends(2, "k:1: not `TEST", "fleet", self.root / "f", "--known", self.file("k", "x"))


class Outputs(Tool):
    def setUp(self):
        super().setUp()
        self.path = self.file("R.JSON", report([PASS] + [
            FAIL | {"name": f"b.{i}", "notes": "x" * 1000} for i in range(100)]))

    def program(self, *words, **how):
        return subprocess.Popen([*PROGRAM, *map(str, words)], stderr=subprocess.PIPE, text=True,
                                **how)

    def test_reader_that_goes_away(self):
        with self.program("judge", self.path, stdout=subprocess.PIPE) as process:
            process.stdout.close()
            self.assertEqual((process.stderr.read(), process.wait()), ("", 1))

    def test_full_device(self):
        self.ends(2, r"^assay: /dev/full: No space left on device\n$", "convert", self.path, "--to",
                  "markdown", "-o", "/dev/full")
        with open("/dev/full", "w") as full, \
                self.program("judge", self.path, stdout=full) as process:
            self.assertRegex(process.stderr.read(), r"^assay: standard output: No space left")
            self.assertEqual(process.wait(), 2)

    def test_terminal_of_few_characters(self):
        path = self.file("u.json", report([PASS], machine={"cpu_brand": "\u00e4\ud800"}))
        with self.program("convert", path, "--to", "markdown", stdout=subprocess.PIPE,
                          env={"PYTHONIOENCODING": "ascii"}) as process:
            self.assertIn(r"\xe4", process.stdout.read())
        self.ends(0, "^$", "convert", path, "--to", "html", "-o", self.root / "u.html")

    def test_numbers(self):
        for words in (("judge", self.path, "--max-skips", "-1"),
                      ("judge", self.path, "--max-skips", "x"),
                      ("compare", self.path, self.path, "--ticks", "-5"),
                      ("compare", self.path, self.path, "--ticks", "nan"),
                      ("compare", self.path, self.path, "--ticks", "inf")):
            self.ends(2, r"argument --(max-skips|ticks): ", *words)


class Program(Tool):
    def test_list_however_it_is_called(self):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(self.root / "tests.json", folder)
            subprocess.run([sys.executable, HERE / "pack.py", folder, "1.2 (abc)"], check=True)
            name = Path(folder).name
            for program, where in (("./assay", folder), (f"{name}/assay", Path(folder).parent),
                                   (f"{folder}/assay", "/"), (f"../{name}/assay", folder)):
                done = subprocess.run([program, "list"], cwd=where, capture_output=True, text=True,
                                      check=False, env={"PATH": os.environ["PATH"]})
                self.assertIn("about a.passes", done.stdout, (program, done.stderr))


class Starting(Disk):
    def test_report_of_an_earlier_run(self):
        for kind in ("TAP", "JSON", "XML"):
            image.write(self.image, f"ASSAY/REPORT.{kind}", json.dumps(report([PASS])).encode())
        self.vmm(2, "no report on the image", "exit 3\n")
        self.assertIsNotNone(image.read(self.image, "ASSAY/REPORT.JSON"))  # the copy is private
        self.ends(0, "options", "prepare", self.image, "-s")
        for kind in ("TAP", "JSON", "XML"):
            self.assertIsNone(image.read(self.image, f"ASSAY/REPORT.{kind}"))

    def test_report_of_another_name(self):
        good = self.file("good.json", report([PASS]))
        image.write(self.image, "ASSAY/MINE.JSON", Path(good).read_bytes())
        words = ("--options", r"-s -r \ASSAY\MINE")
        self.vmm(2, "no report on the image", "exit 3\n", *words)
        put = f'MTOOLS_SKIP_CHECK=1 mcopy -o -i "$1@@1M" {good} ::/ASSAY/MINE.JSON\n'
        self.vmm(0, "GREEN", put, *words)

    def test_console_of_an_earlier_run(self):
        self.vmm(2, "none on the console", "exit 3\n", "--console", self.file("old", CONSOLE))

    def test_signals(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            pid = self.root / "pid"
            pid.unlink(missing_ok=True)
            script = self.file("vmm.sh", "sleep 300 &\n"
                               f"echo $! >{pid}.new; mv {pid}.new {pid}; wait\n")
            with subprocess.Popen(
                    [*PROGRAM, "run", "--image", self.image, "--", "sh", script, "{image}"],
                    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
                while not pid.exists() and process.poll() is None:
                    time.sleep(0.05)
                process.send_signal(number)
                self.assertEqual(process.stderr.read(), f"assay: ended by {number.name}\n")
                self.assertEqual(process.wait(), 2)
            stat = Path(f"/proc/{pid.read_text().strip()}/stat")
            self.assertTrue(not stat.exists() or stat.read_text().split()[2] == "Z")

    def test_what_the_command_leaves_behind(self):
        pid = self.root / "pid"
        self.vmm(2, "no report", f"sleep 300 & echo $! >{pid}\n")
        stat = Path(f"/proc/{pid.read_text().strip()}/stat")
        self.assertTrue(not stat.exists() or stat.read_text().split()[2] == "Z")

    def test_what_is_wrong_is_said_before_the_start(self):
        started = self.root / "started"
        for says, words in (
                ("k:1: not `TEST", ("--known", self.file("k", "nonsense"))),
                ("nowhere: No such file", ("--known", self.root / "nowhere")),
                ("no capability nonsense", ("--require", "nonsense")),
                ("--options \": No closing quotation", ("--options", '"'))):
            self.vmm(2, f"^assay: .*{says}", f"touch {started}\n", *words)
        self.assertFalse(started.exists())
        self.ends(2, "^assay: --options needs", "run", "--options", "--", "true", "{image}")
        self.ends(2, "^assay: --options needs", "run", "--options")
        self.ends(2, "^assay: which command", "run", "--options=--")

    def test_what_is_no_image(self):
        iso = self.root / "x.iso"
        iso.write_bytes(bytes(0x8001) + b"CD001" + bytes(2**20))
        for path, says in ((iso, "is an ISO, which takes no options"),
                           (self.file("x.txt", "hello"), "is no image of Assay"),
                           (self.file("x.efi", "MZ"), "is a program"),
                           (self.root, "Is a directory")):
            before = sorted(self.root.iterdir())
            self.ends(2, f"^assay: {path}:? {says}", "prepare", path, "-s")
            self.ends(2, f"^assay: {path}:? {says}", "run", "--image", path, "--", "true",
                      "{image}")
            self.assertEqual(before, sorted(self.root.iterdir()))
        packed = self.root / "x.img.xz"
        packed.write_bytes(b"\xfd7zXZ\0")
        self.ends(2, "x.img.xz is packed: run `xz -d`", "prepare", packed, "-s")

    def test_nothing_is_left_beside_the_image(self):
        with self.assertRaises(OSError):
            image.write(self.root / "none.img", "X", b"x")
        self.assertEqual(list(self.root.glob("*.tmp")), [])


if __name__ == "__main__":
    unittest.main()
