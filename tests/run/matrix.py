"""`make matrix`: every kind of machine that the emulators have, one table, docs/matrix.md.

A SKIP must be justified: the capability that it names is looked up in the facts that the same
report gives about the machine. A run that ends in any other way than by itself is red.
"""

import argparse
import fnmatch
import re
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import emulator
import scenario
import virtualbox
from emulator import Machine
from scenario import Expect, Scenario
from scenarios import OF_MANY, REFUSED, tests_of

DOCUMENT = Path("docs/matrix.md")
JOBS = 2
MODELS = {
    "bochs-2.7": """core2_penryn_t9600 corei5_lynnfield_750 corei5_arrandale_m520
        corei7_sandy_bridge_2600k corei7_ivy_bridge_3770k corei7_haswell_4770 broadwell_ult
        corei7_skylake_x corei3_cnl corei7_icelake_u tigerlake p4_prescott_celeron_336
        athlon64_clawhammer athlon64_venice turion64_tyler phenom_8650_toliman zambezi trinity_apu
        ryzen""",
    # tigerlake, sapphire_rapids and arrow_lake of 3.0 panic inside the firmware.
    "bochs-3.0": """core2_penryn_t9600 corei5_lynnfield_750 corei7_sandy_bridge_2600k
        corei7_ivy_bridge_3770k corei7_haswell_4770 corei7_skylake_x corei3_cnl corei7_icelake_u
        ryzen""",
    "bochs-3.1": """core2_penryn_t9600 corei5_lynnfield_750 corei7_sandy_bridge_2600k
        corei7_ivy_bridge_3770k corei7_haswell_4770 corei7_skylake_x corei3_cnl corei7_icelake_u
        tigerlake sapphire_rapids arrow_lake ryzen""",
}

# Of Intel's, none has VMX here; qemu64 and older Opterons have SVM without nested paging, athlon has
# no 64-bit mode; why +xsaveopt: docs/emulators.md.
QEMU_MODELS = """Nehalem Skylake-Server qemu64 phenom Opteron_G1 Opteron_G2 Opteron_G3
    Opteron_G4,+xsaveopt Opteron_G5,+xsaveopt Dhyana EPYC EPYC-Rome EPYC-Milan max"""
MODELS["qemu-10.0"] = QEMU_MODELS + " EPYC-Genoa"
MODELS["qemu-11.1"] = QEMU_MODELS + " EPYC-Genoa EPYC-Turin"

# What a SKIP names: the fact of the report that shows it, and the text that is there if the
# machine has it after all.
SHOWN = {
    "VMX": ("vmx basic", ""),
    "Intel VMX": ("vmx basic", ""),
    "SVM": ("svm features", ""),
    "AMD SVM": ("svm features", ""),
    "nested paging": ("svm features", "nested paging"),
    "unpaged guests": ("svm features", "nested paging"),
    "EPT": ("vmx secondary controls", r"\bEPT,"),
    "unrestricted guest": ("vmx secondary controls", "unrestricted guest"),
    "APIC-register virtualization": ("vmx secondary controls", "APIC-register virtualization"),
    "the VMX-preemption timer": ("vmx pin-based controls", "VMX-preemption timer"),
    "PAUSE-loop exiting": ("vmx secondary controls", "PAUSE-loop exiting"),
    "VMCS shadowing": ("vmx secondary controls", "VMCS shadowing"),
    "virtualize x2APIC mode": ("vmx secondary controls", "virtualize x2APIC mode"),
    "virtual-interrupt delivery": ("vmx secondary controls", "virtual-interrupt delivery"),
    "posted interrupts": ("vmx pin-based controls", "posted interrupts"),
    "monitor trap flag": ("vmx primary controls", "monitor trap flag"),
    "PML": ("vmx secondary controls", r"\bPML\b"),
    "EPT-violation #VE": ("vmx secondary controls", "EPT-violation #VE"),
    "mode-based execute control": ("vmx secondary controls", "mode-based execute"),
    "a timer that ends guests": ("vmx pin-based controls", "VMX-preemption timer"),
    "VMX-preemption timer": ("vmx pin-based controls", "VMX-preemption timer"),
    "wait-for-SIPI activity state": ("vmx misc", "wait-for-SIPI"),
    "64-bit guests": ("vmx entry controls", "IA-32e mode guest"),
    "xAPIC mode": ("apic mode", r"^xAPIC"),
}
# The report has no fact about these: models that lack them, as the emulators' sources say; the last
# ones are QEMU's, whose default is max, and VirtualBox's.
OLD = "core2_* corei5_lynnfield_* corei5_arrandale_* turion64_* phenom* qemu64 Opteron_*"
LACKING = {
    "XSAVE": OLD,
    "AVX": OLD,
    "TSC-deadline timer": f"{OLD} zambezi trinity_* ryzen p4_* athlon64_* EPYC* max Nehalem "
                          "Skylake-Server Dhyana *i7-6700K",
}
# VirtualBox delivers no NMI before interrupts are on, so our application processors never get one.
# Which test sees it first is a matter of time; machine.kick waits for it.
NMIS_WAIT = Expect(skips=".*", red=r"machine\.(processors|exceptions|kick|restored)")


def machines():
    """Scenarios in the order of the table."""
    expect = Expect(skips=".*")  # row() looks at them
    bochs, found = emulator.version("bochs"), []

    def add(name, machine, **more):
        more = {"expect": expect, "limit": 400} | more
        found.append(Scenario(f"matrix-{name}", machine, **more))

    for model in MODELS.get(bochs, "corei7_skylake_x").split():
        machine = Machine("bochs", 2, model=model)
        add(model, machine, options=tests_of(machine))
    for cpus in range(15, 0, -1):
        add(f"{cpus:02}-processors", Machine("bochs", cpus))
    for memory in (64, 128, 1024, 5120):
        add(f"{memory}-MiB", Machine("bochs", 2, memory))
    add("boot-usb", Machine("bochs", 2, boot="usb"))
    add("boot-startup-nsh", Machine("bochs", 2), prepare="no boot program", shell=True)
    if bochs != "bochs-3.1":  # there the firmware itself has too little and boots nothing
        add("50-MiB", Machine("bochs", 2, 50))
    for model in MODELS.get(emulator.version("qemu"), QEMU_MODELS).split():
        add(f"qemu-{model}", Machine("qemu", 4, model=model))
    for cpus in (1, 2, 8, 15):
        add(f"qemu-{cpus:02}-processors", Machine("qemu", cpus))
    add("qemu-max-without-icount", Machine("qemu", 4, icount=False))
    add("qemu-64-MiB", Machine("qemu", 2, 64))
    add("qemu-usb", Machine("qemu", 2, boot="usb"))
    add("qemu-startup-nsh", Machine("qemu", 2), prepare="no boot program", shell=True)
    if emulator.version("qemu") != "qemu-7.2":  # it has no x2APIC
        add("qemu-300-processors", Machine("qemu", 300, 2048, icount=False), options=OF_MANY)
        wide = Machine("qemu", 4, icount=False, ids=(255, 256, 511))
        says = ("apic mode +x2APIC", "apic ids +0H to 1FFH")
        add("qemu-ids-to-511", wide, expect=replace(expect, says=says))
        add("qemu-ids-to-511-refused", wide, shell=True,
            prepare="MP Services refuse, another program afterwards",
            expect=replace(expect, says=(*says, *REFUSED)))
    return found


def foreign():
    """The rows of VirtualBox. A processor is lost where there are two; the firmware goes on."""
    def one(name, cpus, *says):
        return Scenario(f"matrix-{name}", Machine("virtualbox", cpus), limit=900,
                        expect=replace(NMIS_WAIT, says=says))

    return [one("1-processor", 1),
            one("2-processors", 2, "^processor 1 did not come back to the firmware: an NMI that ")]


def lost(result):
    """Numbers of the processors that went out of use on the way."""
    said = (re.match(r"processor (\d+) .* cannot be used: an NMI", test.get("reason", ""))
            for test in result.report.tests if test["verdict"] == "ERROR")
    return {match[1] for match in said if match}


def processors(result):
    """How many are there, and how many of them run guests."""
    text = result.report.machine.get("processors", "")
    there, in_use = (int(match[1]) if (match := re.search(pattern, text)) else 0
                     for pattern in (r"^(\d+)", r"(\d+) in use"))
    paced = any("runs no guests but ends" in line for line in result.console)
    return there, in_use - paced - len(lost(result))


def justified(reason, result):
    """Whether the machine, by its own report, lacks what the SKIP says it needs."""
    report, machine = result.report, result.scenario.machine
    there, in_use = processors(result)
    if reason.startswith("runs only by"):
        return True
    need = reason.removeprefix("needs ")
    if match := re.fullmatch(r"(\d+) processors", need):
        return 0 < in_use < int(match[1])
    if need == "all processors of the machine":
        return 0 < in_use < there
    if need in LACKING:
        model = machine.model or {"qemu": "max", "virtualbox": virtualbox.MODEL}.get(
            machine.emulator, "")
        return any(fnmatch.fnmatchcase(model, glob) for glob in LACKING[need].split())
    if need not in SHOWN:
        return False
    fact, text = SHOWN[need]
    return fact not in report.machine or (text != "" and not re.search(text, report.machine[fact]))


def row(result):
    """Cells of the table; what is wrong goes into result.wrong."""
    machine = result.scenario.machine
    how = f"{machine.cpus} processors, {machine.memory} MiB, {machine.boot}"
    if result.scenario.prepare:
        how = how.replace("disk", "startup.nsh")
    if machine.ids:
        how = how.replace(" processors", f" processors (ids 0, {', '.join(map(str, machine.ids))})")
    name = result.scenario.name.removeprefix("matrix-")
    if result.report is None:
        console = result.console[-1:] or ["nothing"]
        if result.scenario.machine.memory < 64 and "not enough memory" in "".join(result.console):
            result.harness = ""
            return [name, how, "-", "-", "-", "says that 4 MiB in one piece are missing"]
        return [name, how, "-", "-", "-", f"**{result.harness}** ({console[0]})"]
    reasons = Counter(t["reason"] for t in result.report.tests if t["verdict"] == "SKIP")
    for reason in reasons:
        if not justified(reason, result):
            result.wrong.append(f"{reason}: nothing says that it is missing")
    known = len(result.judgement.known)  # deviations, of which a test may show several
    explained = len({test["name"] for test, _ in result.judgement.known})
    notes = [f"{count} {reason}" for reason, count in reasons.most_common()]
    notes += [f"**{wrong.splitlines()[0]}**" for wrong in result.wrong]
    failed = f"{explained} ({known} known)" if known else "0"
    others = len(result.judgement.failing)
    if others and result.scenario.expect.red and not result.wrong:
        failed = f"{others} expected"
        notes += [f"{test['name']}: {test['reason']}" +
                  (f", wanted {test['wanted']}, got {test['got']}" if "wanted" in test else "")
                  for test in result.judgement.failing]
    elif others:
        failed += f", **{others} others**"
    return [name, how, str(result.report.count("PASS")), failed,
            str(result.report.count("SKIP")), "; ".join(notes)]


def run(build, one):
    result = scenario.run(one, build)
    console = build / "run" / one.name / "console.txt"
    result.console = [] if not console.exists() else [
        line for line in console.read_text().splitlines() if line.strip()]
    cells = row(result)
    print(f"{'ok' if result.ok() else 'FAILED':6}  {result.seconds:4.0f} s  " + " | ".join(cells),
          flush=True)
    return cells, result.ok()


def firmware():
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "ovmf"], text=True,
                          stdout=subprocess.PIPE, check=False)
    return f"OVMF {done.stdout or '?'}"


def title(of_virtualbox):
    tested = ([emulator.version("virtualbox"), "its own firmware"] if of_virtualbox else
              [emulator.version("bochs"), emulator.version("qemu"), firmware()])
    return ", ".join([*tested, time.strftime("%Y-%m-%d")])


def section(versions, results):
    """The part of the document about these emulators."""
    lines = [f"## {versions}", "",
             "| machine | | passed | failed | skipped | SKIPs and what else there is to say |",
             "| --- | --- | ---: | ---: | ---: | --- |"]
    return lines + ["| " + " | ".join(cells) + " |" for cells, _ in results]


HEADING = 4  # lines of a section before its rows


def name_of(line):
    return line.split("|")[1].strip()


def write(document, lines, order=()):
    """
    Replaces the section of the same first emulator, or appends it. order: the names of all machines;
    then lines have some of them, and the section's heading and other rows stay.
    """
    text = document.read_text() if document.exists() else ""
    head, *parts = re.split(r"(?m)^(?=## )", text)
    key = lines[0].split(",")[0] + ","
    before = next((p.splitlines() for p in parts if p.startswith(key)), None)
    if order and before:
        rows = {name_of(line): line for line in before[HEADING:] + lines[HEADING:] if line}
        lines = before[:HEADING] + [rows[name] for name in order if name in rows]
    parts = [p for p in parts if not p.startswith(key)]
    whole = [part.rstrip("\n") for part in (head, *sorted([*parts, "\n".join(lines)]))]
    document.write_text("\n\n".join(whole) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--only", default="*", help="glob: which machines")
    parser.add_argument("--document", type=Path, default=DOCUMENT)
    parser.add_argument("--jobs", type=int, default=JOBS)
    parser.add_argument("--virtualbox", action="store_true", help="its machines, and no others")
    given = parser.parse_args()
    there = foreign() if given.virtualbox else machines()
    names = [m.name.removeprefix("matrix-") for m in there]
    chosen = [m for m in there
              if fnmatch.fnmatchcase(m.name.removeprefix("matrix-"), given.only)]
    results = []
    with ThreadPoolExecutor(given.jobs) as pool:
        for result in pool.map(lambda m: run(given.build, m), chosen):
            results.append(result)
            # Each one, as the whole takes long.
            write(given.document, section(title(given.virtualbox), results),
                  () if given.only == "*" else names)
    red = sum(not ok for _, ok in results)
    print(f"{len(results) - red} machines as expected, {red} not")
    return 1 if red or not results else 0


if __name__ == "__main__":
    sys.exit(main())
