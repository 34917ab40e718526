#include "suite/soak.h"

#include "lib/pages.h"
#include "lib/text.h"
#include "suite/line.h"

static struct {
	unsigned runs, done;	/* wanted; over */
	uint64_t *ticks;	/* of each run */
	uint8_t *verdicts;	/* of each test in the first run */
	size_t pages;		/* that ticks and verdicts take */
	size_t in_use;		/* pages before the first run */
	unsigned changed_pages; /* runs with more or fewer pages in use after them */
	unsigned changed;	/* verdicts other than the first run's */
	char first_change[TEST_TEXT];
} soak;

enum status soak_open(unsigned runs, unsigned tests)
{
	size_t bytes = runs * sizeof(uint64_t) + tests;

	__builtin_memset(&soak, 0, sizeof(soak));
	soak.pages = (bytes + PAGE_MASK) / PAGE_SIZE;
	soak.ticks = pages_alloc(soak.pages);
	if (!soak.ticks)
		return STATUS_NO_MEMORY;
	soak.verdicts = (uint8_t *)(soak.ticks + runs);
	soak.runs = runs;
	return STATUS_OK;
}

void soak_close(void)
{
	pages_free(soak.ticks, soak.pages);
	soak.ticks = NULL;
}

bool soak_next(void)
{
	if (!soak.done)
		soak.in_use = pages_in_use();
	return soak.done < soak.runs;
}

bool soak_repeats(void)
{
	return soak.done > 0;
}

bool soak_test(const struct test_run *run, unsigned number)
{
	soak.ticks[soak.done] += run->ticks;
	if (!soak_repeats()) {
		soak.verdicts[number - 1] = (uint8_t)run->verdict;
		return false;
	}
	if (soak.verdicts[number - 1] == run->verdict)
		return false;
	if (soak.changed++ == 0)
		text_format(soak.first_change, sizeof(soak.first_change), "%s in run %u: %s",
			    run->test->name, soak.done + 1, verdict_text(run->verdict));
	return true;
}

void soak_run_done(void)
{
	size_t in_use = pages_in_use();

	if (soak.runs > 1)
		report_line("run %u/%u  %llu ticks in tests, %u pages in use", soak.done + 1,
			    soak.runs, (unsigned long long)soak.ticks[soak.done], (unsigned)in_use);
	soak.changed_pages += in_use != soak.in_use;
	soak.done++;
}

void soak_judge(struct test_run *run)
{
	expect(run, "runs with other pages in use after them", 0, soak.changed_pages);
	expect(run, soak.changed ? soak.first_change : "verdicts other than the first run's", 0,
	       soak.changed);
}

unsigned soak_ticks(const uint64_t **ticks)
{
	*ticks = soak.ticks;
	return soak.done;
}
