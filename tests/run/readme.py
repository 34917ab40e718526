"""Fills the marked blocks of README.md and docs/report.txt from what was measured.

Called by `make bench-update`, which has just run the image with 4 processors.
"""

import re
import sys
from pathlib import Path

README = Path("README.md")


def block(text, name, lines):
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    body = "\n".join(lines)
    return re.sub(f"{start}.*?{end}", lambda _: f"{start}\n{body}\n{end}", text, flags=re.S)


TEST = re.compile(r"(PASS|FAIL|SKIP|ERROR) +\w+\.\S+(:| \(\d+)")
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
    tests = [i for i, line in enumerate(lines) if TEST.match(line)]
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


def main():
    text = README.read_text()
    lines = whole_report((Path(sys.argv[1]) / "console.txt").read_text())
    Path("docs/report.txt").write_text("\n".join(lines) + "\n")
    text = block(text, "report", report_lines(lines))
    text = block(text, "options", option_lines(Path("efi/options.c")))
    text = block(text, "bench", bench_lines(Path("tests/run/baseline.txt")))
    README.write_text(text)


if __name__ == "__main__":
    main()
