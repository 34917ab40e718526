"""What changed between two runs: verdicts, capabilities by name, times beyond a bound."""

import re

from loading import milliseconds

# What differs between two runs on the same machine, or has a section of its own.
VOLATILE = {"date", "tsc", "memory", "seed"}
LIST = re.compile(r"[0-9a-f]{16}: (.*)")
SHORTEST_MS = 1  # below that the clock and the firmware decide


def compare(a, b, percent):
    """Sections of (title, [columns], [rows])."""
    sections = [("Verdicts", ["test", "before", "now", "reason"], _verdicts(a, b)),
                ("Capabilities", ["capability", "before", "now"], _capabilities(a, b)),
                ("Machine", ["fact", "before", "now"], _facts(a, b)),
                (f"Times changed by more than {percent} %", ["test", "before", "now", "change"],
                 _times(a, b, percent))]
    return [section for section in sections if section[2]]


def left_out(a, b):
    """A sentence: what is not compared, because a console's log does not tell it."""
    if a.console == b.console:
        return ""
    return ("one of the two is a console's log: facts and capabilities that only the other has are "
            "not compared, nor are rules and times")


def differs(sections):
    """Whether the two are more than the same run in another time."""
    return any(title in ("Verdicts", "Capabilities") for title, _, _ in sections)


def _verdicts(a, b):
    before, now = ({t["name"]: t for t in r.tests} for r in (a, b))
    rows = []
    for name in dict.fromkeys([*before, *now]):
        old, new = before.get(name), now.get(name)
        verdicts = [t["verdict"] if t else "not there" for t in (old, new)]
        broken = [_rules(a, b, t) for t in (old, new)]
        if any("cut" in (t or {}) for t in (old, new)):
            broken = [set(), set()]
        if verdicts[0] == verdicts[1] and broken[0] == broken[1]:
            continue
        reason = (new or old).get("reason", "")
        if broken[0] != broken[1]:
            reason = "; ".join(f"{what}: {', '.join(sorted(rules))}" for what, rules in (
                ("now broken", broken[1] - broken[0]), ("no longer broken", broken[0] - broken[1]))
                if rules)
        rows.append([name, *verdicts, reason])
    return rows


def _rules(a, b, test):
    """The rules that are broken, if both reports would say so."""
    return set() if a.console != b.console else set((test or {}).get("wrong", {}))


def _common(a, b, members):
    """Keys that are compared: with a console's log only those that both have."""
    both = [members(a), members(b)]
    if a.console != b.console:
        return [key for key in both[0] if key in both[1]]
    return list(dict.fromkeys([*both[0], *both[1]]))


def _asked(loaded):
    return loaded.whole.get("capabilities", {})


def _machine(loaded):
    return {fact: value.strip() for fact, value in loaded.machine.items()}


def _names(loaded, asked, facts):
    """Every capability that the report names."""
    names = {key.replace("_", "-") for key in asked if _asked(loaded).get(key)}
    for fact in facts:
        if match := LIST.fullmatch(_machine(loaded).get(fact, "")):
            if fact not in ("vmx basic", "vmx misc", "vmx feature control"):
                names |= {f"{fact}: {one.strip()}" for one in match[1].split(",")}
    return names


def _capabilities(a, b):
    asked, facts = _common(a, b, _asked), _common(a, b, _machine)
    before, now = _names(a, asked, facts), _names(b, asked, facts)
    return [[name, "yes" if name in before else "no", "yes" if name in now else "no"]
            for name in sorted(before ^ now)]


def _facts(a, b):
    before, now = _machine(a), _machine(b)
    return [[name, before.get(name, "-"), now.get(name, "-")] for name in _common(a, b, _machine)
            if name not in VOLATILE and before.get(name) != now.get(name)]


def _times(a, b, percent):
    now = {t["name"]: t for t in b.tests}
    rows = []
    for test in a.tests:
        other = now.get(test["name"])
        if not other or test["verdict"] != "PASS" or other["verdict"] != "PASS":
            continue
        old, new = milliseconds(a, test), milliseconds(b, other)
        if old is None or new is None or max(old, new) < SHORTEST_MS or old == 0:
            continue
        change = (new / old - 1) * 100
        if abs(change) > percent:
            rows.append([test["name"], f"{old:.1f} ms", f"{new:.1f} ms", f"{change:+.0f} %"])
    return rows


def text(sections, a, b, note=""):
    lines = [f"before: {a}", f"now:    {b}", *([f"note:   {note}"] if note else [])]
    for title, columns, rows in sections:
        widths = [max(len(str(row[i])) for row in [columns, *rows]) for i in range(len(columns))]
        widths = [min(width, 60) for width in widths]
        lines += ["", title]
        lines += ["  " + "  ".join(str(c).ljust(w) for c, w in zip(row, widths)).rstrip()
                  for row in [columns, *rows]]
    return "\n".join(lines if sections else [*lines, "", "no difference"])


def escape(cell):
    return str(cell).replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def table(columns, rows):
    return ["| " + " | ".join(map(escape, columns)) + " |", "| --- " * len(columns) + "|",
            *("| " + " | ".join(map(escape, row)) + " |" for row in rows)]


def markdown(sections, a, b, note=""):
    lines = [f"# {escape(a)} and {escape(b)}", *(["", f"Note: {note}."] if note else [])]
    for title, columns, rows in sections:
        lines += ["", f"## {title}", "", *table(columns, rows)]
    return "\n".join(lines if sections else [*lines, "", "No difference."])
