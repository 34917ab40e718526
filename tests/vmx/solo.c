#include "tests/vmx/solo.h"

#include "lib/pages.h"
#include "lib/text.h"
#include "platform.h"

enum { THEATRE_IN_PAGES = (sizeof(struct theatre) + PAGE_SIZE - 1) / PAGE_SIZE };

struct theatre *solo_open(struct stage *stage)
{
	struct theatre *theatre = pages_alloc(THEATRE_IN_PAGES);

	if (!theatre) {
		ledger_status(&stage->ledger, STATUS_NO_MEMORY);
		return NULL;
	}
	if (theatre_open(theatre, stage->cpu) == STATUS_OK)
		return theatre;
	ledger_status(&stage->ledger, theatre->seat.status);
	solo_close(stage, theatre);
	return NULL;
}

void solo_close(struct stage *stage, struct theatre *theatre)
{
	theatre_close(theatre);
	theatre_free(theatre);
	if (cpu_usable(stage->cpu))
		pages_free(theatre, THEATRE_IN_PAGES);
}

bool solo_can(struct stage *stage, const struct theatre *theatre, const struct guest_row *row,
	      enum guest_mode mode)
{
	char text[80];
	const char *missing = theatre->missing[mode];

	if (!missing)
		missing = guest_row_missing(theatre, row, text, sizeof(text));
	if (missing)
		stage_note(stage, "not here: %s needs %s", row->rule, missing);
	return !missing;
}

bool solo_check(struct stage *stage, struct theatre *theatre, const struct guest_row *row,
		enum guest_mode mode, const char *format, ...)
{
	char what[LEDGER_TEXT], wanted[LEDGER_VALUE], got[LEDGER_VALUE], name[48];
	const struct mismatch *m = &theatre->mismatch[0];
	va_list arguments;

	if (theatre_case(theatre, row, 0, mode))
		return ledger_check(&stage->ledger, row->rule, true, "", "", "%s", "");
	va_start(arguments, format);
	text_format_v(what, sizeof(what), format, arguments);
	va_end(arguments);
	mismatch_name(m, name, sizeof(name));
	text_format(wanted, sizeof(wanted), "%s %llXH", name, (unsigned long long)m->wanted);
	text_format(got, sizeof(got), "%llXH", (unsigned long long)m->got);
	return ledger_check(&stage->ledger, row->rule, false, wanted, got, "%s, %s",
			    guest_modes[mode].name, what);
}

bool solo_mine(const struct stage *stage, unsigned job)
{
	unsigned before = 0, usable = 0;

	for (unsigned i = 0; i < platform->cpu_count; i++) {
		if (!cpu_usable(&platform->cpus[i]))
			continue;
		before += i < stage->cpu->index;
		usable++;
	}
	return job % usable == before;
}
