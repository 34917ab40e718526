"""docs/deviations/: a page for each known deviation of an emulator, for those who develop it.

Made by `make deviations` from tests/run/deviations/*.txt, from probed.txt, and from reports of runs
for what a failure says. A harness test holds that each row has its page. Rows with the same reason
share one.
"""

import argparse
import json
import re
import shutil
import sys
from pathlib import Path

import conformance

HERE = Path(__file__).parent
FOLDER = Path("docs/deviations")
NAMES = {"bochs": "Bochs", "qemu": "QEMU"}
FIRMWARE = "/usr/share/ovmf/OVMF.fd"
COMMANDS = {
    "qemu": "qemu-system-x86_64 -machine q35 -cpu {model} -smp {cpus} -bios " + FIRMWARE + " \\\n"
            "        -display none -net none -serial stdio -drive format=raw,file=assay.img",
    "bochs": "bochs -q -f docs/deviations/bochsrc 'cpu: model={model}, count={cpus}, ips=20000000'",
}
# The firmware uses x2APIC mode where a processor's APIC id is 255 or more.
WIDE = ("1,maxcpus=512,sockets=2,cores=256,threads=1 \\\n"
        "        -device {model}-x86_64-cpu,socket-id=1,core-id=0,thread-id=0")
MODELS = {"qemu": "max", "bochs": "corei7_skylake_x"}
ROW = re.compile(r"(\S+)((?: +\S+=\S+| +sometimes)*) +\| +([^|]+?) +\| +([^|]+)$")
INDEX = """# Where emulators differ from the manuals

Made by `make deviations`; each page is for the developers of the emulator: the rule, what happens, how
to see it. The commands run in the root of this tree, on a copy of the image, because it is written to:
`make && cp build/assay.img .`; [bochsrc](bochsrc) is theirs. The report is on the serial line and on
the image, in `\\ASSAY\\REPORT.TAP`.

| emulator | versions | what happens | page |
| --- | --- | --- | --- |
"""


class Deviation:
    """One page: rules or tests that differ for one reason."""

    def __init__(self, emulator, manual, why, section):
        self.emulator, self.manual, self.why, self.section = emulator, manual, why, section
        self.rules, self.versions, self.without, self.model, self.cpus = [], [], [], "", 1
        self.how = ""  # of one that no test shows
        self.apic = ""  # the mode of the local APICs in which it shows; "": any

    def page(self):
        rule = self.rules[0].lstrip("@").replace("*", "all")
        return f"{self.emulator}/{re.sub(r'[^a-z0-9_.]', '-', rule.lower())}.md"


def listed():
    """The rows of tests/run/deviations, those of one reason together."""
    found = {}
    for path in sorted((HERE / "deviations").glob("*.txt")):
        emulator, version, *svm = path.stem.split("-")
        for line in path.read_text().splitlines():
            if not line or line.startswith("#"):
                continue
            rule, marks, why, section = ROW.fullmatch(line).groups()
            key = emulator, bool(svm), why
            one = found.setdefault(key, Deviation(emulator, "APM" if svm else "SDM", why, section))
            if rule not in one.rules:
                one.rules.append(rule)
            if version not in one.versions:
                one.versions.append(version)
            if match := re.search(r"cpus>=(\d+)", marks):
                one.cpus = int(match[1])
            if (match := re.search(r"model=(\S+)", marks)) and not one.model:
                one.model = match[1]
            if match := re.search(r"apic=(\S+)", marks):
                one.apic = match[1]
            if svm and emulator == "bochs" and not one.model:
                one.model = "ryzen"
    for one in found.values():
        one.versions.sort(key=lambda version: [int(part) for part in version.split(".")])
    return list(found.values())


def probed():
    """The rows of probed.txt."""
    for line in (HERE / "probed.txt").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        rule, emulator, versions, without, why, section, how = (c.strip() for c in line.split("|"))
        one = Deviation(emulator, "APM", why, section)
        one.rules, one.versions, one.without = [rule], versions.split(), without.split()
        one.how = how
        yield one


def words():
    """Rules of the catalogues: id, in words."""
    return {rule: text + (f" ({applies})" if applies else "")
            for vendor in conformance.VENDORS.values()
            for _, _, subjects in conformance.catalogue(vendor)
            for _, _, rows in subjects for rule, text, applies in rows}


def examples(reports):
    """@rule or (emulator, test): (test, lines of its failure) from the first report that has it. A
    broken rule looks alike in all. Reports are in folders that begin with the emulator's name."""
    found = {}
    for report in reports:
        emulator = report.parent.name.split("-")[0]
        for test in json.loads(report.read_text())["tests"]:
            if test["verdict"] != "FAIL":
                continue
            lines = test.get("notes", "").splitlines()
            for rule in test.get("wrong") or {}:
                said = []
                for i, line in enumerate(lines):
                    if line.startswith(rule + ":") or line.startswith(rule + ","):
                        said.append(line)
                        for more in lines[i + 1:]:
                            if not more.startswith("  "):
                                break
                            said.append(more)
                found.setdefault(f"@{rule}", (test["name"], said[:8]))
            said = [test.get("reason", "")]
            if test.get("wanted"):
                said.append(f"wanted {test['wanted']}, got {test['got']}")
            found.setdefault((emulator, test["name"]), (test["name"], said + lines[:6]))
    return found


def page(one, texts, seen):
    """The text of a page."""
    name = NAMES[one.emulator]
    lines = [f"# {name}: {', '.join(rule.lstrip('@') for rule in one.rules)}", "",
             one.why[0].upper() + one.why[1:] + ".", "",
             f"- Manual: {one.manual} {one.section}."]
    for rule in one.rules:
        if text := texts.get(rule.lstrip("@")):
            lines.append(f"- Rule `{rule.lstrip('@')}`: {text}.")
    versions = f"- Seen in {name} {', '.join(one.versions)}"
    versions += f"; not in {', '.join(one.without)}" if one.without else ""
    versions += f"; model {one.model}" if one.model else ""
    lines.append(versions + (f"; the firmware is in {one.apic} mode." if one.apic else "."))
    if one.how:
        return "\n".join(lines + [
            "", "## How to see it", "",
            "No test of the image shows it yet; it was seen with a VMCB made for it:", "",
            f"    {one.how}", ""])
    keys = [rule if rule.startswith("@") else (one.emulator, rule) for rule in one.rules]
    known = [seen[key] for key in keys if key in seen]
    tests = list(dict.fromkeys(test for test, _ in known)) or [
        rule for rule in one.rules if not rule.startswith("@")] or ["vmx.*"]
    model = one.model.replace("*", "_t9600" if "penryn" in one.model else "")
    model = model or MODELS[one.emulator]
    cpus = max(one.cpus, 1)
    if one.emulator == "qemu" and one.apic == "x2APIC":
        cpus = WIDE.format(model=model)
    lines += ["", "## How to see it", "",
              f"    echo '-s {' '.join(tests)}' | mcopy -o -i assay.img@@1M - ::/ASSAY/OPTIONS.TXT",
              "    " + COMMANDS[one.emulator].format(model=model, cpus=cpus), ""]
    if known:
        lines += ["The report says:", ""]
        lines += [f"    {line}" for test, said in known for line in [f"FAIL {test}", *said]] + [""]
    return "\n".join(lines)


def pages(reports):
    """{path below FOLDER: text}, the index among them."""
    texts, seen = words(), examples(reports)
    made, index = {}, []
    for one in [*listed(), *probed()]:
        path = one.page()
        while path in made:  # the same rule, another reason
            path = path.replace(".md", "_.md")
        made[path] = page(one, texts, seen)
        index.append(f"| {NAMES[one.emulator]} | {', '.join(one.versions)} | {one.why} | "
                     f"[{one.rules[0].lstrip('@')}]({path}) |")
    made["README.md"] = INDEX + "\n".join(sorted(index)) + "\n"
    return made


def main():
    parser = argparse.ArgumentParser(description="docs/deviations from the tables and reports")
    parser.add_argument("reports", nargs="*", type=Path, help="REPORT.JSON of runs that fail")
    given = parser.parse_args()
    made = pages(given.reports)
    for emulator in NAMES:
        shutil.rmtree(FOLDER / emulator, ignore_errors=True)
    for path, text in made.items():
        (FOLDER / path).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / path).write_text(text)
    print(f"{len(made) - 1} pages in {FOLDER}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
