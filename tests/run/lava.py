"""Runs docs/lab/job.yaml with docs/lab/device.yaml by LAVA's own lava-run, which needs no server.

`lava.py BUILD`. Good if the job passes, and LAVA recorded as many of each verdict as the image says in
its last line, with one failure more for the capability that is required and missing.
"""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import emulator
import image

LAB = Path(__file__).parents[2] / "docs/lab"
LIMIT = 900
# All verdicts but ERROR: QEMU's local APIC fails, and it has no posted interrupts.
OPTIONS = "-s --require posted-interrupts machine.* vector.machine.* svm.capabilities ipi.posted.*"
TOTALS = re.compile(r"(\d+) passed, (\d+) failed, (\d+) skipped, (\d+) errors, \d+ checks: ([A-Z]+)")


def missing():
    """What this machine lacks, or nothing."""
    lacks = [f"{program} (package {package})" for program, package in (
        ("lava-run", "lava-dispatcher"), ("qemu-system-x86_64", "qemu-system-x86"),
        ("mcopy", "mtools")) if not shutil.which(program)]
    if not os.path.exists(emulator._firmware()):
        lacks.append("OVMF.fd (package ovmf)")
    if os.geteuid():
        lacks.append("root, whom lava-run asks for")
    return ", ".join(lacks)


def prepare(build, folder):
    disk = folder / "prepared.img"
    image.copy(build / "assay.img", disk)
    image.options(disk, OPTIONS)
    text = (LAB / "job.yaml").read_text()
    for name, path in (("OVMF.fd", emulator._firmware()), ("prepared.img", disk)):
        text = text.replace(f"http://server/{name}", f"file://{path}")
    (folder / "job.yaml").write_text(text)


def lava_run(folder):
    """Exit status, and the messages of its log: (level, message) each."""
    import yaml  # lava-run brings it along
    with open(folder / "log.txt", "w") as log:
        done = subprocess.run(
            ["lava-run", "--device", LAB / "device.yaml", "--job-id", "1", "--output-dir",
             folder / "out", folder / "job.yaml"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=LIMIT, check=False)
    lines = (folder / "log.txt").read_text().splitlines()
    messages = [yaml.safe_load(line) for line in lines if line.startswith("{")]
    return done.returncode, [(m["lvl"], m["msg"]) for m in messages]


def wrong(status, messages):
    """What is wrong, or nothing."""
    results = [m for level, m in messages if level == "results"]
    if status or {"definition": "lava", "case": "job", "result": "pass"} not in results:
        return f"lava-run ends with status {status}"
    recorded = Counter(r["result"] for r in results if r["definition"] == "assay")
    said = [t for level, m in messages if level == "target" for t in TOTALS.findall(str(m))]
    if len(said) != 1:
        return "the console has no last line"
    passed, failed, skipped, errors = map(int, said[0][:4])
    if 0 in (passed, failed, skipped):
        return "the run has not every kind of verdict"
    wanted = {"pass": passed, "fail": failed + errors + 1, "skip": skipped}
    if recorded != wanted:
        return f"LAVA recorded {dict(recorded)}, wanted {wanted}"
    cases = {r["case"] for r in results if r["definition"] == "assay"}
    return "" if "posted_interrupts" in cases else "no failure for the missing capability"


def main():
    lacks = missing()
    if lacks:
        print(f"`make lava` needs {lacks}", file=sys.stderr)
        return 2
    folder = image.fresh_folder(Path(sys.argv[1]).resolve() / "run" / "lava")
    prepare(Path(sys.argv[1]), folder)
    status, messages = lava_run(folder)
    for result in (m for level, m in messages if level == "results"):
        print(f"{result['result']:5} {result['definition']} {result['case']}")
    why = wrong(status, messages)
    print(f"FAILED: {why}; see {folder}/log.txt" if why else "as expected")
    return 1 if why else 0


if __name__ == "__main__":
    sys.exit(main())
