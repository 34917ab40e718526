"""How a run ends, as whoever waits for it sees it, and the host program with a real VMM.

`endings.py BUILD`; the last line has the counts. QEMU without VMX is enough for all of it.
"""

import re
import subprocess
import sys
import time
from pathlib import Path

import emulator
import image

LIMIT = 240
PORT = ["-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"]
ALIVE = None  # QEMU goes on, and the console says what comes then

# options, more of QEMU, its exit status, what the console must say
CASES = (
    ("-s machine.clock", [], 0, b"checks: PASSED"),
    ("--debug-exit f4 machine.clock", PORT, 33, b"checks: PASSED"),
    # All there is: no virtualization, and QEMU's local APIC fails.
    ("--debug-exit f4", PORT, 35, b"checks: FAILED"),
    ("--debug-exit f4 --require virtualization machine.clock", PORT, 39,
     b"INCOMPLETE: virtualization is required"),
    ("--debug-exit f4 --max-skips 3 machine.* vmx.*", PORT, 39, b"at most 3 may be"),
    ("--debug-exit f4 --bogus", PORT, 37, b"unknown option --bogus"),
    ("--debug-exit f4 -s machine.clock", [], 0, b"no isa-debug-exit at port f4H"),
    ("--reboot machine.clock", ["-no-reboot"], 0, b"checks: PASSED"),
    ("--return machine.clock", [], ALIVE, b"checks: PASSED"),
    ("--wait 1 machine.clock", [], ALIVE, b"in 1 s it goes back by itself"),
)


def command(disk, serial):
    return ["qemu-system-x86_64", "-machine", "q35", "-cpu", "Nehalem", "-smp", "2", "-m", "256",
            "-bios", emulator._firmware(), "-display", "none", "-net", "none",
            "-serial", f"file:{serial}", "-drive", f"file={disk},format=raw"]


def boot(build, folder, options, more, status, says):
    """What is wrong, or nothing."""
    disk, serial = folder / "disk.img", folder / "serial.txt"
    image.copy(build / "assay.img", disk)
    image.options(disk, options)
    serial.write_bytes(b"")
    process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command(disk, serial), *more],
                               stdin=subprocess.DEVNULL)
    start, came_back = time.monotonic(), False
    try:
        while process.poll() is None and time.monotonic() - start < LIMIT:
            time.sleep(0.2)
            said = serial.read_bytes()
            # The firmware's boot manager goes on with the next entry.
            if status is ALIVE and b"BdsDxe: loading" in said[said.find(says) + 1:]:
                came_back = said.find(says) >= 0
                if came_back:
                    break
    finally:
        ended = process.poll()
        process.kill()
        process.wait()
    if says not in serial.read_bytes():
        return f"the console does not say {says.decode()}"
    if status is ALIVE:
        return "" if came_back else "the firmware did not go on"
    return "" if ended == status else f"status {ended}, not {status}"


def picture(build, folder):
    """The QR code, read from a picture of the screen while the run waits for a key."""
    disk, serial, screen = folder / "disk.img", folder / "serial.txt", folder / "screen.ppm"
    image.copy(build / "assay.img", disk)
    image.options(disk, "machine.*")
    serial.write_bytes(b"")
    process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command(disk, serial),
                                "-vga", "std", "-monitor", "stdio"], cwd=folder,
                               stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    start = time.monotonic()
    try:
        while b"press a key" not in serial.read_bytes() and time.monotonic() - start < LIMIT:
            time.sleep(0.2)
        time.sleep(3)
        process.stdin.write(b"screendump screen.ppm\n")
        process.stdin.flush()
        time.sleep(3)
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
    done = subprocess.run(["zbarimg", "-q", "--raw", str(screen)], capture_output=True, text=True,
                          check=False)
    lines = done.stdout.splitlines()
    good = (len(lines) >= 5 and lines[0].startswith("assay ") and "QEMU" in lines[2]
            and re.fullmatch(r"7 passed, .* checks: PASSED", lines[1]))
    return "" if good else f"zbarimg reads {done.stdout!r} {done.stderr.strip()[-100:]}"


def host_program(build, folder):
    """(name, what is wrong or nothing) of `assay run` and what follows it."""
    program, kept = build / "assay", folder / "kept"

    def call(wanted, says, *words):
        done = subprocess.run([program, *words], capture_output=True, text=True, check=False,
                              timeout=LIMIT)
        good = done.returncode == wanted and says in done.stdout + done.stderr
        return "" if good else f"status {done.returncode}: {(done.stdout + done.stderr)[-300:]}"

    def vmm(*more):
        return ["run", "--image", str(build / "assay.img"), "--quiet", "--keep", str(kept), *more,
                "--", *command("{image}", "{serial}")]

    yield "assay run", call(1, "1 unmet requirement", *vmm("--max-skips", "1000",
                                                           "--options", "machine.* vmx.*"))
    yield "assay judge --write-known", call(
        0, "lines", "judge", str(kept), "--write-known", str(folder / "known.txt"))
    yield "assay run --known", call(
        0, "GREEN", *vmm("--no-require", "--options", "machine.*",
                         "--known", str(folder / "known.txt")))
    yield "assay judge serial.txt", call(
        0, "GREEN", "judge", str(kept / "serial.txt"), "--no-require", "--max-skips", "9")


def main():
    build = Path(sys.argv[1]).resolve()
    folder = image.fresh_folder(build / "run" / "endings")
    results = [(options, boot(build, folder, options, more, status, says))
               for options, more, status, says in CASES]
    results.append(("QR code", picture(build, folder)))
    results += list(host_program(build, folder))
    for name, wrong in results:
        print(f"{'FAILED' if wrong else 'ok':7} {name} {wrong}")
    red = sum(bool(wrong) for _, wrong in results)
    print(f"{len(results) - red} passed, {red} failed")
    return 1 if red else 0


if __name__ == "__main__":
    sys.exit(main())
