#include "tests/entry/reasons.h"

#include "lib/text.h"

void reasons_add(struct reasons *reasons, const char *text, unsigned rows)
{
	unsigned i = 0;

	while (i < reasons->count && !text_equal(reasons->reason[i].text, text))
		i++;
	if (i == REASONS_MAX)
		return;
	if (i == reasons->count) {
		text_format(reasons->reason[i].text, REASON_TEXT, "%s", text);
		reasons->reason[i].rows = 0;
		reasons->count++;
	}
	reasons->reason[i].rows += rows;
}

void reasons_join(struct reasons *all, const struct reasons *some)
{
	for (unsigned i = 0; i < some->count; i++)
		reasons_add(all, some->reason[i].text, some->reason[i].rows);
}

void reasons_tell(const struct reasons *reasons, struct test_run *run)
{
	for (unsigned i = 0; i < reasons->count; i++)
		test_note(run, "%u rows need %s", reasons->reason[i].rows, reasons->reason[i].text);
	if (!run->expectations && !run->erred && reasons->count)
		test_skip(run, "needs %s", reasons->reason[0].text);
}
