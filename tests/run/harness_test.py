"""Tests of the harness itself: above all, that it does not take a bad run for a good one."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import bench
import report
from console import Cleaner

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

    def test_figure_that_is_gone(self):
        self.assertTrue(bench.compare({}, {("f", "4"): (1, "u", None)})[1])


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

    def run_py(self, pattern, *options, **variables):
        """In a folder of its own: what the last `make run` left stays."""
        with tempfile.TemporaryDirectory() as build:
            (Path(build) / "assay.img").symlink_to(HERE.parent.parent / "build/assay.img")
            self.says(pattern, 2, sys.executable, str(HERE / "run.py"), "--build", build, *options,
                      **variables)

    def test_run(self):
        self.run_py("^CPUS and MEMORY must be at least 1\n$", "--cpus", "0")
        self.run_py("^the image has no option --bogus\n$", "--options=--bogus")
        self.run_py("^no test matches no.such", "--options=no.such")
        self.run_py("No judgement after 0 s: Bochs has no model x;", "--model", "x")
        self.run_py("QEMU stopped: .*unable to find CPU model 'x'", "--model", "x",
                    "--emulator", "qemu")
        self.run_py("no OVMF firmware at /nope: set OVMF", OVMF="/nope")

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
