"""`make mutants`: changes one thing at a time in core/ and sees whether the host tests notice.

A mutant flips a condition, swaps an operator or a constant, or drops a statement. Copies are built
below the build directory; the sources stay as they are. Without sanitizers, for speed: what only
they would notice counts as not noticed. The exit status is 0 if at least 90 % were killed.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

FILES = ("core/vm/vcpu.c", "core/vm/mailbox.c", "core/vm/cpu.c", "core/vm/run.c", "core/vm/ipi.c",
         "core/vlapic/apic.c", "core/vlapic/timer.c")
GOAL = 90  # per cent

# Host tests in the order in which they are asked; threads take long, so only survivors see them.
TESTS = ("regs", "states", "mailbox", "apic_registers", "apic_modes", "apic_interrupts",
         "apic_timer", "icr", "ipi", "delivery", "run", "halt", "sched", "exit", "apic_page",
         "control", "vm", "msr", "walk", "text", "report", "model", "suite", "threads")
# What runs for ever is killed by its processor time, so that a busy machine kills no mutant;
# what sleeps for ever by the clock.
PROCESSOR_SECONDS = {"model": 10, "suite": 60, "threads": 40}
OTHER_PROCESSOR_SECONDS = 5
WALL_SECONDS = 90
FLAGS = ["-std=gnu11", "-O1", "-g", "-fPIC", "-w", '-DASSAY_VERSION="mutant"']

SWAPS = {
    "==": ["!="], "!=": ["=="], "<": ["<=", ">="], "<=": ["<"], ">": [">=", "<="], ">=": [">"],
    "&&": ["||"], "||": ["&&"], "+": ["-"], "<<": [">>"], ">>": ["<<"], "&": ["|"], "|": ["&"],
    "true": ["false"], "false": ["true"], "++": ["--"], "%": ["/"],
    "|=": ["&="], "&=": ["|="], "+=": ["-="], "-=": ["+="],
}
STATES = ["CR", "RU", "HA", "WA", "PA", "ST"]
ACTIONS = ["DO_NOTHING", "DO_IGNORE", "DO_REFUSE", "DO_ENTER", "DO_RESET", "DO_RESTART", "DO_SIPI"]

TOKEN = re.compile(r"""
    (?P<skip> /\*.*?\*/ | //[^\n]* | "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*'
      | ^[ \t]*\#(?:\\\n|[^\n])* | ^_Static_assert[^;]*; )
  | (?P<entry> \{[A-Z]{2},[ ]DO_[A-Z]+\} )
  | (?P<number> \b(?:0x[0-9A-Fa-f]+|\d+)[uUlL]*\b )
  | (?P<word> [A-Za-z_]\w* )
  | (?P<operator> <<=|>>=|->|\+\+|--|&&|\|\||==|!=|<=|>=|<<|>>|[-+*/%&|^]=
                 |[-+*/%&|^<>!~=?:;,.(){}\[\]] )
""", re.X | re.S | re.M)

DECLARATION = re.compile(r"(?:const|static|struct|enum|unsigned|int|bool|char|size_t|uint\d+_t|"
                         r"int\d+_t|_Atomic)\b")


def unary(before):
    """Whether an operator after this token has one operand only: &x, *x, -x."""
    return before is None or before in "(,=?:;{}[!~&|+-*/%<>" or before in (
        "return", "&&", "||", "==", "!=", "<=", ">=", "<<", ">>", "case")


def token_mutants(text):
    before = None
    depth = 0  # of parentheses, to leave function heads and sizes of arrays alone
    for match in TOKEN.finditer(text):
        kind, token, at = match.lastgroup, match.group(), match.span()
        if kind == "skip":
            continue
        if kind == "entry":
            state, action = token[1:3], token[5:-1]
            for n in (1, 3):
                yield at, f"{{{STATES[(STATES.index(state) + n) % 6]}, {action}}}"
                yield at, f"{{{state}, {ACTIONS[(ACTIONS.index(action) + n) % 7]}}}"
        elif kind == "number":
            value = int(token.rstrip("uUlL"), 0)
            yield at, str(value + 1)
            if value > 1:
                yield at, str(value - 1)
        elif token in SWAPS and not (token in ("&", "+", "-", "*") and unary(before)):
            for other in SWAPS[token]:
                yield at, other
        elif token in ("++",):
            yield at, "--"
        elif token == "!" and before != "return":
            yield at, ""
        before = token
        depth += (token == "(") - (token == ")")


def condition_mutants(text):
    """if (x), while (x) and return x, the other way round."""
    for match in re.finditer(r"\b(?:if|while) \(", text):
        end, depth = match.end(), 1
        while depth:
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        yield (match.end(), end - 1), f"!({text[match.end():end - 1]})"


def drop_mutants(text):
    position, previous = 0, "{"
    for line in text.splitlines(keepends=True):
        body = line.strip()
        starts = previous.endswith((";", "{", "}", ")", ":", "else", "do", "*/"))
        if (line.startswith("\t") and body.endswith(";") and starts
                and not DECLARATION.match(body) and not body.startswith(("return", "}", ".", "#"))):
            start = position + len(line) - len(line.lstrip())
            yield (start, start + len(body)), ";"
        if body:
            previous = body
        position += len(line)


def in_code(text, at):
    """Not in a comment, nor outside of functions and tables."""
    comment = text.rfind("/*", 0, at)
    return comment < 0 or text.find("*/", comment) < at


def mutants_of(path):
    text = path.read_text()
    seen = set()
    for source in (token_mutants, condition_mutants, drop_mutants):
        for (start, end), new in source(text):
            changed = text[:start] + new + text[end:]
            if not in_code(text, start) or changed in seen:
                continue
            seen.add(changed)
            line = text.count("\n", 0, start) + 1
            old_line = text.splitlines()[line - 1].strip()
            new_line = changed.splitlines()[line - 1].strip()
            yield line, old_line, new_line, changed


class Laboratory:
    """Everything that mutants share: objects of core/ and the tests, each built once."""

    def __init__(self, build):
        self.build = build
        build.mkdir(parents=True, exist_ok=True)
        includes = "-iquote core -iquote .".split()
        self.compile_flags = FLAGS + includes
        self.core = sorted(Path("core").rglob("*.c"))
        shared = [p for p in self.core if p.name != "suite.c"] + [
            *sorted(Path("tests/host/fake").glob("*.c")), Path("tests/host/model/model.c"),
            Path("tests/host/model/model_run.c")]
        self.objects = {str(p): self.compile(p) for p in shared}
        self.tests = []
        suite = self.compile(Path("core/suite/suite.c"))
        library = self.library(build / "whole", {})
        for name in TESTS:
            (source,) = Path("tests/host").glob(f"*/{name}_test.c")
            program = build / f"{name}_test"
            extra = [str(suite)] if name == "suite" else []
            run(["cc", "-rdynamic", str(self.compile(source)), *extra, f"-L{library}", "-lassay",
                 "-lcmocka", "-lpthread", "-o", str(program)])
            self.tests.append((name, program))

    def compile(self, source, to=None):
        output = to or self.build / (str(source).replace("/", "_") + ".o")
        run(["cc", *self.compile_flags, "-c", str(source), "-o", str(output)])
        return output

    def library(self, folder, instead):
        folder.mkdir(exist_ok=True)
        objects = {**self.objects, **instead}
        run(["cc", "-shared", *map(str, objects.values()), "-lpthread", "-o",
             str(folder / "libassay.so")])
        return folder

    def killer(self, path, text, folder):
        """The test that notices; "" if none does; None if the mutant does not compile."""
        folder.mkdir(exist_ok=True)
        mutant = folder / path.name
        mutant.write_text(text)
        try:
            self.library(folder, {str(path): self.compile(mutant, folder / "mutant.o")})
        except subprocess.CalledProcessError:
            return None
        for name, program in self.tests:
            if not passes(name, program, folder):
                return name
        return ""


def run(command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def passes(name, program, library):
    environment = {**os.environ, "LD_LIBRARY_PATH": str(library.resolve())}
    seconds = PROCESSOR_SECONDS.get(name, OTHER_PROCESSOR_SECONDS)
    limited = ["prlimit", f"--cpu={seconds}", str(program)]
    try:
        return subprocess.run(limited, env=environment, timeout=WALL_SECONDS, check=False,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--only", default="",
                        help="one file of core/, also one that is not asked for otherwise")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    laboratory = Laboratory(given.build / "mutants")
    for name, program in laboratory.tests:
        if not passes(name, program, given.build / "mutants" / "whole"):
            sys.exit(f"{name}_test fails without any mutant")
    folders = [laboratory.build / f"job{n}" for n in range(given.jobs)]
    began, all_killed, all_counted, survivors = time.time(), 0, 0, []

    def attempt(job):
        path, (line, old, new, text) = job
        folder = folders.pop()
        try:
            return path, line, old, new, laboratory.killer(path, text, folder)
        finally:
            folders.append(folder)

    for path in map(Path, [given.only] if given.only else FILES):
        killed = counted = 0
        with ThreadPoolExecutor(given.jobs) as pool:
            for path, line, old, new, by in pool.map(attempt,
                                                     ((path, m) for m in mutants_of(path))):
                counted += by is not None
                killed += bool(by)
                if by == "":
                    survivors.append(f"{path}:{line}: {old}  ->  {new}")
                    print(survivors[-1], flush=True)
        print(f"{path}: {killed} of {counted} killed", flush=True)
        all_killed, all_counted = all_killed + killed, all_counted + counted
    (laboratory.build / "survivors.txt").write_text("\n".join(survivors) + "\n")
    percent = 100 * all_killed / max(all_counted, 1)
    print(f"{all_killed} of {all_counted} mutants killed, {percent:.1f} %, "
          f"{time.time() - began:.0f} s; survivors: {laboratory.build}/survivors.txt")
    sys.exit(percent < GOAL)


if __name__ == "__main__":
    main()
