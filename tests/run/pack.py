"""Packs the host program into one executable file: `pack.py BUILD VERSION`, to BUILD/assay.

A zip that Python runs, with fixed dates and order, so that the same sources give the same bytes.
"""

import io
import sys
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
SHARED = ("report.py", "console.py", "image.py")
DATE = (1980, 1, 1, 0, 0, 0)


def main():
    build, version = Path(sys.argv[1]), sys.argv[2]
    files = {path.name: path.read_bytes() for path in (HERE / "tool").glob("*.py")}
    files |= {name: (HERE / name).read_bytes() for name in SHARED}
    files |= {"tests.json": (build / "tests.json").read_bytes(),
              "version.txt": version.encode() + b"\n"}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, DATE)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[name], zipfile.ZIP_DEFLATED)
    program = build / "assay"
    program.write_bytes(b"#!/usr/bin/env python3\n" + packed.getvalue())
    program.chmod(0o755)


if __name__ == "__main__":
    main()
