"""Many reports as one table: a fleet of machines, or one machine over time."""

import json
from dataclasses import dataclass
from pathlib import Path

from comparing import escape, table
from converting import identity
from loading import NAMES, load
from report import Broken, Report

# A file with this line is a console's log, whatever it is called.
MARK = b"test (number of checks)"


@dataclass
class Row:
    name: str
    report: Report = None
    broken: str = ""  # why there is no report, or no judgement
    judged: str = ""  # with a known list: GREEN or RED

    def bad(self):
        return bool(self.broken) or (self.judged or self.report.outcome) not in ("PASSED", "GREEN")


def collect(folders, judge=None):
    """(rows by path, lines about files that were left out); a row's name is the path below its
    folder; judge: makes a judging.Verdict of a Report."""
    rows, notes = [], []
    for folder in map(Path, folders):
        if folder.is_file():
            paths, folder = [folder], folder.parent
        elif folder.is_dir():
            paths = [path for below in sorted({folder, *folder.rglob("*/")}) if below.is_dir()
                     for path in _of_folder(below)]
        else:
            raise Broken(f"{folder}: No such file or directory")
        for path in paths:
            if foreign(path):
                notes.append(f"{path} is no report and is left out")
                continue
            name = str(path.relative_to(folder) if len(paths) > 1 else path)
            for end in ("/ASSAY/REPORT.JSON", *(f"/{n}" for n in NAMES)):
                name = name.removesuffix(end)
            rows.append(_row(name, path, judge))
    if not rows:
        raise Broken(f"no report in {', '.join(map(str, folders))}")
    return rows, notes


def _of_folder(folder):
    """Its reports: a run leaves one of NAMES, the best of which counts; else any number."""
    files = [path for path in sorted(folder.iterdir()) if path.is_file()]
    found = [path for path in files if path.suffix.lower() == ".json"]
    first = next((folder / n for n in NAMES if (folder / n).is_file()), None)
    if not first:
        return found + [path for path in files if path.suffix.lower() in (".log", ".txt")]
    if first in found or first.parent != folder:
        return found
    return [*found, first]


def foreign(path):
    """Whether it is JSON of another program, or a text that is no console's log. A file that is
    damaged, and a .log, may be ours: they are not passed over."""
    if path.name in NAMES:
        return False
    try:
        data = path.read_bytes()
        if path.suffix.lower() == ".txt":
            return MARK not in data
        data = json.loads(data) if path.suffix.lower() == ".json" else {"assay": ""}
    except (OSError, ValueError, RecursionError):
        return False
    return not isinstance(data, dict) or not {"assay", "tests"} & set(data)


def _row(name, path, judge):
    row = Row(name)
    try:
        row.report = load(path)
        if judge:
            row.judged = "RED" if judge(row.report).red() else "GREEN"
    except Broken as error:
        row.broken = str(error)
    return row


COLUMNS = ["report", "machine", "assay", "outcome", "passed", "failed", "skipped", "errors"]


def overview(rows):
    cells = []
    for row in rows:
        if row.broken:
            cells.append([row.name, row.broken, "", "BROKEN", "", "", "", ""])
        else:
            one = row.report
            cells.append([row.name, identity(one), one.machine.get("assay", "?"),
                          f"{one.outcome} {row.judged}".strip(),
                          *(one.count(v) for v in ("PASS", "FAIL", "SKIP", "ERROR"))])
    return cells


def differences(rows):
    """The tests that do not pass on every machine that has them: a column for each report."""
    whole = [row for row in rows if not row.broken]
    verdicts = [{t["name"]: t["verdict"] for t in row.report.tests} for row in whole]
    names = dict.fromkeys(name for one in verdicts for name in one)
    cells = [[name, *(one.get(name, "-") for one in verdicts)] for name in names
             if {"FAIL", "ERROR"} & {one.get(name) for one in verdicts}]
    return ["test", *(row.name for row in whole)], cells


def markdown(found, notes):
    lines = ["# Machines", "", *table(COLUMNS, overview(found))]
    columns, rows = differences(found)
    if rows:
        lines += ["", "## Tests that fail somewhere", "", *table(columns, rows)]
    lines += [line for note in notes for line in ("", f"Note: {escape(note)}.")]
    return "\n".join(lines) + "\n"


def text(found, notes):
    lines = []
    for columns, rows in ((COLUMNS, overview(found)), differences(found)):
        if not rows:
            continue
        widths = [min(50, max(len(str(r[i])) for r in [columns, *rows]))
                  for i in range(len(columns))]
        lines += ["  ".join(str(c)[:50].ljust(w) for c, w in zip(row, widths)).rstrip()
                  for row in [columns, *rows]] + [""]
    return "\n".join(lines + [f"note: {note}" for note in notes])
