"""Checks the reports of runs against their schemas: `validate.py FOLDER...`; the JUnit file's
totals against the JSON file's. Folders without a complete report are left out; none at all is an
error."""

import json
import subprocess
import sys
import xml.etree.ElementTree as xml
from pathlib import Path

import jsonschema

HERE = Path(__file__).parent
SCHEMA = HERE.parent.parent / "docs/report.schema.json"


def check(folder, validator):
    """What is wrong with one folder's reports, in lines."""
    data = json.loads((folder / "REPORT.JSON").read_text())
    wrong = [f"REPORT.JSON: {'/'.join(map(str, error.path))}: {error.message[:200]}"
             for error in validator.iter_errors(data)]
    path = folder / "REPORT.XML"
    if not path.exists():
        return wrong + (["no REPORT.XML"] if data.get("complete") else [])
    done = subprocess.run(["xmllint", "--noout", "--schema", HERE / "tool/junit.xsd", path],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        return wrong + [f"REPORT.XML: {done.stderr.splitlines()[0]}"]
    suite, summary = xml.parse(path).getroot()[0], data["summary"]
    for attribute, key in (("failures", "failed"), ("errors", "errors"), ("skipped", "skipped")):
        if int(suite.get(attribute)) != summary[key]:
            wrong.append(f"REPORT.XML: {attribute} {suite.get(attribute)}, not {summary[key]}")
    names = [case.get("name") for case in suite.iter("testcase")]
    if names != [t["name"] for t in data["tests"]]:
        wrong.append("REPORT.XML has other tests than REPORT.JSON")
    return wrong


def main():
    validator = jsonschema.Draft7Validator(json.loads(SCHEMA.read_text()))
    checked, red = 0, False
    for folder in map(Path, sys.argv[1:]):
        try:
            complete = json.loads((folder / "REPORT.JSON").read_text()).get("complete")
        except (OSError, ValueError):
            continue
        if not complete:
            continue
        checked += 1
        for line in check(folder, validator):
            print(f"{folder}: {line}")
            red = True
    print(f"{checked} reports checked")
    return 1 if red or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
