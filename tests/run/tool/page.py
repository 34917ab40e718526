"""A report as one HTML file: no other file, no network, a filter and a search."""

from html import escape

from converting import explanation, identity
from loading import milliseconds

STYLE = """
:root { color-scheme: light dark; --line: #8884; --pass: #2a7d2a; --fail: #c22; --skip: #a70; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem;
       padding: 0 1rem; }
h1 { font-size: 1.4rem; } h1 span { padding: .1em .5em; border-radius: .3em; color: #fff; }
.PASSED, .PASS { --tone: var(--pass); } .FAILED, .FAIL, .ERROR { --tone: var(--fail); }
.INCOMPLETE, .SKIP { --tone: var(--skip); }
h1 span { background: var(--tone); } td.verdict { color: var(--tone); font-weight: 600; }
form { position: sticky; top: 0; background: Canvas; padding: .6rem 0; display: flex; gap: 1rem;
       flex-wrap: wrap; align-items: center; border-bottom: 1px solid var(--line); }
input[type=search] { flex: 1 1 16rem; font: inherit; padding: .3rem .5rem; }
table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; vertical-align: top; padding: .25rem .6rem;
         border-bottom: 1px solid var(--line); }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
code, pre { font: 13px/1.4 ui-monospace, monospace; }
pre { white-space: pre-wrap; margin: .3rem 0; }
details { margin: 1rem 0; } tr[hidden] { display: none; }
"""

SCRIPT = """
const form = document.querySelector('form');
const rows = [...document.querySelectorAll('tr[data-verdict]')];
const shown = document.getElementById('shown');
function apply() {
  const words = form.search.value.toLowerCase().split(/\\s+/).filter(w => w);
  const on = new Set([...form.querySelectorAll('input[name=verdict]:checked')].map(i => i.value));
  let n = 0;
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !(on.has(row.dataset.verdict) && words.every(w => text.includes(w)));
    n += !row.hidden;
  }
  shown.textContent = n + ' of ' + rows.length + ' tests';
  history.replaceState(null, '', words.length ? '#' + encodeURIComponent(words.join(' ')) : '#');
}
form.addEventListener('input', apply);
form.addEventListener('submit', event => event.preventDefault());
const given = location.hash.slice(1);
try { form.search.value = decodeURIComponent(given); } catch (error) { form.search.value = given; }
apply();
"""


def page(loaded):
    verdicts = [v for v in ("FAIL", "ERROR", "SKIP", "PASS") if loaded.count(v)]
    boxes = "".join(
        f'<label><input type="checkbox" name="verdict" value="{v}" checked> '
        f"{v} ({loaded.count(v)})</label>" for v in verdicts)
    facts = "".join(f"<tr><th>{escape(k)}</th><td>{escape(v)}</td></tr>"
                    for k, v in loaded.machine.items())
    lacks = f"<p><b>Incomplete:</b> {escape(loaded.lacks)}</p>" if loaded.lacks else ""
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Assay: {escape(loaded.outcome)}</title><style>{STYLE}</style></head>
<body><h1>Assay <span class="{escape(loaded.outcome)}">{escape(loaded.outcome)}</span></h1>
<p>{escape(identity(loaded))}</p><p>{escape(loaded.summary())}</p>{lacks}
<details><summary>The machine</summary><table>{facts}</table></details>
<form><input type="search" name="search" placeholder="name, reason, manual" aria-label="search">
{boxes}<span id="shown"></span></form>
<table><thead><tr><th>verdict</th><th>test</th><th class="number">checks</th>
<th class="number">ms</th></tr></thead><tbody>
{"".join(_row(loaded, t) for t in _ordered(loaded.tests))}</tbody></table>
<script>{SCRIPT}</script></body></html>
"""


def _ordered(tests):
    """What needs a reader first; else in the order of the run."""
    return sorted(tests, key=lambda t: ("FAIL", "ERROR", "SKIP", "PASS").index(t["verdict"]))


def _row(loaded, test):
    ms = milliseconds(loaded, test)
    said = ""
    if test["verdict"] == "SKIP":
        said = f"<div>{escape(test.get('reason', ''))}</div>"
    elif test["verdict"] != "PASS":
        said = (f"<div>{escape(test.get('reason', ''))}</div>"
                f"<pre>{escape(chr(10).join(explanation(test)))}</pre>")
    return (f'<tr data-verdict="{test["verdict"]}"><td class="verdict {test["verdict"]}">'
            f'{test["verdict"]}</td><td><code>{escape(test["name"])}</code>{said}</td>'
            f'<td class="number">{test["checks"]}</td>'
            f'<td class="number">{"" if ms is None else f"{ms:.1f}"}</td></tr>\n')
