"""Finishes the linked PE file for firmware and shim that are strict: `pe.py EFI_FILE VERSION`.
`pe.py --check EFI_FILE` is red if something of that does not hold.

Adds the section .sbat, without which shim refuses a program; makes the sections follow each other
without a hole in memory; and says NX_COMPAT: no page of the image is both written and run, and the
program runs nothing but its own .text. Microsoft, "PE Format"; shim's SBAT.md.
"""

import struct
import sys
from pathlib import Path

PAGE, NX_COMPAT = 0x1000, 0x100
READ_ONLY_DATA = 0x40000040  # CNT_INITIALIZED_DATA, MEM_READ
WRITE, EXECUTE = 0x80000000, 0x20000000
HEADER = 40  # bytes of a section's header
SBAT = """sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md
assay,1,Assay,assay,{version},README.md
"""


def pages(size):
    return -(-size // PAGE) * PAGE


class Pe:
    def __init__(self, data):
        self.data = bytearray(data)
        self.coff = struct.unpack_from("<I", data, 0x3C)[0] + 4
        self.optional = self.coff + 20
        size, = struct.unpack_from("<H", data, self.coff + 16)
        self.table = self.optional + size
        if struct.unpack_from("<H", data, self.optional)[0] != 0x20B:
            raise SystemExit("no PE32+ file")

    def field(self, form, offset, value=None):
        if value is None:
            return struct.unpack_from("<" + form, self.data, offset)[0]
        struct.pack_into("<" + form, self.data, offset, value)
        return value

    def sections(self):
        """(name, header's offset, virtual size, address) by address."""
        found = []
        for i in range(self.field("H", self.coff + 2)):
            at = self.table + i * HEADER
            name, size, address = struct.unpack_from("<8sII", self.data, at)
            found.append((name.rstrip(b"\0").decode(), at, size, address))
        return sorted(found, key=lambda s: s[3])

    def drop_tail(self):
        """Nothing is behind the last section: objcopy leaves the ends of a symbol table there."""
        end = max(sum(struct.unpack_from("<II", self.data, at + 16))
                  for _, at, _, _ in self.sections())
        del self.data[end:]
        struct.pack_into("<II", self.data, self.coff + 8, 0, 0)

    def add(self, name, content):
        count = self.field("H", self.coff + 2)
        at, headers = self.table + count * HEADER, self.field("I", self.optional + 60)
        if at + HEADER > headers:
            raise SystemExit("no room for another section's header")
        align = self.field("I", self.optional + 36)
        self.data += bytes(-len(self.data) % align)
        raw = content + bytes(-len(content) % align)
        address = self.field("I", self.optional + 56)
        struct.pack_into("<8sIIIIIIHHI", self.data, at, name.encode(), len(content), address,
                         len(raw), len(self.data), 0, 0, 0, 0, READ_ONLY_DATA)
        self.field("H", self.coff + 2, count + 1)
        self.field("I", self.optional + 56, address + pages(len(content)))
        self.data += raw

    def close_gaps(self):
        """The memory of each section reaches to the next one."""
        sections = self.sections()
        if sections[0][3] != pages(self.field("I", self.optional + 60)):
            raise SystemExit(f"section {sections[0][0]} does not follow the headers")
        ends = [s[3] for s in sections[1:]] + [self.field("I", self.optional + 56)]
        for (name, at, size, address), end in zip(sections, ends):
            if address % PAGE or address + size > end:
                raise SystemExit(f"section {name} overlaps or is not aligned")
            flags = self.field("I", at + 36)
            if flags & WRITE and flags & EXECUTE:
                raise SystemExit(f"section {name} is both written and run")
            if pages(address + size) != end:
                self.field("I", at + 8, end - address)

    def sum(self):
        """The sum of 16-bit words with carries, the field itself left out, and the file's size."""
        place = self.optional + 64
        padded = bytes(self.data) + bytes(len(self.data) % 2)
        total = sum(struct.unpack(f"<{len(padded) // 2}H", padded))
        total -= sum(struct.unpack_from("<2H", padded, place))
        while total >> 16:
            total = (total & 0xFFFF) + (total >> 16)
        return total + len(self.data)

    def wrong(self):
        """A line for all that main() should have done and that is not so."""
        sections = self.sections()
        ends = [s[3] for s in sections[1:]] + [self.field("I", self.optional + 56)]
        if not self.field("H", self.optional + 70) & NX_COMPAT:
            yield "NX_COMPAT is not set"
        if self.field("I", self.optional + 64) != self.sum():
            yield "the checksum is wrong"
        if ".sbat" not in [s[0] for s in sections]:
            yield "there is no .sbat"
        for (name, at, size, address), end in zip(sections, ends):
            flags = self.field("I", at + 36)
            if pages(address + size) != end:
                yield f"a gap between {name} and {end:#x}"
            if name.startswith("/"):
                yield f"a section's name is in a string table that is not there: {name}"
            if flags & WRITE and flags & EXECUTE:
                yield f"{name} is writable and executable"


def check(path):
    wrong = list(Pe(path.read_bytes()).wrong())
    print("\n".join(f"{path}: {line}" for line in wrong), end="\n" * bool(wrong))
    return 1 if wrong else 0


def main():
    if sys.argv[1] == "--check":
        return check(Path(sys.argv[2]))
    path, version = Path(sys.argv[1]), sys.argv[2]
    pe = Pe(path.read_bytes())
    pe.drop_tail()
    pe.add(".sbat", SBAT.format(version=version).encode())
    pe.close_gaps()
    pe.field("H", pe.optional + 70, pe.field("H", pe.optional + 70) | NX_COMPAT)
    pe.field("I", pe.optional + 64, pe.sum())
    path.write_bytes(pe.data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
