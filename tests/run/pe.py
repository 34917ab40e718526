"""What objcopy leaves to be done in a PE file, and whether it is done.

  pe.py FILE           marks it NX_COMPAT, closes gaps in the section table, sums it up
  pe.py --check FILE   red if one of these does not hold, or .sbat is missing

Firmware that enforces memory protection refuses images without NX_COMPAT, or with gaps; shim wants
.sbat. PE/COFF specification, "Optional Header Windows-Specific Fields"; UEFI specification, "Memory
Attribute Protocol".
"""

import argparse
import struct
import sys
from pathlib import Path

NX_COMPAT = 0x100


class Image:
    def __init__(self, data):
        self.data = bytearray(data)
        header = struct.unpack_from("<I", data, 0x3C)[0]
        assert data[header:header + 4] == b"PE\0\0"
        self.optional = header + 24
        self.first = self.optional + struct.unpack_from("<H", data, header + 20)[0]
        self.count = struct.unpack_from("<H", data, header + 6)[0]
        self.align = self.get("<I", self.optional + 32)

    def get(self, form, at):
        return struct.unpack_from(form, self.data, at)[0]

    def put(self, form, at, value):
        struct.pack_into(form, self.data, at, value)

    def sections(self):
        """(offset of the row, name, virtual size, address, flags)"""
        for i in range(self.count):
            at = self.first + 40 * i
            name = bytes(self.data[at:at + 8]).rstrip(b"\0").decode()
            yield (at, name, self.get("<I", at + 8), self.get("<I", at + 12),
                   self.get("<I", at + 36))

    def end(self, section):
        _, _, size, address, _ = section
        return (address + size + self.align - 1) // self.align * self.align

    def gaps(self):
        rows = list(self.sections())
        ends = [row[3] for row in rows[1:]] + [self.get("<I", self.optional + 56)]
        return [(row, end) for row, end in zip(rows, ends) if self.end(row) != end]

    def sum(self):
        """The checksum: 16-bit words with end-around carry, the field itself left out, and the length."""
        total, field = 0, self.optional + 64
        data = bytes(self.data) + b"\0" * (len(self.data) % 2)
        for at in range(0, len(data), 2):
            if field <= at < field + 4:
                continue
            total += data[at] | data[at + 1] << 8
            total = (total & 0xFFFF) + (total >> 16)
        return total + len(self.data)

    def finish(self):
        self.put("<H", self.optional + 70, self.get("<H", self.optional + 70) | NX_COMPAT)
        for row, end in self.gaps():
            self.put("<I", row[0] + 8, end - row[3])
        self.put("<I", self.optional + 64, self.sum())

    def wrong(self):
        if not self.get("<H", self.optional + 70) & NX_COMPAT:
            yield "NX_COMPAT is not set"
        for row, end in self.gaps():
            yield f"a gap between {row[1]} and {end:#x}"
        if self.get("<I", self.optional + 64) != self.sum():
            yield "the checksum is wrong"
        names = [name for _, name, *_ in self.sections()]
        if ".sbat" not in names:
            yield "there is no .sbat"
        for _, name, _, _, flags in self.sections():
            if name.startswith("/"):
                yield f"a section's name is in a string table that is not there: {name}"
            if flags & 0x20000000 and flags & 0x80000000:
                yield f"{name} is writable and executable"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("file", type=Path)
    given = parser.parse_args()
    image = Image(given.file.read_bytes())
    if not given.check:
        image.finish()
        given.file.write_bytes(image.data)
    wrong = list(image.wrong())
    print("\n".join(f"{given.file}: {line}" for line in wrong), end="\n" * bool(wrong))
    return 1 if wrong and given.check else 0


if __name__ == "__main__":
    sys.exit(main())
