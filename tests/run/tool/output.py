"""What the program says, to the standard output or into a file."""

import os
import sys
from pathlib import Path

from report import Broken


def ready():
    """A character that the terminal's encoding lacks is no reason to stop."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")


def say(text):
    """A reader that went away, such as head, has read enough: the rest goes nowhere."""
    try:
        print(text, flush=True)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise Broken(f"standard output: {error.strerror}") from None


def put(text, path=None):
    if path is None or str(path) == "-":
        say(text.removesuffix("\n"))
        return
    try:
        Path(path).write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise Broken(f"{path}: {error.strerror}") from None
