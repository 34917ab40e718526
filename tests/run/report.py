"""Reads the two reports of the image, checks them against each other, and judges them.

A report that is missing, cut short or at odds with itself is Broken: the harness must never take
the absence of bad news for good news.
"""

import fnmatch
import json
import re
from dataclasses import dataclass, field

SUMMARY = re.compile(r"(\d+) passed, (\d+) failed, (\d+) skipped, (\d+) errors, (\d+) checks: "
                     r"(PASSED|FAILED|INCOMPLETE)")
VERDICTS = ("PASS", "FAIL", "SKIP", "ERROR")


class Broken(Exception):
    """The run did not produce what a judgement needs."""


@dataclass
class Report:
    tests: list  # of {"name", "verdict", "reason", "wanted", "got", "spec", "checks", ...}
    bench: list = field(default_factory=list)
    machine: dict = field(default_factory=dict)
    runs: list = field(default_factory=list)  # with -n: clock ticks in tests of each run
    outcome: str = ""  # PASSED, FAILED or INCOMPLETE: not everything that was asked for ran
    lacks: str = ""  # why it is incomplete
    whole: dict = field(default_factory=dict)  # the JSON file, if it comes from one
    path: str = "a machine"  # where it was read from
    console: bool = False  # it comes from a console's log, which tells less than the files

    def manual(self):
        """Whose manual the machine is judged by."""
        amd = self.machine.get("cpu vendor") in ("AuthenticAMD", "HygonGenuine")
        return "APM" if amd else "SDM"

    def count(self, verdict):
        return sum(t["verdict"] == verdict for t in self.tests)

    def summary(self):
        return "%d passed, %d failed, %d skipped, %d errors, %d checks" % (
            *map(self.count, VERDICTS), self.checks())

    def last_line(self):
        return f"{self.summary()}: {self.outcome}"

    def checks(self):
        return sum(t["checks"] for t in self.tests)


def last_line(summary):
    """The console's last line, from REPORT.JSON's summary."""
    return ("{passed} passed, {failed} failed, {skipped} skipped, {errors} errors, {checks} checks: "
            "{outcome}").format(**summary)


# The types of docs/report.schema.json: a member's type, [the type of all in a list], or {"*": the
# type of all members}. int is no bool. A member that is not here is a later version's.
COUNT = {"*": int}
TEST_TYPES = {"name": str, "verdict": str, "reason": str, "wanted": str, "got": str, "where": str,
              "about": str, "means": str, "again": str, "notes": str, "spec": str, "row": str,
              "rules": COUNT, "wrong": COUNT, "checks": int, "ticks": int}
TYPES = {"format": int, "assay": str, "commit": str, "options": str, "filters": [str], "seed": int,
         "repetitions": int, "start": str, "clock_hz": int, "processors": int, "planned": int,
         "capabilities": {"*": bool}, "machine": {"*": str}, "details": {"*": (str, int)},
         "tests": [TEST_TYPES], "bench": [{"name": str, "value": int, "unit": str}], "runs": [int],
         "dropped": int, "summary": {"passed": int, "failed": int, "skipped": int, "errors": int,
                                     "checks": int, "outcome": str, "lacks": str},
         "duration_ms": int, "complete": bool}
FORMAT = 1
# Facts whose names on the console are not their keys in REPORT.JSON with spaces for "_".
FACT_NAMES = {"vmx_pin_based_controls": "vmx pin-based controls", "svm_vm_cr": "svm vm_cr"}
OUTCOMES = ("PASSED", "FAILED", "INCOMPLETE")
WORDS = {str: "a text", int: "a whole number", bool: "true or false", list: "a list",
         dict: "an object", (str, int): "a text or a whole number"}


def check_types(value, wanted, place=""):
    """Raises ValueError where the value, or one in it, is of another type than TYPES says."""
    kind = type(wanted) if isinstance(wanted, (list, dict)) else wanted
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ValueError(f"{place or 'the file'} is not {WORDS[kind]}")
    if kind is list:
        for i, one in enumerate(value):
            check_types(one, wanted[0], f"{place}[{i}]")
    elif kind is dict:
        for key, one in value.items():
            if inner := wanted.get("*") or wanted.get(key):
                check_types(one, inner, f"{place}.{key}".lstrip("."))


def check_tests(tests):
    """Raises ValueError or KeyError for a test that says too little, or nonsense."""
    for i, test in enumerate(tests):
        if test["verdict"] not in VERDICTS or not test["name"] or test["checks"] < 0:
            raise ValueError(f"strange test {test['name']!r}, {test['verdict']!r}, "
                             f"{test['checks']} checks")
        if ("wanted" in test) != ("got" in test):
            raise ValueError(f"tests[{i}] has one of wanted and got")


def fact_name(key):
    """A fact's name on the console."""
    return FACT_NAMES.get(key, key.replace("_", " "))


def parse_json(text, name="REPORT.JSON"):
    if not text.strip():
        raise Broken(f"{name} is empty")
    try:
        data = json.loads(text)
        form = data.get("format", FORMAT) if isinstance(data, dict) else FORMAT
        if form != FORMAT:
            raise Broken(f"{name} is of format {form}, this program reads format {FORMAT}: "
                         "take the program of the image's version")
        check_types(data, TYPES)
        summary = data.get("summary", {})
        report = Report(data["tests"], data.get("bench", []),
                        {fact_name(k): v for k, v in data.get("machine", {}).items()},
                        data.get("runs", []), summary["outcome"], summary.get("lacks", ""), data)
        check_tests(report.tests)
        if report.outcome not in OUTCOMES:
            raise ValueError(f"no outcome is called {report.outcome}")
        claimed = [summary.get(k) for k in ("passed", "failed", "skipped", "errors", "checks")]
    except KeyError as error:
        raise Broken(f"{name} is damaged: no {error.args[0]}") from None
    except (ValueError, RecursionError) as error:
        raise Broken(f"{name} is damaged: {error}") from None
    if data.get("complete") is not True:
        raise Broken(f"{name} ends early, after {len(report.tests)} tests")
    if claimed != [*map(report.count, VERDICTS), report.checks()]:
        raise Broken(f"{name}: the summary {claimed} does not add up")
    if (report.outcome == "FAILED") != bool(report.count("FAIL") + report.count("ERROR")):
        raise Broken(f"{name}: the outcome {report.outcome} is not that of its tests")
    return report


def parse_tap(text):
    """[(name, verdict, checks)] and the last comment line."""
    lines = text.splitlines()
    if not lines or lines[0] != "TAP version 13":
        raise Broken("REPORT.TAP does not begin with its version line")
    plan, points, comment = None, [], None
    for line in lines[1:]:
        if match := re.fullmatch(r"1\.\.(\d+)(?: #.*)?", line):
            plan = int(match[1])
        elif match := re.fullmatch(r"(not )?ok (\d+) - (\S+) # (SKIP .*|(\d+) checks)", line):
            if int(match[2]) != len(points) + 1:
                raise Broken(f"REPORT.TAP: test point out of order: {line}")
            verdict = "FAIL" if match[1] else "PASS" if match[5] else "SKIP"
            points.append([match[3], verdict, int(match[5] or 0)])
        elif points and re.fullmatch(r"\s+verdict: ERROR", line):
            points[-1][1] = "ERROR"
        elif line.startswith("#"):
            comment = line.lstrip("# ")
        elif line.startswith("Bail out!"):
            raise Broken(f"REPORT.TAP: {line}")
        elif line and not line.startswith(" "):
            raise Broken(f"REPORT.TAP: strange line: {line}")
    if plan is None or plan != len(points):
        raise Broken(f"REPORT.TAP: {len(points)} tests, but the plan says {plan}")
    return [tuple(p) for p in points], comment


def load(tap, json_text):
    """The report, if both files are there, whole, and say the same."""
    for name, text in (("TAP", tap), ("JSON", json_text)):
        if text is None:
            raise Broken(f"no REPORT.{name} on the boot volume")
    report = parse_json(json_text)
    points, comment = parse_tap(tap)
    if points != [(t["name"], t["verdict"], t["checks"]) for t in report.tests]:
        raise Broken("REPORT.TAP and REPORT.JSON differ")
    if comment != report.summary():
        raise Broken(f"REPORT.TAP ends with {comment!r}, not with {report.summary()!r}")
    return report


@dataclass
class Deviation:
    glob: str
    cpus_from: int
    why: str
    section: str
    model: str = ""
    sometimes: bool = False  # it shows only if the time falls so: neither verdict is a surprise
    wrong: tuple = ()  # of the main model: so many cases of so many are wrong; (): any number
    apic: str = ""  # the mode of the machine's local APICs in which it shows; "": any


def deviations_file(folder, emulator, manual):
    """Each version of an emulator has a file for each vendor that it has models of."""
    return folder / f"{emulator}{'-svm' if manual == 'APM' else ''}.txt"


DEVIATION = re.compile(r"(\S+)(?: +cpus>=(\d+))?(?: +model=(\S+))?( +sometimes)?"
                       r"(?: +wrong=(\d+)/(\d+))?(?: +apic=(\S+))? +\| +([^|]+?) +\| +([^|]+)")
DEVIATION_FORM = ("TEST or @RULE [cpus>=N] [model=GLOB] [sometimes] [wrong=N/M] [apic=MODE] "
                  "| why | section")


def deviations(path, cpus, model=""):
    """The file's lines that apply; no file: none."""
    manual = "APM" if path.stem.endswith("-svm") else "SDM"
    return (parse_deviations(path.read_text(), path.name, cpus, model, manual)
            if path.exists() else [])


def parse_deviations(text, name, cpus, model="", manual="SDM"):
    """Lines of DEVIATION_FORM that apply.

    @ID in place of the glob: the rule of that id is broken, in whichever tests check it; wrong: in
    so many of its cases, no more and no fewer, which the fuzzer's are not among.
    """
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = DEVIATION.fullmatch(line.strip())
        if not match:
            raise Broken(f"{name}:{number}: not `{DEVIATION_FORM}`")
        wrong = (int(match[5]), int(match[6])) if match[5] else ()
        found.append(Deviation(match[1], int(match[2] or 1), match[8], f"{manual} {match[9]}",
                               match[3] or "", bool(match[4]), wrong, match[7] or ""))
    return [d for d in found if cpus >= d.cpus_from and fnmatch.fnmatchcase(model, d.model or "*")]


@dataclass
class Judgement:
    failing: list  # tests that failed and should not have
    known: list  # (test, deviation): failed as this emulator is known to
    surprises: list  # lines: a known deviation that is gone

    def red(self):
        return bool(self.failing or self.surprises)


def known_rules(test, known):
    """The deviations that explain a test's broken rules; None: they do not explain all."""
    found = [next((d for d in known if d.glob == f"@{rule}"), None)
             for rule in test.get("wrong", {})]
    return found if found and all(found) else None


def other_share(test, known):
    """Lines: rules of which another share of the cases is wrong than is known."""
    for deviation in known:
        cases, wrong = (test.get(key, {}).get(deviation.glob[1:]) for key in ("rules", "wrong"))
        if cases and deviation.wrong and not test["name"].startswith(("fuzz.", "full.fuzz.")):
            known_wrong, known_cases = deviation.wrong
            if (wrong or 0) * known_cases != known_wrong * cases:
                yield (f"{test['name']}: of the rule {deviation.glob[1:]} {wrong or 0} of {cases} "
                       f"cases are wrong, known are {known_wrong} of {known_cases}")


def judge(report, known, whole_suite, main=True):
    """Compares the verdicts with the known deviations. whole_suite: no filter left tests out.

    With another model than a vendor's main one, a rule may hold because the model lacks what breaks
    it.
    """
    result, used = Judgement([], [], []), set()
    checked, wrong = set(), set()
    known = [d for d in known if d.apic in ("", report.machine.get("apic mode"))]
    for test in report.tests:
        matches = [d for d in known if fnmatch.fnmatchcase(test["name"], d.glob)][:1]
        used.update(d.glob for d in matches)
        checked.update(rule for rule, count in test.get("rules", {}).items() if count)
        wrong.update(test.get("wrong", {}))
        if main:
            result.surprises += other_share(test, known)
        if test["verdict"] in ("FAIL", "ERROR"):
            reasons = matches or known_rules(test, known)
            if reasons and test["verdict"] == "FAIL":
                result.known += [(test, reason) for reason in reasons]
            else:
                result.failing.append(test)
        elif matches and test["verdict"] == "PASS" and not matches[0].sometimes:
            result.surprises.append(f"{test['name']} passes, but is listed as known to fail")
    for deviation in known:
        rule = deviation.glob[1:] if deviation.glob.startswith("@") else None
        if rule in checked - wrong and (deviation.model or main) and not deviation.sometimes:
            result.surprises.append(f"the rule {rule} holds, but is listed as known to be broken")
        if whole_suite and not rule and deviation.glob not in used:
            result.surprises.append(f"the deviation {deviation.glob} matches no test")
    return result


def explain(test):
    """A failing test in a few lines."""
    lines = [f"{test['verdict']} {test['name']}"]
    for key in ("reason", "wanted", "got", "spec", "where", "about", "means", "again"):
        if test.get(key):
            lines.append(f"     {key}: {test[key]}")
    lines += [f"     {line}" for line in test.get("notes", "").splitlines()]
    return "\n".join(lines)
