"""The command line."""

import argparse
import fnmatch
import json
import re
import shlex
import shutil
import sys
import traceback
from pathlib import Path

import comparing
import converting
import fleet
import judging
import loading
import output
import resources
import starting
from output import put
from report import Broken

GREEN, RED, NO_JUDGEMENT = 0, 1, 2


def processors(loaded):
    """How many were in use; the known list may ask."""
    said = loaded.whole.get("processors")
    if said is None:
        numbers = re.findall(r"\d+", loaded.machine.get("processors", ""))  # 8, 4 in use
        said = int(numbers[-1]) if numbers else 1
    return said


def requirements(given):
    return [] if given.no_require else given.require or ["virtualization"]


def judged(loaded, given):
    known = judging.read_known(given.known, processors(loaded), given.model)
    verdict = judging.judge(loaded, known, requirements(given), given.max_skips)
    output.say(judging.text(verdict))
    return RED if verdict.red() else GREEN


def do_judge(given):
    loaded = loading.load(given.report)
    if given.write_known:
        count, errors = judging.write_known(given.write_known, loaded)
        output.say(f"{given.write_known}: {count} lines"
                   + (f"; {errors} ERRORs cannot be known and stay red" if errors else ""))
        return GREEN
    return judged(loaded, given)


def do_compare(given):
    before, now = loading.load(given.before), loading.load(given.now)
    sections = comparing.compare(before, now, given.ticks)
    form = comparing.markdown if given.markdown else comparing.text
    put(form(sections, given.before, given.now, comparing.left_out(before, now)), given.output)
    return RED if comparing.differs(sections) else GREEN


def do_convert(given):
    put(converting.convert(loading.load(given.report), given.to), given.output)
    return GREEN


def do_prepare(given):
    source = given.image or (given.target if given.target.exists() else resources.image())
    starting.prepare(source, given.target, given.options)
    output.say(f"{given.target}: options `{starting.line(given.options)}`")
    return GREEN


def do_run(given):
    starting.check_command(given.command)
    words = split(given.options)
    check_judging(given)
    starting.end_with_signals()
    if not starting.ENDINGS & set(words):
        words.insert(0, "-s")
    folder, temporary = starting.work_folder(given.keep)
    try:
        loaded, status = starting.run(given.command, words, given.image or resources.image(),
                                      given.limit, folder, given.console, not given.quiet)
        output.say(f"\nthe VMM {status}")
        return judged(loaded, given)
    except Broken:
        temporary = False  # what there is of it may say why
        raise
    finally:
        if temporary:
            shutil.rmtree(folder, ignore_errors=True)


def split(options):
    """As the image does: quotes, and a backslash is one."""
    words = shlex.shlex(options, posix=True, punctuation_chars=False)
    words.whitespace_split, words.quotes, words.escape, words.commenters = True, '"', "", ""
    try:
        return list(words)
    except ValueError as error:
        raise Broken(f"--options {options}: {error}") from None


def check_judging(given):
    """What is wrong with the list or the requirements is known before hours of a run."""
    judging.read_known(given.known, 1)
    names = resources.suite()["capabilities"]
    for name in given.require or []:
        if name not in names:
            raise Broken(f"--require: no capability {name}; there are {', '.join(names)}")


def do_list(given):
    found = [t for t in resources.tests()
             if not given.globs or any(fnmatch.fnmatchcase(t["name"], g) for g in given.globs)]
    if not found:
        raise Broken(f"no test matches {' '.join(given.globs)}")
    if given.format == "json":
        put(json.dumps(found, indent=1), given.output)
    elif given.format == "markdown":
        put("\n".join(comparing.table(
            ["test", "what it checks", "what a failure means", "manual", "needs"],
            [[f"`{t['name']}`", t["about"], t["means"], t["spec"], needs(t)] for t in found])),
            given.output)
    else:
        put("\n".join(entry(t, given.long) for t in found), given.output)
    return GREEN


def needs(test):
    parts = list(test["needs"])
    if test["processors"] > 1:
        parts.append(f"{test['processors']} processors")
    if test.get("only_by_name"):
        parts.append("its full name")
    return ", ".join(parts)


def entry(test, long):
    lines = [f"{test['name']}: {test['about']}" if test["about"] else test["name"]]
    if long:
        lines += [f"    {key}: {text}" for key, text in (
            ("a failure means", test["means"]), ("manual", test["spec"]), ("needs", needs(test)))
            if text]
    return "\n".join(lines)


def do_fleet(given):
    def judge(loaded):
        known = judging.read_known(given.known, processors(loaded), given.model)
        return judging.judge(loaded, known)

    judging.read_known(given.known, 1)  # a bad list is no machine's fault
    rows, notes = fleet.collect(given.folders, judge if given.known else None)
    put((fleet.markdown if given.markdown else fleet.text)(rows, notes), given.output)
    return RED if any(row.bad() for row in rows) else GREEN


def at_least(kind, low):
    def convert(word):
        value = kind(word)
        if not low <= value < float("inf"):
            raise argparse.ArgumentTypeError(f"{word} is not a number from {low} on")
        return value

    convert.__name__ = kind.__name__
    return convert


def add_judging(parser):
    parser.add_argument("--known", metavar="FILE", help="failures and skips that are known")
    parser.add_argument("--model", default="", help="for lines of FILE with model=GLOB")
    parser.add_argument("--require", action="append", metavar="CAPABILITY",
                        help="red without it; may be given again; default: virtualization")
    parser.add_argument("--no-require", action="store_true", help="require nothing")
    parser.add_argument("--max-skips", type=at_least(int, 0), default=0, metavar="N",
                        help="so many skips that are not known are green, too; default: 0")


def parser():
    top = argparse.ArgumentParser(
        prog="assay", description=sys.modules["__main__"].__doc__,
        epilog="Exit status: 0 green, 1 red (compare: different), 2 no judgement was possible.")
    top.add_argument("--version", action="version", version=f"assay {resources.version()}")
    commands = top.add_subparsers(dest="command_name", required=True, metavar="COMMAND")

    def add(name, action, text):
        one = commands.add_parser(name, help=text, description=text)
        one.set_defaults(action=action)
        return one

    one = add("judge", do_judge, "judge a report against a list of what is known")
    one.add_argument("report", type=Path, help="REPORT.JSON, a console's log, a folder with one, or - "
                                               "for the standard input")
    one.add_argument("--write-known", metavar="FILE", type=Path,
                     help="write a list with which this report is green, and do nothing else")
    add_judging(one)

    one = add("compare", do_compare, "what changed between two reports")
    one.add_argument("before", type=Path)
    one.add_argument("now", type=Path)
    one.add_argument("--ticks", type=at_least(float, 0), default=50, metavar="PERCENT",
                     help="tell times that changed by more; default: 50")
    one.add_argument("--markdown", action="store_true")
    one.add_argument("-o", "--output", type=Path)

    one = add("convert", do_convert, "a report for another program, or for a browser")
    one.add_argument("report", type=Path)
    one.add_argument("--to", required=True, choices=["junit", "github", "markdown", "html"])
    one.add_argument("-o", "--output", type=Path)

    one = add("prepare", do_prepare, "put options into an image")
    one.add_argument("target", type=Path, metavar="IMAGE",
                     help="changed in place; if it is not there, it becomes a copy of assay.img")
    one.add_argument("options", nargs=argparse.REMAINDER, metavar="OPTIONS...",
                     help="of the image, such as -s --require virtualization vmx.*")
    one.add_argument("--image", type=Path, help="the image to copy")

    one = add("run", do_run, "start a VMM with the image, wait for it, read the report, judge it")
    one.add_argument("--options", default="",
                     help="of the image, as one word; -s is added if nothing in it ends the run")
    one.add_argument("--image", type=Path, help="the image; default: the one that was installed")
    one.add_argument("--limit", type=at_least(int, 1), default=600, metavar="SECONDS",
                     help="default: 600")
    one.add_argument("--console", type=Path, metavar="FILE",
                     help="where the VMM writes the serial line, if not to its output or {serial}; "
                          "removed before the start")
    one.add_argument("--keep", type=Path, metavar="FOLDER", help="work there and leave all of it")
    one.add_argument("--quiet", action="store_true", help="do not show the console")
    add_judging(one)
    one.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND",
                     help="{image}: the disk image, {efi}: the program alone, {serial}: a file for "
                          "the serial line, {dir}: the folder of all of them")

    one = add("list", do_list, "the tests, without booting anything")
    one.add_argument("globs", nargs="*", metavar="GLOB")
    one.add_argument("--format", choices=["text", "json", "markdown"], default="text")
    one.add_argument("-l", "--long", action="store_true", help="with what a failure means")
    one.add_argument("-o", "--output", type=Path)

    one = add("fleet", do_fleet, "one table of many reports, REPORT.JSON files or consoles' logs")
    one.add_argument("--known", metavar="FILE", help="judge each against this list, as judge does")
    one.add_argument("--model", default="", help="for lines of FILE with model=GLOB")
    one.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    one.add_argument("--markdown", action="store_true")
    one.add_argument("-o", "--output", type=Path)
    return top


def parsed(arguments):
    for i, word in enumerate(arguments):
        if word == "--":
            break
        if word == "--options":  # its value may begin with a dash
            if arguments[i + 1:i + 2] in ([], ["--"]):
                raise Broken("--options needs the image's options, as one word")
            arguments[i:i + 2] = [f"--options={arguments[i + 1]}"]
            break
    given = parser().parse_args(arguments)
    for name in ("command", "options"):
        words = getattr(given, name, None)
        if isinstance(words, list) and words[:1] == ["--"]:
            setattr(given, name, words[1:])
    return given


def main(arguments=None):
    output.ready()
    try:
        given = parsed(list(sys.argv[1:] if arguments is None else arguments))
        return given.action(given)
    except Broken as error:
        print(f"assay: {error}", file=sys.stderr)
    except KeyboardInterrupt as error:
        print(f"assay: ended by {error or 'SIGINT'}", file=sys.stderr)
    except OSError as error:
        print(f"assay: {error.filename or 'error'}: {error.strerror or error}", file=sys.stderr)
    except Exception:  # the last resort: a defect of this program is no verdict
        traceback.print_exc()
        print("assay: the program itself failed; there is no judgement", file=sys.stderr)
    return NO_JUDGEMENT
