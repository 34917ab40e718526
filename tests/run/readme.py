"""Fills the marked blocks of README.md and docs/report.txt from what was measured.

Called by `make bench-update`, which has just run the image with 4 processors; `make test` checks
that they are what the sources and its own run say.
"""

import argparse
import json
import re
import sys
from pathlib import Path

from report import last_line

README, REPORT = Path("README.md"), Path("docs/report.txt")


def block(text, name, lines):
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    body = "\n".join(lines)
    return re.sub(f"{start}.*?{end}", lambda _: f"{start}\n{body}\n{end}", text, flags=re.S)


TEST = re.compile(r"(PASS|FAIL|SKIP|ERROR) +\w+\.\S+(:| \(\d+)")
RESULT = re.compile(r"(PASS|FAIL|SKIP|ERROR) (\w+\.[^\s:]+)(?: \((\d+)[^)]*\)|: (.*))")
BENCH = re.compile(r".* \d+ (ticks|bytes)$")
CAPABILITIES = re.compile(r"vmx | {4}\S")
DETAIL = re.compile(r" +\S")
DETAILS = 4  # lines of the first failure


def whole_report(console):
    """The console from the first fact to the totals, without the firmware's lines and figures."""
    lines = [line for line in console.splitlines() if not line.startswith("BdsDxe")]
    end = max(i for i, line in enumerate(lines)
              if re.search(r"\d+ errors, \d+ checks: [A-Z]+$", line))
    return [line.rstrip() for line in lines[: end + 1] if not BENCH.match(line)]


def report_lines(lines):
    """What a reader needs: identity, some tests, every one that did not pass, the first failure's
    first lines, the end. docs/report.txt has them all."""
    lines = [line for line in lines if not CAPABILITIES.match(line)]
    summary = max(i for i, line in enumerate(lines) if re.match(r"assay \d\S* \(", line))
    tests = [i for i, line in enumerate(lines[:summary]) if TEST.match(line)]
    hidden = {i for i in tests[8:-4] if TEST.match(lines[i]).group(1) == "PASS"}
    details = [i for i in range(tests[0], tests[-1]) if DETAIL.match(lines[i])]
    hidden |= set(details[DETAILS:])
    shown, left_out = [], False
    for i, line in enumerate(lines):
        if i not in hidden:
            shown.append("    " + line if line else "")
        elif not left_out:
            shown.append("    ...")
        left_out = i in hidden
    return shown


def bench_lines(baseline):
    rows = [[cell.strip() for cell in line.split("|")]
            for line in baseline.read_text().splitlines() if line and not line.startswith("#")]
    table = ["| figure | processors | value | unit | limit |", "| --- | --- | ---: | --- | ---: |"]
    return table + ["| " + " | ".join(row) + " |" for row in rows]


def option_lines(source):
    usage = re.search(r"options_usage\[\] =(.*?);\n\n", source.read_text(), re.S).group(1)
    text = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', usage))
    return ["    " + line for line in
            text.replace("\\n", "\n").replace("\\\\", "\\").rstrip().splitlines()]


def filled(text, lines):
    text = block(text, "report", report_lines(lines))
    text = block(text, "options", option_lines(Path("efi/options.c")))
    return block(text, "bench", bench_lines(Path("tests/run/baseline.txt")))


def stale(lines, report):
    """Lines: where a console that is kept has other verdicts or counts than the report. Version,
    date, the clock's frequency, notes and what a test measured are of each run."""
    shown = {match[2]: (match[1], match[3] or match[4])
             for line in lines if (match := RESULT.fullmatch(line))}
    wanted = {test["name"]: (test["verdict"], test["reason"] if test["verdict"] == "SKIP"
                             else str(test["checks"])) for test in report["tests"]}
    wrong = [f"{name}: {shown.get(name)}, the run has {wanted.get(name)}"
             for name in {**shown, **wanted} if shown.get(name) != wanted.get(name)]
    last = last_line(report["summary"])
    return wrong + ([] if lines[-1] == last else [f"{lines[-1]!r}, the run has {last!r}"])


def check(report):
    lines = REPORT.read_text().splitlines()
    wrong = [f"{REPORT} is stale: {line}" for line in stale(lines, report)]
    if filled(README.read_text(), lines) != README.read_text():
        wrong.append(f"{README} is not what {REPORT} and the sources say")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="folder of a run; with --check its REPORT.JSON")
    parser.add_argument("--check", action="store_true", help="compare, do not write")
    given = parser.parse_args()
    if given.check:
        wrong = check(json.loads(given.run.read_text()))
        if wrong:
            wrong.append(f"python3 tests/run/readme.py {given.run.parent} makes both anew")
        print("\n".join(wrong or ["1 passed"]))
        return 1 if wrong else 0
    lines = whole_report((given.run / "console.txt").read_text())
    REPORT.write_text("\n".join(lines) + "\n")
    README.write_text(filled(README.read_text(), lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
