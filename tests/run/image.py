"""What the harness does to its own copy of the image, and reads from it, with mtools."""

import os
import re
import shutil
import subprocess
from pathlib import Path

SHELL = Path("/usr/share/efi-shell-x64/shellx64.efi")  # a Debian package of that name
FAT_OFFSET = "1M"  # where image.sh puts the file system


def _mtools(tool, image, *arguments, check=True):
    environment = dict(os.environ, MTOOLS_SKIP_CHECK="1")
    done = subprocess.run(
        [tool, "-i", f"{image}@@{FAT_OFFSET}", *arguments],
        env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if check and done.returncode:
        raise OSError(f"{tool}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout if done.returncode == 0 else None


def copy(source, target):
    """A private copy: emulators write to it."""
    done = subprocess.run(["cp", "--sparse=always", source, target], stderr=subprocess.PIPE,
                          text=True, check=False)
    if done.returncode:
        raise OSError(done.stderr.strip())


def write(image, path, data):
    """Puts data into the file ::/path."""
    source = Path(f"{image}.tmp")
    try:
        source.write_bytes(data)
        _mtools("mcopy", image, "-o", str(source), f"::/{path}")
    finally:
        source.unlink(missing_ok=True)


def remove(image, path):
    _mtools("mdel", image, f"::/{path}")


def remove_reports(image, path):
    """An earlier run's must never be taken for this one's."""
    for kind in ("TAP", "JSON", "XML"):
        _mtools("mdel", image, f"::/{path}.{kind}", check=False)
        if read(image, f"{path}.{kind}") is not None:
            raise OSError(f"cannot remove {path}.{kind} from the image")


def folder(image, path):
    """Makes ::/path and all above it; what is there stays."""
    parts = path.split("/")
    for depth in range(1, len(parts) + 1):
        _mtools("mmd", image, "-D", "s", "::/" + "/".join(parts[:depth]), check=False)


def read(image, path):
    """The file's text, or None if it is not there."""
    data = _mtools("mcopy", image, f"::/{path}", "-", check=False)
    return None if data is None else data.decode("utf-8", "replace")


def extract(image, path, target):
    """Copies the file ::/path to target."""
    _mtools("mcopy", image, "-o", f"::/{path}", str(target))


def options(image, line):
    write(image, "ASSAY/OPTIONS.TXT", line.encode() + b"\n")


def options_in_utf16(image):
    """As the Shell's own echo writes them, after an empty line and a comment."""
    given = read(image, "ASSAY/OPTIONS.TXT")
    text = f"\r\n# a comment\r\n{given}"
    write(image, "ASSAY/OPTIONS.TXT", b"\xff\xfe" + text.encode("utf-16-le"))


def without_boot_program(image):
    """The firmware then falls into its Shell, which runs startup.nsh; newer firmware has none."""
    if SHELL.exists():
        write(image, "EFI/BOOT/BOOTX64.EFI", SHELL.read_bytes())
    else:
        remove(image, "EFI/BOOT/BOOTX64.EFI")


def spoiled(how, afterwards=""):
    """A preparation: the Shell runs spoil.efi before the image, to make the machine bad, and once
    more afterwards."""
    def prepare(image):
        without_boot_program(image)
        write(image, "spoil.efi", (image.parents[2] / "spoil.efi").read_bytes())
        after = f"spoil.efi {afterwards}\r\n" if afterwards else ""
        # Options that the harness has put into the file are for a start without the Shell.
        given = read(image, "ASSAY/OPTIONS.TXT").replace("-s", "").strip()
        write(image, "startup.nsh", f"@echo -off\r\nfs0:\r\nspoil.efi {how}\r\n"
              f"assay.efi {given}\r\n{after}".encode())
    return prepare


def another_program(image):
    """The Shell runs the image with the options given, then another one that starts the APs, too,
    then the image again for a few tests."""
    given = read(image, "ASSAY/OPTIONS.TXT").replace("-s", "").strip()
    without_boot_program(image)
    write(image, "spoil.efi", (image.parents[2] / "spoil.efi").read_bytes())
    write(image, "startup.nsh", (f"@echo -off\r\nfs0:\r\nassay.efi {given}\r\nspoil.efi count\r\n"
          r"assay.efi -r \ASSAY\AGAIN machine.*" "\r\n").encode())


def fill(image, room=0):
    """Leaves so many bytes free on the volume."""
    listing = _mtools("mdir", image, "::/").decode()
    free = int(re.sub(r"\s", "", re.search(r"([\d ]+) bytes free", listing)[1]))
    filler = Path(f"{image}.fill")
    with open(filler, "wb") as file:
        file.truncate(free - room)
    _mtools("mcopy", image, str(filler), "::/FILLER")
    filler.unlink()


def keep_reports(image, folder):
    """Copies the reports to the folder and returns the texts of two of them (TAP, JSON)."""
    texts = []
    for name in ("REPORT.TAP", "REPORT.JSON", "REPORT.XML"):
        text = read(image, f"ASSAY/{name}")
        (folder / name).unlink(missing_ok=True)
        if text is not None:
            (folder / name).write_text(text)
        texts.append(text)
    return texts[:2]


def fresh_folder(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
