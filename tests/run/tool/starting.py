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
import output
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
KINDS = {b"\xfd7zXZ": "is packed: run `xz -d` on it first",
         b"\x1f\x8b": "is packed: run `gunzip` on it first",
         b"PK\x03\x04": "is packed: run `unzip` on it first", b"MZ": "is a program, not a disk image"}
LINE = 1000  # characters that the image reads of its options
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
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


def check_image(path):
    """Refuses what is no disk image of Assay, and says what it is."""
    try:
        with open(path, "rb") as file:
            start = file.read(0x9000)
            file.seek(2**20)
            sector = file.read(512)
    except OSError as error:
        raise Broken(f"{path}: {error.strerror}") from None
    for mark, what in KINDS.items():
        if start.startswith(mark):
            raise Broken(f"{path} {what}")
    if sector[510:] == b"\x55\xaa" and b"FAT" in sector[54:90]:
        return
    if start[0x8001:0x8006] == b"CD001":
        raise Broken(f"{path} is an ISO, which takes no options: use assay.img")
    raise Broken(f"{path} is no image of Assay: it has no FAT file system at 1 MiB")


def report_path(words):
    """Where the image writes its reports, without .JSON: its option -r."""
    given = [b for a, b in zip(words, words[1:]) if a == "-r"]
    return given[-1].replace("\\", "/").strip("/") if given else "ASSAY/REPORT"


def prepare(source, target, words):
    """A copy of the image at target, which may be source itself, with these options and without the
    reports of an earlier run."""
    if not shutil.which("mcopy"):
        raise Broken("mcopy is not installed (Debian package mtools)")
    check_options(words)
    check_image(source)
    try:
        if not target.exists() or not target.samefile(source):
            images.copy(source, target)
        images.options(target, line(words))
        for path in {report_path([]), report_path(words)}:
            images.remove_reports(target, path)
    except OSError as error:
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
                output.say(one)
            self.ended |= bool(report.SUMMARY.fullmatch(one))
        self.ended |= bool(report.SUMMARY.fullmatch(self.cleaner.rest.strip()))

    def close(self):
        self.poll()
        if self.file:
            self.file.close()


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
    disk = folder / "assay.img"
    prepare(source, disk, words)
    efi = folder / "assay.efi"
    images.extract(disk, "EFI/BOOT/BOOTX64.EFI", efi)
    serial, said = folder / "serial.txt", folder / "output.txt"
    for old in (serial, said, folder / "REPORT.JSON", console):  # a folder may be used again
        if old and old.is_file():
            old.unlink()
    command = substitute(command, {"image": disk, "efi": efi, "serial": serial, "dir": folder})
    watches = [Watch(said, show), Watch(console or serial, show and not console)]
    status = _follow(command, said, watches, limit)
    report_text = images.read(disk, f"{report_path(words)}.JSON")
    if report_text:
        (folder / "REPORT.JSON").write_text(report_text, encoding="utf-8")
        try:
            return loading.load(folder / "REPORT.JSON"), status
        except Broken as error:
            raise Broken(f"{error}; the VMM {status}; see {folder}") from None
    for path in (console, serial, said):
        if path and path.exists() and path.stat().st_size:
            try:
                return loading.load(path), status
            except Broken:
                pass
    raise Broken(f"no report on the image and none on the console; the VMM {status}: "
                 f"{shlex.join(command)}; see {folder}")


def check_command(command):
    if not command:
        raise Broken("which command? assay run -- qemu-system-x86_64 ... {image} ...")
    if not any("{image}" in word or "{efi}" in word for word in command):
        raise Broken("the command has neither {image} nor {efi}: it would not boot the image")


def end_with_signals():
    """A signal that ends this program becomes an exception, which ends the VMM first."""
    def end(number, _frame):
        for each in SIGNALS:  # no second one in the middle of cleaning up
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt(signal.Signals(number).name)

    for each in SIGNALS:
        if signal.getsignal(each) is not signal.SIG_IGN:  # nohup
            signal.signal(each, end)


def _end(process):
    """The whole group: the command may be a script that has started the VMM."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def _follow(command, said, watches, limit):
    """How the command ended, in words."""
    start = time.monotonic()
    deadline, why = start + limit, f"was ended after {limit} s"
    with open(said, "wb") as out:
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
            _end(process)
            for watch in watches:
                watch.close()
    return f"ended with status {process.returncode}"


def work_folder(keep):
    """The folder to work in, and whether it is to be removed."""
    if keep:
        keep.mkdir(parents=True, exist_ok=True)
        return keep, False
    return Path(tempfile.mkdtemp(prefix="assay-")), True
