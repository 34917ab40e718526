"""Turns what the firmware sends over the serial line into lines that a person can read.

UEFI's terminal driver positions the cursor and sets colours with escape sequences. Stripped of
them, and with a lone carriage return taken as "this line begins anew", each line appears once.
"""

import re

# Cursor positioning starts a line; the other control sequences only colour or clear.
_POSITION = re.compile(r"\x1b\[\d*;?\d*[Hf]")
_CONTROL = re.compile(r"\x1b\[[0-9;=?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>78c]")
_PARTIAL = re.compile(r"\x1b[\[()]?[0-9;=?]*$")


class Cleaner:
    """Feed it bytes as they come; it hands back the lines that are finished."""

    def __init__(self):
        self.rest = ""
        self.blank = True

    def feed(self, data):
        text = self.rest + data.decode("utf-8", "replace")
        partial = _PARTIAL.search(text)
        kept = text[partial.start():] if partial else ""
        text = text[: len(text) - len(kept)]
        text = _CONTROL.sub("", _POSITION.sub("\n", text)).replace("\0", "")
        # A carriage return whose line feed is still to come must wait for it.
        if text.endswith("\r"):
            text, kept = text[:-1], "\r" + kept
        *lines, last = re.sub(r"\r+\n", "\n", text).split("\n")
        self.rest = last + kept
        return self._finish(lines)

    def flush(self):
        lines, self.rest = [_PARTIAL.sub("", self.rest)], ""
        return self._finish(lines)

    def _finish(self, lines):
        """Drops what a carriage return overwrote, trailing blanks and repeated empty lines."""
        finished = []
        for line in lines:
            line = line.rstrip("\r").rsplit("\r", 1)[-1].rstrip()
            if line or not self.blank:
                finished.append(line)
            self.blank = not line
        return finished
