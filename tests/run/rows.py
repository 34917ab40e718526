"""The tests' rows and the names of the capabilities, read from the linked image: `rows.py BUILD`
writes BUILD/tests.json; `--check` also fails for rows without their two sentences.

A row is data, and the image the one place where all of them are. Its pointers are relative
relocations of the compact kind (RELR), which have the address in place, so that the file can be
read as memory.
"""

import json
import re
import struct
import sys
from pathlib import Path

SHT_SYMTAB, SHT_NOBITS, SHF_ALLOC = 2, 8, 2


class Image:
    """The allocated sections of a 64-bit ELF file, by address, and its symbols."""

    def __init__(self, data):
        self.data = data
        offset, = struct.unpack_from("<Q", data, 0x28)
        size, count, _ = struct.unpack_from("<HHH", data, 0x3A)
        heads = [struct.unpack_from("<IIQQQQIIQQ", data, offset + i * size) for i in range(count)]
        self.sections = [(h[3], h[4], h[5]) for h in heads
                         if h[2] & SHF_ALLOC and h[1] != SHT_NOBITS]
        self.symbols = {}
        for head in heads:
            if head[1] == SHT_SYMTAB:
                names = heads[head[6]][4]
                for at in range(head[4], head[4] + head[5], 24):
                    name, _, _, _, value, _ = struct.unpack_from("<IBBHQQ", data, at)
                    self.symbols[self._text(names + name)] = value

    def _text(self, offset):
        return self.data[offset:self.data.index(b"\0", offset)].decode()

    def _offset(self, address):
        for start, offset, size in self.sections:
            if start <= address < start + size:
                return address - start + offset
        raise ValueError(f"no section at {address:#x}")

    def read(self, form, address):
        return struct.unpack_from(f"<{form}", self.data, self._offset(address))[0]

    def text(self, pointer):
        """The text that the pointer at this address points to; None: it is NULL."""
        address = self.read("Q", pointer)
        return self._text(self._offset(address)) if address else None

    def array(self, name):
        """The pointers of an array until NULL."""
        at = self.symbols[name]
        while address := self.read("Q", at):
            yield address
            at += 8


def offsets(header):
    return {name: int(value) for name, value in
            re.findall(r"#define (\w+) (\d+)", header.read_text())}


def test_row(image, at, where):
    needs = image.read("Q", at + where["test_needs"])
    names = image.symbols["capability_names"]
    spec = image.read("H", at + where["test_spec"])
    cite = image.symbols["citations"] + spec * where["citation_size"]
    row = {"name": image.text(at + where["test_name"]),
           "about": image.text(at + where["test_about"]) or "",
           "means": image.text(at + where["test_means"]) or "",
           "spec": image.text(cite + where["citation_intel"]) or
                   image.text(cite + where["citation_amd"]) or "",
           "needs": [image.text(names + 8 * bit) for bit in range(64) if needs >> bit & 1],
           "processors": image.read("B", at + where["test_cpus"]) or 1}
    if image.read("B", at + where["test_by_name"]):
        row["only_by_name"] = True
    return row


def tests(image, where):
    for group in image.array("test_groups"):
        first = image.read("Q", group + where["test_group_tests"])
        for i in range(image.read("I", group + where["test_group_count"])):
            yield test_row(image, first + i * where["test_size"], where)


def main():
    build = Path(sys.argv[1])
    image = Image((build / "assay.so").read_bytes())
    where = offsets(build / "gen/tests/lib/asm-offsets.h")
    found, names = list(tests(image, where)), image.symbols["capability_names"]
    (build / "tests.json").write_text(json.dumps({
        "capabilities": [image.text(names + 8 * i) for i in range(where["capabilities"])],
        "tests": found}, indent=1) + "\n")
    if "--check" in sys.argv:
        wrong = [f"{row['name']}: no sentence in .{key}, or none that ends" for row in found
                 for key in ("about", "means") if not row[key].endswith(".")]
        print("\n".join([*wrong, f"{len(found)} tests explain themselves" if not wrong else
                         f"{len(wrong)} sentences are missing"]))
        sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
