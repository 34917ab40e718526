"""Starts an emulator on an image, follows its serial line, and ends it when its time is up."""

import functools
import os
import re
import shutil
import signal
import subprocess
import time
import tty
from dataclasses import dataclass
from pathlib import Path

import virtualbox
from console import Cleaner
from report import Broken

# Debian, Fedora, Arch, openSUSE; the variable OVMF names another one.
FIRMWARE = ("/usr/share/ovmf/OVMF.fd", "/usr/share/OVMF/OVMF.fd", "/usr/share/edk2/ovmf/OVMF.fd",
            "/usr/share/edk2/x64/OVMF.4m.fd", "/usr/share/edk2/x64/OVMF.fd",
            "/usr/share/qemu/ovmf-x86_64.bin")
BOCHS_SHARE = Path(os.environ.get("BOCHS_SHARE", "/usr/share/bochs"))
# An instruction takes 2^3 ns. With 2^0 the firmware's waits take very many of them.
ICOUNT = ["-icount", "shift={},sleep=off", "-rtc", "base=2000-01-01,clock=vm"]
STARTS = re.compile(r"BdsDxe: starting Boot")


@dataclass(frozen=True)
class Machine:
    emulator: str = "bochs"  # bochs, qemu, kvm, virtualbox
    cpus: int = 4
    memory: int = 512  # MiB
    model: str = ""  # the emulator's name of a processor; "" is the most capable one
    boot: str = "disk"  # disk, usb
    read_only: bool = False
    # QEMU without KVM: its clocks count instructions, and its processors take turns in one thread,
    # so a busy host changes no verdict. Without it they race, each in a thread of its own.
    icount: bool = True
    shift: int = 3  # with icount an instruction takes 2^shift ns
    ips: int = 20_000_000  # Bochs: instructions in a second of its clocks
    # QEMU: the APIC ids of the processors after the first one, which has 0. From 255 on only x2APIC
    # mode knows them, which QEMU emulates since 9.0, and not with icount ("Bad icount read").
    ids: tuple = ()

    def ending(self):
        """The image's option with which a run ends the emulator."""
        return virtualbox.ENDING if self.emulator == "virtualbox" else "-s"

    def main(self):
        """The model of each vendor that shows all there is to show."""
        return self.model in ("", "ryzen", "max", "host")


@dataclass
class Ended:
    how: str  # "off", or what went wrong
    seconds: float
    lines: list  # what the console said


@functools.lru_cache(maxsize=None)
def version(emulator):
    """What its file of known deviations is called: bochs-2.7, qemu-7.2, kvm."""
    if emulator == "kvm":
        return "kvm"
    if emulator == "virtualbox":
        return virtualbox.version()
    command, pattern = {
        "bochs": (["bochs", "--help"], r"Bochs x86 Emulator (\d+\.\d+)"),
        "qemu": (["qemu-system-x86_64", "--version"], r"version (\d+\.\d+)"),
    }[emulator]
    if not shutil.which(command[0]):
        raise Broken(f"{command[0]} is not installed")
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    match = re.search(pattern, done.stdout)
    return f"{emulator}-{match[1]}" if match else emulator


def _firmware():
    given = os.environ.get("OVMF")
    for path in (given,) if given else FIRMWARE:
        if os.path.isfile(path):
            if os.path.getsize(path) % 2**16:
                raise Broken(f"{path} is no firmware: its size is no multiple of 64 KiB")
            return path
    raise Broken(f"no OVMF firmware at {given or ', '.join(FIRMWARE)}: set OVMF to its path")


@functools.lru_cache(maxsize=None)
def _bochs_models():
    done = subprocess.run(["bochs", "--help", "cpu"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.stdout.split()


def _bochs(machine, folder, disk, serial):
    """
    Debian's Bochs has its debugger built in: it waits for `c`, and needs its stdin to stay open.
    Without a sound card its sound thread may abort, so it gets the dummy driver.
    """
    if machine.read_only:
        raise Broken("Bochs has no write-protected disks")
    if machine.model and machine.model not in _bochs_models():
        raise Broken(f"Bochs has no model {machine.model}; `bochs --help cpu` lists them")
    firmware = _firmware()
    address = 2**32 - os.path.getsize(firmware)  # the ROM ends where the address space does
    pci = "pci: enabled=1, chipset=i440fx"
    drive = f"ata0-master: type=disk, path={disk}, mode=flat"
    if machine.boot == "usb":
        # 3.0 boots from its slow controller only.
        kind, speed = ("uhci", "speed:full, ") if version("bochs") == "bochs-3.0" else ("ehci", "")
        if kind == "ehci":  # UHCI is a part of the chipset
            pci += ", slot1=usb_ehci"
        drive = f'usb_{kind}: enabled=1, port1=disk, options1="{speed}path:{disk}"'
    mode = "term" if serial.is_absolute() else "file"
    (folder / "bochsrc").write_text(f"""\
display_library: rfb, options="timeout=0"
romimage: file={firmware}, address={address:#x}, options=none
vgaromimage: file={BOCHS_SHARE}/VGABIOS-lgpl-latest
cpu: model={machine.model or "corei7_skylake_x"}, count={machine.cpus}, ips={machine.ips}, \
reset_on_triple_fault=0
memory: guest={machine.memory}, host={min(machine.memory, 512)}
{pci}
{drive}
com1: enabled=1, mode={mode}, dev={serial}
clock: sync=none, time0=946681200
sound: driver=dummy
log: bochs.log
panic: action=fatal
""")
    (folder / "bochs.rc").write_text("c\n")
    return ["bochs", "-q", "-f", "bochsrc", "-rc", "bochs.rc"]


def _qemu_processors(machine, model):
    """In order, or in packages of 256 ids that have a processor only where machine.ids says so."""
    if not machine.ids:
        return ["-smp", str(machine.cpus)]
    packages = max(machine.ids) // 256 + 1
    words = ["-smp", f"1,maxcpus={256 * packages},sockets={packages},cores=256,threads=1"]
    for apic_id in machine.ids:
        package, core = divmod(apic_id, 256)
        words += ["-device",
                  f"{model}-x86_64-cpu,socket-id={package},core-id={core},thread-id=0"]
    return words


def _qemu(machine, _folder, disk, serial):
    model = machine.model or ("host" if machine.emulator == "kvm" else "max")
    drive = f"if=none,id=boot,format=raw,file={disk}" + (",readonly=on" * machine.read_only)
    device = ["-device", "ide-hd,drive=boot"]
    if machine.boot == "usb":
        device = ["-device", "qemu-xhci", "-device", "usb-storage,id=stick,drive=boot,removable=on"]
    port = f"{serial}" if serial.is_absolute() else f"file:{serial}"
    accel = ["-accel", "kvm" if machine.emulator == "kvm" else "tcg"]
    if machine.emulator == "qemu" and machine.icount:
        accel += [word.format(machine.shift) for word in ICOUNT]
    return ["qemu-system-x86_64", "-machine", "q35", "-cpu", model,
            *_qemu_processors(machine, model), *accel, "-m", str(machine.memory),
            "-bios", _firmware(), "-display", "none",
            "-monitor", "stdio", "-net", "none", "-serial", port, "-drive", drive, *device]


def _how_bochs_ended(folder):
    log = folder / "bochs.log"
    text = log.read_text(errors="replace") if log.exists() else ""
    if "soft power off" in text:
        return "off"
    panics = [line for line in text.splitlines() if ">>PANIC<<" in line or "]p[" in line]
    return "Bochs stopped: " + (panics[-1].strip() if panics else _last_words(folder))


def _last_words(folder):
    """The line in which an emulator that did not start says why."""
    said = (folder / "emulator.txt").read_text(errors="replace").splitlines()
    lines = [words for line in said if (words := line.removeprefix("(qemu)").strip())]
    reasons = [line for line in lines if re.search(
        r"error|unable|not found|could not|cannot|failed|wrong|unsupported|>>PANIC", line, re.I)]
    return (reasons or lines or ["emulator.txt is empty"])[-1][:300]


class _Serial:
    """The serial line: a file that the emulator writes, or a terminal when we are to answer."""

    def __init__(self, folder, two_way):
        self.log = folder / "serial.txt"
        self.log.write_bytes(b"")
        self.near = self.far = None
        if two_way:
            self.near, self.far = os.openpty()
            tty.setraw(self.far)
            os.set_blocking(self.near, False)
            self.path = Path(os.ttyname(self.far))
        else:
            self.path = Path(self.log.name)
        self.file = open(self.log, "r+b" if two_way else "rb")

    def read(self):
        if self.near is None:
            return self.file.read()
        data = b""
        try:
            while part := os.read(self.near, 65536):
                data += part
        except BlockingIOError:
            pass
        self.file.write(data)
        self.file.flush()
        return data

    def type(self, text):
        os.write(self.near, text.encode())

    def close(self):
        self.file.close()
        for end in (self.near, self.far):
            if end is not None:
                os.close(end)


def run(machine, folder, disk, limit, answer=None, command=None, on_line=lambda line: None,
        restarts=0):
    """
    Runs the machine in folder, disk being a file there, until it switches itself off or limit
    seconds have passed. answer is (pattern, text): the text is typed once, when the pattern is
    found in what the console has said so far, the unfinished last line included; command likewise,
    for QEMU's monitor. restarts: so often the machine may restart by itself.
    """
    version(machine.emulator)
    serial = _Serial(folder, answer is not None)
    starts = {"bochs": _bochs, "virtualbox": virtualbox.command}.get(machine.emulator, _qemu)
    program = starts(machine, folder, disk, serial.path)
    cleaner, lines, how = Cleaner(), [], None
    start = time.monotonic()

    def take(new):
        for line in new:
            lines.append(line)
            on_line(line)

    with open(folder / "emulator.txt", "wb") as output:
        # The kernel ends the emulator if the harness is killed; nothing else would.
        process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *program],
                                   cwd=folder, stdin=subprocess.PIPE,
                                   stdout=output, stderr=output, start_new_session=True)
        try:
            while how is None:
                ended = process.poll() is not None
                take(cleaner.feed(serial.read()))
                said = "\n".join([*lines, cleaner.rest])
                if answer and re.search(answer[0], said):
                    serial.type(answer[1])
                    answer = None
                if command and re.search(command[0], said):
                    process.stdin.write(f"{command[1]}\n".encode())
                    process.stdin.flush()
                    command = None
                if ended:
                    take(cleaner.flush())
                    if machine.emulator == "bochs":
                        how = _how_bochs_ended(folder)
                    elif process.returncode == 0:
                        how = "off"
                    else:
                        name = {"virtualbox": "VirtualBox"}.get(machine.emulator, "QEMU")
                        how = f"{name} stopped: {_last_words(folder)}"
                elif sum(bool(STARTS.match(line)) for line in lines) > 1 + restarts:
                    how = "the machine restarted by itself"
                elif time.monotonic() - start > limit:
                    how = f"no end within {limit} s"
                else:
                    time.sleep(0.1)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            process.stdin.close()
            serial.close()
    return Ended(how, time.monotonic() - start, lines)
