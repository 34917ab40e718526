"""Tests of the host program: what it takes for green, and that others can read what it writes."""

import io
import json
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

HERE = Path(__file__).parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE / "tool"), str(HERE)]

import cli  # noqa: E402
import readme  # noqa: E402
import starting  # noqa: E402

FAIL = {"name": "b.fails", "verdict": "FAIL", "reason": 'a "b" <c> & d\x01', "wanted": "1H",
        "got": "2H", "spec": "SDM vol. 3C, \"x\"", "where": "tests/b.c:12", "about": "about it",
        "means": "it means, 100 %", "again": "assay.efi b.fails", "notes": "one\ntwo",
        "checks": 3, "ticks": 4000000}
PASS = {"name": "a.passes", "verdict": "PASS", "spec": "s", "checks": 7, "ticks": 2000000}
SKIP = {"name": "c.skips", "verdict": "SKIP", "reason": "needs AVX", "spec": "s", "checks": 0,
        "ticks": 0}
BY_NAME = SKIP | {"name": "d.priced",
                  "reason": "runs only by its full name: it may cost a processor"}
TESTS = [{"name": t, "about": f"about {t}", "means": "m", "spec": "s", "needs": ["avx"],
          "processors": 2} for t in ("a.passes", "b.fails")]
CONSOLE = """\x1b[2J\x1b[01;01Hassay                  0.1 (abc)\r
processors             4, 4 in use\r
hypervisor             none announced by CPUID\r
\r
test (number of checks)\r
PASS a.passes (7)\r
FAIL b.fails (3, 120 ms)\r
      what it was\r
      wanted 1H, got 2H\r
      SDM vol. 3C, "x"\r
      where  tests/b.c:12\r
SKIP c.skips: needs AVX\r
\r
FAIL  b.fails\r
      what it was: wanted 1H, got 2H\r
SKIP  1 test: needs AVX\r
report: \\ASSAY\\REPORT.TAP, .XML, .JSON\r
1 passed, 1 failed, 1 skipped, 0 errors, 10 checks: FAILED\r
press a key to go back to the firmware\r
"""


def report(tests, **more):
    count = {"passed": "PASS", "failed": "FAIL", "skipped": "SKIP", "errors": "ERROR"}
    summary = {k: sum(t["verdict"] == v for t in tests) for k, v in count.items()}
    summary["checks"] = sum(t["checks"] for t in tests)
    summary["outcome"] = more.pop("outcome", None) or (
        "FAILED" if summary["failed"] or summary["errors"] else "PASSED")
    return {"format": 1, "assay": "0.1", "commit": "abc", "options": "", "filters": ["*"],
            "seed": 0, "repetitions": 1, "start": "2026-01-02 03:04:05", "clock_hz": 1000000000,
            "processors": 4, "planned": len(tests), "capabilities": {"virtualization": True},
            "machine": {"cpu_brand": "A <CPU>", "hypervisor": "KVMKVMKVM",
                        "vmx_pin_based_controls": "0000000000000016: one, two"},
            "details": {"cpu_family": 6}, "tests": tests, "bench": [], "summary": summary,
            "duration_ms": 12, "complete": True} | more


class Tool(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        (self.root / "tests.json").write_text(json.dumps({"tests": TESTS, "capabilities": ["virtualization", "avx"]}))
        patch = mock.patch.dict("os.environ", ASSAY_BUILD=str(self.root))
        patch.start()
        self.addCleanup(patch.stop)

    def file(self, name, content):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)

    def call(self, *arguments):
        """(status, output and errors)"""
        out = io.StringIO()
        with redirect_stdout(out), redirect_stderr(out):
            try:
                status = cli.main(list(map(str, arguments)))
            except SystemExit as end:
                status = end.code
        return status, out.getvalue()

    def ends(self, status, says, *arguments):
        got, text = self.call(*arguments)
        self.assertRegex(text, says)
        self.assertEqual(got, status, text)


class Judging(Tool):
    def judge(self, status, says, tests, known="", *options, **more):
        self.ends(status, says, "judge", self.file("R.JSON", report(tests, **more)),
                  "--known", self.file("known.txt", known), *options)

    def test_verdicts(self):
        self.judge(0, r"^GREEN; 1 passed", [PASS])
        self.judge(0, r"^GREEN", [PASS, BY_NAME])
        self.judge(1, r"RED: 1 unexpected failure;", [PASS, FAIL])
        self.judge(0, r"GREEN; .*1 known", [PASS, FAIL], "b.* | a defect | 3C")
        self.judge(1, r"RED: 1 unexpected failure;", [PASS, FAIL | {"verdict": "ERROR"}],
                   "b.* | a defect | 3C")

    def test_good_news_is_news(self):
        self.judge(1, r"a.passes passes, but is listed(?s:.*)RED: 1 unexpected success;", [PASS],
                   "a.passes | why | 3C")
        self.judge(1, r"a.passes runs, but `skip a.\*`", [PASS], "skip a.* | no AVX")

    def test_skips(self):
        self.judge(1, r"needs AVX: c.skips\nRED: 1 unexpected skip;", [PASS, SKIP])
        self.judge(0, r"GREEN", [PASS, SKIP], "skip c.* | no AVX here")
        self.judge(0, r"GREEN", [PASS, SKIP], "skip c.skips")
        self.judge(0, r"GREEN", [PASS, SKIP], "", "--max-skips", 1)
        self.judge(1, r"RED", [PASS, SKIP, SKIP | {"name": "c.two"}], "", "--max-skips", 1)

    def test_requirements(self):
        none = {"virtualization": False, "nested_paging": True}
        self.judge(1, r"virtualization is required(?s:.*)RED: 1 unmet requirement;", [PASS],
                   capabilities=none)
        self.judge(0, r"GREEN", [PASS], "", "--no-require", capabilities=none)
        self.judge(0, r"GREEN", [PASS], "", "--require", "nested-paging", capabilities=none)
        self.judge(2, r"does not say whether there is nonsense", [PASS], "",
                   "--require", "nonsense")
        self.judge(1, r"unmet requirement: the run says|RED", [PASS], outcome="INCOMPLETE")
        self.judge(1, r"no test ran", [BY_NAME])
        self.judge(1, r"no test ran", [PASS | {"name": "machine.restored"}])

    def test_no_judgement(self):
        self.ends(2, "No such file", "judge", self.root / "nowhere")
        self.ends(2, "damaged", "judge", self.file("x.json", '{"tests": ['))
        self.ends(2, "ends early", "judge", self.file("x.json", report([PASS], complete=False)))
        self.ends(2, "no last line", "judge", self.file("x.log", "hello\n"))
        self.judge(2, r"known.txt:2: not `TEST or @RULE", [PASS], "# fine\nnonsense\n")
        self.judge(2, "is not that of its tests", [PASS], outcome="FAILED")

    def test_written_list(self):
        path = self.file("R.JSON", report([PASS, FAIL, SKIP, BY_NAME]))
        self.ends(0, "2 lines", "judge", path, "--write-known", self.root / "k.txt")
        self.ends(0, "GREEN", "judge", path, "--known", self.root / "k.txt")
        other = self.file("S.JSON", report([PASS, FAIL, SKIP, FAIL | {"name": "e.new"}]))
        self.ends(1, "FAIL e.new", "judge", other, "--known", self.root / "k.txt")

    def test_console(self):
        path = self.file("console.log", CONSOLE)
        self.ends(1, r"FAIL b.fails\n +reason: what it was\n(?s:.*)1 unexpected failure, "
                  r"1 unexpected skip; 1 passed, 1 failed", "judge", path)
        self.ends(2, "lines are missing", "judge",
                  self.file("c.log", CONSOLE.replace("PASS a.passes (7)\r\n", "")))
        self.ends(2, "no last line", "judge",
                  self.file("c.log", CONSOLE[:CONSOLE.index("1 passed")]))
        self.ends(2, "2 runs", "judge", self.file("c.log", CONSOLE * 2))
        lost = CONSOLE.replace("test (number", "no virtualization: none\r\ntest (number")
        self.ends(1, "virtualization is required", "judge", self.file("c.log", lost))


class Comparing(Tool):
    def test_differences(self):
        a = self.file("a.json", report([PASS, FAIL]))
        slow = PASS | {"ticks": 20000000}
        b = self.file("b.json", report([slow, SKIP], machine={
            "cpu_brand": "B", "vmx_pin_based_controls": "0000000000000016: two, three"}))
        self.ends(0, "no difference", "compare", a, a)
        self.ends(1, r"b.fails +FAIL +not there(?s:.*)c.skips +not there +SKIP(?s:.*)"
                  r"controls: one +yes +no(?s:.*)controls: three +no +yes(?s:.*)"
                  r"cpu brand +A <CPU> +B(?s:.*)a.passes +2.0 ms +20.0 ms +\+900 %",
                  "compare", a, b)
        self.ends(0, r"900 %", "compare", a, self.file("c.json", report([slow, FAIL])))
        self.ends(0, r"no difference", "compare", "--ticks", 1000, a, self.root / "c.json")
        self.ends(1, r"\| b.fails \| FAIL \| not there \|", "compare", "--markdown", a, b)

    def test_rules(self):
        a = report([FAIL | {"wrong": {"x.y": 1}}])
        b = report([FAIL | {"wrong": {"x.z": 1}}])
        self.ends(1, "now broken: x.z; no longer broken: x.y", "compare",
                  self.file("a.json", a), self.file("b.json", b))

    def test_fleet(self):
        self.file("one/REPORT.JSON", report([PASS, FAIL]))
        self.file("two/REPORT.JSON", report([PASS, FAIL | {"verdict": "PASS"}]))
        self.file("three/REPORT.JSON", "{")
        self.ends(1, r"one +A <CPU>.*FAILED +1 +1(?s:.*)three .*BROKEN(?s:.*)two .*PASSED +2"
                  r"(?s:.*)b.fails +FAIL +PASS", "fleet", self.root)
        self.ends(0, "two +A <CPU>.*PASSED", "fleet", self.root / "two")
        self.ends(0, "x.json +A <CPU>", "fleet", self.file("x.json", report([PASS])))
        self.ends(2, "no report in", "fleet", self.file("empty/x", "").rsplit("/", 1)[0])


class Converting(Tool):
    def convert(self, form, *tests):
        source = self.file("R.JSON", report(list(tests) or [PASS, FAIL, SKIP]))
        target = self.root / f"out.{form}"
        self.ends(0, "^$", "convert", source, "--to", form, "-o", target)
        return target

    def validate(self, path):
        done = subprocess.run(["xmllint", "--noout", "--schema", HERE / "tool/junit.xsd", path],
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stderr

    def test_junit(self):
        path = self.convert("junit")
        status, why = self.validate(path)
        self.assertEqual(status, 0, why)
        path.write_text(path.read_text().replace("<testcase ", "<testcas ", 1))
        self.assertNotEqual(self.validate(path)[0], 0)

    def test_github(self):
        lines = self.convert("github").read_text().splitlines()
        self.assertEqual(len(lines), 2)
        self.assertTrue(lines[0].startswith(
            '::error title=FAIL b.fails::a "b" <c> & d'))
        self.assertIn("%0Awhere: tests/b.c:12%0A", lines[0])
        self.assertIn("%0Ameans: it means, 100 %25%0A", lines[0])

    def test_markdown(self):
        self.assertIn("| `b.fails` | FAIL | a \"b\" &lt;c> & d",
                      self.convert("markdown").read_text())

    def test_page_in_a_browser(self):
        page = self.convert("html")
        self.assertNotRegex(page.read_text(), r"(src|href)=|https?:")
        for search, shown in (("", "3 of 3 tests"), ("#fails", "1 of 3 tests"), ("#zz", "0 of 3"),
                              ("#%", "1 of 3")):
            done = subprocess.run(
                ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom",
                 f"--user-data-dir={self.root}/browser", f"file://{page}{search}"],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=120,
                check=False)
            self.assertIn(f'id="shown">{shown}', done.stdout)


class Schema(Tool):
    def test_reports(self):
        import jsonschema
        schema = json.loads((HERE.parent.parent / "docs/report.schema.json").read_text())
        jsonschema.Draft7Validator.check_schema(schema)
        jsonschema.validate(report([PASS, FAIL, SKIP]), schema)
        for bad in (report([PASS | {"checks": 0}]), report([PASS], format=2),
                    report([PASS | {"verdict": "GOOD"}]),
                    report([PASS], machine={"cpu brand": "x"}),
                    report([{k: v for k, v in FAIL.items() if k != "reason"}])):
            with self.assertRaises(jsonschema.ValidationError):
                jsonschema.validate(bad, schema)


class Disk(Tool):
    """With an image that boots nothing, and a VMM that is a shell script."""

    def setUp(self):
        super().setUp()
        self.image = self.root / "assay.img"
        subprocess.run(["sh", str(HERE / "image.sh"), str(self.image), str(HERE / "image.sh"),
                        str(HERE / "image.sh")], check=True, stdout=subprocess.DEVNULL,
                       env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                            "SOURCE_DATE_EPOCH": "1700000000"})

    def vmm(self, status, says, body, *options, words=()):
        script = self.file("vmm.sh", body)
        self.ends(status, says, "run", "--image", self.image, "--quiet", "--no-require", *options,
                  "--keep", self.root / "kept", "--", "sh", script, "{image}", "{serial}", *words)


class Starting(Disk):
    def test_prepare(self):
        target = self.root / "new.img"
        self.ends(0, "options `-s a.passes`", "prepare", "--image", self.image, target,
                  "-s", "a.passes")
        text = subprocess.run(["mtype", "-i", f"{target}@@1M", "::/ASSAY/OPTIONS.TXT"],
                              env={"MTOOLS_SKIP_CHECK": "1", "PATH": "/usr/bin"},
                              capture_output=True, text=True, check=True).stdout
        self.assertEqual(text, "-s a.passes\n")
        self.ends(0, "options `--return`", "prepare", target, "--return")
        self.ends(2, "no option --bogus", "prepare", target, "--bogus")
        self.ends(2, "no test matches z", "prepare", target, "z.*")
        self.ends(2, "-c needs a number of processors$", "prepare", target, "-c")
        for words in (("-c", "0"), ("-n", "1001"), ("--seed", "x"), ("--require", "foo"),
                      ("-r", "../x"), ("--debug-exit", "zz"), ("--max-skips", "-1"),
                      ("--cases", "4294967296")):
            self.ends(2, f"{words[0]} needs .*, not {words[1]}$", "prepare", target, *words)

    def test_options_are_those_of_the_image(self):
        lines = readme.option_lines(HERE.parent.parent / "efi/options.c")
        found = [re.match(r" +(-[-\w]+)( [A-Z]+)? ", line) for line in lines[1:]]
        options = {m[1]: bool(m[2]) for m in found if m}
        self.assertEqual({o for o, value in options.items() if value}, set(starting.VALUED))
        self.assertEqual({o for o, value in options.items() if not value}, starting.FLAGS)

    def test_report_on_the_image(self):
        good = self.file("good.json", report([PASS]))
        put = f'mcopy -o -i "$1@@1M" {good} ::/ASSAY/REPORT.JSON\n'
        self.vmm(0, "status 7\nGREEN", f"export MTOOLS_SKIP_CHECK=1\n{put}exit 7\n")

    def test_report_on_the_console(self):
        log = self.file("log", CONSOLE)
        self.vmm(1, "1 unexpected failure", f"cat {log}\n")
        self.vmm(1, "1 unexpected failure", f'cat {log} >"$2"\n')
        with mock.patch("starting.GRACE", 1):
            self.vmm(1, "ended after the last line", f"cat {log}; exec sleep 100\n")

    def test_folder_that_is_used_again(self):
        log = self.file("log", CONSOLE)
        self.vmm(1, "1 unexpected failure", f'cat {log} >"$2"\n')
        with mock.patch("starting.GRACE", 0):
            self.vmm(2, "none on the console; the VMM ended with status 3", "sleep 1; exit 3\n")

    def test_no_report(self):
        self.vmm(2, "no report on the image and none on the console; the VMM ended with status 3",
                 "exit 3\n")
        self.vmm(2, "was ended after 1 s", "exec sleep 100\n", "--limit", 1)
        self.ends(2, "neither {image} nor {efi}", "run", "--", "true")
        self.ends(2, "nonesuch: No such file", "run", "--image", self.image, "--", "nonesuch",
                  "{image}")
        self.vmm(2, "no option --bogus", "exit 0\n", "--options", "--bogus")


class Listing(Tool):
    def test_list(self):
        self.ends(0, r"^a.passes: about a.passes\nb.fails: about b.fails$", "list")
        self.ends(0, r"^b.fails: about b.fails\n +a failure means: m\n +manual: s\n"
                  r" +needs: avx, 2 processors$", "list", "-l", "b.*")
        self.ends(0, r'"name": "a.passes"', "list", "--format", "json")
        self.ends(0, r"\| `a.passes` \| about", "list", "--format", "markdown")
        self.ends(2, "no test matches z", "list", "z")

    def test_program_is_one_file(self):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(self.root / "tests.json", folder)
            subprocess.run([sys.executable, HERE / "pack.py", folder, "1.2 (abc)"], check=True)
            def out(*words):
                return subprocess.run([Path(folder) / "assay", *words], text=True, cwd="/",
                                      capture_output=True, check=False, env={"PATH": "/usr/bin"})
            self.assertEqual(out("--version").stdout, "assay 1.2 (abc)\n")
            self.assertIn("about a.passes", out("list").stdout)
            self.assertEqual(out("judge", "nowhere").returncode, 2)
            first = (Path(folder) / "assay").read_bytes()
            subprocess.run([sys.executable, HERE / "pack.py", folder, "1.2 (abc)"], check=True)
            self.assertEqual(first, (Path(folder) / "assay").read_bytes())


if __name__ == "__main__":
    unittest.main()
