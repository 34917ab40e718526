"""`make test`: host tests, the harness's own tests, then the image in emulators, two at a time.

The last line is `N passed, N failed`: host tests, harness tests, builds and emulator runs count
one each.
"""

import argparse
import fnmatch
import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import emulator
import scenario
import scenarios

HERE = Path(__file__).parent
JOBS = 2
MAKE = ("make", f"-j{JOBS}")

SHOWN = 20  # lines of a step that failed: the last ones, and so many before that say why
TELLS_WHY = r"FAILED|SUMMARY: |error:|\*\*\* |^(FAIL|ERROR): "


class Tally:
    def __init__(self):
        self.passed = self.failed = 0
        self.lock = threading.Lock()

    def add(self, name, passed, failed, details="", lines=()):
        """Prints one line, and others below it; a step that counted nothing has failed."""
        if passed + failed == 0:
            failed = 1
        with self.lock:
            self.passed += passed
            self.failed += failed
            print(f"{'FAILED' if failed else 'ok':6}  {name:28}  {details}",
                  *("        " + line for line in lines), sep="\n", flush=True)


def command(arguments, log):
    """Exit status and output, which is kept in the log file as well."""
    done = subprocess.run(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(done.stdout)
    return done.returncode, done.stdout


def step(tally, name, arguments, logs, counters=None):
    """One command; counters are patterns for the numbers of passed and failed tests it prints."""
    status, output = command(arguments, logs / f"{name}.txt")
    passed, failed = 1 - bool(status), int(bool(status))
    if counters:
        passed, failed = (sum(map(int, re.findall(c, output, re.M))) for c in counters)
        if status and not failed:
            failed = 1
    lines = []
    if status:
        before = output.splitlines()[:-SHOWN]
        lines = [line for line in before if re.search(TELLS_WHY, line)][:SHOWN]
        lines += output.splitlines()[-SHOWN:]
    tally.add(name, passed, failed, f"{passed} passed" + f", {failed} failed" * bool(failed), lines)
    return status == 0


def show(tally, result):
    details = result.harness or result.summary or "as expected"
    if result.judgement and result.judgement.known:
        details += f" ({len(result.judgement.known)} known)"
    tally.add(result.scenario.name, int(result.ok()), int(not result.ok()),
              f"{result.seconds:4.0f} s  {details}",
              [line for wrong in result.wrong for line in wrong.splitlines()])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--only", default="*", help="glob: which steps and runs")
    parser.add_argument("--soak", type=int, metavar="RUNS", help="so many runs in one boot, only")
    parser.add_argument("--emulator", default="bochs", choices=("bochs", "qemu"),
                        help="of --soak")
    given = parser.parse_args()
    logs = given.build / "run" / "steps"
    tally = Tally()

    if given.soak:
        result = scenario.run(scenarios.soak(given.soak, given.emulator), given.build)
        show(tally, result)
        ticks = result.report.runs if result.report else [0]
        print(f"        ticks in tests of a run: {min(ticks)} to {max(ticks)}")
        return 1 if tally.failed else 0

    status, said = command(["make", "-s", "format-release"], logs / "format-release.txt")
    other_format = said.splitlines()[0] if status else ""

    def wanted(name):
        return fnmatch.fnmatchcase(name, given.only) and not (name == "format" and other_format)

    clang = f"{given.build}/clang"
    cmocka = (r"\[  PASSED  \] (\d+) test", r"\[  FAILED  \] (\d+) test")
    unittest = (r"^Ran (\d+) tests?", r"(?:failures|errors)=(\d+)")
    for name, arguments, counters in (
            ("sentences", [sys.executable, str(HERE / "rows.py"), str(given.build), "--check"],
             None),
            ("format", ["make", "format-check"], None),
            ("host-tests", [*MAKE, "-k", "check"], cmocka),
            ("host-tests-clang", [*MAKE, "-k", "check", "CC=clang", f"BUILD={clang}"], cmocka),
            ("harness-tests", [sys.executable, str(HERE / "harness_test.py")], unittest),
            ("matrix-tests", [sys.executable, str(HERE / "matrix_test.py")], unittest),
            ("tool-tests", [sys.executable, str(HERE / "tool_test.py")], unittest),
            ("tool-input-tests", [sys.executable, str(HERE / "tool_input_test.py")], unittest),
            ("build-clang", [*MAKE, f"{clang}/assay.img", "CC=clang", f"BUILD={clang}"],
             None),
            ("build-sabotage", [*MAKE, f"{given.build}/sabotage/assay.img", "SABOTAGE=1"], None),
            ("image-file", [sys.executable, str(HERE / "pe.py"), "--check",
                            f"{given.build}/assay.efi"], None),
            ("build-is-reproducible", ["sh", str(HERE / "rebuild.sh"), str(given.build)], None)):
        if wanted(name):
            step(tally, name, arguments, logs, counters)

    counters = (r"^(\d+) passed", r"(\d+) failed$")
    with ThreadPoolExecutor(JOBS) as pool:
        steps = [pool.submit(step, tally, name,
                             [sys.executable, str(HERE / program), str(given.build)], logs,
                             counters)
                 for name, program in (("endings", "endings.py"), ("network", "network.py"),
                                       ("secure-boot", "secure.py")) if wanted(name)]
        runs = [pool.submit(scenario.run, s, given.build)
                for s in scenarios.all_scenarios() if wanted(s.name)]
        for done in as_completed(runs):
            show(tally, done.result())
        for done in steps:
            done.result()
    others = set()
    for page, program, run, made_with in (
            ("coverage", ["coverage.py"], "bochs-4", ""),
            ("conformance", ["conformance.py", "vmx"], "bochs-4", "bochs-2.7"),
            ("conformance-svm", ["conformance.py", "svm"], "qemu-4", ""),
            ("readme", ["readme.py"], "bochs-4", "bochs-2.7"),
            ("picture", ["pictures.py", "screen-4-processors"], "bochs-4", "bochs-2.7"),
            ("picture-no-vmx", ["pictures.py", "screen-no-vmx"], "qemu-no-vmx", "qemu-7.2")):
        report = given.build / "run" / run / "REPORT.JSON"
        if not wanted(page) or not report.exists():
            continue
        there = emulator.version(run.split("-")[0]) if made_with else ""
        if made_with != there:
            others.add(f"        (the step {page} is left out: its page was made with {made_with}, "
                       f"this is {there})")
            continue
        step(tally, page, [sys.executable, str(HERE / program[0]), *program[1:], "--check",
                           str(report)], logs, None)
    if wanted("report-schemas"):
        step(tally, "report-schemas", [sys.executable, str(HERE / "validate.py"),
                                       *map(str, sorted((given.build / "run").iterdir()))], logs)
    if other_format:
        print(f"        (the step format is left out: {other_format})")
    print(*sorted(others), sep="\n", end="\n" * bool(others))
    if not scenarios.kvm_nests():
        print("        (no nested virtualization in /dev/kvm here: the KVM runs are left out)")

    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed or not tally.passed else 0


if __name__ == "__main__":
    sys.exit(main())
