"""Tests of the harness itself: above all, that it does not take a bad run for a good one."""

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import yaml

import bench
import deviations
import emulator
import pictures
import readme
import report
import run
import scenario
import scenarios
import virtualbox
from console import Cleaner
from emulator import Machine

HERE = Path(__file__).parent
sys.dont_write_bytecode = True


def checks(verdicts):
    return sum(7 for v in verdicts if v != "SKIP")


def outcome(verdicts):
    return "FAILED" if {"FAIL", "ERROR"} & set(verdicts) else "PASSED"


def json_report(verdicts, complete=True, **summary):
    count = {"passed": "PASS", "failed": "FAIL", "skipped": "SKIP", "errors": "ERROR"}
    data = {"tests": [{"name": f"t.{i}", "verdict": v, "checks": 7 * (v != "SKIP")}
                      for i, v in enumerate(verdicts)],
            "summary": {k: verdicts.count(v) for k, v in count.items()}
                       | {"checks": checks(verdicts), "outcome": outcome(verdicts)} | summary}
    return json.dumps(data | ({"complete": True} if complete else {}))


def tap_report(verdicts, plan=None):
    lines = ["TAP version 13", f"1..{len(verdicts) if plan is None else plan}"]
    for i, verdict in enumerate(verdicts):
        lines.append(f"{'not ' * (verdict in ('FAIL', 'ERROR'))}ok {i + 1} - t.{i}"
                     + (" # SKIP why" if verdict == "SKIP" else " # 7 checks"))
        if verdict == "ERROR":
            lines += ["  ---", "  verdict: ERROR", "  ..."]
    counts = (*(verdicts.count(v) for v in report.VERDICTS), checks(verdicts))
    totals = "# %d passed, %d failed, %d skipped, %d errors, %d checks" % counts
    return "\n".join([*lines, totals, ""])


ALL = ["PASS", "FAIL", "SKIP", "ERROR"]


class Reading(unittest.TestCase):
    def test_both_reports(self):
        loaded = report.load(tap_report(ALL), json_report(ALL))
        self.assertEqual(loaded.summary(), "1 passed, 1 failed, 1 skipped, 1 errors, 21 checks")

    def broken(self, tap, text, why):
        with self.assertRaisesRegex(report.Broken, why):
            report.load(tap, text)

    def test_missing(self):
        self.broken(None, json_report(ALL), "no REPORT.TAP")
        self.broken(tap_report(ALL), None, "no REPORT.JSON")

    def test_cut_short_anywhere(self):
        tap, text = tap_report(ALL), json_report(ALL)
        for end in range(len(text) - 1):
            self.broken(tap, text[:end], "REPORT.JSON")
        for end in range(len(tap) - 1):
            self.broken(tap[:end], text, "REPORT.TAP|differ")

    def test_incomplete(self):
        self.broken(tap_report(ALL), json_report(ALL, complete=False), "ends early, after 4")

    def test_totals_that_do_not_add_up(self):
        self.broken(tap_report(ALL), json_report(ALL, passed=2), "does not add up")

    def test_plan_that_does_not_hold(self):
        self.broken(tap_report(ALL, plan=5), json_report(ALL), "plan says 5")

    def test_two_truths(self):
        self.broken(tap_report(["PASS"]), json_report(["FAIL"]), "differ")


class Judging(unittest.TestCase):
    KNOWN = [report.Deviation("t.0", 1, "why", "sdm")]

    def judge(self, verdicts, known=(), whole=True):
        return report.judge(report.parse_json(json_report(verdicts)), known, whole)

    def test_failures_are_red(self):
        self.assertTrue(self.judge(["FAIL"]).red())
        self.assertTrue(self.judge(["ERROR"]).red())
        self.assertFalse(self.judge(["PASS", "SKIP"]).red())

    def test_known_failure_is_green(self):
        self.assertFalse(self.judge(["FAIL"], self.KNOWN).red())

    def test_known_failure_does_not_excuse_an_error(self):
        self.assertTrue(self.judge(["ERROR"], self.KNOWN).red())

    def test_unexpected_pass_is_red(self):
        self.assertTrue(self.judge(["PASS"], self.KNOWN).red())

    def test_deviation_that_shows_sometimes(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "x.txt"
            path.write_text("t.0 cpus>=2 sometimes | because | 3C 25.5\n")
            known = report.deviations(path, 2)
        self.assertFalse(self.judge(["PASS"], known).red())
        self.assertFalse(self.judge(["FAIL"], known).red())
        self.assertTrue(self.judge(["ERROR"], known).red())

    def test_deviation_in_one_mode_of_the_apic(self):
        known = report.parse_deviations("t.0 apic=x2APIC | because | 3C 25.5\n", "x.txt", 1)
        text = json.loads(json_report(["FAIL"]))
        for mode, red in (("x2APIC", False), ("xAPIC", True)):
            text["machine"] = {"apic_mode": mode}
            found = report.judge(report.parse_json(json.dumps(text)), known, True)
            self.assertEqual(found.red(), red)

    def test_share_of_a_rule_that_is_wrong(self):
        text = json.loads(json_report(["FAIL"]))
        for wrong, share, red in ((1, (1, 3), False), (2, (1, 3), True), (1, (2, 6), False)):
            text["tests"][0].update(rules={"a.b": 3}, wrong={"a.b": wrong})
            known = [report.Deviation("@a.b", 1, "why", "sdm", wrong=share)]
            found = report.judge(report.parse_json(json.dumps(text)), known, True)
            self.assertEqual(found.red(), red)

    def test_form_of_a_share(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "x.txt"
            path.write_text("@a.b cpus>=2 wrong=4/13 | because | 3C 25.5\n")
            self.assertEqual(report.deviations(path, 2)[0].wrong, (4, 13))

    def test_deviation_without_a_test_is_red(self):
        other = [report.Deviation("gone.*", 1, "why", "sdm")]
        self.assertTrue(self.judge(["PASS"], other).red())
        self.assertFalse(self.judge(["PASS"], other, whole=False).red())

    def rules(self, verdict, wrong, known):
        text = json.loads(json_report([verdict]))
        text["tests"][0].update(rules={"a.b": 3, "a.c": 5}, wrong=wrong)
        rows = [report.Deviation(f"@{rule}", 1, "why", "sdm") for rule in known]
        return report.judge(report.parse_json(json.dumps(text)), rows, True).red()

    def test_broken_rules(self):
        self.assertTrue(self.rules("FAIL", {"a.b": 1}, []))
        self.assertFalse(self.rules("FAIL", {"a.b": 1}, ["a.b"]))
        self.assertTrue(self.rules("FAIL", {"a.b": 1, "a.c": 2}, ["a.b"]))
        self.assertTrue(self.rules("FAIL", {}, ["a.b"]))
        self.assertTrue(self.rules("PASS", {}, ["a.b"]))
        self.assertTrue(self.rules("ERROR", {"a.b": 1}, ["a.b"]))
        self.assertFalse(self.rules("PASS", {}, ["not.checked.here"]))

    def test_file_format(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "x.txt"
            path.write_text("# comment\n\na.* | because | 3C 25.5\nb cpus>=4 | so | 3A 10\n")
            self.assertEqual([d.glob for d in report.deviations(path, 2)], ["a.*"])
            self.assertEqual([d.glob for d in report.deviations(path, 4)], ["a.*", "b"])
            path.write_text("a because\n")
            self.assertRaises(report.Broken, report.deviations, path, 1)

    def test_checked_in_files(self):
        for path in (HERE / "deviations").glob("*.txt"):
            report.deviations(path, 64)

    def test_a_file_for_each_vendor(self):
        manuals = {"GenuineIntel": "SDM", "AuthenticAMD": "APM", "HygonGenuine": "APM", "": "SDM"}
        for vendor, manual in manuals.items():
            self.assertEqual(report.Report([], machine={"cpu vendor": vendor}).manual(), manual)
        files = [report.deviations_file(HERE, "bochs-2.7", manual).name
                 for manual in ("SDM", "APM")]
        self.assertEqual(files, ["bochs-2.7.txt", "bochs-2.7-svm.txt"])
        with tempfile.TemporaryDirectory() as folder:
            for name, manual in zip(files, ("SDM", "APM")):
                path = Path(folder) / name
                path.write_text("a | because | vol. 2, \"APIC\"\n")
                self.assertEqual(report.deviations(path, 1)[0].section, f'{manual} vol. 2, "APIC"')

    def test_rule_that_other_models_do_not_break(self):
        text = json.loads(json_report(["PASS"]))
        text["tests"][0].update(rules={"a.b": 3}, wrong={})
        known = [report.Deviation("@a.b", 1, "why", "sdm")]
        for model, red in (("", True), ("ryzen", True), ("max", True), ("EPYC", False)):
            main = Machine("qemu", model=model).main()
            loaded = report.parse_json(json.dumps(text))
            self.assertEqual(report.judge(loaded, known, True, main).red(), red, model)


class Machines(unittest.TestCase):
    """Command lines, and what the host and a machine's own report say about it."""

    def command(self, **machine):
        firmware, emulator._firmware = emulator._firmware, lambda: "OVMF.fd"
        try:
            line = emulator._qemu(Machine(**machine), Path(), "disk.img", Path("serial.txt"))
        finally:
            emulator._firmware = firmware
        return " ".join(line)

    def test_icount_is_for_qemu_alone(self):
        counts = "-icount shift=3,sleep=off -rtc base=2000-01-01,clock=vm"
        self.assertIn(counts, self.command(emulator="qemu"))
        self.assertNotIn("-icount", self.command(emulator="qemu", icount=False))
        self.assertNotIn("-icount", self.command(emulator="kvm"))

    def test_models_of_qemu(self):
        self.assertIn("-cpu max -smp 8 -accel tcg", self.command(emulator="qemu", cpus=8))
        self.assertIn("-cpu EPYC ", self.command(emulator="qemu", model="EPYC"))
        self.assertIn("-cpu host -smp 4 -accel kvm", self.command(emulator="kvm"))

    def test_apic_ids_of_qemu(self):
        line = self.command(emulator="qemu", cpus=3, ids=(255, 513))
        self.assertIn("-cpu max -smp 1,maxcpus=768,sockets=3,cores=256,threads=1 "
                      "-device max-x86_64-cpu,socket-id=0,core-id=255,thread-id=0 "
                      "-device max-x86_64-cpu,socket-id=2,core-id=1,thread-id=0 -accel tcg", line)

    def nests(self, flags, **modules):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            (root / "proc").mkdir()
            (root / "proc/cpuinfo").write_text(f"flags\t\t: fpu {flags} sse\n")
            (root / "dev").mkdir()
            (root / "dev/kvm").write_text("")
            for module, nested in modules.items():
                parameters = root / f"sys/module/{module}/parameters"
                parameters.mkdir(parents=True)
                (parameters / "nested").write_text(f"{nested}\n")
            return scenarios.kvm_nests(root)

    def test_nested_kvm(self):
        self.assertTrue(self.nests("vmx", kvm_intel="Y"))
        self.assertTrue(self.nests("svm", kvm_amd="1"))
        self.assertFalse(self.nests("svm", kvm_amd="0"))
        self.assertFalse(self.nests("vmx", kvm_amd="1"))
        self.assertFalse(self.nests("vmx svm"))

    def test_virtualbox(self):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "disk.img").write_bytes(bytes(1024))

            def command(serial="serial.txt", **more):
                return virtualbox.command(Machine("virtualbox", 2, 600, **more), folder,
                                          "disk.img", Path(serial))

            subprocess.run([command()[0], "-n", str(folder / "start.sh")], check=True)
            self.assertIn("--cpus 2 --memory 600 --cpu-profile 'Intel Core i7-6700K' ",
                          (folder / "start.sh").read_text())
            self.assertIn('RW 2 FLAT "disk.img" 0\n', (folder / "disk.vmdk").read_text())
            self.assertRaises(report.Broken, command, "/dev/pts/7")
            self.assertRaises(report.Broken, command, boot="usb")

    def test_option_that_ends_a_machine(self):
        endings = [Machine(name).ending() for name in ("bochs", "qemu", "kvm", "virtualbox")]
        self.assertEqual(endings, ["-s", "-s", "-s", "--reboot"])


class DeviationPages(unittest.TestCase):
    """docs/deviations: a page for each row of the tables, and none besides."""

    def test_pages(self):
        folder = HERE.parents[1] / "docs/deviations"
        old = os.getcwd()
        os.chdir(HERE.parents[1])
        try:
            made = deviations.pages([])
        finally:
            os.chdir(old)
        there = {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.md")}
        self.assertEqual(set(made), set(there))
        for path, text in made.items():  # what does not come from a report
            for line in text.split("\n## ")[0].splitlines():
                self.assertIn(line, there[path], path)


class ShownReports(unittest.TestCase):
    """What README, docs/report.txt and the pictures show, against a report of the run at hand."""

    def report(self, **other):
        data = json.loads(json_report(["PASS", "FAIL", "SKIP", "FAIL"]))
        data["tests"][2]["reason"] = "needs VMX"
        data["machine"] = {"cpu_brand": "A CPU", "firmware": "EDK II"}
        data["tests"][0].update(other)
        return data

    def test_report(self):
        lines = ["assay                  0.1 (abc)", "PASS t.0 (7)", "FAIL t.1 (7, 110 ms)",
                 "      label: 1 of 4 cases", "SKIP t.2: needs VMX", "FAIL t.3 (7)",
                 "FAIL  t.1: label: 1 of 4 cases",
                 "1 passed, 2 failed, 1 skipped, 0 errors, 21 checks: FAILED"]
        self.assertEqual(readme.stale(lines, self.report()), [])
        self.assertEqual(len(readme.stale(lines, self.report(checks=8))), 1)
        self.assertEqual(len(readme.stale(lines, self.report(verdict="FAIL"))), 1)
        self.assertEqual(len(readme.stale(lines, self.report(name="t.9"))), 2)
        self.assertEqual(len(readme.stale(lines[:-1], self.report())), 1)
        self.assertEqual(len(readme.stale(lines[:3] + lines[4:], self.report())), 0)
        self.assertEqual(len(readme.stale(lines[:2] + lines[3:], self.report())), 1)

    def test_picture(self):
        code = ["assay 0.1 (abc)", "1 passed, 2 failed, 1 skipped, 0 errors, 21 checks: FAILED",
                "unknown", "A CPU", "EDK II", "t.1", "t.3"]
        self.assertEqual(pictures.stale(code, self.report()), [])
        self.assertEqual(pictures.stale(code[:-1], self.report()), [])  # no room for it
        for i in range(len(code)):
            other = code[:i] + ["x"] + code[i + 1:]
            self.assertEqual(len(pictures.stale(other, self.report())), 1)
        for other in ([], code[:5], [*code, "t.2"]):
            self.assertEqual(len(pictures.stale(other, self.report())), 1)


class Citations(unittest.TestCase):
    """tests/lib/citations.def: each vendor's column names that vendor's manual."""

    ROW = re.compile(r'CITATION\((\w+),\s*(?:NULL|"((?:[^"\\]|\\.)*)"),'
                     r'\s*(?:NULL|"((?:[^"\\]|\\.)*)")\)')
    # The APM has neither, nor the wait-for-SIPI activity state.
    INTEL_ONLY = {"TSC_ADJUST", "TSC_DEADLINE", "EXIT_SIPI", "EXIT_SAVES",
                  "VAPIC_ACCESSES", "VAPIC_EOI", "VAPIC_INTERRUPTS", "VAPIC_MSRS", "VAPIC_POSTED"}

    def setUp(self):
        text = (HERE.parent / "lib/citations.def").read_text()
        self.rows = {name: (intel, amd) for name, intel, amd in self.ROW.findall(text)}
        self.assertEqual(len(self.rows), text.count("\nCITATION("))

    def test_columns(self):
        for name, (intel, amd) in self.rows.items():
            if name == "QUIRKS":  # each has a section of its own
                continue
            self.assertRegex(
                intel, r'^$|^(SDM vol\. [1-4][A-D]?|PI vol\. 2|UEFI), \\".+\\"|^none: ', name)
            self.assertRegex(amd, r'^$|^APM vol\. [1-5], \\".+\\"', name)

    def test_neutral_tests_cite_both(self):
        used = set()
        for folder in ("lib", "smp", "vcpu", "machine"):
            for path in (HERE.parent / folder).glob("*.[ch]"):
                used |= set(re.findall(r"\bSPEC_([A-Z0-9_]+)\b", path.read_text()))
        intel_only = {name for name in used & self.rows.keys()
                      if self.rows[name][0].startswith("SDM") and not self.rows[name][1]}
        self.assertEqual(intel_only, self.INTEL_ONLY)


class Console(unittest.TestCase):
    STREAM = (b"\x1b[2J\x1b[01;01H\x1b[0m\x1b[37m\x1b[40mone\r\n\r\n\r\ntwo\r\n"
              b"50 %\r100 %\r\nlast\x1b[5;1Hend")
    LINES = ["one", "", "two", "100 %", "last", "end"]

    def test_however_it_arrives(self):
        for size in range(1, len(self.STREAM) + 1):
            cleaner, lines = Cleaner(), []
            for start in range(0, len(self.STREAM), size):
                lines += cleaner.feed(self.STREAM[start:start + size])
            self.assertEqual(lines + cleaner.flush(), self.LINES, f"in pieces of {size}")


class Bench(unittest.TestCase):
    def wrong(self, value, before, limit):
        _, lines = bench.compare({("f", "4"): (value, "u")}, {("f", "4"): (before, "u", limit)})
        return bool(lines)

    def test_limits_and_baseline(self):
        self.assertFalse(self.wrong(105, 100, 110))
        self.assertTrue(self.wrong(106, 100, None))
        self.assertTrue(self.wrong(111, None, 110))

    def test_svm_against_vmx(self):
        def rows(svm):
            return {(figure, machine): (svm if "SVM" in machine else 100, "ticks")
                    for figure, machine, _, _ in bench.RATIO for machine in ("4", "8", machine)}

        self.assertFalse(bench.compare(rows(150), {})[1])
        self.assertEqual(len(bench.compare(rows(151), {})[1]), len(bench.RATIO))

    def test_figure_that_is_gone(self):
        self.assertTrue(bench.compare({}, {("f", "4"): (1, "u", None)})[1])


class Workflows(unittest.TestCase):
    """docs/ci: what the workflow files call is there and takes what they give it."""

    FOLDER = HERE.parents[1] / "docs/ci"

    def scripts(self, node):
        """Every command of a workflow, wherever it stands."""
        if isinstance(node, dict):
            for key, value in node.items():
                if key in ("run", "script", "before_script"):
                    yield "\n".join([value] if isinstance(value, str) else value)
                else:
                    yield from self.scripts(value)
        elif isinstance(node, list):
            for value in node:
                yield from self.scripts(value)

    def test_files(self):
        for name in ("github", "gitlab"):
            data = yaml.safe_load((self.FOLDER / f"{name}.yml").read_text())
            text = "\n".join(self.scripts(data))
            plain = re.sub(r"\$\{\{.*?\}\}", "4", text)  # GitHub puts values in their place
            subprocess.run(["sh", "-n"], input=plain, text=True, check=True)
            calls = re.findall(r"sh (\S+) (\w+) (\S+)$", plain, re.M)
            self.assertEqual({call[:2] for call in calls},
                             {("docs/ci/run.sh", "qemu"), ("docs/ci/run.sh", "kvm")})

    def test_script(self):
        script = self.FOLDER / "run.sh"
        subprocess.run(["sh", "-n", str(script)], check=True)
        line = re.search(r"tests/run/run.py (.*)", script.read_text())[1]
        for emulator_name in ("qemu", "kvm"):
            words = line.replace('"$emulator"', emulator_name).replace('"$cpus"', "2").split()
            given = run.parser().parse_args(words)
            self.assertEqual((given.emulator, given.cpus), (emulator_name, 2))


class Lab(unittest.TestCase):
    """docs/lab: the patterns of the LAVA job on a report; `make lava` runs it for real."""

    FOLDER = Path(__file__).parents[2] / "docs/lab"

    def test_job(self):
        job, device = (yaml.safe_load((self.FOLDER / f"{name}.yaml").read_text())
                       for name in ("job", "device"))
        method = device["actions"]["boot"]["methods"]["qemu"]["parameters"]
        self.assertEqual(method["extra"], job["context"]["extra_options"])
        self.assertIn(job["context"]["arch"], device["available_architectures"])

    def test_patterns(self):
        job = yaml.safe_load((self.FOLDER / "job.yaml").read_text())
        monitor = job["actions"][-1]["test"]["monitors"][0]
        text = (self.FOLDER.parent / "report.txt").read_text()
        text += "INCOMPLETE: posted-interrupts is required, and"
        start, end = re.search(monitor["start"], text), re.search(monitor["end"], text)
        found = [monitor["fixupdict"][m["result"]]
                 for m in re.finditer(monitor["pattern"], text) if m.start() > start.end()]
        counts = re.search(r"(\d+) passed, (\d+) failed, (\d+) skipped, 0 errors", text).groups()
        passed, failed, skipped = map(int, counts)
        self.assertGreater(end.start(), start.end())
        self.assertEqual([found.count(v) for v in ("pass", "fail", "skip")],
                         [passed, failed + 1, skipped])


class Stick(unittest.TestCase):
    """usb.sh on a made-up /sys, with stat, dd and cmp replaced: no device is touched."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = Path(self.folder.name)
        (self.root / "bin").mkdir()
        for tool, body in (("stat", 'case $2 in %F) echo "${KIND:-block special file}";; *) '
                                    "echo 1000;; esac"),
                           ("dd", f'echo "$@" >{self.root}/written'), ("cmp", ":")):
            (self.root / "bin" / tool).write_text(f"#!/bin/sh\n{body}\n")
            (self.root / "bin" / tool).chmod(0o755)
        self.mounts = self.root / "mounts"
        self.mounts.write_text("/dev/other / ext4 rw 0 0\n")
        (self.root / "stick").write_text("")
        self.block = self.root / "sys/class/block/stick"
        (self.block / "stick1").mkdir(parents=True)
        (self.block / "removable").write_text("1\n")
        (self.block / "size").write_text("1000000\n")

    def usb(self, device="stick", **changes):
        path = f"{self.root}/bin:{os.environ['PATH']}"
        environment = dict(os.environ, PATH=path, SYSFS=f"{self.root}/sys",
                           MOUNTS=str(self.mounts), FORCE="") | changes
        done = subprocess.run(
            ["sh", str(HERE / "usb.sh"), "image", str(self.root / device) if device else ""],
            env=environment, capture_output=True, text=True, check=False)
        wrote = (self.root / "written").exists()
        self.assertEqual(wrote, done.returncode == 0, done.stderr)
        return done.stderr.strip() or "written"

    def test_writes_a_stick(self):
        self.assertEqual(self.usb(), "written")

    def test_refuses_nothing_and_strangers(self):
        self.assertRegex(self.usb(device=""), "Which device")
        self.assertRegex(self.usb(device="absent"), "does not exist")
        self.assertRegex(self.usb(KIND="regular file", FORCE="1"), "not a block device")

    def test_refuses_a_partition(self):
        (self.block / "partition").write_text("1\n")
        self.assertRegex(self.usb(FORCE="1"), "is a partition")

    def test_refuses_a_disk(self):
        (self.block / "removable").write_text("0\n")
        self.assertRegex(self.usb(), "not removable")
        self.assertEqual(self.usb(FORCE="1"), "written")

    def test_refuses_a_mounted_device(self):
        self.mounts.write_text("/dev/stick1 /media/stick vfat rw 0 0\n")
        self.assertRegex(self.usb(), "/dev/stick1 is mounted on /media/stick")
        self.assertEqual(self.usb(FORCE="1"), "written")

    def test_never_the_running_system(self):
        self.mounts.write_text("/dev/stick1 / ext4 rw 0 0\n")
        self.assertRegex(self.usb(FORCE="1"), "running system")

    def test_refuses_what_is_in_use(self):
        (self.block / "stick1/holders/dm-0").mkdir(parents=True)
        self.assertRegex(self.usb(), "in use by dm-0")

    def test_refuses_what_is_too_small(self):
        (self.block / "size").write_text("1\n")
        self.assertRegex(self.usb(FORCE="1"), "too small")


class Asking(unittest.TestCase):
    """What is asked for wrongly is refused in one line, before anything is built or booted."""

    def says(self, pattern, status, *command, **variables):
        done = subprocess.run(command, env=dict(os.environ) | variables, capture_output=True,
                              text=True, check=False, cwd=HERE.parent.parent)
        self.assertRegex(done.stdout + done.stderr, pattern)
        self.assertEqual(done.returncode, status)

    def test_unknown_variables(self):
        self.says("There is no variable CPU here; there are: .*CPUS", 2, "make", "-n", "CPU=2")
        self.says("make", 0, "make", "-n", "CPUS=2", "help")

    def run_py(self, pattern, *options, status=2, **variables):
        """In a folder of its own: what the last `make run` left stays."""
        with tempfile.TemporaryDirectory() as build:
            for name in ("assay.img", "tests.json"):
                (Path(build) / name).symlink_to(HERE.parent.parent / "build" / name)
            self.says(pattern, status, sys.executable, str(HERE / "run.py"), "--build", build, *options,
                      **variables)

    def test_run(self):
        self.run_py("^CPUS and MEMORY must be at least 1\n$", "--cpus", "0")
        self.run_py("^the image has no option --bogus\n$", "--options=--bogus")
        self.run_py("^no test matches no.such", "--options=no.such")
        self.run_py("No judgement after 0 s: Bochs has no model x;", "--model", "x")
        self.run_py("QEMU stopped: .*unable to find CPU model 'x'", "--model", "x",
                    "--emulator", "qemu")
        self.run_py("no OVMF firmware at /nope: set OVMF", OVMF="/nope")
        self.run_py("/etc/hosts is no firmware: its size", OVMF="/etc/hosts")

    def test_run_without_virtualization(self):
        """Its failures are known, and yet it is no success: nothing was tested."""
        self.run_py(r"\nINCOMPLETE, not a success: virtualization is required, and .*\n\Z",
                    "--emulator", "qemu", "--model", "Nehalem", "--cpus", "1", status=3)

    def test_make_run(self):
        for words, says in (
                (("CPUS=abc",), "CPUS is a number, not 'abc'"),
                (("CPUS=",), "CPUS is a number, not ''"),
                (("CPUS=0",), "CPUS must be at least 1"),
                (("MEMORY=5",), "MEMORY must be at least 50"),
                (("BOOT=cd",), "BOOT is disk or usb, not 'cd'"),
                (("EMULATOR=x", "ICOUNT=no"), "EMULATOR is bochs, qemu or kvm, not 'x'")):
            self.says(rf"^{says}\nmake(\[\d+\])?: ", 2, "make", "run", *words)

    def packages(self, release, pattern, status):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(release)
            file.flush()
            self.says(pattern, status, "sh", str(HERE / "packages.sh"), "build",
                      OS_RELEASE=file.name)

    def test_distributions(self):
        self.packages("ID=debian\n", "^$", 0)
        self.packages('NAME="x"\nID="ubuntu"\nID_LIKE="debian"\n', "^$", 0)
        self.packages("ID=mint\nID_LIKE='ubuntu debian'\n", "^$", 0)
        self.packages("ID=fedora\nID_LIKE=notdebian\n", "apt-get install .* gcc ", 1)


if __name__ == "__main__":
    unittest.main()
