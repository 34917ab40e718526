#include "suite/report.h"

#include "lib/pages.h"
#include "lib/text.h"

static const struct report_sink *const sinks[] = {
	&console_sink,			    /* has the first word and the last one */
	&json_sink, &junit_sink, &tap_sink, /* puts what is written on the medium */
};

enum { SINKS = ARRAY_SIZE(sinks) };

static struct {
	struct report_totals totals;
	struct report_file files[SINKS];
	char *texts; /* of all files */
	size_t pages;
} report;

static bool take_memory(void)
{
	char *text;

	for (unsigned i = 0; i < SINKS; i++)
		report.pages += sinks[i]->pages;
	text = report.texts = pages_alloc(report.pages);
	for (unsigned i = 0; text && i < SINKS; i++) {
		report.files[i].text = text;
		report.files[i].size = sinks[i]->pages * PAGE_SIZE;
		text += report.files[i].size;
	}
	return text;
}

enum status report_open(const struct report_head *head)
{
	__builtin_memset(&report, 0, sizeof(report));
	if (!take_memory())
		return STATUS_NO_MEMORY;
	files_begin();
	explain_begin(head->options);
	for (unsigned i = 0; i < SINKS; i++) {
		if (sinks[i]->extension)
			text_format(report.files[i].path, FILE_PATH, "%s.%s", head->options->report,
				    sinks[i]->extension);
		sinks[i]->begin(&report.files[i], head);
	}
	return STATUS_OK;
}

void report_started(const struct facts *facts, unsigned first)
{
	for (unsigned i = 0; i < SINKS; i++) {
		for (unsigned n = first; sinks[i]->fact && n < facts->count; n++)
			sinks[i]->fact(facts->fact[n].name, facts->fact[n].value);
		if (sinks[i]->started)
			sinks[i]->started(&report.files[i]);
	}
}

bool report_is_quick(void)
{
	return file_is_quick();
}

void report_running(const struct test_run *run, unsigned number, bool ahead)
{
	for (unsigned i = 0; i < SINKS; i++)
		if (sinks[i]->running)
			sinks[i]->running(&report.files[i], run, number, ahead);
}

void report_test(const struct test_run *run, unsigned number)
{
	report.totals.by_verdict[run->verdict]++;
	report.totals.checks += run->expectations;
	for (unsigned i = 0; i < SINKS; i++)
		sinks[i]->test(&report.files[i], run, number);
}

void report_again(const struct test_run *run)
{
	for (unsigned i = 0; i < SINKS; i++)
		if (sinks[i]->again)
			sinks[i]->again(run);
}

void report_runs(const uint64_t *ticks, unsigned runs)
{
	report.totals.run_ticks = ticks;
	report.totals.runs = runs;
}

void report_bench(const char *name, uint64_t value, const char *unit)
{
	for (unsigned i = 0; i < SINKS; i++)
		if (sinks[i]->bench)
			sinks[i]->bench(&report.files[i], name, value, unit);
}

const struct report_totals *report_totals(void)
{
	return &report.totals;
}

static void name_files(void)
{
	char *text = report.totals.files;
	size_t used = 0;

	report.totals.refused = files_refused();
	for (unsigned i = SINKS; i--;)
		if (sinks[i]->extension && !report.files[i].refused &&
		    used < sizeof(report.totals.files))
			used += text_format(text + used, sizeof(report.totals.files) - used,
					    used ? ", .%s" : "%s",
					    used ? sinks[i]->extension : report.files[i].path);
}

void report_close(const char *lacks)
{
	struct report_totals *totals = &report.totals;

	totals->lacks = lacks;
	totals->outcome = totals->by_verdict[VERDICT_FAIL] || totals->by_verdict[VERDICT_ERROR]
				  ? REPORT_FAILED
			  : lacks ? REPORT_INCOMPLETE
				  : REPORT_PASSED;
	totals->ticks = platform->clock() - platform->started;
	for (unsigned i = 1; i < SINKS; i++)
		sinks[i]->end(&report.files[i], &report.totals);
	name_files();
	sinks[0]->end(&report.files[0], &report.totals);
	pages_free(report.texts, report.pages);
}
