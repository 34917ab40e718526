#include "tests/host/fake/fake_report.h"

#include "tests/host/fake/fake_citations.h"
#include "tests/host/fake/fake_json.h"
#include "tests/host/fake/fake_platform.h"
#include "tests/host/fake/host_test.h"

const struct test a_test = { .name = "group.subject",
			     .spec = FAKE_APIC,
			     .about = "it's about \"this\"",
			     .means = "a failure means that the line on the console is too "
				      "long and is broken at a blank" };
struct facts facts;

int report_set_up(void **state)
{
	(void)state;
	fake_machine(1, false);
	memset(&facts, 0, sizeof(facts));
	return 0;
}

enum status open_report(unsigned total)
{
	static const struct suite_options options = { .report = "\\R",
						      .line = "-s \"a b\"",
						      .filter_count = 1,
						      .filters = { "a b" },
						      .seed = 7 };
	static struct report_head head;

	head = (struct report_head){ &facts, &options, BIT(CAP_AVX), total };
	return report_open(&head);
}

const char *json(void)
{
	return fake_file("\\R.JSON")->data;
}

const char *xml(void)
{
	return fake_file("\\R.XML")->data;
}

const char *tap(void)
{
	return fake_file("\\R.TAP")->data;
}

void assert_json(void)
{
	const char *error = json_error(json());

	if (error)
		fail_msg("no JSON at: %.60s", error);
}

void assert_tap(unsigned planned, unsigned reported)
{
	char text[FAKE_FILE_SIZE], *line, *rest = text;
	unsigned number = 0, plan, at;
	bool block = false;

	snprintf(text, sizeof(text), "%s", tap());
	assert_string_equal(strsep(&rest, "\n"), "TAP version 13");
	assert_int_equal(sscanf(strsep(&rest, "\n"), "1..%u", &plan), 1);
	assert_int_equal(plan, planned);
	while ((line = strsep(&rest, "\n")) && *line) {
		if (block) {
			const char *quote = strchr(line, '\'');

			assert_int_equal(strncmp(line, "  ", 2), 0);
			block = strcmp(line, "  ...") != 0;
			if (!quote)
				continue;
			for (quote++; quote[0] != '\'' || quote[1] == '\''; quote++) {
				assert_true(*quote);
				quote += *quote == '\'';
			}
			assert_string_equal(quote, "'"); /* the line's end */
		} else if (!strcmp(line, "  ---")) {
			block = true;
		} else if (*line != '#') {
			assert_int_equal(sscanf(line, "ok %u - ", &at) == 1 ||
						 sscanf(line, "not ok %u - ", &at) == 1,
					 1);
			assert_int_equal(at, ++number);
		}
	}
	assert_false(block);
	assert_int_equal(number, reported);
}

struct test_run verdict(enum verdict verdict, const char *reason)
{
	struct test_run run = { .test = &a_test, .verdict = verdict };

	snprintf(run.reason, sizeof(run.reason), "%s", reason);
	return run;
}
