"""`make bench`: runs the image's benchmarks, prints one table, compares it with the baseline.

tests/run/baseline.txt: `figure | processors | value | unit | limit`; lower is better throughout.
Red if a figure is over its limit, or more than 5 % above its baseline, or missing, or if many
targets cost more each than few, or if an exit costs too much more with SVM than with VMX.
"""

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import scenario
import scenarios
from emulator import Machine
from report import Broken

BASELINE = Path(__file__).parent / "baseline.txt"
TOLERANCE = 1.05
# What the column "processors" says: Bochs, whose ticks are instructions, with VMX and with SVM,
# where one of the processors ends the slices of the others.
MACHINES = {
    "4": Machine("bochs", 4),
    "8": Machine("bochs", 8),
    "5 SVM": Machine("bochs", 5, model="ryzen"),
}
# So much may a figure of the first machine be above that of the second.
RATIO = (
    ("CPUID exit round trip", "5 SVM", "4", 1.5),
)
# At most linear: (figure with few targets, how many, figure with many, how many).
GROWTH = (
    ("start of 7 APs by broadcast", 7, "start of 63 APs by broadcast", 63),
    ("broadcast to 3 and all took it", 3, "broadcast to 7 and all took it", 7),
)
HEADING = """\
# figure | processors | value | unit | limit (- for none). Written by `make bench-update`, which
# keeps the limits. Lower is better.
"""


def read_baseline():
    """{(figure, processors): (value, unit, limit)}"""
    rows = {}
    for line in BASELINE.read_text().splitlines() if BASELINE.exists() else []:
        if line.strip() and not line.startswith("#"):
            figure, cpus, value, unit, limit = (cell.strip() for cell in line.split("|"))
            rows[figure, cpus] = (None if value == "-" else float(value), unit,
                                  None if limit == "-" else float(limit))
    return rows


def measure(build):
    """{(figure, processors): (value, unit)}"""
    rows = {("image size", "-"): ((build / "assay.efi").stat().st_size, "bytes")}
    runs = [scenario.Scenario(f"bench-{name.replace(' ', '-')}", machine,
                              f"-b {scenarios.tests_of(machine)}".strip(),
                              expect=scenario.Expect(passed=0, skips=".*"), limit=1500)
            for name, machine in MACHINES.items()]
    with ThreadPoolExecutor(2) as pool:
        for name, result in zip(MACHINES, pool.map(lambda s: scenario.run(s, build), runs)):
            if not result.ok():
                raise Broken(f"{name} processors: " + "\n".join([result.harness, *result.wrong]))
            for figure in result.report.bench:
                rows[figure["name"], name] = (figure["value"], figure["unit"])
    return rows


def number(value):
    if value is None:
        return "-"
    return f"{value:.0f}" if value == int(value) else f"{value:.2f}"


def compare(rows, baseline):
    """Lines of the table, and what is wrong."""
    wrong = [f"{f} ({n} processors) was not measured" for f, n in baseline if (f, n) not in rows]
    table = [("figure", "processors", "value", "baseline", "change", "limit", "unit")]
    for (figure, cpus), (value, unit) in rows.items():
        before, _, limit = baseline.get((figure, cpus), (None, unit, None))
        change = f"{(value / before - 1) * 100:+.1f} %" if before else "-"
        table.append((figure, cpus, number(value), number(before), change, number(limit), unit))
        if limit is not None and value > limit:
            wrong.append(f"{figure} ({cpus} processors): {number(value)} is over {number(limit)}")
        if before is not None and value > before * TOLERANCE:
            wrong.append(f"{figure} ({cpus} processors): {change} against the baseline")
    for few, less, many, more in GROWTH:
        for cpus in MACHINES:
            if (many, cpus) in rows:
                each = [rows[few, cpus][0] / less, rows[many, cpus][0] / more]
                if each[1] > each[0] * TOLERANCE:
                    wrong.append(f"{many} ({cpus} processors): {each[1]:.0f} ticks for each, "
                                 f"but {each[0]:.0f} with few")
    for figure, machine, other, limit in RATIO:
        value, base = (rows.get((figure, name), (None,))[0] for name in (machine, other))
        if value and base and value > base * limit:
            wrong.append(f"{figure} ({machine} processors): {number(value)} is over {limit} times "
                         f"{number(base)}")
    widths = [max(map(len, column)) for column in zip(*table)]
    lines = ["  ".join(cell.ljust(w) if i in (0, 6) else cell.rjust(w)
                       for i, (cell, w) in enumerate(zip(row, widths))).rstrip() for row in table]
    return lines, wrong


def update(rows, baseline):
    cells = [(figure, cpus, number(value), unit,
              number(baseline.get((figure, cpus), (0, 0, None))[2]))
             for (figure, cpus), (value, unit) in rows.items()]
    BASELINE.write_text(HEADING + "".join(" | ".join(row) + "\n" for row in cells))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--update", action="store_true")
    given = parser.parse_args()
    try:
        rows = measure(given.build)
    except Broken as error:
        print(f"No figures: {error}")
        return 2
    baseline = read_baseline()
    lines, wrong = compare(rows, baseline)
    print("\n".join(lines))
    if not any(cpus != "-" for _, cpus in rows):
        print("The image reported no figures.")
        return 2
    if given.update:
        update(rows, baseline)
        return 0
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
