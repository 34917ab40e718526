"""`make pictures`: what a person sees at the end of a run, into docs/*.png.

With virtualization: Bochs on a virtual X server, its window taken by xwd. Without: QEMU's monitor.
`make test` compares what the QR codes say with its own runs on the same machines.
"""

import argparse
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import emulator
import image
from report import Broken, last_line

READY = "press a key to go back"
DISPLAY = ":97"
LIMIT = 600  # s; an X server and Bochs share a processor
BOCHS_FRAME = (37, 23)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def write_png(path, width, height, pixels):
    """pixels: rows of (r, g, b) tuples; few colours, so that 4 bits do for each."""
    colours = sorted({p for row in pixels for p in row})
    if len(colours) > 16:
        raise Broken(f"{path}: {len(colours)} colours")
    number = {colour: i for i, colour in enumerate(colours)}
    data = bytearray()
    for row in pixels:
        data.append(0)
        indexes = [number[p] for p in row] + [0] * (width % 2)
        data += bytes(a << 4 | b for a, b in zip(indexes[::2], indexes[1::2]))
    path.write_bytes(b"\x89PNG\r\n\x1a\n"
                     + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 4, 3, 0, 0, 0))
                     + chunk(b"PLTE", bytes(sum(colours, ())))
                     + chunk(b"IDAT", zlib.compress(bytes(data), 9)) + chunk(b"IEND", b""))


def read_ppm(data):
    magic, width, height, _, body = data.split(None, 4)
    if magic != b"P6":
        raise Broken("no picture from the monitor")
    width, height = int(width), int(height)
    return width, height, body[-3 * width * height:]


def read_xwd(data):
    """XWD version 7, 32 bits a pixel in little-endian order, as Xvfb has it."""
    head = struct.unpack(">25I", data[:100])
    size, width, height, line, colours = head[0], head[4], head[5], head[12], head[19]
    body = data[size + 12 * colours:]
    rows = (body[y * line: y * line + 4 * width] for y in range(height))
    return width, height, b"".join(bytes(b for x in range(0, 4 * width, 4)
                                         for b in (row[x + 2], row[x + 1], row[x])) for row in rows)


def cropped(width, height, body):
    """Without black margins but for a small one."""
    rows = [[tuple(body[3 * (y * width + x): 3 * (y * width + x) + 3]) for x in range(width)]
            for y in range(height)]
    margin, black = 8, (0, 0, 0)
    lines = [y for y, row in enumerate(rows) if any(p != black for p in row)]
    ends = [max(x for x, p in enumerate(rows[y]) if p != black) for y in lines]
    starts = [min(x for x, p in enumerate(rows[y]) if p != black) for y in lines]
    top, bottom = max(min(lines) - margin, 0), min(max(lines) + margin, height - 1)
    left, right = max(min(starts) - margin, 0), min(max(ends) + margin, width - 1)
    return right - left + 1, bottom - top + 1, [row[left:right + 1] for row in rows[top:bottom + 1]]


def wait_for(folder, process):
    start = time.monotonic()
    serial = folder / "serial.txt"
    while READY not in (serial.read_text(errors="replace") if serial.exists() else ""):
        if process.poll() is not None or time.monotonic() - start > LIMIT:
            raise Broken(f"{folder}: the run did not come to its end")
        time.sleep(0.2)
    time.sleep(3)


def prepare(build, name):
    folder = image.fresh_folder(build / "run" / name)
    image.copy(build / "assay.img", folder / "disk.img")
    return folder


def start(command, folder, **more):
    output = open(folder / "emulator.txt", "wb")
    return subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command], cwd=folder,
                            stdin=subprocess.PIPE, stdout=output, stderr=output, **more)


def take_bochs(build, name, machine):
    folder = prepare(build, name)
    command = emulator._bochs(machine, folder, "disk.img", Path("serial.txt"))
    rc = (folder / "bochsrc").read_text()
    rc = rc.replace('display_library: rfb, options="timeout=0"', "display_library: x")
    rc = rc.replace("chipset=i440fx", "chipset=i440fx, slot1=cirrus")
    (folder / "bochsrc").write_text(rc + "vga: extension=cirrus, update_freq=5\n")
    server = start(["Xvfb", DISPLAY, "-screen", "0", "1280x1024x24"], folder)
    time.sleep(2)
    environment = dict(os.environ, DISPLAY=DISPLAY)
    process = start(command, folder, env=environment)
    try:
        wait_for(folder, process)
        tree = subprocess.run(["xwininfo", "-root", "-tree"], env=environment, text=True,
                              stdout=subprocess.PIPE, check=True).stdout
        window = next(line.split()[0] for line in tree.splitlines() if "Bochs" in line)
        data = subprocess.run(["xwd", "-id", window, "-silent"], env=environment,
                              stdout=subprocess.PIPE, check=True).stdout
    finally:
        for one in (process, server):
            one.kill()
            one.wait()
    shutil.copyfile(folder / "serial.txt", folder / "console.txt")
    width, height, body = read_xwd(data)
    top, bottom = BOCHS_FRAME  # what Bochs draws around the screen
    return width, height - top - bottom, body[3 * width * top: len(body) - 3 * width * bottom]


def take_qemu(build, name, machine):
    folder = prepare(build, name)
    command = emulator._qemu(machine, folder, "disk.img", Path("serial.txt"))
    command[command.index("-monitor") + 1] = "unix:monitor,server=on,wait=off"
    process = start([*command, "-vga", "std"], folder)
    try:
        wait_for(folder, process)
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.connect(os.path.relpath(folder / "monitor"))
            monitor.sendall(b"screendump screen.ppm\n")
            time.sleep(3)
        data = (folder / "screen.ppm").read_bytes()
    finally:
        process.kill()
        process.wait()
    return read_ppm(data)


def brief(report):
    """The lines of the QR code after the first one, which names the version; core/suite/summary.c,
    summary_brief."""
    machine = report["machine"]
    return [last_line(report["summary"]),
            machine.get("system", "unknown"), machine["cpu_brand"][:48],
            machine.get("bios", machine["firmware"])[:60],
            *[test["name"] for test in report["tests"] if test["verdict"] in ("FAIL", "ERROR")]]


FAILURES, HEAD = 8, 4  # lines of the QR code: tests at most, and what is before them


def stale(shown, report):
    """Lines: what a picture's QR code says otherwise than the report; the names end where the code
    is full."""
    wanted = brief(report)
    most = min(len(wanted), HEAD + FAILURES)
    if not shown or not shown[0].startswith("assay "):
        return ["no QR code of ours is found in it"]
    shown = shown[1:]
    wrong = [f"{picture!r}, the run has {run!r}" for picture, run in zip(shown, wanted)
             if picture != run]
    if not min(HEAD + 1, most) <= len(shown) <= most:
        wrong.append(f"{len(shown)} lines, the run has {len(wanted)}")
    return wrong


def qr_lines(path):
    done = subprocess.run(["zbarimg", "-q", "--raw", str(path)], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, check=False)
    return done.stdout.splitlines()


PICTURES = {"screen-no-vmx": (take_qemu, emulator.Machine("qemu", cpus=4, model="Nehalem")),
            "screen-4-processors": (take_bochs, emulator.Machine("bochs", cpus=4))}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*PICTURES, []], help="none: all")
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--check", type=Path, metavar="REPORT.JSON",
                        help="do not take it: is it still what a run on that machine says?")
    given = parser.parse_args()
    wrong = []
    for name in given.names or PICTURES:
        path = Path("docs") / f"{name}.png"
        if given.check:
            wrong += [f"{path} is stale, make pictures: {line}" for line in
                      stale(qr_lines(path), json.loads(given.check.read_text()))]
            continue
        take, machine = PICTURES[name]
        write_png(path, *cropped(*take(given.build, name, machine)))
        print(f"{path}: {path.stat().st_size} bytes")
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
