"""Many reports as one table: a fleet of machines, or one machine over time."""

from pathlib import Path

from comparing import table
from converting import identity
from loading import load
from report import Broken

NAMES = ("REPORT.JSON", "*.json", "*.JSON")


def collect(folders):
    """[(name, Report or why there is none)], by path; name: the path below its folder."""
    found = []
    for folder in map(Path, folders):
        if folder.is_file():
            paths, folder = [folder], folder.parent
        else:
            paths = sorted({path for name in NAMES for path in folder.rglob(name)})
        for path in paths:
            name = str(path.relative_to(folder) if len(paths) > 1 else path)
            name = name.removesuffix("/REPORT.JSON").removesuffix("/ASSAY")
            try:
                found.append((name, load(path)))
            except Broken as error:
                found.append((name, str(error)))
    if not found:
        raise Broken(f"no report in {', '.join(map(str, folders))}")
    return found


COLUMNS = ["report", "machine", "assay", "outcome", "passed", "failed", "skipped", "errors"]


def overview(found):
    rows = []
    for name, one in found:
        if isinstance(one, str):
            rows.append([name, one, "", "BROKEN", "", "", "", ""])
        else:
            rows.append([name, identity(one), one.machine.get("assay", "?"), one.outcome,
                         *(one.count(v) for v in ("PASS", "FAIL", "SKIP", "ERROR"))])
    return rows


def differences(found):
    """The tests that do not pass on every machine that has them: a column for each report."""
    whole = [(name, one) for name, one in found if not isinstance(one, str)]
    verdicts = [{t["name"]: t["verdict"] for t in one.tests} for _, one in whole]
    names = dict.fromkeys(name for one in verdicts for name in one)
    rows = [[name, *(one.get(name, "-") for one in verdicts)] for name in names
            if {"FAIL", "ERROR"} & {one.get(name) for one in verdicts}]
    return ["test", *(name for name, _ in whole)], rows


def bad(found):
    return any(isinstance(one, str) or one.outcome != "PASSED" for _, one in found)


def markdown(found):
    lines = ["# Machines", "", *table(COLUMNS, overview(found))]
    columns, rows = differences(found)
    if rows:
        lines += ["", "## Tests that fail somewhere", "", *table(columns, rows)]
    return "\n".join(lines) + "\n"


def text(found):
    lines = []
    for columns, rows in ((COLUMNS, overview(found)), differences(found)):
        if not rows:
            continue
        widths = [min(50, max(len(str(r[i])) for r in [columns, *rows]))
                  for i in range(len(columns))]
        lines += ["  ".join(str(c)[:50].ljust(w) for c, w in zip(row, widths)).rstrip()
                  for row in [columns, *rows]] + [""]
    return "\n".join(lines)
