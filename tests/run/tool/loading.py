"""Reads what a run left: REPORT.JSON, or the console of a machine without a volume to write to."""

import re
from pathlib import Path

import report
from console import Cleaner
from report import Broken, Report

TEST = re.compile(r"(PASS|FAIL|ERROR) +(\S+) \((\d+)(?:, (\d+) ms)?\)")
SKIP = re.compile(r"SKIP +(\w+\.\S+): (.*)")


def load(path):
    """A Report; path is REPORT.JSON, a console's log, or a folder with one of the two."""
    path = Path(path)
    if path.is_dir():
        names = ("REPORT.JSON", "ASSAY/REPORT.JSON", "console.txt", "console.log", "serial.txt")
        path = next((path / n for n in names if (path / n).exists()), path / names[0])
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Broken(f"{path}: {error.strerror}") from None
    if data.lstrip()[:1] == b"{":
        loaded = report.parse_json(data.decode("utf-8", "replace"))
    else:
        loaded = from_console(data)
    loaded.path = path
    return loaded


def from_console(data):
    """The log of a serial line, with the firmware's control sequences or without."""
    cleaner = Cleaner()
    lines = cleaner.feed(data) + cleaner.flush()
    ends = [i for i, line in enumerate(lines) if report.SUMMARY.fullmatch(line)]
    if not ends:
        raise Broken("the console has no last line such as `180 passed, ..., 9 checks: PASSED`: "
                     "the run did not come to its end, or this is no log of it")
    if len(ends) > 1:
        raise Broken(f"the console has {len(ends)} runs; give one")
    lines = lines[:ends[0] + 1]
    tests, machine, seen = _tests(lines), _facts(lines), report.SUMMARY.fullmatch(lines[-1])
    loaded = Report(tests, machine=machine, outcome=seen[6])
    for line in lines:
        if line.startswith("INCOMPLETE: "):
            loaded.lacks = line[12:]
    if loaded.summary() != seen[0].rsplit(":", 1)[0]:
        raise Broken(f"the console's tests come to {loaded.summary()!r}, its last line says "
                     f"{seen[0]!r}: lines are missing")
    lost = any(line.startswith("no virtualization: ") for line in lines)
    loaded.whole = {"capabilities": {"virtualization": not lost}}
    return loaded


def _tests(lines):
    """Tests until the summary, where failures are told once more without their checks."""
    tests, names = [], set()
    for i, line in enumerate(lines):
        if match := TEST.fullmatch(line):
            test = {"name": match[2], "verdict": match[1], "checks": int(match[3])}
            if match[1] != "PASS":
                test |= _explanation(lines[i + 1:i + 8])
        elif match := SKIP.fullmatch(line):
            test = {"name": match[1], "verdict": "SKIP", "reason": match[2], "checks": 0}
        else:
            continue
        if test["name"] not in names:  # with -n a test that changed its mind comes again
            tests.append(test)
            names.add(test["name"])
    return tests


def _explanation(lines):
    said = {}
    for line in lines:
        if not line.startswith("      "):
            break
        text = line.strip()
        if match := re.fullmatch(r"wanted (.*), got (.*)", text):
            said |= {"wanted": match[1], "got": match[2]}
        elif match := re.fullmatch(r"(where|about|means|again)  +(.*)", text):
            said[match[1]] = match[2]
        elif "reason" not in said:
            said["reason"] = text
        elif "spec" not in said and re.match(r"(SDM|APM|PI|UEFI|Intel|AMD)\b", text):
            said["spec"] = text
    return said


def _facts(lines):
    facts, last = {}, None
    for line in lines:
        if line.startswith("test (number of checks)"):
            break
        if len(line) > 23 and line[22] == " " and (name := line[:22].rstrip()) and \
                re.fullmatch(r"[a-z][a-z0-9 -]*", name):
            last = name
            facts[name] = line[23:]
        elif last and line.startswith("    "):
            facts[last] += " " + line.strip()
    return facts


def milliseconds(loaded, test):
    """How long a test took; None where the report does not say."""
    clock = loaded.whole.get("clock_hz")
    return test["ticks"] * 1000 / clock if clock and "ticks" in test else None
