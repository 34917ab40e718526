"""docs/vmx-conformance.md: each rule of the catalogue, the test that checks it, how many checks.

The rules are the rows of tests/vmx/rules_*.def; the image puts what it checked into REPORT.JSON
("rules" of a test). What cannot be checked on the spot has a reason in UNTESTED. `make conformance`
writes the page from reports, `make test` compares, and is red if it has drifted or if a rule of a
finished chapter has neither checks nor a reason.
"""

import argparse
import json
import re
import sys
from pathlib import Path

PAGE = Path("docs/vmx-conformance.md")
FILES = [Path("tests/vmx/rules_entry.def"), Path("tests/vmx/rules_guest.def")]
UNTESTED = Path("tests/vmx/untested.txt")
FINISHED = range(1, 9)  # chapters
ROW = re.compile(r'^(CHAPTER|SUBJECT|RULE)\((.*)\)$')
TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"|(\d+)')
HEAD = """# VMX conformance

Made by `make conformance`; `make test` compares. Every rule of VMX that Assay knows, with the test that
checks it and the number of checks in a run on {machine}. A rule without checks there says why. Ids are
those of reports. The words use the short forms that tests/vmx/rules_entry.def explains; sections are of
the Intel SDM, volume 3C, and of the VMX appendices in volume 3D.

"""


def catalogue():
    """[(chapter, title, [(subject, sections, [(id, words, applies)])])]"""
    chapters = []
    for line in (line for file in FILES for line in file.read_text().splitlines()):
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


def reasons():
    """id or id prefix with *: why it is not tested."""
    lines = (line for line in UNTESTED.read_text().splitlines() if line and line[0] != "#")
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


def page(found, reason, machine):
    text, missing = HEAD.format(machine=machine), []
    counts = []
    body = ""
    for number, title, subjects in catalogue():
        rules = [rule for _, _, rows in subjects for rule in rows]
        tested = [found[rule[0]][1] for rule in rules if rule[0] in found]
        counts.append((number, title, len(rules), len(tested), sum(tested)))
        body += f"\n## {number} {title}\n"
        for subject, sections, rows in subjects:
            body += f"\n{subject}: {sections}\n\n| rule | in words | test | checks |\n|-|-|-|-:|\n"
            for rule, words, applies in rows:
                name, count = found.get(rule, ("", ""))
                if not name:
                    name = why(reason, rule) or "not yet"
                    if name == "not yet" and number in FINISHED:
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
    parser = argparse.ArgumentParser(description="docs/vmx-conformance.md from reports")
    parser.add_argument("reports", nargs="+", type=Path, help="REPORT.JSON of runs, the main one first")
    parser.add_argument("--machine", default="Bochs, corei7_skylake_x")
    parser.add_argument("--check", action="store_true", help="compare, do not write")
    arguments = parser.parse_args()
    found = checks(arguments.reports)
    known = {rule[0] for _, _, subjects in catalogue() for _, _, rows in subjects for rule in rows}
    text, missing = page(found, reasons(), arguments.machine)
    problems = [f"no test and no reason: {rule}" for rule in missing]
    problems += [f"not in the catalogue: {rule}" for rule in found if rule not in known]
    if arguments.check:
        if not PAGE.exists() or PAGE.read_text() != text:
            problems.append(f"{PAGE} is not what the reports say: make conformance")
    else:
        PAGE.write_text(text)
    for problem in problems:
        print(problem)
    print(f"{0 if problems else 1} passed, {1 if problems else 0} failed")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
