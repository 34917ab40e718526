"""The exact outcome of each test of tests/machine/sabotage.c. Others, after them, must pass."""

LATE = r"the guest's program: not in time; vCPUs "
WAITS = r"the APs: not in time; vCPUs halted, waiting for SIPI$"

SABOTAGE = {
    "sabotage.expectations": ("FAIL", r"^starts of the AP, and one more$"),
    "sabotage.guest.spins": ("FAIL", LATE + "running$"),
    "sabotage.guest.halts": ("FAIL", LATE + "halted$"),
    "sabotage.guest.exits": ("FAIL", LATE + "running$"),
    "sabotage.guest.triple_fault": ("FAIL", r"vCPU 0 was ended: triple fault "),
    "sabotage.guest.shuts_down": ("FAIL", r"vCPU 0 was ended: port I/O "),
    "sabotage.guest.waits": ("FAIL", WAITS),
    "sabotage.guest.waits_in_hardware": ("FAIL", WAITS),
    "sabotage.entries_fail": ("FAIL", LATE + "running$"),
    "sabotage.host.divides": ("ERROR", r"^exception 0 .* at divides\+\w+ on processor 0$"),
    "sabotage.host.raises_18": ("ERROR", r"^exception 18 .* at raises_18\+\w+ on processor 0$"),
    "sabotage.host.calls_nowhere": ("ERROR", r"^exception 14 .* at 0 on processor 0$"),
    "sabotage.host.overflows":
        ("ERROR", r"^stack overflow: exception 8 .* at deeper\+\w+ on processor 0$"),
    "sabotage.host.says_nothing": ("ERROR", r"^the test ended without a verdict$"),
    "sabotage.host.loops":
        ("ERROR", r"^no end in time: processor 0 was stopped at loops\+\w+$"),
    "sabotage.host.launches":
        ("ERROR", r"^no end in time: processor 0 was stopped at launches\+\w+$"),
    "sabotage.ap.undefined": ("ERROR", r"^exception 6 .* at undefined\+\w+ on processor 1$"),
    "sabotage.ap.loops": ("ERROR", r"^no end in time: processor 1 was stopped at stay\+\w+$"),
    "sabotage.ap.is_lost":
        ("ERROR", r"^processor 1 \(APIC id 1\) does not answer: it is out of use$"),
    "machine.restored": ("ERROR", r"^processor 1 was not given back$"),
    # Afterwards, with two of three processors.
    "vcpu.affinity.waiting_in_hardware": ("SKIP", r"^needs 3 processors$"),
    "many.broadcast.4": ("SKIP", r"^needs 4 processors$"),
    "many.single.4": ("SKIP", r"^needs 4 processors$"),
}

# These run, and fail in this way where the emulator is known to; else they pass.
KNOWN = {
    "start.hardware_wait.exit_state": r"^interruptibility saved by the exit$",
    "start.hardware_wait.saved_state": r"^activity saved by the exit$",
}

# The same with SVM, which has no wait-for-SIPI state.
NO_WAIT = ("SKIP", r"^needs wait-for-SIPI activity state$")
SABOTAGE_SVM = SABOTAGE | {
    "sabotage.guest.waits_in_hardware": NO_WAIT,
    "sabotage.host.launches": ("SKIP", "^needs Intel VMX$"),
    "vcpu.affinity.waiting_in_hardware": NO_WAIT,
}

RESET = {"crash.reset": ("ERROR", r"^the machine was reset during this test$"),
         "crash.case": ("ERROR", r"^the machine was reset in case 777 of this test$")}

SILENT = ("ERROR", r"^processor 1 \(APIC id 1\) does not answer: it is out of use$")
NOT_BACK = ("ERROR", r"^processor 1 was not given back$")  # its last kick comes too late, too
NMIS_LOST = {"crash.nmi.lost.after": SILENT, "machine.restored": NOT_BACK}
NMIS_LATE = {"crash.nmi.late.after": SILENT, "machine.restored": NOT_BACK}

# What the notes of some must name beside.
NOTES = {
    "sabotage.guest.spins": r"vCPU 0 on processor 0: running at \w+, \d+ exits, the last time sl",
    "sabotage.entries_fail": r"the last VM entry failed \((80000021|ffffffff)\)",
    "sabotage.host.calls_nowhere": r"called from run_test\+",
    "sabotage.ap.loops": r"vCPU 1 on processor 1: halted, \d+ exits.* does not answer",
}
