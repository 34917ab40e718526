/* The interpreter of scripts: see steps.h. */
#include "script_event.h"

#define SCRIPT ((volatile struct script *)SCRIPT_PAGE)

enum {
	NMI = 2,
};

static uint32_t find(enum step_op op, uint32_t slot, uint32_t number)
{
	for (uint32_t i = 0; SCRIPT->step[i].op != STEP_END; i++) {
		const volatile struct step *step = &SCRIPT->step[i];

		if (step->op == op && step->slot == slot &&
		    number == (op == STEP_AT ? step->boot : step->handles))
			return i + 1;
	}
	return 0;
}

static uint32_t find_for(enum step_op op, uint32_t slot, uint32_t number)
{
	uint32_t at = find(op, slot, number);

	return at || !slot ? at : find(op, EACH, number);
}

/* A check; the first wrong value stays. */
static void note_as(uint32_t at, uint64_t got, uint64_t wanted)
{
	__asm__ volatile("lock incl %0" : "+m"(SCRIPT->seen[at].times));
	if (SCRIPT->seen[at].wrong)
		return;
	SCRIPT->seen[at].got = got;
	SCRIPT->seen[at].wrong = got != wanted;
}

static void note(uint32_t at, uint64_t got)
{
	note_as(at, got, SCRIPT->step[at].value);
}

static uint32_t bit_of(uint32_t bitmap, uint32_t vector)
{
	return apic_read(bitmap + vector / 32 * 0x10) >> vector % 32 & 1;
}

/* Both go on at label 1 after an exception: script_event() moves EIP to .resume. */
static uint32_t rdmsr_fault(uint32_t slot, uint32_t msr)
{
	uint32_t low, high;

	SCRIPT->actor[slot].fault = 0;
	__asm__ volatile("movl $1f, %0\n\trdmsr\n1:\tmovl $0, %0"
			 : "=m"(SCRIPT->actor[slot].resume), "=a"(low), "=d"(high)
			 : "c"(msr)
			 : "memory");
	return SCRIPT->actor[slot].fault;
}

static uint32_t wrmsr_fault(uint32_t slot, uint32_t msr, uint64_t value)
{
	SCRIPT->actor[slot].fault = 0;
	__asm__ volatile("movl $1f, %0\n\twrmsr\n1:\tmovl $0, %0"
			 : "=m"(SCRIPT->actor[slot].resume)
			 : "c"(msr), "A"(value)
			 : "memory");
	return SCRIPT->actor[slot].fault;
}

static uint32_t cpuid(uint32_t leaf, uint32_t which)
{
	uint32_t out[4] = { leaf, 0, 0, 0 };

	__asm__ volatile("cpuid" : "+a"(out[0]), "=b"(out[1]), "+c"(out[2]), "=d"(out[3]));
	return out[which];
}

static uint64_t icr_now(void)
{
	if (SHARED->x2apic)
		return rdmsr(0x830);
	return (uint64_t)(apic_read(APIC_ICR_HIGH) >> 24) << 32 | apic_read(APIC_ICR);
}

/*
 * The host sends the armed event at the exit of CPUID or HLT, and lets the instruction execute
 * once more: its shadow must hold the event back until then. 1: so it was.
 */
#define SHADOW(slot, event, before, instruction)                                                   \
	({                                                                                         \
		uint32_t after, scratch = SCRIPT_LEAF;                                             \
		SCRIPT->actor[slot].event_eip = 0;                                                 \
		SCRIPT->actor[slot].armed = (event);                                               \
		__asm__ volatile(before "\n\t" instruction "\n1:\tnop\n\tcli\n\tmovl $1b, %0"      \
				 : "=m"(after), "+a"(scratch)                                      \
				 :                                                                 \
				 : "ebx", "ecx", "edx", "memory");                                 \
		(uint32_t)(SCRIPT->actor[slot].event_eip == after);                                \
	})

static void raise(uint32_t flag, uint32_t by)
{
	__asm__ volatile("lock addl %1, %0" : "+m"(SCRIPT->flag[flag]) : "r"(by) : "memory");
}

static uint32_t icr_low(const volatile struct step *step)
{
	return (uint32_t)step->icr_high_bits << 16 | step->icr_bits;
}

static void send(const volatile struct step *step)
{
	icr(icr_low(step), step->destination);
}

static void await(uint32_t reg, uint32_t mask, uint32_t value)
{
	while ((apic_read(reg) & mask) != value)
		pause();
}

static uint64_t rdtsc_64(void)
{
	uint64_t value;

	__asm__ volatile("rdtsc" : "=A"(value));
	return value;
}

/*
 * The timer counts down once in so many ticks: the count read at a time that is known to lie
 * between two readings of the TSC, as is the start. 1: it lies between the counts of these times.
 */
static uint32_t countdown(uint32_t divide)
{
	static const uint8_t shifts[] = { 1, 2, 3, 4, 5, 6, 7, 0 };
	const uint32_t shift = shifts[(divide & 3) | (divide >> 1 & 4)], initial = 1u << 30;
	uint32_t start[2], end[2], count;

	apic_write(APIC_TIMER_DIVIDE, divide);
	start[0] = rdtsc();
	apic_write(APIC_TIMER_INITIAL, initial);
	start[1] = rdtsc();
	while (rdtsc() - start[1] < 32u << shift)
		pause();
	end[0] = rdtsc();
	count = initial - apic_read(APIC_TIMER_CURRENT);
	end[1] = rdtsc();
	apic_write(APIC_TIMER_INITIAL, 0);
	return count >= (end[0] - start[1]) >> shift && count <= ((end[1] - start[0]) >> shift) + 1;
}

/* Ticks of the timer: a hundred times what an instruction that always exits takes. */
static uint32_t choose_period(void)
{
	enum { LEAST = 20000, TRIES = 8, EXITS = 100 };
	uint32_t shortest = ~0u;

	for (unsigned i = 0; i < TRIES; i++) {
		uint32_t start = rdtsc(), ticks;

		(void)cpuid(0, 0);
		ticks = rdtsc() - start;
		if (ticks < shortest)
			shortest = ticks;
	}
	return shortest > LEAST / EXITS ? EXITS * shortest : LEAST;
}

/* Carries out a section from step at to the next section's head. */
static void run(uint32_t slot, uint32_t at)
{
	uint64_t operand = 0, start = 0;
	uint32_t mask = ~0u, period = 0;

	for (; SCRIPT->step[at].op > STEP_AFTER; at++) {
		const volatile struct step *step = &SCRIPT->step[at];

		switch ((enum step_op)step->op) {
		case STEP_ENABLE:
			apic_enable();
			break;
		case STEP_WRITE:
			apic_write(step->reg, step->value);
			break;
		case STEP_MASK:
			mask = step->mask;
			continue;
		case STEP_READ:
			note(at, apic_read(step->reg) & mask);
			break;
		case STEP_READ_BIT:
			note(at, bit_of(step->bitmap, step->vector));
			break;
		case STEP_AWAIT:
			await(step->reg, mask, step->value);
			break;
		case STEP_AWAIT_BIT:
			while (bit_of(step->bitmap, step->vector) != step->value)
				pause();
			break;
		case STEP_RDMSR:
			note(at, rdmsr(step->msr) & mask);
			break;
		case STEP_RDMSR_FAULT:
			note(at, rdmsr_fault(slot, step->msr));
			break;
		case STEP_RDMSR_OPERAND:
			note(at, rdmsr(step->msr) == operand);
			break;
		case STEP_OPERAND:
			operand = (uint64_t)step->operand_high << 48 |
				  (uint64_t)step->operand_mid << 32 | step->operand_low;
			continue;
		case STEP_WRMSR_FAULT:
			note(at, wrmsr_fault(slot, step->msr, operand));
			break;
		case STEP_CPUID:
			note(at, cpuid(step->leaf, step->output) & mask);
			break;
		case STEP_SEND:
			send(step);
			break;
		case STEP_ICR:
			note_as(at, icr_now(), (uint64_t)step->destination << 32 | icr_low(step));
			break;
		case STEP_CLI:
			cli();
			break;
		case STEP_STI:
			sti();
			break;
		case STEP_HLT:
			__asm__ volatile("hlt" ::: "memory");
			break;
		case STEP_STI_HLT:
			sti_hlt();
			break;
		case STEP_STI_CLI:
			__asm__ volatile("sti; cli" ::: "memory");
			break;
		case STEP_WINDOW:
			__asm__ volatile("sti; nop; cli" ::: "memory");
			break;
		case STEP_STI_SHADOW:
			note(at, SHADOW(slot, step->event, "sti", "cpuid"));
			break;
		case STEP_SS_SHADOW:
			note(at,
			     SHADOW(slot, step->event,
				    "mov %%ss, %%ecx\n\tsti\n\tnop\n\tmov %%ecx, %%ss", "cpuid"));
			break;
		case STEP_HLT_SHADOW:
			note(at, SHADOW(slot, step->event, "sti", "hlt"));
			break;
		case STEP_TAKEN:
			note(at, SCRIPT->actor[slot].taken);
			break;
		case STEP_AWAIT_TAKEN:
			while (SCRIPT->actor[slot].taken < step->value)
				pause();
			break;
		case STEP_DEPTH:
			note(at, SCRIPT->actor[slot].depth);
			break;
		case STEP_MARK_TIME:
			start = rdtsc_64();
			break;
		case STEP_SINCE:
			note(at, rdtsc_64() - start >= step->ticks);
			break;
		case STEP_CHOOSE_PERIOD:
			period = choose_period();
			break;
		case STEP_START_PERIODS:
			apic_write(APIC_TIMER_INITIAL, period);
			break;
		case STEP_PERIOD_IS_SET:
			note(at, apic_read(APIC_TIMER_INITIAL) == period);
			break;
		case STEP_SINCE_PERIODS:
			note(at, rdtsc_64() - start >= (uint64_t)period * step->periods);
			break;
		case STEP_COUNTDOWN:
			note(at, countdown(step->divide));
			break;
		case STEP_DEADLINE:
			wrmsr(IA32_TSC_DEADLINE, rdtsc_64() + step->delay);
			break;
		case STEP_FLAG:
			raise(step->flag, step->value);
			break;
		case STEP_AWAIT_FLAG:
			while (SCRIPT->flag[step->flag] < step->value)
				pause();
			break;
		default: /* sections end the loop, the host's steps are in its sections only */
			break;
		}
		mask = ~0u;
	}
}

bool script_event(uint32_t slot, struct frame *frame)
{
	uint32_t vector = frame->vector, taken, handler;

	if (SHARED->program[slot] != GUEST_script)
		return false;
	if (vector != NMI && vector < 32) {
		if (!SCRIPT->actor[slot].resume)
			return false;
		SCRIPT->actor[slot].fault = vector;
		frame->eip = SCRIPT->actor[slot].resume;
		return true;
	}
	taken = SCRIPT->actor[slot].taken++;
	if (taken < SCRIPT_TRACE)
		SCRIPT->actor[slot].trace[taken] = (uint8_t)vector;
	SCRIPT->actor[slot].event_eip = frame->eip;
	SCRIPT->actor[slot].depth++;
	handler = find_for(STEP_ON, slot, vector);
	if (handler)
		run(slot, handler);
	else if (vector != NMI)
		apic_write(APIC_EOI, 0);
	SCRIPT->actor[slot].depth--;
	return true;
}

PROGRAM(script)
{
	uint32_t boot = SLOT(slot)->entered, at = find_for(STEP_AT, slot, boot);

	SCRIPT->actor[slot].depth = 0;
	if (at)
		run(slot, at);
	SCRIPT->actor[slot].done = boot;
}
