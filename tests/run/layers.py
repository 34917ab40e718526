"""`make check-layers`: who may include whom, and no circles.

Reads every #include "..." of the sources. Red if a folder includes from one that it may not see, if
units include each other in a circle, or if an exception below is no longer needed.
"""

import re
import sys
from pathlib import Path

# Folder: what its files may include from, beside the folder itself. A folder stands for the files
# in it, not for those in folders below it; core/ has the two doors, platform.h and backend.h.
CORE = "core core/x86 core/lib core/vlapic core/vm core/suite"
VENDOR_SEES = "core core/x86 core/lib core/vlapic core/vm"
TESTS_SEE = f"{CORE} tests/lib tests/guest"
SEES = {
    "core/x86": "core/lib/base.h core/lib/status.h",
    "core/lib": "core/x86",
    "core/vlapic": "core/x86 core/lib",
    "core/vm": "core core/x86 core/lib core/vlapic",
    "core/suite": "core core/x86 core/lib core/vlapic core/vm",
    "core": "core/x86 core/lib",
    "vmx": f"{VENDOR_SEES} vmx/model",
    "vmx/model": "core/lib core/x86 vmx",
    "svm": f"{VENDOR_SEES} svm/model",
    "svm/model": "core/lib core/x86 svm",
    "efi": f"{CORE} efi/cpu",
    "efi/cpu": f"{CORE} efi",
    "tests/lib": f"{CORE} tests/guest",
    "tests/probe": "core/lib core/x86 core/vm",
    "tests/smp": TESTS_SEE,
    "tests/vcpu": TESTS_SEE,
    "tests/machine": TESTS_SEE,
    "tests/entry": f"{TESTS_SEE}",
    "tests/vmx": f"{TESTS_SEE} tests/entry vmx vmx/model tests/vmx/entry tests/vmx/exit "
                 "tests/vmx/ept tests/vmx/apic tests/vmx/behaviour tests/probe",
    "tests/vmx/entry": "core/x86 core/lib tests/entry vmx vmx/model",
    "tests/vmx/exit": "core/x86 core/lib core/vm vmx vmx/model tests/probe",
    "tests/vmx/ept": "core/x86 core/lib core/vm vmx vmx/model tests/probe tests/vmx/exit",
    "tests/vmx/apic": "core/x86 core/lib vmx vmx/model tests/probe tests/vmx/exit",
    "tests/vmx/behaviour": "core/x86 core/lib core/vm vmx vmx/model tests/probe tests/vmx/exit",
    "tests/svm": f"{TESTS_SEE} tests/entry svm svm/model tests/svm/entry tests/probe",
    "tests/svm/entry": "core/x86 core/lib tests/entry svm svm/model",
    "tests/guest": "core/x86",
    "tests/run": "efi/cpu",
    "tests/host/*": "*",
}
# Single files that see more than their folder.
FILES = {
    "core/lib/pages.c": "core/platform.h",  # the arena
    "efi/main.c": "vmx/vmx.h svm/svm.h",  # the one file that names the backends
    "vmx/caps.c": "core/suite/facts.h",
    "tests/entry/catalogue.c":
        "tests/vmx/rules_entry.def tests/vmx/rules_guest.def tests/svm/rules.def",
    "svm/caps.c": "core/suite/facts.h",
}
# Includes that are part of a circle today: unit, and what it includes. X.c and X.h are one unit.
KNOWN_CIRCLES = {
}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', re.M)
GENERATED = {"vmx/asm-offsets.h": "vmx/asm-offsets.c"}


def resolve(source, name):
    """The file that the compiler takes; core/ and the guest have fewer folders to look in."""
    places = [source.parent, Path("core"), Path(".")]
    if source.parts[0] == "core":
        places = places[:2]
    elif source.parts[:2] == ("tests", "guest"):
        places = places[:2]
    for place in places:
        path = place / GENERATED.get(name, name)
        if path.is_file():
            return path
    return None


def all_includes():
    """(file, included file or None, what the line says), for every include."""
    wings = ("core", "efi", "vmx", "svm", "tests")
    sources = [path for wing in wings for path in sorted(Path(wing).rglob("*"))
               if path.suffix in (".c", ".h", ".S", ".def")]
    return [(source, resolve(source, name), name)
            for source in sources for name in INCLUDE.findall(source.read_text())]


def matches(path, permission):
    return permission in ("*", str(path), str(path.parent))


def may(source, target):
    """The permission by which source includes target: (key, entry); None: it may not."""
    if target.parent == source.parent:
        return ()
    places = (SEES, f"{source.parent}"), (SEES, f"{source.parent.parent}/*"), (FILES, f"{source}")
    for table, key in places:
        for entry in table.get(key, "").split():
            if matches(target, entry):
                return (key, entry)
    return None


def unit(path):
    return str(path.with_suffix(""))


def circles(edges):
    """The edges that are part of a circle: whose end leads back to its beginning."""
    after = {}
    for a, b in edges:
        after.setdefault(a, set()).add(b)

    def reached(start):
        seen, todo = set(), [start]
        while todo:
            for other in after.get(todo.pop(), ()):
                if other not in seen:
                    seen.add(other)
                    todo.append(other)
        return seen

    reach = {a: reached(a) for a in after}
    return {(a, b) for a, b in edges if a in reach.get(b, ())}


def main():
    wrong, used, edges = [], set(), set()
    for source, target, name in all_includes():
        if target is None:
            wrong.append(f'{source}: "{name}" is no file that it may see')
            continue
        permission = may(source, target)
        if permission is None:
            wrong.append(f"{source} must not include {target}")
        else:
            used.add(permission)
        wings = {source.parts[0], target.parts[0]}
        if wings <= {"core", "vmx", "svm"} and unit(source) != unit(target):
            edges.add((unit(source), unit(target)))
    wrong += [f"layers.py: {key} includes nothing of {entry}" for key, entries in FILES.items()
              for entry in entries.split() if (key, entry) not in used]
    known = {(a, b) for a, included in KNOWN_CIRCLES.items() for b in included.split()}
    found = circles(edges)
    wrong += [f"{a} includes {b}, which leads back to it" for a, b in sorted(found - known)]
    wrong += [f"layers.py: {a} and {b} are in no circle any more" for a, b in sorted(known - found)]
    print("\n".join(wrong) or f"{len(used)} permissions in use, {len(found)} includes in circles")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
