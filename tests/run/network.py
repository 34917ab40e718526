"""Boots over the network: PXE and HTTP, by OVMF's own drivers and by iPXE's, which QEMU's network
cards bring along, with the options in a file beside the program on the server.

`network.py BUILD [GLOB]`; the last line has the counts. QEMU's user network has the DHCP and TFTP
servers; it answers firmware that asks for HTTP if the boot file is a URI.
"""

import fnmatch
import re
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import emulator
import image

LIMIT = 240
# OVMF has got no program: its own network failed, which happens on a busy host.
NO_PROGRAM = re.compile(rb"Error: (Could not retrieve NBP file size|Unexpected network error)")
OPTIONS = b"-s machine.clock\n"
HERE = "10.0.2.2"  # this machine, as QEMU's guest sees it
OFF = b"2 passed, 0 failed"  # with the options, and the machine switches itself off
RUNS = b"PASS machine.processors"  # without, it begins with everything

# name, whose driver, boot file, what the console must say, what it must not say
CASES = (
    ("PXE", "ovmf", "whole/assay.efi", OFF, b"assay: http"),
    ("PXE by iPXE", "ipxe", "whole/assay.efi", OFF, b"assay: http"),
    ("HTTP", "ovmf", "http://{server}/whole/assay.efi", OFF, b"assay: http"),
    ("HTTP, query", "ovmf", "http://{server}/whole/assay.efi?a=/b", OFF, b"assay: http"),
    ("HTTP 1.0", "ovmf", "http://{server}/closes/assay.efi", OFF, b"assay: http"),
    ("HTTP by iPXE", "ipxe", "http://{server}/whole/assay.efi", OFF, b"assay: http"),
    ("HTTP, no options", "ovmf", "http://{server}/none/assay.efi", RUNS, b"assay: http"),
    ("HTTP, no answer", "ovmf", "http://{server}/silent/assay.efi", b"OPTIONS.TXT: no answer", OFF),
    ("HTTP, half", "ovmf", "http://{server}/half/assay.efi", b"it does not come whole", OFF),
    ("HTTP, no length", "ovmf", "http://{server}/endless/assay.efi", b"does not say its length", OFF),
)


class Server(BaseHTTPRequestHandler):
    """The folder says how it serves OPTIONS.TXT."""

    program = b""

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.serve(False)

    def do_GET(self):
        self.serve(True)

    def serve(self, body):
        how, name = self.path.split("?")[0].split("/")[1:]
        options = name == "OPTIONS.TXT"
        data = OPTIONS if options else self.program
        self.protocol_version = "HTTP/1.0" if how == "closes" else "HTTP/1.1"
        if options and how == "none":
            return self.send_error(404)
        if options and how == "silent":
            return time.sleep(LIMIT)
        self.send_response(200)
        if not options or how != "endless":
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if not body:
            return None
        if options:  # two packets
            self.wfile.write(data[:5])
            self.wfile.flush()
            time.sleep(LIMIT if how == "half" else 0.5)
            data = data[5:]
        return self.wfile.write(data)


def command(folder, driver, bootfile):
    rom = ",romfile=" if driver == "ovmf" else ""
    words = ["qemu-system-x86_64", "-machine", "q35", "-cpu", "Nehalem", "-smp", "2", "-m", "256",
             "-bios", emulator._firmware(), "-display", "none", "-monitor", "none",
             "-serial", f"file:{folder}/serial.txt",
             "-netdev", f"user,id=n,ipv6=off,tftp={folder}/tftp,bootfile={bootfile}",
             "-device", "virtio-rng-pci",  # newer OVMF has no network without random numbers
             "-device", f"virtio-net-pci,netdev=n,bootindex=1{rom}"]
    if bootfile.startswith("http"):  # OVMF tries PXE first, over IPv6, too, for a long time
        for version in "IPv4", "IPv6":
            words += ["-fw_cfg", f"name=opt/org.tianocore/{version}PXESupport,string=n"]
    return words


def boot(folder, driver, bootfile, says, not_says):
    """What is wrong, or nothing."""
    serial = folder / "serial.txt"
    serial.write_bytes(b"")
    process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL",
                                *command(folder, driver, bootfile)], stdin=subprocess.DEVNULL)
    start = time.monotonic()
    try:
        while process.poll() is None and time.monotonic() - start < LIMIT:
            time.sleep(0.2)
            said = serial.read_bytes()
            if NO_PROGRAM.search(said) or (says is not OFF and RUNS in said):
                break
        ended = process.poll()
    finally:
        process.kill()
        process.wait()
    said = serial.read_bytes()
    for wrong, words in ((says not in said, f"does not say {says.decode()}"),
                         (not_says in said, f"says {not_says.decode()}")):
        if wrong:
            return f"the console {words}"
    if says is OFF:
        return "" if ended == 0 else f"status {ended}"
    return "" if RUNS in said else "the run does not begin"


def main():
    build = Path(sys.argv[1]).resolve()
    folder = image.fresh_folder(build / "run" / "network")
    (folder / "tftp/whole").mkdir(parents=True)
    image.copy(build / "assay.efi", folder / "tftp/whole/assay.efi")
    (folder / "tftp/whole/OPTIONS.TXT").write_bytes(OPTIONS)
    Server.program = (build / "assay.efi").read_bytes()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    cases = [c for c in CASES if fnmatch.fnmatchcase(c[0], (*sys.argv[2:], "*")[0])]
    red = 0
    for name, driver, bootfile, says, not_says in cases:
        file = bootfile.format(server=f"{HERE}:{server.server_port}")
        start = time.monotonic()
        wrong = boot(folder, driver, file, says, not_says)
        if wrong and NO_PROGRAM.search((folder / "serial.txt").read_bytes()):
            wrong = boot(folder, driver, file, says, not_says)
        red += bool(wrong)
        print(f"{'FAILED' if wrong else 'ok':7} {name} {time.monotonic() - start:.0f} s {wrong}",
              flush=True)
    print(f"{len(cases) - red} passed, {red} failed")
    return 1 if red else 0


if __name__ == "__main__":
    sys.exit(main())
