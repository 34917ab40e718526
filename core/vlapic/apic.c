#include "vlapic/apic.h"

uint32_t apic_get(const struct apic *apic, uint32_t offset)
{
	return __atomic_load_n(&apic->page[offset / sizeof(uint32_t)], __ATOMIC_RELAXED);
}

void apic_put(struct apic *apic, uint32_t offset, uint32_t value)
{
	__atomic_store_n(&apic->page[offset / sizeof(uint32_t)], value, __ATOMIC_RELAXED);
}

/* Which of the three 256-bit registers. */
static unsigned bitmap_of(uint32_t offset)
{
	return (offset - APIC_ISR) / 0x80;
}

/* The highest vector set in one of the 256-bit registers, -1: none. */
static int highest(const struct apic *apic, uint32_t offset)
{
	unsigned words = apic->words_set[bitmap_of(offset)];
	unsigned word;

	if (!words)
		return -1;
	word = 31 - (unsigned)__builtin_clz(words);
	return (int)(word * 32 + 31) - __builtin_clz(apic_get(apic, offset + word * 0x10));
}

static bool test_and_change(struct apic *apic, uint32_t offset, uint8_t vector, bool to)
{
	unsigned word = vector / 32;
	uint32_t bit = 1u << vector % 32, before = apic_get(apic, offset + word * 0x10);
	uint32_t after = to ? before | bit : before & ~bit;
	uint8_t *words = &apic->words_set[bitmap_of(offset)];

	apic_put(apic, offset + word * 0x10, after);
	*words = (uint8_t)(after ? *words | 1u << word : *words & ~(1u << word));
	return before & bit;
}

bool apic_end_of_interrupt(struct apic *apic)
{
	int serving = highest(apic, APIC_ISR);
	bool level = false;

	if (serving >= 0) {
		test_and_change(apic, APIC_ISR, (uint8_t)serving, false);
		level = apic_get(apic, APIC_TMR + (uint32_t)serving / 32 * 0x10) >> serving % 32 &
			1;
	}
	apic_update_ppr(apic);
	return level;
}

enum apic_accepted apic_accept(struct apic *apic, uint8_t vector, bool level)
{
	if (apic_mode(apic) == APIC_DISABLED || !(apic_get(apic, APIC_SVR) & APIC_SVR_ENABLED))
		return APIC_REFUSED;
	if (vector < 16) {
		apic_error(apic, APIC_ESR_RECEIVE_ILLEGAL);
		return APIC_REFUSED;
	}
	if (test_and_change(apic, APIC_IRR, vector, true))
		return APIC_COALESCED;
	test_and_change(apic, APIC_TMR, vector, level);
	return APIC_ACCEPTED;
}

void apic_error(struct apic *apic, uint32_t bits)
{
	uint32_t lvt = apic_get(apic, APIC_LVT_ERROR);
	bool news = bits & ~apic->esr_latched;

	apic->esr_latched |= bits;
	/* An illegal vector in this LVT entry must not raise the error again, for ever. */
	if (news && !(lvt & APIC_LVT_MASKED) && (lvt & 0xFF) >= 16)
		apic_accept(apic, (uint8_t)lvt, false);
}

static uint32_t priority(const struct apic *apic, int serving)
{
	uint32_t tpr = apic_get(apic, APIC_TPR);
	uint32_t class = serving < 0 ? 0 : (uint32_t)serving & 0xF0;

	return (tpr & 0xF0) >= class ? tpr : class;
}

/* Reads the words themselves: which of them are set is for the owner to know. */
uint32_t apic_priority(const struct apic *apic)
{
	for (int word = 7; word >= 0; word--) {
		uint32_t bits = apic_get(apic, APIC_ISR + (uint32_t)word * 0x10);

		if (bits)
			return priority(apic, word * 32 + 31 - __builtin_clz(bits));
	}
	return priority(apic, -1);
}

void apic_update_ppr(struct apic *apic)
{
	apic_put(apic, APIC_PPR, priority(apic, highest(apic, APIC_ISR)));
}

int apic_highest_request(const struct apic *apic)
{
	return highest(apic, APIC_IRR);
}

int apic_highest_in_service(const struct apic *apic)
{
	return highest(apic, APIC_ISR);
}

static void reload(struct apic *apic, uint32_t offset)
{
	unsigned words = 0;

	for (unsigned word = 0; word < 8; word++)
		words |= (unsigned)!!apic_get(apic, offset + word * 0x10) << word;
	apic->words_set[bitmap_of(offset)] = (uint8_t)words;
}

void apic_reload(struct apic *apic)
{
	reload(apic, APIC_ISR);
	reload(apic, APIC_IRR);
}

int apic_deliverable(struct apic *apic)
{
	int request = highest(apic, APIC_IRR);

	if (request < 0)
		return -1;
	apic_update_ppr(apic);
	return (request & 0xF0) > (int)(apic_get(apic, APIC_PPR) & 0xF0) ? request : -1;
}

void apic_take(struct apic *apic, uint8_t vector)
{
	test_and_change(apic, APIC_IRR, vector, false);
	test_and_change(apic, APIC_ISR, vector, true);
	apic_update_ppr(apic);
}
