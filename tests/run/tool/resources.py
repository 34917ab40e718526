"""Files that come with the program: beside it in its zip, or in the tree that it is built from."""

import json
import os
import sys
from pathlib import Path

import report

TREE = Path(__file__).parent.parent.parent.parent


def _read(name):
    """The zip's loader knows its files by the very path that it was started with: ./assay/..."""
    try:
        return __loader__.get_data(os.path.join(os.path.dirname(__file__), name))
    except OSError:
        return None


def suite():
    """The rows of the suite, and the capabilities' names; see rows.py."""
    data = _read("tests.json")
    built = Path(os.environ.get("ASSAY_BUILD", TREE / "build")) / "tests.json"
    if data is None and built.exists():
        data = built.read_bytes()
    if data is None:
        raise report.Broken(f"no list of the tests: run `make {built}`")
    return json.loads(data)


def tests():
    return suite()["tests"]


def version():
    data = _read("version.txt")
    return data.decode().strip() if data else "in its source tree"


def image():
    """The image that was installed or built with this program."""
    program = Path(sys.argv[0]).resolve()
    for path in (os.environ.get("ASSAY_IMAGE"), program.parent.parent / "share/assay/assay.img",
                 program.parent / "assay.img", TREE / "build/assay.img"):
        if path and Path(path).exists():
            return Path(path)
    raise report.Broken("no assay.img beside this program: give it with --image or ASSAY_IMAGE")
