"""Boots by GRUB, systemd-boot and rEFInd with the texts of docs/booting.md, in QEMU.

`loaders.py BUILD`; the last line has the counts. The boot loaders come out of Debian's packages, which
are not installed: rEFInd's would make itself the boot loader of this machine.
"""

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import emulator
import image

PAGE = Path(__file__).parents[2] / "docs/booting.md"
LIMIT = 240

# name on the page, package, the loader in it, where it reads the text, what stands before the text
# (of GRUB: what grub-mkconfig writes), where the program is
LOADERS = (
    ("GRUB", "grub-efi-amd64-bin", "usr/lib/grub/x86_64-efi/monolithic/grubx64.efi",
     "EFI/debian/grub.cfg", "set timeout=0\n", "assay.efi"),
    ("systemd-boot", "systemd-boot-efi", "usr/lib/systemd/boot/efi/systemd-bootx64.efi",
     "loader/entries/assay.conf", "", "assay.efi"),
    ("rEFInd", "refind", "usr/share/refind/refind/refind_x64.efi",
     "EFI/BOOT/refind.conf", "", "ASSAY/assay.efi"),
)


def text_of(name, page):
    """The indented block after the name, with a filter after the option -s, to be quick."""
    block = re.search(rf"^\*\*{name}\*\*.*?\n\n((?:    [^\n]*\n|\n)+)", page, re.S | re.M)[1]
    text, count = re.subn(r"(?<=[\s\"])-s(?=[\s\"])", "-s machine.clock", textwrap.dedent(block))
    if count != 1:
        raise ValueError(f"{PAGE}: {name}: {count} options -s")
    return text


def unpack(package, folder):
    subprocess.run(["apt-get", "-qq", "-o", "APT::Sandbox::User=", "download", package],
                   cwd=folder, check=True)
    deb = next(folder.glob(f"{package}_*.deb"))
    subprocess.run(["dpkg-deb", "-x", deb, folder / package], check=True)
    return folder / package


def boot(build, folder, loader, files):
    """What is wrong, or nothing; files are paths on the volume with their bytes."""
    disk, serial = folder / "disk.img", folder / "serial.txt"
    image.copy(build / "assay.img", disk)
    image.remove(disk, "assay.efi")
    image.write(disk, "EFI/BOOT/BOOTX64.EFI", loader)
    for path, data in files.items():
        image.folder(disk, path.rpartition("/")[0])
        image.write(disk, path, data)
    try:
        status = subprocess.run(
            ["qemu-system-x86_64", "-machine", "q35", "-cpu", "Nehalem", "-smp", "2", "-m", "512",
             "-bios", emulator._firmware(), "-display", "none", "-net", "none", "-monitor", "none",
             "-serial", f"file:{serial}", "-drive", f"file={disk},format=raw"],
            stdin=subprocess.DEVNULL, timeout=LIMIT, check=False).returncode
    except subprocess.TimeoutExpired:
        return f"the options did not arrive, or the run did not end; see {serial}"
    good = status == 0 and b"2 passed, 0 failed" in serial.read_bytes()
    return "" if good else f"status {status}; see {serial}"


def main():
    build, red = Path(sys.argv[1]).resolve(), 0
    folder = image.fresh_folder(build / "run" / "loaders")
    for name, package, loader, place, before, program in LOADERS:
        here = folder / package
        here.mkdir()
        files = {place: (before + text_of(name, PAGE.read_text())).encode(),
                 program: (build / "assay.efi").read_bytes()}
        try:
            package_files = unpack(package, here)
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"`make loaders` needs Debian's package {package}: {error}", file=sys.stderr)
            return 2
        wrong = boot(build, here, (package_files / loader).read_bytes(), files)
        red += bool(wrong)
        print(f"{'FAILED' if wrong else 'ok':7} {name} {wrong}", flush=True)
    print(f"{len(LOADERS) - red} passed, {red} failed")
    return 1 if red else 0


if __name__ == "__main__":
    sys.exit(main())
