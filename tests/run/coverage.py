"""docs/guest-smp.md: each situation of guest SMP, and the tests that set it up.

The tests name their row (struct test.row) and the image puts it into REPORT.JSON, so the table is
made from the tests that ran. `make coverage` writes it; `make test` compares, and is red if it has
drifted, if a row has no test, or if a test names a row that is not here.
"""

import argparse
import json
import sys
from pathlib import Path

PAGE = Path("docs/guest-smp.md")
ROWS = {
    "Virtual CPU": {
        "vCPU: identity":
            "id and APIC id in CPUID leaves 1 and 0BH and the APIC ID register; IA32_APIC_BASE.BSP",
        "vCPU: state":
            "Created, Running, Halted, WaitingForSipi, Paused, Stopped, "
            "read while it runs elsewhere",
        "vCPU: registers":
            "general, control, segment, table, debug, x87, SSE and AVX state; "
            "what INIT resets and keeps",
        "vCPU: fields of the VMCS or VMCB":
            "any field by its encoding: read, written, dumped by name, compared",
        "vCPU: SIPI vector": "CS selector vector << 8, CS base vector << 12, IP 0",
        "vCPU: pending IPIs":
            "first in, first out between processors; nothing lost or delivered twice",
        "vCPU: affinity": "pinned to a processor; migration with the state intact",
        "vCPU: operations":
            "halt, pause, resume, stop: allowed from which state, and when they take effect",
    },
    "Interprocessor interrupts": {
        "IPI: INIT":
            "the SDM's state after INIT; waiting, or the reset vector for a BSP; de-assert ignored",
        "IPI: SIPI": "starts who waits, ignored otherwise; the second one changes nothing",
        "IPI: NMI": "wakes Halted; one latched behind a blocked one, until IRET",
        "IPI: Fixed": "IRR, ISR, TPR, PPR, EOI; coalescing; the interrupt window",
        "IPI: LowestPriority": "the lowest processor priority wins, ties in turn",
        "IPI: ExtINT": "taken when IF allows, past IRR and ISR",
        "IPI: SMI, reserved": "refused and counted",
    },
    "Destinations and the local APIC": {
        "destination: physical": "one APIC id, and broadcast FFH or FFFF_FFFFH",
        "destination: logical flat": "LDR and DFR in the flat model",
        "destination: logical cluster": "LDR and DFR in the cluster model",
        "destination: shorthands": "self, all, all but self",
        "destination: x2APIC": "32-bit ids and clusters",
        "destination: unknown": "nothing delivered; an error to a caller from outside",
        "APIC: illegal vectors": "vectors 0 to 15: ESR bits, nothing delivered",
        "APIC: ICR": "sent from the xAPIC page and by WRMSR; what reads of it show",
        "APIC: registers": "reset values, masks, reserved bits, LVTs, the timer's modes",
        "APIC: modes": "transitions by IA32_APIC_BASE and their #GP cases",
    },
    "Virtual machine": {
        "VM: create": "1 to MAX vCPUs; errors allocate nothing",
        "VM: send an IPI": "from outside, with its errors",
        "VM: start an AP": "INIT, then SIPI",
        "VM: lookup": "a vCPU by id and by APIC id; how many there are, how many run",
        "VM: pause and resume all": "those that run, those that are paused",
        "VM: destroy": "while its vCPUs run, wait, halt or are paused; all memory back",
        "VM: more vCPUs than processors": "64 vCPUs share 1, 2 or 4 processors",
    },
    "Ways to wait": {
        "waiting: emulated": "INIT and SIPI arrive as messages",
        "waiting: by the hardware": "the wait-for-SIPI activity state, ended by physical signals",
    },
}


def page(tests):
    """The page's text, and what is wrong with the rows."""
    by_row, ran = {}, set()
    for test in tests:
        if test.get("row"):
            by_row.setdefault(test["row"], []).append(test["name"])
            if test["verdict"] != "SKIP":
                ran.add(test["row"])
    known = {row for rows in ROWS.values() for row in rows}
    wrong = [f"{', '.join(names)}: no such row: {row}" for row, names in by_row.items()
             if row not in known]
    lines = ["# Guest SMP: what is set up, run and checked", "",
             "Made by `make coverage` from the tests in the image; `make test` fails if it "
             "has drifted.",
             "Names of tests: `make run ARGS=-l`."]
    for section, rows in ROWS.items():
        lines += ["", f"## {section}", "", "| row | what | tests |", "| --- | --- | --- |"]
        for row, what in rows.items():
            names = by_row.get(row, [])
            if row not in ran:
                wrong.append(f"no test for the row {row} ran")
            lines.append(f"| {row} | {what} | {', '.join(f'`{name}`' for name in names)} |")
    return "\n".join(lines) + "\n", wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("report", type=Path)
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    text, wrong = page(json.loads(given.report.read_text())["tests"])
    if not given.check:
        PAGE.write_text(text)
    elif not PAGE.exists() or PAGE.read_text() != text:
        wrong.append(f"{PAGE} is not what the tests say: make coverage")
    print("\n".join(wrong) or f"{sum(map(len, ROWS.values()))} rows, each with a test: 1 passed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
