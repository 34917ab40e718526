"""Reads what a run left: REPORT.JSON, or the console of a machine without a volume to write to."""

import re
import sys
from pathlib import Path

import report
from console import Cleaner
from report import Broken, Report

TEST = re.compile(r"(PASS|FAIL|ERROR) +(\S+) \((\d+)(?:, (\d+) ms)?\)")
SKIP = re.compile(r"SKIP +(\w+\.\S+): (.*)")
CUT = re.compile(r"and (\d+) lines more in the report")
# A failing test's lines that name a rule that is broken; others only speak of a rule.
_RULE = r"[a-z0-9_]+(?:\.[a-z0-9_]+)+"
_WRONG = r"wanted .*, got .*|\d+ of \d+ (?:checks|cases).*"
BROKEN_RULE = re.compile(rf"({_RULE})(?:: |, row ).*(?:{_WRONG})|violates ({_RULE}): .*")
NAMES = ("REPORT.JSON", "ASSAY/REPORT.JSON", "console.txt", "console.log", "serial.txt")
OTHERS = {b"TAP version": "a TAP file", b"<?xml": "an XML file", b"MZ": "a program",
          b"\xfd7zXZ": "an .xz file", b"\x1f\x8b": "a .gz file", b"EFI PART": "a disk image",
          b"\x7fELF": "a program"}


def load(path):
    """A Report; path is REPORT.JSON, a console's log, a folder with one of the two, or - for the
    standard input."""
    path = Path(path)
    name = "standard input" if str(path) == "-" else None
    if name is None and path.is_dir():
        path = next((path / n for n in NAMES if (path / n).exists()), path / NAMES[0])
    try:
        data = sys.stdin.buffer.read() if name else path.read_bytes()
    except OSError as error:
        raise Broken(f"{name or path}: {error.strerror}") from None
    name = name or str(path)
    loaded = parse(data, name)
    loaded.path = name
    return loaded


def parse(data, name):
    start = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start:
        raise Broken(f"{name} is empty")
    for mark, what in OTHERS.items():
        if start.startswith(mark):
            raise Broken(f"{name} is {what}: give REPORT.JSON, or the console's log")
    if start[:1] == b"{" or name.lower().endswith(".json"):
        return report.parse_json(start.decode("utf-8", "replace"), name)
    try:
        return from_console(data)
    except Broken as error:
        raise Broken(f"{name}: {error}") from None


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
    loaded.console = True
    return loaded


def _tests(lines):
    """Tests until the summary, where failures are told once more without their checks."""
    tests, names = [], set()
    for i, line in enumerate(lines):
        if match := TEST.fullmatch(line):
            test = {"name": match[2], "verdict": match[1], "checks": int(match[3])}
            if match[1] != "PASS":
                test |= _explanation(lines[i + 1:])
        elif match := SKIP.fullmatch(line):
            test = {"name": match[1], "verdict": "SKIP", "reason": match[2], "checks": 0}
        else:
            continue
        if test["name"] not in names:  # with -n a test that changed its mind comes again
            tests.append(test)
            names.add(test["name"])
    return tests


def _explanation(lines):
    """What is told below a test that fails: members as in REPORT.JSON, but for the rules, whose
    numbers of checks are not told; cut: so many lines are only in the report."""
    said, notes, last = {}, [], None
    for line in lines:
        if not line.startswith("      "):
            break
        text, indent = line.strip(), len(line) - len(line.lstrip())
        if match := CUT.fullmatch(text):
            said["cut"] = int(match[1])
        elif indent > 6 and not notes and last and indent >= 12:
            said[last] += " " + text
        elif indent > 6:
            notes.append(line[8:])
        elif match := re.fullmatch(r"wanted (.*), got (.*)", text):
            said |= {"wanted": match[1], "got": match[2]}
        elif match := re.fullmatch(r"(where|about|means|again)  +(.*)", text):
            last = match[1]
            said[last] = match[2]
        elif "reason" not in said:
            said["reason"] = text
        elif "spec" not in said and re.match(r"(SDM|APM|PI|UEFI|Intel|AMD|none)\b", text):
            said["spec"] = text
    if notes:
        said["notes"] = "\n".join(notes)
    if wrong := _broken_rules(said, notes):
        said["wrong"] = wrong
    return said


def _broken_rules(said, notes):
    """{rule: 1} of the rules that are named as broken: all of them, if no line is cut."""
    first = said.get("reason", "")
    if "wanted" in said:
        first += f": wanted {said['wanted']}, got {said['got']}"
    found = (BROKEN_RULE.fullmatch(line.strip()) for line in [first, *notes])
    return {match[1] or match[2]: 1 for match in found if match}


def _facts(lines):
    facts, last = {}, None
    for line in lines:
        if line.startswith("test (number of checks)"):
            break
        if len(line) > 23 and line[22] == " " and (name := line[:22].rstrip()) and \
                re.fullmatch(r"[a-z][a-z0-9 _-]*", name):
            last = name
            facts[name] = line[23:]
        elif last and line.startswith("    "):
            facts[last] += " " + line.strip()
    return facts


def milliseconds(loaded, test):
    """How long a test took; None where the report does not say."""
    clock = loaded.whole.get("clock_hz")
    return test["ticks"] * 1000 / clock if clock and "ticks" in test else None
