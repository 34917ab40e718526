/* The command line. */
#include "efi/options.h"

#include "suite/capability.h"

#include "tests/host/fake/host_test.h"

static char line[OPTIONS_SIZE];

static struct options parse(const char *text)
{
	struct options options;

	assert_true(strlen(text) < sizeof(line));
	strcpy(line, text);
	options_parse(line, &options);
	return options;
}

static void test_nothing(void **state)
{
	static const char *const empty[] = { "", " ", "\t \t", "\r\n", "  \r\n", "\"\"" };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(empty); i++) {
		struct options options = parse(empty[i]);

		assert_string_equal(options.error, "");
		assert_false(options.help);
		assert_false(options.suite.list);
		assert_int_equal(options.ending.how, ENDING_KEY);
		assert_false(options.suite.bench);
		assert_int_equal(options.suite.cpus, 0);
		assert_int_equal(options.suite.filter_count, 0);
		assert_string_equal(options.suite.report, "\\ASSAY\\REPORT");
	}
}

static void test_flags(void **state)
{
	struct options options = parse("-h -l -b -s");

	(void)state;
	assert_true(options.help);
	assert_true(options.suite.list);
	assert_true(options.suite.bench);
	assert_int_equal(options.ending.how, ENDING_SHUTDOWN);
	assert_string_equal(options.error, "");
	options = parse(" -l ");
	assert_true(options.suite.list);
	assert_false(options.help);
	assert_false(options.suite.bench);
	assert_int_equal(options.ending.how, ENDING_KEY);
	options = parse("-s\r\n-l"); /* the line ends there */
	assert_int_equal(options.ending.how, ENDING_SHUTDOWN);
	assert_false(options.suite.list);
}

static void test_seed(void **state)
{
	static const char *const wrong[] = {
		"--seed x",
		"--seed 0",
		"--seed 1x",
		"--seed 4294967296",
		"--seed 4294967297",
		"--seed \"\"",
		"--seed 99999999999999999999999",
	};

	(void)state;
	assert_int_equal(parse("").suite.seed, 0);
	assert_int_equal(parse("--seed 4711 -l").suite.seed, 4711);
	assert_true(parse("--seed 4711 -l").suite.list);
	assert_true(parse("--seed 4294967295").suite.seed == 4294967295u);
	for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_string_equal(parse(wrong[i]).error,
				    "--seed needs a number from 1 to 4294967295");
	assert_string_equal(parse("--seed").error, "--seed needs a value");
	assert_int_equal(parse("").suite.cases, 0);
	assert_int_equal(parse("--cases 1000000 fuzz.*").suite.cases, 1000000);
	assert_string_equal(parse("--cases 1k").error,
			    "--cases needs a number from 1 to 4294967295");
}

static void test_endings(void **state)
{
	static const struct {
		const char *text;
		enum ending how;
		unsigned seconds, port;
		const char *error;
	} rows[] = {
		{ "", ENDING_KEY, 3600, 0, "" },
		{ "--reboot", ENDING_REBOOT, 3600, 0, "" },
		{ "--return --wait 5", ENDING_RETURN, 5, 0, "" },
		{ "--debug-exit f4", ENDING_KEY, 3600, 0xF4, "" },
		{ "--debug-exit 0x501 -s", ENDING_SHUTDOWN, 3600, 0x501, "" },
		{ "--debug-exit F4", ENDING_KEY, 3600, 0xF4, "" },
		{ "--debug-exit 10000", ENDING_KEY, 3600, 0,
		  "--debug-exit needs a port in hexadecimal, not 10000" },
		{ "--debug-exit g", ENDING_KEY, 3600, 0,
		  "--debug-exit needs a port in hexadecimal, not g" },
		{ "--debug-exit", ENDING_KEY, 3600, 0, "--debug-exit needs a value" },
		{ "--wait 0", ENDING_KEY, 0, 0, "--wait needs a number of seconds, not 0" },
		{ "--wait", ENDING_KEY, 3600, 0, "--wait needs a value" },
		{ "--reboots", ENDING_KEY, 3600, 0, "unknown option --reboots" },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		struct options options = parse(rows[i].text);

		if (options.ending.how != rows[i].how ||
		    options.ending.seconds != rows[i].seconds ||
		    options.ending.port != rows[i].port || strcmp(options.error, rows[i].error))
			fail_msg("%s: %d %u %x '%s'", rows[i].text, options.ending.how,
				 options.ending.seconds, options.ending.port, options.error);
	}
}

static void test_requirements(void **state)
{
	struct options options = parse("--require avx --require virtualization --max-skips 0");

	(void)state;
	assert_int_equal(options.suite.required, BIT(CAP_AVX) | BIT(CAP_VIRTUALIZATION));
	assert_true(options.suite.skips_limited);
	assert_int_equal(options.suite.max_skips, 0);
	assert_string_equal(options.error, "");
	assert_false(parse("").suite.skips_limited);
	assert_int_equal(parse("--max-skips 12").suite.max_skips, 12);
	assert_string_equal(parse("--max-skips x").error, "--max-skips needs a number, not x");
	assert_string_equal(parse("--require VMX").error, "--require: there is no capability VMX");
	assert_string_equal(parse("--require").error, "--require needs a value");
	for (unsigned i = 0; i < CAP_COUNT; i++)
		assert_int_equal(capability_named(capability_names[i]), i);
}

static void test_page(void **state)
{
	(void)state;
	assert_false(parse("").page);
	assert_true(parse("-l -p").page);
}

static void test_runs(void **state)
{
	(void)state;
	assert_int_equal(parse("").suite.runs, 1);
	assert_int_equal(parse("-n 1").suite.runs, 1);
	assert_int_equal(parse("-n 1000").suite.runs, 1000);
	assert_string_equal(parse("-n").error, "-n needs a value");
	assert_string_equal(parse("-n 0").error, "-n needs a number from 1 to 1000, not 0");
	assert_string_equal(parse("-n 1001").error, "-n needs a number from 1 to 1000, not 1001");
	assert_string_equal(parse("-n 3x").error, "-n needs a number from 1 to 1000, not 3x");
}

static void test_processors(void **state)
{
	static const struct {
		const char *text;
		unsigned cpus; /* 0: an error */
	} rows[] = {
		{ "-c 1", 1 },	       { "-c 64", 64 },
		{ "-c 0064", 64 },     { "-c 0", 0 },
		{ "-c x", 0 },	       { "-c 4x", 0 },
		{ "-c -1", 0 },	       { "-c \"\"", 0 },
		{ "-c", 0 },	       { "-c ", 0 },
		{ "-c4", 0 },	       { "-c 1.5", 0 },
		{ "-c /", 0 },	       { "-c :", 0 },
		{ "-c 99999", 99999 }, { "-c 99999999999999999999x", 0 },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		struct options options = parse(rows[i].text);

		if (options.suite.cpus != rows[i].cpus || !options.error[0] != (rows[i].cpus > 0))
			fail_msg("%s: %u '%s'", rows[i].text, options.suite.cpus, options.error);
	}
	assert_string_equal(parse("-c 4x").error, "-c needs a number of processors, not 4x");
	assert_string_equal(parse("-c").error, "-c needs a value");
}

static void test_report_path(void **state)
{
	static const char *const wrong[] = {
		"-r \"\"",    "-r \\",	  "-r a\\",	 "-r a\\\\b", "-r ..\\x",
		"-r \\..\\x", "-r a\\..", "-r .",	 "-r a*",     "-r a?b",
		"-r a<b",     "-r a|b",	  "-r \xc3\xbc", "-r a\x01",  "-r /",
	};
	static const char *const right[] = { "-r A", "-r a/b", "-r \\A\\B.c", "-r a..b",
					     "-r \"a b\"" };
	char text[OPTIONS_PATH + 10] = "-r ";
	struct options options = parse("-r \\A\\B");

	(void)state;
	assert_string_equal(options.suite.report, "\\A\\B");
	assert_string_equal(options.error, "");
	options = parse("-r \"\\with a blank\\x\" -s");
	assert_string_equal(options.suite.report, "\\with a blank\\x");
	assert_int_equal(options.ending.how, ENDING_SHUTDOWN);
	assert_string_equal(parse("-r").error, "-r needs a value");
	assert_string_equal(parse("-r fs0:\\x").error,
			    "-r takes a path on the boot volume, not fs0:\\x");
	for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++)
		if (!parse(wrong[i]).error[0])
			fail_msg("%s", wrong[i]);
	for (unsigned i = 0; i < ARRAY_SIZE(right); i++)
		if (parse(right[i]).error[0])
			fail_msg("%s", right[i]);
	memset(text + 3, 'x', OPTIONS_PATH);
	assert_string_equal(parse(text).error, "");
	text[3 + OPTIONS_PATH] = 'x';
	assert_true(parse(text).error[0]);
}

static void test_filters(void **state)
{
	struct options options = parse("start.* -s \"two words\" pre\"fix\"ed");
	char text[3 * (SUITE_FILTERS_MAX + 2)] = "";

	(void)state;
	assert_int_equal(options.suite.filter_count, 3);
	assert_string_equal(options.suite.filters[0], "start.*");
	assert_string_equal(options.suite.filters[1], "two words");
	assert_string_equal(options.suite.filters[2], "prefixed");
	for (unsigned i = 0; i < SUITE_FILTERS_MAX; i++)
		strcat(text, "a ");
	options = parse(text);
	assert_int_equal(options.suite.filter_count, SUITE_FILTERS_MAX);
	assert_string_equal(options.error, "");
	strcat(text, "b");
	options = parse(text);
	assert_int_equal(options.suite.filter_count, SUITE_FILTERS_MAX);
	assert_string_equal(options.error, "too many filters at b");
}

/* The first error is kept, and what follows it is still read. */
static void test_errors(void **state)
{
	static const char *const unknown[] = { "-x", "--help", "-", "-hl", "-H", "-ss" };
	struct options options = parse("-x -y -c 0 -s -l");

	(void)state;
	assert_string_equal(options.error, "unknown option -x");
	assert_int_equal(options.ending.how, ENDING_SHUTDOWN);
	assert_true(options.suite.list);
	for (unsigned i = 0; i < ARRAY_SIZE(unknown); i++) {
		char wanted[40];

		snprintf(wanted, sizeof(wanted), "unknown option %s", unknown[i]);
		assert_string_equal(parse(unknown[i]).error, wanted);
	}
	options = parse("-zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"
			"zzzzzzz");
	assert_int_equal(strlen(options.error), strlen("unknown option ") + 40);
}

static void test_unclosed_quote(void **state)
{
	struct options options = parse("\"a b");

	(void)state;
	assert_int_equal(options.suite.filter_count, 1);
	assert_string_equal(options.suite.filters[0], "a b");
}

static void test_program_name(void **state)
{
	static const struct {
		const char *text;
		bool is;
	} rows[] = {
		{ "assay.efi", true },
		{ "assay.efi -l", true },
		{ "FS0:\\ASSAY.EFI", true },
		{ " \"assay.efi\" -l", true },
		{ "assay.Efi\r\n", true },
		{ "a.efi.efi", true },
		{ "assay", false },
		{ "-l assay.efi", false },
		{ "", false },
		{ "assay.ef", false },
		{ "assay.efix", false },
		{ ".efi", true },
		{ "assayefi", false },
		{ "assay..efi", true },
		{ "assay.e.efi", true },
		{ "assay.efi.", false },
		{ "assay.efefi", false },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		if (options_starts_with_program(rows[i].text) != rows[i].is)
			fail_msg("%s", rows[i].text);
}

static void test_skip_word(void **state)
{
	(void)state;
	strcpy(line, "  \"FS0:\\with blank\\assay.efi\" -l -s");
	assert_string_equal(options_skip_word(line), "-l -s");
	strcpy(line, "assay.efi");
	assert_string_equal(options_skip_word(line), "");
	strcpy(line, "");
	assert_string_equal(options_skip_word(line), "");
}

/* Any bytes: no crash, words inside of the line, no more than the limits. */
static void test_noise(void **state)
{
	static const char letters[] = "-hlbscr \"\"\t:\\ax0129*?\r";
	uint64_t random = 5;

	(void)state;
	for (unsigned n = 0; n < 20000; n++) {
		size_t length = random_below(&random, 60);
		struct options options;

		for (size_t i = 0; i < length; i++)
			line[i] = letters[random_below(&random, sizeof(letters) - 1)];
		line[length] = '\0';
		options_parse(line, &options);
		assert_true(options.suite.filter_count <= SUITE_FILTERS_MAX);
		for (unsigned i = 0; i < options.suite.filter_count; i++)
			assert_true(options.suite.filters[i] >= line &&
				    options.suite.filters[i] < line + length);
		assert_true(strlen(options.error) < sizeof(options.error));
		if (!options.error[0])
			assert_in_range(strlen(options.suite.report), 1, OPTIONS_PATH);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),	     cmocka_unit_test(test_flags),
		cmocka_unit_test(test_seed),	     cmocka_unit_test(test_page),
		cmocka_unit_test(test_runs),	     cmocka_unit_test(test_processors),
		cmocka_unit_test(test_report_path),  cmocka_unit_test(test_filters),
		cmocka_unit_test(test_errors),	     cmocka_unit_test(test_unclosed_quote),
		cmocka_unit_test(test_program_name), cmocka_unit_test(test_skip_word),
		cmocka_unit_test(test_endings),	     cmocka_unit_test(test_requirements),
		cmocka_unit_test(test_noise),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
