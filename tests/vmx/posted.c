/* Posted interrupts from another processor, while the guest runs or halts. */
#include "lib/pages.h"
#include "platform.h"
#include "x86/apic.h"

#include "tests/vmx/apic/descriptor.h"
#include "tests/vmx/exit/sections.h"
#include "tests/vmx/instructions.h"
#include "tests/vmx/theatre.h"

enum { ROUNDS = 8, RUNNER = 0, SENDER = 1, VECTOR = 0x41 };
/* Of a second: so long the guest has to get going, and so long the sender waits for a round. */
enum { HEAD_START = 5000, PATIENCE = 1 };
enum { THEATRE_SIZE = (sizeof(struct theatre) + PAGE_SIZE - 1) / PAGE_SIZE };

/* Between the two processors; there is one test at a time. */
static struct {
	_Atomic unsigned round; /* that is being entered, from 1; 0: none yet */
	_Atomic bool over;
	_Atomic uint64_t *requests, *control;
} the_post;

static void post(const struct cpu *to)
{
	atomic_fetch_or(&the_post.requests[VECTOR / 64], BIT(VECTOR % 64));
	atomic_fetch_or(the_post.control, 1);
	platform->ipi(to, ICR_ASSERT | POSTED_VECTOR);
}

static void send_all(void)
{
	for (unsigned round = 1; round <= POSTED_GUESTS * ROUNDS; round++) {
		const uint64_t from = platform->clock();
		uint64_t began;

		while (atomic_load(&the_post.round) < round && !atomic_load(&the_post.over))
			if (platform->clock() - from > PATIENCE * platform->clock_hz)
				return;
			else
				cpu_relax();
		if (atomic_load(&the_post.over))
			return;
		began = platform->clock();
		while (platform->clock() - began < platform->clock_hz / HEAD_START)
			cpu_relax();
		post(&platform->cpus[RUNNER]);
	}
}

static void run_guest(struct stage *stage, struct theatre *theatre, const struct guest_row *row)
{
	const struct mismatch *first = &theatre->mismatch[0];
	char name[48];
	bool good;

	for (unsigned i = 0; i < 4; i++)
		atomic_store(&the_post.requests[i], 0);
	atomic_store(the_post.control, POSTED_OTHERS);
	interrupts_await();
	atomic_fetch_add(&the_post.round, 1);
	good = theatre_case(theatre, row, 0, MODE_64);
	interrupt_end(POSTED_VECTOR);
	mismatch_name(first, name, sizeof(name));
	check_number(stage, row->rule, good ? 0 : first->wanted, good ? 0 : first->got, "%s",
		     good ? "posted" : name);
}

static void run_guests(struct stage *stage, struct theatre *theatre)
{
	char text[80];

	atomic_store(&the_post.round, 0);
	the_post.requests = (_Atomic uint64_t *)guest_byte(&theatre->memory, POSTED_REQUESTS(0));
	the_post.control = (_Atomic uint64_t *)guest_byte(&theatre->memory, POSTED_CONTROL);
	for (unsigned i = 0; i < POSTED_GUESTS; i++) {
		if (guest_row_missing(theatre, &posted_guests[i], text, sizeof(text))) {
			stage_skip(stage, "needs posted interrupts");
			return;
		}
		for (unsigned round = 0; round < ROUNDS; round++)
			run_guest(stage, theatre, &posted_guests[i]);
	}
}

static void run_all(struct stage *stage)
{
	struct theatre *theatre = pages_alloc(THEATRE_SIZE);

	if (!theatre || theatre_open(theatre, stage->cpu) != STATUS_OK)
		stage->ledger.status = STATUS_NO_MEMORY;
	else
		run_guests(stage, theatre);
	atomic_store(&the_post.over, true);
	if (theatre) {
		theatre_close(theatre);
		theatre_free(theatre);
	}
	pages_free(theatre, THEATRE_SIZE);
}

void posted_checks(struct stage *stage)
{
	if (stage->cpu->index == RUNNER)
		run_all(stage);
	else if (stage->cpu->index == SENDER)
		send_all();
}
