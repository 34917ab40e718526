"""The recipes for Secure Boot, on OVMF that enforces it: signed with a key of the machine's, alone
and behind shim; and that both refuse what they must. `secure.py BUILD`; the last line has the
counts.

The keys are the ones that Debian's ovmf publishes for such tests.
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import image

KEY, CERTIFICATE = (Path(f"/usr/share/ovmf/PkKek-1-snakeoil.{end}") for end in ("key", "pem"))
CODE = Path("/usr/share/OVMF/OVMF_CODE_4M.secboot.fd")
VARIABLES = Path("/usr/share/OVMF/OVMF_VARS_4M.snakeoil.fd")
SHIM = Path("/usr/lib/shim/shimx64.efi")
LIMIT = 240
RUNS = rb": PASSED"
REFUSES = rb"Security Violation|Access Denied"  # OVMF 2022.11 and shim, OVMF 2025.02

# name, what the firmware starts, what shim starts, what the console must say
CASES = (("signed", "signed.efi", None, RUNS),
         ("not signed", "assay.efi", None, REFUSES),
         ("through shim", "shim.efi", "signed.efi", RUNS),
         ("through shim without .sbat", "shim.efi", "no-sbat.efi", REFUSES))


def sign(folder, source, target):
    subprocess.run(["sbsign", "--key", folder / "db.key", "--cert", CERTIFICATE, "--output",
                    folder / target, source], check=True, stderr=subprocess.DEVNULL)


def make_files(build, folder):
    subprocess.run(["openssl", "rsa", "-in", KEY, "-passin", "pass:snakeoil", "-out",
                    folder / "db.key"], check=True, stderr=subprocess.DEVNULL)
    image.copy(build / "assay.efi", folder / "assay.efi")
    sign(folder, folder / "assay.efi", "signed.efi")
    sign(folder, SHIM, "shim.efi")
    subprocess.run(["objcopy", "--remove-section", ".sbat", folder / "assay.efi",
                    folder / "bare.efi"], check=True)
    sign(folder, folder / "bare.efi", "no-sbat.efi")


def boot(build, folder, first, second):
    """What the serial line said until one of the two answers, or the end."""
    disk = folder / "disk.img"
    image.copy(build / "assay.img", disk)
    image.write(disk, "EFI/BOOT/BOOTX64.EFI", (folder / first).read_bytes())
    if second:
        image.write(disk, "EFI/BOOT/grubx64.efi", (folder / second).read_bytes())
    image.options(disk, "-s machine.*")
    image.copy(VARIABLES, folder / "variables.fd")
    serial = folder / "serial.txt"
    serial.write_bytes(b"")
    flash = "if=pflash,format=raw,unit="
    process = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64", "-machine", "q35,smm=on",
         "-cpu", "max", "-smp", "2", "-m", "512", "-display", "none", "-net", "none",
         "-global", "driver=cfi.pflash01,property=secure,value=on",
         "-drive", f"{flash}0,readonly=on,file={CODE}",
         "-drive", f"{flash}1,file={folder}/variables.fd",
         "-serial", f"file:{serial}", "-drive", f"file={disk},format=raw"],
        stdin=subprocess.DEVNULL)
    start = time.monotonic()
    try:
        while process.poll() is None and time.monotonic() - start < LIMIT:
            time.sleep(0.5)
            if re.search(RUNS + rb"|" + REFUSES, serial.read_bytes()):
                break
    finally:
        process.kill()
        process.wait()
    return serial.read_bytes()


def main():
    build = Path(sys.argv[1])
    missing = [str(p) for p in (KEY, CODE, VARIABLES, SHIM) if not os.path.exists(p)]
    if missing:
        print(f"not there: {', '.join(missing)}")
        return 1
    folder = image.fresh_folder(build / "run" / "secure-boot")
    make_files(build, folder)
    red = 0
    for name, first, second, wanted in CASES:
        said = boot(build, folder, first, second)
        other = REFUSES if wanted is RUNS else b"checks: "
        good = re.search(wanted, said) and not re.search(other, said)
        if wanted is RUNS:
            good = good and b"secure boot            on" in said
        red += not good
        print(f"{'ok' if good else 'FAILED':7} {name}", flush=True)
    print(f"{len(CASES) - red} passed, {red} failed")
    return 1 if red else 0


if __name__ == "__main__":
    sys.exit(main())
