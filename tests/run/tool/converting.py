"""A report in the forms that other programs read: JUnit XML, GitHub's, Markdown."""

from xml.sax.saxutils import escape, quoteattr

import report
from comparing import table
from loading import milliseconds

EXPLANATION = ("spec", "where", "about", "means", "again")


def identity(loaded):
    """The machine in one line."""
    machine = loaded.machine
    parts = [machine.get("system"), machine.get("cpu brand"),
             machine.get("bios") or machine.get("firmware")]
    hypervisor = machine.get("hypervisor", "none")
    if not hypervisor.startswith("none"):
        parts.append(f"under {hypervisor}")
    return "; ".join(part for part in parts if part) or loaded.path


def explanation(test):
    lines = []
    if test.get("wanted"):
        lines.append(f"wanted {test['wanted']}, got {test['got']}")
    lines += [f"{key}: {test[key]}" for key in EXPLANATION if test.get(key)]
    return lines + test.get("notes", "").splitlines()


def printable(text):
    """Without the characters that XML 1.0 cannot hold."""
    return "".join(c if c in "\t\n" or " " <= c <= "\ud7ff" else "?" for c in str(text))


def junit(loaded):
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>"]
    duration = loaded.whole.get("duration_ms", 0) / 1000
    lines.append(f'<testsuite name="assay" tests="{len(loaded.tests)}" '
                 f'failures="{loaded.count("FAIL")}" errors="{loaded.count("ERROR")}" '
                 f'skipped="{loaded.count("SKIP")}" time="{duration:.3f}">')
    lines.append("<properties>")
    lines += [f"<property name={quoteattr(printable(k))} value={quoteattr(printable(v))}/>"
              for k, v in loaded.machine.items()]
    lines.append("</properties>")
    for test in loaded.tests:
        lines += _junit_case(loaded, test)
    said = loaded.outcome + (f": {loaded.lacks}" if loaded.lacks else "")
    lines += [f"<system-out>{escape(printable(said))}</system-out>",
              "</testsuite>", "</testsuites>"]
    return "\n".join(lines) + "\n"


def _junit_case(loaded, test):
    seconds = (milliseconds(loaded, test) or 0) / 1000
    head = (f"<testcase classname={quoteattr('assay.' + test['name'].split('.')[0])} "
            f"name={quoteattr(test['name'])} time=\"{seconds:.3f}\"")
    reason = quoteattr(printable(test.get("reason", "")))
    if test["verdict"] == "PASS":
        return [head + "/>"]
    if test["verdict"] == "SKIP":
        return [head + ">", f"<skipped message={reason}/>", "</testcase>"]
    kind = "error" if test["verdict"] == "ERROR" else "failure"
    return [head + ">", f'<{kind} message={reason} type="{test["verdict"]}">'
            + escape(printable("\n".join(explanation(test)))) + f"</{kind}>", "</testcase>"]


def github(loaded):
    """Workflow commands. None names a file: those of `where` are ours, not the repository's."""
    def data(text):
        return str(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")

    def value(text):
        return data(text).replace(":", "%3A").replace(",", "%2C")

    lines = []
    for test in loaded.tests:
        if test["verdict"] not in ("FAIL", "ERROR"):
            continue
        message = "\n".join([test.get("reason", ""), *explanation(test)])
        lines.append(f"::error title={value(test['verdict'] + ' ' + test['name'])}::"
                     + data(message))
    level = {"PASSED": "notice", "FAILED": "error"}.get(loaded.outcome, "warning")
    lines.append(f"::{level} title=assay::" + data(
        f"{loaded.last_line()}{': ' * bool(loaded.lacks)}{loaded.lacks}; {identity(loaded)}"))
    return "\n".join(lines) + "\n"


def markdown(loaded):
    lines = [f"# Assay: {loaded.outcome}", "", f"{identity(loaded)}.", "", f"{loaded.summary()}."]
    if loaded.lacks:
        lines += ["", f"Incomplete: {loaded.lacks}."]
    bad = [t for t in loaded.tests if t["verdict"] in ("FAIL", "ERROR")]
    if bad:
        lines += ["", "## Failures", "", *table(
            ["test", "verdict", "what", "wanted", "got", "manual"],
            [[f"`{t['name']}`", t["verdict"], t.get("reason", ""), t.get("wanted", ""),
              t.get("got", ""), t.get("spec", "")] for t in bad])]
        for test in bad:
            if test.get("means"):
                lines += ["", f"- `{test['name']}`: {test['means']}"]
    skips = {}
    for test in loaded.tests:
        if test["verdict"] == "SKIP":
            skips[test.get("reason", "")] = skips.get(test.get("reason", ""), 0) + 1
    if skips:
        lines += ["", "## Skipped", "", *table(["reason", "tests"],
                                               [[why, n] for why, n in skips.items()])]
    return "\n".join(lines) + "\n"


FORMS = {"junit": junit, "github": github, "markdown": markdown}


def convert(loaded, form):
    if form == "html":
        import page
        return page.page(loaded)
    if form not in FORMS:
        raise report.Broken(f"no such form: {form}")
    return FORMS[form](loaded)
