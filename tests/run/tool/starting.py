"""Images with options in them, and somebody's own VMM started on one."""

import fnmatch
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import image as images
import loading
import report
import resources
from console import Cleaner
from report import Broken


def number(low, high=2**32 - 1):
    return lambda word: word.isdecimal() and word.isascii() and low <= int(word) <= high


def port(word):
    return re.fullmatch(r"(0[xX])?[0-9a-fA-F]{1,4}", word) and 0 < int(word, 16)


def path(word):
    """Every part a name that FAT takes; none is empty or goes up, but for the first slash."""
    parts = re.split(r"[\\/]", re.sub(r"^[\\/]", "", word))
    return len(word) <= 100 and all(re.fullmatch(r"[A-Za-z0-9._ -]+", p) and p not in (".", "..")
                                    for p in parts)


# The image's options that take the next word, and what it has to be: efi/options.c.
VALUED = {
    "-c": ("a number of processors", number(1)),
    "-n": ("a number from 1 to 1000", number(1, 1000)),
    "-r": ("a path of 1 to 100 characters on the boot volume", path),
    "--cases": ("a number from 1 to 4294967295", number(1)),
    "--seed": ("a number from 1 to 4294967295", number(1)),
    "--wait": ("a number of seconds", number(1)),
    "--require": ("the name of a capability",
                  lambda word: word in resources.suite()["capabilities"]),
    "--max-skips": ("a number", number(0)),
    "--debug-exit": ("a port in hexadecimal", port),
}
FLAGS = {"-h", "-l", "-b", "-p", "-s", "--reboot", "--return", "--resume", "--apic-timer"}
ENDINGS = {"-s", "--reboot", "--return", "--debug-exit"}
LINE = 1000  # characters that the image reads of its options
GRACE = 5  # seconds between the last line and the end of a VMM that does not end by itself


def check_options(words):
    """Refuses what the image would refuse, before anything is booted."""
    rest, names = iter(words), [t["name"] for t in resources.tests()] + ["machine.restored"]
    for word in rest:
        if word in VALUED:
            what, good = VALUED[word]
            value = next(rest, None)
            if value is None or not good(value):
                raise Broken(f"the image's option {word} needs {what}" +
                             f", not {value}" * (value is not None))
        elif word.startswith("-") and word not in FLAGS:
            raise Broken(f"the image has no option {word}")
        elif not word.startswith("-") and not fnmatch.filter(names, word):
            raise Broken(f"no test matches {word}: `assay list` shows them")
    if len(line(words)) > LINE:
        raise Broken(f"more than {LINE} characters of options")


def line(words):
    return " ".join(f'"{word}"' if " " in word else word for word in words)


def prepare(source, target, words):
    """A copy of the image at target, which may be source itself, with these options."""
    if not shutil.which("mcopy"):
        raise Broken("mcopy is not installed (Debian package mtools)")
    check_options(words)
    try:
        if not target.exists() or not target.samefile(source):
            images.copy(source, target)
        images.options(target, line(words))
    except (OSError, subprocess.CalledProcessError) as error:
        raise Broken(f"{target}: {error}") from None


class Watch:
    """Follows a file that grows, for the last line of a run."""

    def __init__(self, path, show):
        self.path, self.show, self.file = path, show, None
        self.cleaner, self.ended = Cleaner(), False

    def poll(self):
        if self.file is None and self.path.exists():
            self.file = open(self.path, "rb")
        if self.file is None:
            return
        for one in self.cleaner.feed(self.file.read()):
            if self.show:
                print(one, flush=True)
            self.ended |= bool(report.SUMMARY.fullmatch(one))
        self.ended |= bool(report.SUMMARY.fullmatch(self.cleaner.rest.strip()))


def substitute(command, places):
    done = []
    for word in command:
        for name, path in places.items():
            word = word.replace("{" + name + "}", str(path))
        done.append(word)
    return done


def run(command, words, source, limit, folder, console=None, show=True):
    """
    Runs the command with {image}, {efi} and {serial} replaced, until it ends, limit seconds are
    over, or the run's last line was seen and the VMM does not end. Returns the Report.
    """
    if not any("{image}" in word or "{efi}" in word for word in command):
        raise Broken("the command has neither {image} nor {efi}: it would not boot the image")
    disk = folder / "assay.img"
    prepare(source, disk, words)
    efi = folder / "assay.efi"
    images.extract(disk, "EFI/BOOT/BOOTX64.EFI", efi)
    serial, output = folder / "serial.txt", folder / "output.txt"
    for old in (serial, output, folder / "REPORT.JSON"):  # a folder may be used again
        old.unlink(missing_ok=True)
    command = substitute(command, {"image": disk, "efi": efi, "serial": serial, "dir": folder})
    watches = [Watch(output, show), Watch(console or serial, show and not console)]
    status = _follow(command, output, watches, limit)
    report_text = images.read(disk, "ASSAY/REPORT.JSON")
    if report_text:
        (folder / "REPORT.JSON").write_text(report_text)
        try:
            return loading.load(folder / "REPORT.JSON"), status
        except Broken as error:
            raise Broken(f"{error}; the VMM {status}; see {folder}") from None
    for path in (console, serial, output):
        if path and path.exists() and path.stat().st_size:
            try:
                return loading.load(path), status
            except Broken:
                pass
    raise Broken(f"no report on the image and none on the console; the VMM {status}: "
                 f"{shlex.join(command)}; see {folder}")


def _follow(command, output, watches, limit):
    """How the command ended, in words."""
    start = time.monotonic()
    deadline, why = start + limit, f"was ended after {limit} s"
    with open(output, "wb") as out:
        try:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out,
                                       stderr=subprocess.STDOUT, start_new_session=True)
        except OSError as error:
            raise Broken(f"{command[0]}: {error.strerror}") from None
        try:
            while process.poll() is None:
                for watch in watches:
                    watch.poll()
                if any(w.ended for w in watches) and deadline > time.monotonic() + GRACE:
                    deadline, why = time.monotonic() + GRACE, "was ended after the last line"
                if time.monotonic() > deadline:
                    return why
                time.sleep(0.1)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            for watch in watches:
                watch.poll()
    return f"ended with status {process.returncode}"


def work_folder(keep):
    """The folder to work in, and whether it is to be removed."""
    if keep:
        keep.mkdir(parents=True, exist_ok=True)
        return keep, False
    return Path(tempfile.mkdtemp(prefix="assay-")), True
