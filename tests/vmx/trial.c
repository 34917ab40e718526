#include "tests/vmx/trial.h"

#include "platform.h"

#include "vmx/insn.h"

enum {
	CODE_AT = 0x200, /* in PAGE_CODE */
	OPERAND_AT = 0xC00,
	RPL_USER = 3,
	DPL_USER = 3 << 5, /* in access rights */
};

#define AT(name) (trial->state.value[AT_##name])

bool trial_open(struct trial *trial, struct stage *stage)
{
	*trial = (struct trial){ .stage = stage };
	trial->map = ground_map(&trial->map_pages);
	if (seat_open(&trial->seat, stage->cpu, trial->map) == STATUS_OK) {
		entry_tables_fill(&trial->seat.ground, trial->seat.pages);
		return true;
	}
	stage->ledger.status = trial->seat.status;
	trial_close(trial);
	return false;
}

void trial_close(struct trial *trial)
{
	seat_close(&trial->seat);
	seat_free(&trial->seat);
	ground_unmap(trial->map, trial->map_pages);
}

static uint8_t *code_page(struct trial *trial)
{
	return trial->seat.pages + PAGE_CODE * (size_t)PAGE_SIZE;
}

bool trial_begin(struct trial *trial, enum entry_base base)
{
	const char *missing;

	trial->base = base;
	trial->used = 0;
	if (entry_base_make(base, &trial->seat.ground, &trial->state, &missing)) {
		AT(GUEST_RIP) += CODE_AT;
		return true;
	}
	stage_note(trial->stage, "not here: needs %s", missing);
	return false;
}

bool trial_begin_user(struct trial *trial)
{
	if (!trial_begin(trial, BASE_32))
		return false;
	AT(GUEST_CS_SELECTOR) |= RPL_USER;
	AT(GUEST_SS_SELECTOR) |= RPL_USER;
	AT(GUEST_CS_RIGHTS) |= DPL_USER;
	AT(GUEST_SS_RIGHTS) |= DPL_USER;
	return true;
}

void trial_emit(struct trial *trial, const void *bytes, size_t count)
{
	__builtin_memcpy(code_page(trial) + CODE_AT + trial->used, bytes, count);
	trial->used += count;
}

uint32_t trial_operand(const struct trial *trial)
{
	if (trial->base == BASE_REAL || trial->base == BASE_V86)
		return OPERAND_AT; /* of DS in real mode: whatever is there */
	return (uint32_t)entry_page(&trial->seat.ground, PAGE_CODE) + OPERAND_AT;
}

static struct ending ending_of(const struct probe_result *result)
{
	switch ((enum probe_kind)result->kind) {
	case PROBE_FAIL_INVALID:
		return FAILS_INVALID;
	case PROBE_FAIL_VALID:
		return FAILS(result->number);
	case PROBE_FAULTED:
		return RAISES((uint8_t)result->number);
	case PROBE_ENTRY_FAILED:
		return REFUSED(result->number);
	case PROBE_ENTERED:
		break;
	}
	if (result->number == REASON_EXCEPTION_NMI)
		return EXITS_BY((uint8_t)vmread(EXIT_INTERRUPTION_INFO));
	return EXITS(result->number);
}

struct ending trial_run(struct trial *trial)
{
	static const uint8_t cpuid[] = { 0x0F, 0xA2 };
	struct probe_result result;

	trial_emit(trial, cpuid, sizeof(cpuid));
	trial->used -= sizeof(cpuid);
	probe_set_all(&trial->seat.probe, &trial->state);
	probe_enter(&trial->seat.probe, &result);
	return ending_of(&result);
}
