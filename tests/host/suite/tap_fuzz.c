/* libFuzzer: any bytes as the last run's report, after its first line. */
#include "suite/tap_read.h"

#include "lib/pages.h"

#include "tests/host/fake/fake_platform.h"

#include <string.h>

enum { TESTS = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char header[] = "TAP version 13\n"; /* what does not begin so is left alone */
	static const struct test test = { .name = "a.b", .cases = 100 };
	struct tap_known known;

	fake_machine(1, false);
	FAKE_CHECK(platform->file_write("\\R.TAP", header, sizeof(header) - 1) == STATUS_OK);
	FAKE_CHECK(platform->file_append("\\R.TAP", (const char *)data, size) == STATUS_OK);
	if (tap_read_open("\\R.TAP", &known))
		for (unsigned i = 1; i <= TESTS; i++) {
			struct test_run run = { .test = &test };
			bool taken = tap_read_next(&run, i);

			FAKE_CHECK(run.test == &test && run.verdict < VERDICT_COUNT);
			FAKE_CHECK(memchr(run.reason, 0, sizeof(run.reason)));
			FAKE_CHECK(memchr(run.wanted, 0, sizeof(run.wanted)));
			FAKE_CHECK(memchr(run.got, 0, sizeof(run.got)));
			FAKE_CHECK(taken || !run.reason[0]);
			FAKE_CHECK(run.cases.end ? taken && run.cases.first < run.cases.end
						 : !run.cases.first);
			FAKE_CHECK(run.cases.end <= test.cases);
		}
	tap_read_close();
	FAKE_CHECK(pages_in_use() == 0);
	return 0;
}
