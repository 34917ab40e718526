"""One run of the image: a machine, options, what is done to the image, and what must come out."""

from dataclasses import dataclass, field
import re
from pathlib import Path

import emulator
import image
import report as reports
from emulator import Machine
from report import Broken

HERE = Path(__file__).parent
# The Shell's prompt after the image's last line.
PROMPT = r"\d+ checks: [A-Z]+\n(?s:.*)(Shell|FS\d+:[^\n]*)> ?$"


@dataclass(frozen=True)
class Expect:
    report: str = "volume"  # volume: both files; console: the last line only; none;
    # cut: the files end early, and say so
    red: str = ""  # a regular expression for tests that fail, and not as a known deviation:
    # some must, and no others
    passed: int = 1  # at least so many
    skipped: int = 0  # at least so many
    ran: str = ".*"  # a regular expression that each test which passed must match
    # Likewise for each SKIP's reason.
    skips: str = (r"needs (\d+ processors|all processors of the machine|AMD SVM|posted interrupts|"
                  r"monitor trap flag)|runs only by .*")
    says: tuple = ()  # regular expressions, each for some line of the console
    # {test: (verdict, pattern for the reason)}: exactly these; tests not named must pass
    verdicts: dict | None = None
    # {test: pattern for the reason}: fails where the emulator is known to, and passes elsewhere
    known: dict = field(default_factory=dict)
    notes: dict = field(default_factory=dict)  # {test: pattern for its notes}
    fails: tuple = ()  # tests that must fail on this machine, which is bad in just that
    times: int = 1  # how often the image is started; the first report is judged
    ticks: float = 0  # with -n: so much may a run's ticks be away from the median's; 0: any


@dataclass(frozen=True)
class Scenario:
    name: str
    machine: Machine = Machine()
    options: str = ""
    prepare: str = ""  # a function of PREPARE
    shell: bool = False  # ends at the Shell's prompt, where the harness types `reset -s`
    types: tuple = ()  # (pattern, text): the text is typed when the console says the pattern
    monitor: tuple = ()  # (pattern, command): likewise a command for QEMU's monitor
    variant: str = ""  # the image of another build: clang, sabotage
    expect: Expect = Expect()
    resets: int = 0  # how often the tests end the machine by a triple fault: it is started again
    restarts: int = 0  # how often the machine restarts by itself
    limit: int = 240  # seconds; a safety net, far above what a run takes


PREPARE = {
    "": lambda disk: None,
    "no boot program": image.without_boot_program,
    "full volume": image.fill,
    "8 KiB of room": lambda disk: image.fill(disk, 8192),
    "options in UTF-16": image.options_in_utf16,
    "feature control locked": image.spoiled("lock"),
    "feature control locked on an AP": image.spoiled("lock-ap"),
    "x2APIC firmware": image.spoiled("x2apic"),
    "no MP Services": image.spoiled("no-mp"),
    "MP Services refuse": image.spoiled("refuse"),
    "MP Services refuse, another program afterwards": image.spoiled("refuse", "count"),
    "MP Services hang": image.spoiled("hang"),
    "another program afterwards": image.another_program,
}


@dataclass
class Result:
    scenario: Scenario
    seconds: float = 0
    summary: str = ""
    wrong: list = field(default_factory=list)  # what is not as expected, in lines
    harness: str = ""  # why there is nothing to judge
    report: reports.Report | None = None
    judgement: reports.Judgement | None = None

    def ok(self):
        return not self.wrong and not self.harness


def run(scenario, build, on_line=lambda line: None):
    """Runs one scenario; what it leaves is under build/run/<name>/. Never raises."""
    result = Result(scenario)
    folder = build / "run" / scenario.name
    try:
        _run(scenario, build, folder, result, on_line)
    except (Broken, OSError) as error:
        result.harness = str(error)
    return result


def _run(scenario, build, folder, result, on_line):
    image.fresh_folder(folder)
    disk = folder / "disk.img"
    image.copy(build / scenario.variant / "assay.img", disk)
    image.options(disk, f"{scenario.machine.ending()} {scenario.options}".strip())
    PREPARE[scenario.prepare](disk)
    answer = (PROMPT, "reset -s\r") if scenario.shell else scenario.types or None
    lines = []
    for left in range(scenario.resets, -1, -1):
        ended = emulator.run(scenario.machine, folder, disk.name, scenario.limit, answer,
                             scenario.monitor, on_line, scenario.restarts)
        lines += ended.lines
        result.seconds += ended.seconds
        (folder / f"{disk.name}.lock").unlink(missing_ok=True)
        if ended.how == "off" or not left:
            break
    ended.lines = lines
    (folder / "console.txt").write_text("\n".join(ended.lines) + "\n")
    tap, json_text = image.keep_reports(disk, folder)
    disk.unlink()

    expect, wrong = scenario.expect, result.wrong
    for pattern in expect.says:
        if not any(re.search(pattern, line) for line in ended.lines):
            wrong.append(f"the console does not say /{pattern}/")
    if ended.how != "off":
        raise Broken(ended.how)
    last = [line for line in ended.lines if reports.SUMMARY.fullmatch(line)]
    if expect.report == "none":
        return
    if len(last) != expect.times:
        raise Broken(f"the console has {len(last)} summary lines")
    result.summary = last[0]
    for again in last[1:]:
        if not re.search(", 0 failed, 0 skipped, 0 errors, ", again):
            wrong.append(f"started again, the image says {again}")
    if expect.report in ("console", "cut"):
        counts = reports.SUMMARY.fullmatch(last[0]).groups()[:5]
        passed, failed, skipped, errors, _ = map(int, counts)
        if expect.report == "cut":
            wrong += _not_cut(tap, json_text)
        elif tap or json_text:
            wrong.append("there are reports on a volume that cannot take them")
        if failed or errors:
            wrong.append("tests failed")
    else:
        _judge(scenario, tap, json_text, last[0], result)
        passed, skipped = result.report.count("PASS"), result.report.count("SKIP")
    if passed < expect.passed:
        wrong.append(f"{passed} passed, at least {expect.passed} should")
    if skipped < expect.skipped:
        wrong.append(f"{skipped} skipped, at least {expect.skipped} should be")


def _not_cut(tap, json_text):
    """Lines for those of the two files that seem to be whole."""
    wrong = []
    for name, parse, text in (("TAP", reports.parse_tap, tap or ""),
                              ("JSON", reports.parse_json, json_text or "{}")):
        try:
            parse(text)
            wrong.append(f"REPORT.{name} seems to be whole")
        except Broken:
            pass
    return wrong


def _compare(report, expect, known):
    """What differs from expect.verdicts, expect.known and expect.notes, in lines; known: the names
    of tests that the emulator is known to fail."""
    verdicts, wrong = {name: ("PASS", "") for name in expect.known}, []
    verdicts |= {name: ("FAIL", reason) for name, reason in expect.known.items() if name in known}
    verdicts |= expect.verdicts
    for test in report.tests:
        verdict, reason = verdicts.get(test["name"], ("PASS", ""))
        if test["verdict"] != verdict or not re.search(reason, test.get("reason", "")):
            wrong.append(f"not {verdict} /{reason}/, but {reports.explain(test)}")
        if not re.search(expect.notes.get(test["name"], ""), test.get("notes", "")):
            wrong.append(f"{test['name']}: no note /{expect.notes[test['name']]}/")
    names = {test["name"] for test in report.tests}
    return wrong + [f"{name} did not run" for name in verdicts if name not in names]


# Bochs 2.7 masks SMIs for good in the first run (start.hardware_wait.exit_state), and then what
# vmx.exit.* find after each exit is put right again.
FIRST_RUN = 0.15


def _ticks_vary(ticks, limit):
    """Lines about runs that took longer or shorter than most; the first may differ by more."""
    if len(ticks) < 2:
        return [f"{len(ticks)} runs have ticks"]
    median = sorted(ticks)[len(ticks) // 2]
    return [f"run {n} took {value} ticks, the median is {median}"
            for n, value in enumerate(ticks, 1)
            if abs(value - median) > median * (limit if n > 1 else max(limit, FIRST_RUN))]


def _judge(scenario, tap, json_text, last, result):
    expect, machine, wrong = scenario.expect, scenario.machine, result.wrong
    result.report = reports.load(tap, json_text)
    if last != result.report.last_line():
        raise Broken(f"the console ends with {last!r}, "
                     f"the report with {result.report.last_line()!r}")
    name = emulator.version(machine.emulator)
    file = reports.deviations_file(HERE / "deviations", name, result.report.manual())
    known = reports.deviations(file, machine.cpus, machine.model)
    if expect.verdicts is not None:
        wrong += _compare(result.report, expect, {d.glob for d in known})
        return
    # Only where a filter or -b leaves tests out may a deviation match none.
    filtered = any(w == "-b" or not w.startswith("-") for w in scenario.options.split())
    result.judgement = judgement = reports.judge(result.report, known, not filtered,
                                                 machine.main())
    if expect.red:
        if not judgement.failing:
            wrong.append("no test failed, but some are broken on purpose")
        wrong += [reports.explain(test) for test in judgement.failing
                  if not re.fullmatch(expect.red, test["name"])]
        return
    wrong += [reports.explain(test) for test in judgement.failing
              if test["name"] not in expect.fails or test["verdict"] != "FAIL"]
    wrong += judgement.surprises
    if expect.ticks:
        wrong += _ticks_vary(result.report.runs, expect.ticks)
    failed = {test["name"] for test in judgement.failing}
    wrong += [f"{name} does not fail, but this machine is bad" for name in expect.fails
              if name not in failed]
    for test in result.report.tests:
        if test["verdict"] == "SKIP" and not re.fullmatch(expect.skips, test.get("reason", "")):
            wrong.append(f"{test['name']} is skipped: {test.get('reason')}")
        if test["verdict"] == "PASS" and not re.fullmatch(expect.ran, test["name"]):
            wrong.append(f"{test['name']} passes on a machine that cannot run it")
