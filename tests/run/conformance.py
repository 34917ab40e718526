"""docs/*-conformance.md: each rule of a catalogue, the test that checks it, how many checks.

The rules are the rows of tests/vmx/rules_*.def and tests/svm/rules.def; the image puts what it
checked into REPORT.JSON ("rules" of a test). What cannot be checked on the spot has a reason in
untested.txt beside them. `make conformance` writes the pages from reports, `make test` compares,
and is red if one has drifted or if a rule of a finished chapter has neither checks nor a reason.
"""

import argparse
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path



@dataclass(frozen=True)
class Vendor:
    name: str
    files: tuple
    finished: tuple  # chapters
    machine: str
    manual: str
    later: str = "not yet"  # of a rule of another chapter that no test checks

    def page(self):
        return Path(f"docs/{self.name.lower()}-conformance.md")

    def untested(self):
        return Path(f"tests/{self.name.lower()}/untested.txt")


VENDORS = {
    "vmx": Vendor("VMX", ("tests/vmx/rules_entry.def", "tests/vmx/rules_guest.def"),
                  tuple(range(1, 12)), "Bochs, corei7_skylake_x",
                  "the Intel SDM, volume 3C, and of the VMX appendices in volume 3D"),
    "svm": Vendor("SVM", ("tests/svm/rules.def",), (1, 2, 10), "QEMU, max",
                  "the AMD64 Architecture Programmer's Manual, volume 2", "to come"),
}
ROW = re.compile(r'^(CHAPTER|SUBJECT|RULE)\((.*)\)$')
TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"|(\d+)')
HEAD = """# {name} conformance

Made by `make conformance`; `make test` compares. Every rule of {name} that Assay knows, with the test that
checks it and the number of checks in a run on {machine}. A rule without checks there says why. Ids are
those of reports. The words use the short forms that {file} explains; sections are of
{manual}.

"""


def catalogue(vendor):
    """[(chapter, title, [(subject, sections, [(id, words, applies)])])]"""
    chapters = []
    for line in (line for file in vendor.files for line in Path(file).read_text().splitlines()):
        row = ROW.match(line)
        if not row:
            continue
        texts = [(text or number).replace('\\"', '"').replace("\\\\", "\\")
                 for text, number in TEXT.findall(row[2])]
        if row[1] == "CHAPTER":
            chapters.append((int(texts[0]), texts[1], []))
        elif row[1] == "SUBJECT":
            chapters[-1][2].append((texts[0], texts[1], []))
        else:
            while len(texts) < 3:
                texts.append("")
            chapters[-1][2][-1][2].append(tuple(texts))
    return chapters


def reasons(vendor):
    """id or id prefix with *: why it is not tested."""
    lines = (line for line in vendor.untested().read_text().splitlines() if line and line[0] != "#")
    return dict(re.split(r"\s{2,}|\t", line, maxsplit=1) for line in lines)


def checks(reports):
    """id: (test, number of checks), of the first report that has any."""
    found = {}
    for report in reports:
        for test in json.loads(report.read_text())["tests"]:
            for rule, count in test.get("rules", {}).items():
                if count and rule not in found:
                    found[rule] = (test["name"], count)
    return found


def why(reason, rule):
    for key, text in reason.items():
        if key == rule or (key.endswith("*") and rule.startswith(key[:-1])):
            return text
    return None


def cell(text):
    return text.replace("|", "\\|")


def page(vendor, found, reason):
    text = HEAD.format(name=vendor.name, machine=vendor.machine, file=vendor.files[0],
                       manual=vendor.manual)
    missing = []
    counts = []
    body = ""
    for number, title, subjects in catalogue(vendor):
        rules = [rule for _, _, rows in subjects for rule in rows]
        tested = [found[rule[0]][1] for rule in rules if rule[0] in found]
        counts.append((number, title, len(rules), len(tested), sum(tested)))
        body += f"\n## {number} {title}\n"
        for subject, sections, rows in subjects:
            body += f"\n{subject}: {sections}\n\n| rule | in words | test | checks |\n|-|-|-|-:|\n"
            for rule, words, applies in rows:
                name, count = found.get(rule, ("", ""))
                if not name:
                    name = why(reason, rule) or vendor.later
                    if name == vendor.later and number in vendor.finished:
                        missing.append(rule)
                applies = f" ({applies})" if applies else ""
                body += f"| {rule} | {cell(words + applies)} | {cell(name)} | {count} |\n"
    text += "| chapter | rules | checked | checks |\n|-|-:|-:|-:|\n"
    for number, title, rules, tested, total in counts:
        text += f"| {number} {title} | {rules} | {tested} | {total} |\n"
    sums = [sum(row[i] for row in counts) for i in (2, 3, 4)]
    text += f"| **all** | {sums[0]} | {sums[1]} | {sums[2]} |\n"
    return text + body, missing


def main():
    parser = argparse.ArgumentParser(description="docs/*-conformance.md from reports")
    parser.add_argument("vendor", choices=VENDORS)
    parser.add_argument("reports", nargs="+", type=Path,
                        help="REPORT.JSON of runs, the main one first")
    parser.add_argument("--check", action="store_true", help="compare, do not write")
    arguments = parser.parse_args()
    vendor = VENDORS[arguments.vendor]
    found = checks(arguments.reports)
    known = {rule[0] for _, _, subjects in catalogue(vendor)
             for _, _, rows in subjects for rule in rows}
    text, missing = page(vendor, found, reasons(vendor))
    problems = [f"no test and no reason: {rule}" for rule in missing]
    problems += [f"not in the catalogue: {rule}" for rule in found if rule not in known]
    if arguments.check:
        if not vendor.page().exists() or vendor.page().read_text() != text:
            problems.append(f"{vendor.page()} is not what the reports say: make conformance")
    else:
        vendor.page().write_text(text)
    for problem in problems:
        print(problem)
    print(f"{0 if problems else 1} passed, {1 if problems else 0} failed")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
