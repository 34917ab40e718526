#include "x86/local_apic.h"

#include "x86/insn.h"
#include "x86/msr.h"

enum {
	PENDING_LOOPS = 1000000,
	MAX_LVT_SHIFT = 16,	       /* version register, bits 23:16: entries - 1 */
	EXTENDED_REGISTERS = 1u << 31, /* version register, AMD only */
	EXTENDED_FEATURES = 0x400,     /* bits 23:16: extended LVT entries */
	EXTENDED_LVT = 0x500,
};

/* Each with the number of entries that an APIC has at least which has it: SDM vol. 3A, "Local APIC
 * Version Register" and "Local Vector Table". */
static const struct {
	uint16_t offset;
	uint8_t entries;
} lvts[LOCAL_APIC_LVTS] = {
	{ APIC_LVT_TIMER, 0 }, { APIC_LVT_LINT0, 0 }, { APIC_LVT_LINT1, 0 },
	{ APIC_LVT_ERROR, 0 }, { APIC_LVT_PMC, 5 },   { APIC_LVT_THERMAL, 6 },
	{ APIC_LVT_CMCI, 7 },
};

bool local_apic_x2apic(void)
{
	return rdmsr(IA32_APIC_BASE) & IA32_APIC_BASE_EXTD;
}

static volatile uint32_t *xapic(unsigned offset)
{
	uint64_t page = rdmsr(IA32_APIC_BASE) & 0x000ffffffffff000;

	return (volatile uint32_t *)(uintptr_t)(page + offset);
}

uint32_t local_apic_read(unsigned offset)
{
	return local_apic_x2apic() ? (uint32_t)rdmsr(X2APIC_MSR + offset / 16) : *xapic(offset);
}

void local_apic_write(unsigned offset, uint32_t value)
{
	if (local_apic_x2apic())
		wrmsr(X2APIC_MSR + offset / 16, value);
	else
		*xapic(offset) = value;
}

uint32_t local_apic_id(void)
{
	uint32_t id = local_apic_read(APIC_ID);

	return local_apic_x2apic() ? id : id >> 24;
}

bool local_apic_bit(unsigned bitmap, unsigned vector)
{
	return local_apic_read(bitmap + vector / 32 * 16) >> vector % 32 & 1;
}

static bool wait_sent(void)
{
	for (unsigned i = 0; i < PENDING_LOOPS; i++) {
		if (!(*xapic(APIC_ICR) & ICR_PENDING))
			return true;
		cpu_relax();
	}
	return false;
}

bool local_apic_send(uint32_t icr_low, uint32_t destination)
{
	if (local_apic_x2apic()) {
		/* SDM vol. 3A, "MSR Access in x2APIC Mode": this WRMSR does not wait for earlier
		 * stores, and the target is to see them. */
		__asm__ volatile("mfence; lfence" ::: "memory");
		wrmsr(X2APIC_MSR + APIC_ICR / 16, (uint64_t)destination << 32 | icr_low);
		return true;
	}
	(void)wait_sent();
	*xapic(APIC_ICR_HIGH) = destination << 24;
	*xapic(APIC_ICR) = icr_low;
	return wait_sent();
}

uint32_t local_apic_lvt(unsigned offset)
{
	return local_apic_read(offset) & ~(uint32_t)APIC_LVT_STATUS;
}

static bool has_lvt(uint32_t version, unsigned i)
{
	return (version >> MAX_LVT_SHIFT & 0xFF) + 1 >= lvts[i].entries;
}

/* Entries of AMD's extended APIC register space. */
static unsigned extended_lvts(uint32_t version)
{
	unsigned count = 0;

	if (version & EXTENDED_REGISTERS)
		count = local_apic_read(EXTENDED_FEATURES) >> MAX_LVT_SHIFT & 0xFF;
	return count < LOCAL_APIC_EXTENDED_LVTS ? count : LOCAL_APIC_EXTENDED_LVTS;
}

static bool in_deadline_mode(const struct local_apic *state)
{
	return (state->lvt[0] & APIC_LVT_TIMER_MODES) == APIC_LVT_TIMER_TSC_DEADLINE;
}

void local_apic_save(struct local_apic *state)
{
	uint32_t version = local_apic_read(APIC_VERSION);
	unsigned extended = extended_lvts(version);

	*state = (struct local_apic){ .svr = local_apic_read(APIC_SVR) };
	if (!local_apic_x2apic()) {
		state->ldr = local_apic_read(APIC_LDR);
		state->dfr = local_apic_read(APIC_DFR);
	}
	for (unsigned i = 0; i < LOCAL_APIC_LVTS; i++)
		if (has_lvt(version, i))
			state->lvt[i] = local_apic_lvt(lvts[i].offset);
	for (unsigned i = 0; i < extended; i++)
		state->extended[i] = local_apic_lvt(EXTENDED_LVT + i * 16);
	state->divide = local_apic_read(APIC_TIMER_DIVIDE);
	state->initial = local_apic_read(APIC_TIMER_INITIAL);
	if (in_deadline_mode(state))
		state->deadline = rdmsr(IA32_TSC_DEADLINE);
	state->ran_out = !(state->lvt[0] & APIC_LVT_TIMER_MODES) && state->initial &&
			 !local_apic_read(APIC_TIMER_CURRENT);
}

static void put_back(unsigned offset, uint32_t now, uint32_t then)
{
	if (now != then)
		local_apic_write(offset, then);
}

static void put_back_timer(const struct local_apic *now, const struct local_apic *then)
{
	if (now->lvt[0] == then->lvt[0] && now->divide == then->divide &&
	    now->initial == then->initial)
		return;
	put_back(APIC_TIMER_DIVIDE, now->divide, then->divide);
	put_back(APIC_LVT_TIMER, now->lvt[0], then->lvt[0]);
	if (!in_deadline_mode(then)) {
		local_apic_write(APIC_TIMER_INITIAL, then->ran_out ? 0 : then->initial);
		return;
	}
	/* SDM vol. 3A, "TSC-Deadline Mode": the write to memory is not ordered before WRMSR. */
	__asm__ volatile("mfence" ::: "memory");
	wrmsr(IA32_TSC_DEADLINE, then->deadline);
}

void local_apic_put_back(const struct local_apic *then)
{
	struct local_apic now;

	local_apic_save(&now);
	if (!local_apic_x2apic()) {
		put_back(APIC_DFR, now.dfr, then->dfr);
		put_back(APIC_LDR, now.ldr, then->ldr);
	}
	/* Before the entries, which a disabled APIC keeps masked; what masks them masks all. */
	put_back(APIC_SVR, now.svr, then->svr);
	put_back_timer(&now, then);
	for (unsigned i = 1; i < LOCAL_APIC_LVTS; i++)
		put_back(lvts[i].offset, now.lvt[i], then->lvt[i]);
	for (unsigned i = 0; i < LOCAL_APIC_EXTENDED_LVTS; i++)
		put_back(EXTENDED_LVT + i * 16, now.extended[i], then->extended[i]);
}

bool local_apic_is(const struct local_apic *then)
{
	struct local_apic now;
	bool same;

	local_apic_save(&now);
	same = now.ldr == then->ldr && now.dfr == then->dfr && now.svr == then->svr &&
	       now.divide == then->divide && (then->ran_out || now.initial == then->initial);
	for (unsigned i = 0; i < LOCAL_APIC_LVTS; i++)
		same = same && now.lvt[i] == then->lvt[i];
	for (unsigned i = 0; i < LOCAL_APIC_EXTENDED_LVTS; i++)
		same = same && now.extended[i] == then->extended[i];
	return same;
}
