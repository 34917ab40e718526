"""`make run`: one run, its console live.

Exit status 0 green, 1 a test failed, 2 no judgement, 3 what was asked for could not run.
"""

import argparse
import os
import shlex
import sys
from pathlib import Path

import report
import scenario
from emulator import Machine
from report import Broken

sys.path.append(str(Path(__file__).parent / "tool"))

import starting  # noqa: E402


def parser():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--emulator", choices=("bochs", "qemu", "kvm"), default="bochs")
    parser.add_argument("--cpus", type=int, default=4)
    parser.add_argument("--memory", type=int, default=512)
    parser.add_argument("--model", default="")
    parser.add_argument("--boot", choices=("disk", "usb"), default="disk")
    parser.add_argument("--no-icount", dest="icount", action="store_false",
                        help="QEMU: clocks of the host, processors that race")
    parser.add_argument("--options", default="", help="options for the image")
    parser.add_argument("--limit", type=int, default=240, help="seconds")
    return parser


def main():
    given = parser().parse_args()
    os.environ["ASSAY_BUILD"] = str(given.build)
    try:
        if given.cpus < 1 or given.memory < 1:
            raise Broken("CPUS and MEMORY must be at least 1")
        if words := shlex.split(given.options):
            starting.check_options(words)
    except (Broken, ValueError) as error:
        print(error)
        return 2
    informs = {"-h", "-l"} & set(given.options.split())
    wanted = scenario.Scenario(
        "run",
        Machine(given.emulator, given.cpus, given.memory, given.model, given.boot,
                icount=given.icount),
        given.options,
        expect=scenario.Expect(report="none" if informs else "volume", passed=0, skips=".*"),
        limit=given.limit)
    print(f"Starting {given.emulator} with {given.cpus} processors; the firmware needs a while.")
    result = scenario.run(wanted, given.build, lambda line: print(line, flush=True))

    folder = given.build / "run" / "run"
    print()
    if result.harness:
        print(f"No judgement after {result.seconds:.0f} s: {result.harness}; see {folder}")
        return 2
    if result.judgement:
        for test, deviation in result.judgement.known:
            print(f"Known deviation of this emulator: {test['name']}: {deviation.why} "
                  f"({deviation.section})")
        for test in result.judgement.failing:
            print(report.explain(test))
        for line in result.judgement.surprises:
            print(line)
    print(f"{result.summary or 'done'}; {result.seconds:.0f} s; reports: {folder}")
    if result.ok() and result.judgement and result.judgement.known:
        print("Every failure is a known deviation of this emulator.")
    # Failures that are known do not make up for what could not run.
    if result.ok() and result.report and result.report.lacks:
        print(f"INCOMPLETE, not a success: {result.report.lacks}")
        return 3
    return 0 if result.ok() else 1


if __name__ == "__main__":
    sys.exit(main())
