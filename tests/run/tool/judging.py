"""A report against one's own list of what is known: what is unexpected is red, even good news."""

import fnmatch
import re
from dataclasses import dataclass, field
from pathlib import Path

import output
import report
from report import Broken

BY_NAME = "runs only by its full name"
SKIP_LINE = re.compile(r"skip\s+([^\s|]+)(?:\s+cpus>=(\d+))?(?:\s+model=([^\s|]+))?\s*(?:\|.*)?")
SKIP_FORM = "skip TEST [cpus>=N] [model=GLOB] | why"


@dataclass
class Known:
    failures: list = field(default_factory=list)  # report.Deviation
    skips: list = field(default_factory=list)  # globs


@dataclass
class Verdict:
    report: report.Report
    judgement: report.Judgement
    skips: list  # tests that were skipped and are not known to be
    lacks: list  # lines: what was required and is not there

    def problems(self):
        found = [(len(self.judgement.failing), "unexpected failure"),
                 (len(self.judgement.surprises), "unexpected success"),
                 (len(self.skips), "unexpected skip"), (len(self.lacks), "unmet requirement")]
        return [f"{n} {what}{'s' if n > 1 and not what.endswith('ss') else 'es' * (n > 1)}"
                for n, what in found if n]

    def red(self):
        return bool(self.problems())


def read_known(path, cpus, model=""):
    """The file's lines that apply: report.DEVIATION_FORM and SKIP_FORM."""
    known, rest = Known(), []
    for number, line in enumerate(_lines(path) if path else [], 1):
        if line.split()[:1] != ["skip"]:
            rest.append(line)
            continue
        rest.append("")
        match = SKIP_LINE.fullmatch(line.strip())
        if not match:
            raise Broken(f"{path}:{number}: not `{SKIP_FORM}`")
        if cpus >= int(match[2] or 1) and fnmatch.fnmatchcase(model, match[3] or "*"):
            known.skips.append(match[1])
    known.failures = report.parse_deviations("\n".join(rest), str(path), cpus, model)
    return known


def _lines(path):
    try:
        data = Path(path).read_bytes()
        return data.decode("utf-8-sig").splitlines()
    except OSError as error:
        raise Broken(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Broken(f"{path}:{line}: this is not UTF-8") from None


def judge(loaded, known, require=("virtualization",), max_skips=0):
    whole_suite = loaded.whole.get("filters") == []  # a console's log does not say its filter
    judgement = report.judge(loaded, known.failures, whole_suite)
    skips = [t for t in loaded.tests if t["verdict"] == "SKIP"
             and BY_NAME not in t.get("reason", "")
             and not any(fnmatch.fnmatchcase(t["name"], glob) for glob in known.skips)]
    for glob in known.skips:
        there = [t for t in loaded.tests if fnmatch.fnmatchcase(t["name"], glob)]
        ran = [t["name"] for t in there if t["verdict"] != "SKIP"]
        if ran:
            judgement.surprises.append(f"{ran[0]} runs, but `skip {glob}` says that it does not")
        elif whole_suite and not there:
            judgement.surprises.append(f"`skip {glob}` matches no test")
    if len(skips) <= max_skips:
        skips = []
    return Verdict(loaded, judgement, skips, _lacks(loaded, require))


def _lacks(loaded, require):
    capabilities = loaded.whole.get("capabilities", {})
    lacks = []
    for name in require:
        key = name.replace("-", "_")
        if key not in capabilities:
            raise Broken(f"the report does not say whether there is {name}; it knows: "
                         + ", ".join(sorted(capabilities)).replace("_", "-"))
        if not capabilities[key]:
            lacks.append(f"{name} is required, and the machine has none")
    if loaded.outcome == "INCOMPLETE" and not lacks:
        lacks.append(loaded.lacks or "the run says that it is incomplete")
    if not any(t["verdict"] in ("PASS", "FAIL") for t in loaded.tests
               if t["name"] not in ("machine.restored", "soak.constant")):
        lacks.append("no test ran")
    return lacks


def text(verdict):
    """All that a person needs, the verdict in the last line."""
    lines = []
    for test, reason in verdict.judgement.known:
        cut = f" ({test['cut']} of its lines are not on the console)" if test.get("cut") else ""
        lines.append(f"known: {test['name']}: {reason.why}{cut}")
    lines += [report.explain(test) for test in verdict.judgement.failing]
    lines += [f"unexpected success: {line}" for line in verdict.judgement.surprises]
    reasons = {}
    for test in verdict.skips:
        reasons.setdefault(test.get("reason", "no reason"), []).append(test["name"])
    lines += [f"unexpected skip: {reason}: {', '.join(names[:4])}"
              + (f" and {len(names) - 4} more" if len(names) > 4 else "")
              for reason, names in reasons.items()]
    lines += [f"unmet requirement: {line}" for line in verdict.lacks]
    known = len(verdict.judgement.known)
    lines.append(("RED: " + ", ".join(verdict.problems()) if verdict.red() else "GREEN")
                 + f"; {verdict.report.summary()}" + (f", {known} known" if known else ""))
    return "\n".join(lines)


def write_known(path, loaded):
    """A list with which this very report is green; the reasons are for its owner to fill in."""
    lines = ["# What is known of this machine: `assay judge --known` takes it for green, and all",
             "# else for red. test or @rule | why | section of the manual; skip test | why"]
    if loaded.console:
        lines.append("# From a console's log, which leaves rules out: for logs, not for REPORT.JSON.")
    head = len(lines)
    for test in loaded.tests:
        if test["verdict"] == "FAIL" and test.get("wrong"):
            lines += [f"@{rule} | {test['name']} says so | {test.get('spec', '-')}"
                      for rule in test["wrong"]]
        elif test["verdict"] == "FAIL":
            lines.append(f"{test['name']} | {_plain(test)} | {test.get('spec', '-')}")
        elif test["verdict"] == "SKIP" and BY_NAME not in test.get("reason", ""):
            lines.append(f"skip {test['name']} | {test.get('reason', '')}")
    unique = list(dict.fromkeys(lines))
    output.put("\n".join(unique) + "\n", path)
    errors = loaded.count("ERROR")
    return len(unique) - head, errors


def _plain(test):
    reason = test.get("reason", "?").replace("|", "/")
    return reason + (f": wanted {test['wanted']}, got {test['got']}" if test.get("wanted") else "")
