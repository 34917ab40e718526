"""The table of runs that `make test` makes. Lines the image must say are regular expressions."""

import fnmatch
import os
from dataclasses import replace
from pathlib import Path

from emulator import Machine, version
from sabotage import KNOWN, NMIS_LATE, NMIS_LOST, NOTES, RESET, SABOTAGE, SABOTAGE_SVM
from scenario import Expect, Scenario

NO_VMX = "no virtualization: .* offers neither VMX"
SOAKED = (r"PASS +soak\.constant", "^3 APs ran a procedure", "^spoil count: Success")
BY_NAME = r"runs only by .*"
# A SKIP's only reasons on Bochs' corei7_skylake_x.
NO_LACK = rf"{BY_NAME}|needs (AMD SVM|posted interrupts|monitor trap flag)"
# What the first processors with EPT do not have.
NO_EPT_EXTRAS = ("PML|EPT-violation #VE|mode-based execute control|VMCS shadowing|"
                 "PAUSE-loop exiting|virtualize x2APIC mode|(the )?VMX-preemption timer|"
                 "virtual-interrupt delivery|posted interrupts|TSC-deadline timer")
# What no processor with SVM has.
NO_SVM_LACK = (f"{BY_NAME}|needs (Intel VMX|APIC-register virtualization|"
               "virtual-interrupt delivery|posted interrupts|wait-for-SIPI activity state|"
               "TSC-deadline timer)")
# All but the tests whose guests shut down: Bochs stops there, in spite of the intercept.
NO_SHUTDOWN = ("machine.* svm.* fuzz.* start.* v* kick.* many.* i* apic.* race.* storm.* "
               "hostile.m* hostile.po* hostile.i* hostile.x* hostile.shut*")
# Bochs' models with SVM; without nested paging a CR3 beyond the physical addresses stops it, too.
BOCHS_SVM = {"turion64_*": "machine.* svm.cap* svm.in* *.machine.*"} | dict.fromkeys(
    ("phenom*", "zambezi", "trinity_*", "ryzen"), NO_SHUTDOWN)
OF_TIME = "ma* st* vcpu.* vm.* vector.* kick.* i* d* apic.* race.*"  # guests, and all that waits
OF_GUESTS = (f"{OF_TIME} hostile.m* hostile.po* hostile.i* hostile.x* hostile.shut*")
# What each of many processors takes part in.
OF_MANY = ("machine.* start.vector.10 many.* apic.machine.ids svm.capabilities "
           "svm.instructions.svme svm.instructions.gif vcpu.affinity.paused")
SVM = Expect(skips=rf"{NO_SVM_LACK}|needs \d+ processors")
NO_VIRTUALIZATION = "needs ((Intel )?VMX|AMD SVM|TSC-deadline timer)"
WITHOUT_VMX = Expect(says=(NO_VMX,), skipped=5, ran=r"(machine|\w+\.machine)\..*",
                     skips=NO_VIRTUALIZATION)
# The image starts the processors itself and gives them back: the firmware starts them once more.
REFUSED = ("started by INIT-SIPI-SIPI", r"PASS +machine\.restored", "^3 APs ran a procedure",
           "^spoil count: Success")
# All that fails nowhere, for runs whose verdicts nobody compares with the known deviations.
SOUND = "machine.* vm* svm* fuzz* st* vcpu* kick* many* hardware* in* race* hostile*"


def bochs(**machine):
    return Machine("bochs", **machine)


def qemu(**machine):
    return Machine("qemu", **machine)


def tests_of(machine):
    """Filters that leave out what stops the emulator itself; "" where nothing does."""
    return next((tests for glob, tests in BOCHS_SVM.items()
                 if machine.emulator == "bochs" and fnmatch.fnmatchcase(machine.model, glob)), "")


def soak(runs, emulator):
    """So many runs in one boot, and another program afterwards; `make soak` has many of them."""
    return Scenario("soak", Machine(emulator, 4), options=f"-n {runs}", shell=True,
                    prepare="another program afterwards", limit=300 + 60 * runs,
                    expect=Expect(times=2, ticks=0.01, says=SOAKED,
                                  skips=NO_LACK if emulator == "bochs" else NO_SVM_LACK))


def plain(**machine):
    """QEMU with a processor that has neither VMX nor SVM, for what needs none: it is quick."""
    return Machine("qemu", model="Nehalem", icount=False, **machine)


def kvm_nests(root=Path("/")):
    """True on a host whose KVM offers VMX or SVM to its guests."""
    flags = set()
    try:
        flags = set((root / "proc/cpuinfo").read_text().split())
    except OSError:
        pass
    for module, flag in (("kvm_intel", "vmx"), ("kvm_amd", "svm")):
        nested = root / f"sys/module/{module}/parameters/nested"
        if flag in flags and nested.exists() and nested.read_text().strip() in ("Y", "1"):
            return os.access(root / "dev/kvm", os.R_OK | os.W_OK)
    return False


SUITE = [
    # The long ones first, so that two at a time end together.
    Scenario("bochs-8", bochs(cpus=8), expect=Expect(skips=NO_LACK)),
    Scenario("bochs-4", bochs(cpus=4), expect=Expect(skips=NO_LACK)),
    Scenario("bochs-2", bochs(cpus=2)),
    Scenario("bochs-1", bochs(cpus=1)),
    Scenario("bochs-usb", bochs(cpus=2, boot="usb")),
    Scenario("bochs-c2-of-4", bochs(cpus=4), options="-c 2"),
    Scenario("bochs-startup-nsh", bochs(cpus=2), prepare="no boot program", shell=True),
    Scenario("bochs-clang", bochs(cpus=4), variant="clang", expect=Expect(skips=NO_LACK)),
    replace(soak(3, "bochs"), name="bochs-3-runs"),
    Scenario("bochs-x2apic-firmware", bochs(cpus=4), prepare="x2APIC firmware", shell=True,
             expect=Expect(says=("apic mode +x2APIC",),
                           skips=f"{NO_LACK}|needs xAPIC mode")),
    # Judged as any run is, and not by the table of sabotage.py: one wrong expectation makes it red.
    Scenario("bochs-broken-expectation", bochs(cpus=2), variant="sabotage",
             options="sabotage.expectations*", expect=Expect(red=r"sabotage\.expectations")),

    # The same on AMD's SVM: stock QEMU, and Bochs with a Ryzen.
    Scenario("qemu-8", qemu(cpus=8), expect=Expect(skips=NO_SVM_LACK)),
    Scenario("qemu-4", qemu(cpus=4), expect=Expect(skips=NO_SVM_LACK)),
    Scenario("qemu-2", qemu(cpus=2), expect=SVM),
    Scenario("qemu-1", qemu(cpus=1), expect=SVM),
    replace(soak(3, "qemu"), name="qemu-3-runs"),
    Scenario("qemu-races", qemu(cpus=4, icount=False), expect=Expect(skips=NO_SVM_LACK)),
    Scenario("bochs-ryzen", bochs(cpus=4, model="ryzen"), NO_SHUTDOWN,  # one keeps the time
             expect=Expect(skips=rf"{NO_SVM_LACK}|needs (4|all) processors.*")),

    # Guests on a machine without the VMX-preemption timer: the tests of VMX itself need none of it.
    Scenario("bochs-apic-timer", bochs(cpus=4), f"--apic-timer {OF_GUESTS}",
             expect=Expect(passed=120, says=("vmx time slices +ended by the local APIC's timer",),
                           skips=rf"{NO_LACK}|needs (virtual-interrupt delivery|(4|all) pro.*)")),
    Scenario("bochs-apic-timer-1", bochs(cpus=1), "--apic-timer start.vector.10 machine.k*",
             expect=Expect(skips="needs a timer that ends guests")),

    # The same verdicts however fast the clocks are.
    Scenario("bochs-slow-clock", bochs(cpus=2, ips=1_000_000), OF_TIME),
    Scenario("bochs-fast-clock", bochs(cpus=2, ips=200_000_000), OF_TIME),
    Scenario("qemu-slow-clock", qemu(cpus=2, shift=7), OF_TIME, expect=SVM),
    # As many processors as a 64-bit mask has bits, and as an xAPIC has ids.
    Scenario("qemu-64", qemu(cpus=64, memory=1024, icount=False), OF_MANY,
             expect=Expect(passed=20, skips=NO_SVM_LACK)),
    Scenario("qemu-255", qemu(cpus=255, memory=2048, icount=False), OF_MANY,
             expect=Expect(passed=20, skips=NO_SVM_LACK)),

    Scenario("qemu-disk", plain(), expect=WITHOUT_VMX),
    Scenario("qemu-usb-stick", plain(boot="usb"), expect=WITHOUT_VMX),
    Scenario("qemu-startup-nsh", plain(), prepare="no boot program", shell=True,
             expect=WITHOUT_VMX),
]

# Bad machines and bad input: one clear line, nothing lost, a clean end.
BAD = [
    Scenario("no-vmx", bochs(cpus=2, model="p4_prescott_celeron_336"), expect=WITHOUT_VMX),
    # The machine of docs/screen-no-vmx.png.
    Scenario("qemu-no-vmx", Machine("qemu", 4, model="Nehalem"), expect=WITHOUT_VMX),
    Scenario("amd-without-svm", bochs(cpus=2, model="athlon64_venice"), expect=WITHOUT_VMX),
    Scenario("no-ept", bochs(cpus=2, model="core2_penryn_t9600"),
             expect=Expect(says=("SKIP .*EPT",), skipped=5, ran=r"(machine|vmx|fuzz|\w+\.machine)\..*",
                           skips=f"needs (EPT|{NO_EPT_EXTRAS})|{NO_LACK}")),
    Scenario("no-unrestricted-guest", bochs(cpus=2, model="corei5_lynnfield_750"),
             expect=Expect(says=("SKIP .*unrestricted guest",), skipped=5,
                           ran=r"(machine|vmx|fuzz|\w+\.machine)\..*",
                           skips=f"needs (unrestricted guest|{NO_EPT_EXTRAS})|{NO_LACK}")),
    Scenario("no-x2apic", bochs(cpus=2, model="corei5_arrandale_m520"),
             expect=Expect(says=("SKIP .*APIC-register virtualization",), skipped=1,
                           skips=f"needs (APIC-register virtualization|XSAVE|{NO_EPT_EXTRAS})|"
                                 f"{Expect.skips}")),
    Scenario("little-memory", bochs(cpus=2, memory=64), expect=Expect(passed=20)),
    Scenario("too-little-memory", bochs(cpus=2, memory=50),
             expect=Expect(report="none", says=("not enough memory: 4 MiB",))),
    Scenario("feature-control-locked", bochs(cpus=2), prepare="feature control locked", shell=True,
             expect=replace(WITHOUT_VMX, says=(
                 "no virtualization: .*locked IA32_FEATURE_CONTROL without VMX",))),
    Scenario("feature-control-locked-on-ap", bochs(cpus=3), shell=True,
             prepare="feature control locked on an AP",
             expect=Expect(says=(r"processor 1 \(APIC id 1\) cannot be used: not supported",),
                           passed=20, fails=("machine.processors",))),
    Scenario("no-mp-services", bochs(cpus=2), prepare="no MP Services", shell=True,
             expect=Expect(says=("MP Services",), passed=10, skipped=1)),
    Scenario("mp-services-refuse", bochs(cpus=4), shell=True,
             prepare="MP Services refuse, another program afterwards",
             expect=Expect(skips=NO_LACK, says=REFUSED)),
    Scenario("qemu-mp-services-refuse", qemu(cpus=4, icount=False), shell=True,
             options="machine.* vcpu.*", prepare="MP Services refuse, another program afterwards",
             expect=Expect(passed=30, skips=NO_SVM_LACK, says=REFUSED)),
    # The firmware's watchdog resets the machine; the next boot does without the processors.
    Scenario("mp-services-hang", plain(), prepare="MP Services hang", shell=True, restarts=1,
             expect=replace(WITHOUT_VMX, skips="needs (VMX|Intel VMX|AMD SVM|[24] processors|"
                                               "all processors of the machine|TSC-deadline timer|"
                                               "firmware that starts .*)", says=(
                 NO_VMX, "the last run ended in the start of the processors",
                 "cannot be used: the machine did not survive its start"))),
    Scenario("write-protected", plain(boot="usb", read_only=True), options=SOUND,
             expect=Expect(report="console", says=("volume is read-only", NO_VMX))),
    # A real volume that is gone in the middle of the run, and with it every handle on it.
    Scenario("stick-is-pulled", plain(boot="usb"), options=SOUND,
             monitor=("PASS +machine.exceptions", "device_del stick"),
             expect=Expect(report="cut", says=(NO_VMX, "on the console only"), passed=6)),
    Scenario("full-volume", plain(), prepare="full volume", options=SOUND,
             expect=Expect(report="console", says=("volume is full", NO_VMX))),
    # The TAP file ends early, the JSON file has the totals alone.
    Scenario("nearly-full-volume", plain(), prepare="8 KiB of room", options=SOUND,
             expect=Expect(report="cut", passed=6, says=(
                 "the rest only on the screen: volume is full|"
                 "only on the screen: volume is full",))),
    Scenario("options-in-utf16", plain(), prepare="options in UTF-16", options="machine.*",
             expect=Expect(passed=6, says=(NO_VMX,), skips=NO_VIRTUALIZATION)),
    Scenario("stops-at-full-screens", plain(), options="-p", types=("-- a key goes on", "q"),
             expect=replace(WITHOUT_VMX,
                            says=("-- a key goes on, q goes on to the end --", NO_VMX))),
    Scenario("unknown-option", plain(cpus=1), options="--bogus",
             expect=Expect(report="none", says=("unknown option --bogus",))),
    Scenario("filter-without-match", plain(cpus=1), options="no.such.*",
             expect=Expect(report="none", says=("no test matches",))),
]


def hardware_init():
    """With Bochs 2.7 the INIT stays pending after its exit, which costs the processor."""
    stays = version("bochs") == "bochs-2.7"
    passes = ("PASS", "")
    return {
        "hardware.init.running": ("FAIL", r"^the guest counts again: not in time") if stays
        else passes,
        "start.vector.10": passes,
        "machine.restored": ("ERROR", r"^processor 1 was not given back$") if stays else passes}


# Tests that misbehave on purpose, and guests at length.
SABOTAGED = [
    # At the end a processor is lost: the tests after that must do without it.
    Scenario("sabotage", bochs(cpus=3), variant="sabotage",
             options="sabotage.* *hardware_wait* vcpu.affinity.* many.*",
             expect=Expect(verdicts=SABOTAGE, known=KNOWN, notes=NOTES)),
    Scenario("qemu-sabotage", qemu(cpus=3), variant="sabotage",
             options="sabotage.* vcpu.affinity.* many.*",
             expect=Expect(verdicts=SABOTAGE_SVM, notes=NOTES)),
    # Once in crash.reset, and until the case of crash.case is found.
    Scenario("reset-and-resume", bochs(cpus=2), resets=4, variant="sabotage",
             options="--resume machine.clock crash.reset* crash.case*",
             expect=Expect(verdicts=RESET, says=("did not come to its end; 1 tests are known",))),
    # The run comes to its end; late NMIs find the firmware, which lives.
    Scenario("nmis-are-lost", bochs(cpus=2), options="crash.nmi.lost* start.vector.10",
             variant="sabotage", expect=Expect(verdicts=NMIS_LOST)),
    Scenario("nmis-are-late", bochs(cpus=2), options="crash.nmi.late* start.vector.10",
             variant="sabotage", expect=Expect(verdicts=NMIS_LATE)),
    Scenario("hardware-init", bochs(cpus=2), options="hardware.init.running start.vector.10",
             expect=Expect(verdicts=hardware_init())),
    # Every port and every MSR: too long for each run.
    Scenario("full-sweeps", bochs(cpus=1), options="full.hostile.*",
             expect=Expect(passed=4, ran=r"full\..*|machine.restored")),
    Scenario("qemu-full-sweeps", qemu(cpus=1), options="full.hostile.*",
             expect=Expect(passed=4, ran=r"full\..*|machine.restored")),
    Scenario("volume-vanishes", bochs(cpus=2), options="crash.volume*", variant="sabotage",
             expect=Expect(report="cut", passed=3, says=("on the console only",))),
]


# Only where the host can; there the tests of its vendor run on a real processor.
KVM = [
    Scenario("kvm-1", Machine("kvm", cpus=1), limit=120, expect=Expect(skips="needs .*|runs .*")),
    Scenario("kvm-4", Machine("kvm", cpus=4), limit=120, expect=Expect(skips="needs .*|runs .*")),
]


def all_scenarios():
    return SABOTAGED + SUITE + BAD + (KVM if kvm_nests() else [])
