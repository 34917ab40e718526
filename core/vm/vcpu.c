#include "vm/vcpu.h"

#include "backend.h"
#include "vlapic/registers.h"

static const char *const state_texts[] = {
#define STATE_TEXT(name, text) text,
	VCPU_STATES(STATE_TEXT)
#undef STATE_TEXT
};

static const char *const event_texts[] = { "start", "INIT",  "INIT at the BSP", "SIPI", "HLT",
					   "wake",  "pause", "resume",		"stop" };

_Static_assert(ARRAY_SIZE(event_texts) == VCPU_EVENT_COUNT, "one text an event");

const char *vcpu_state_text(enum vcpu_state state)
{
	return state_texts[state];
}

const char *vcpu_event_text(enum vcpu_event event)
{
	return event_texts[event];
}

/* clang-format off */
#define CR VCPU_CREATED
#define RU VCPU_RUNNING
#define HA VCPU_HALTED
#define WA VCPU_WAIT_SIPI
#define PA VCPU_PAUSED
#define ST VCPU_STOPPED

/* SIPI, INIT: SDM vol. 3A, "MP Initialization Protocol Algorithm for MP Systems". */
const struct transition vcpu_transitions[VCPU_STATE_COUNT][VCPU_EVENT_COUNT] = {
	[CR] = {
		[ON_START] = {RU, DO_ENTER}, [ON_INIT] = {WA, DO_RESET}, [ON_INIT_BSP] = {RU, DO_RESTART},
		[ON_SIPI] = {CR, DO_IGNORE}, [ON_HLT] = {CR, DO_REFUSE}, [ON_WAKE] = {CR, DO_NOTHING},
		[ON_PAUSE] = {CR, DO_REFUSE}, [ON_RESUME] = {CR, DO_REFUSE}, [ON_STOP] = {ST, DO_NOTHING},
	},
	[RU] = {
		[ON_START] = {RU, DO_REFUSE}, [ON_INIT] = {WA, DO_RESET}, [ON_INIT_BSP] = {RU, DO_RESTART},
		[ON_SIPI] = {RU, DO_IGNORE}, [ON_HLT] = {HA, DO_NOTHING}, [ON_WAKE] = {RU, DO_NOTHING},
		[ON_PAUSE] = {PA, DO_NOTHING}, [ON_RESUME] = {RU, DO_REFUSE}, [ON_STOP] = {ST, DO_NOTHING},
	},
	[HA] = {
		[ON_START] = {HA, DO_REFUSE}, [ON_INIT] = {WA, DO_RESET}, [ON_INIT_BSP] = {RU, DO_RESTART},
		[ON_SIPI] = {HA, DO_IGNORE}, [ON_HLT] = {HA, DO_REFUSE}, [ON_WAKE] = {RU, DO_NOTHING},
		[ON_PAUSE] = {HA, DO_REFUSE}, [ON_RESUME] = {HA, DO_REFUSE}, [ON_STOP] = {ST, DO_NOTHING},
	},
	[WA] = {
		[ON_START] = {WA, DO_REFUSE}, [ON_INIT] = {WA, DO_RESET}, [ON_INIT_BSP] = {RU, DO_RESTART},
		[ON_SIPI] = {RU, DO_SIPI}, [ON_HLT] = {WA, DO_REFUSE}, [ON_WAKE] = {WA, DO_NOTHING},
		[ON_PAUSE] = {WA, DO_REFUSE}, [ON_RESUME] = {WA, DO_REFUSE}, [ON_STOP] = {ST, DO_NOTHING},
	},
	[PA] = {
		[ON_START] = {PA, DO_REFUSE}, [ON_INIT] = {WA, DO_RESET}, [ON_INIT_BSP] = {RU, DO_RESTART},
		[ON_SIPI] = {PA, DO_IGNORE}, [ON_HLT] = {PA, DO_REFUSE}, [ON_WAKE] = {PA, DO_NOTHING},
		[ON_PAUSE] = {PA, DO_REFUSE}, [ON_RESUME] = {RU, DO_NOTHING}, [ON_STOP] = {ST, DO_NOTHING},
	},
	[ST] = {
		[ON_START] = {ST, DO_REFUSE}, [ON_INIT] = {ST, DO_IGNORE}, [ON_INIT_BSP] = {ST, DO_IGNORE},
		[ON_SIPI] = {ST, DO_IGNORE}, [ON_HLT] = {ST, DO_REFUSE}, [ON_WAKE] = {ST, DO_NOTHING},
		[ON_PAUSE] = {ST, DO_REFUSE}, [ON_RESUME] = {ST, DO_REFUSE}, [ON_STOP] = {ST, DO_NOTHING},
	},
};
/* clang-format on */

static uint32_t signature(void)
{
	uint32_t out[4];

	backend->cpuid(1, 0, out);
	return out[0];
}

static void forget_events(struct vcpu *vcpu)
{
	vcpu->event = (struct event){ 0 };
	vcpu->nmis = 0;
	vcpu->extint = -1;
	vcpu->event_pending = false;
	vcpu->advance = false;
}

static void reset(struct vcpu *vcpu)
{
	vcpu->regs.cr0 = vcpu->cache_bits;
	if (regs_init_keeps_debug() && !vcpu->regs_changed)
		vcpu->debug_kept = true;
	regs_init(&vcpu->regs, signature());
	apic_init(&vcpu->apic);
	forget_events(vcpu);
	vcpu->cpuid.known = false;
	vcpu->regs_changed = true;
	count(&vcpu->counts.inits);
}

enum vcpu_action vcpu_apply(struct vcpu *vcpu, enum vcpu_event event, uint8_t vector)
{
	enum vcpu_state state = atomic_load_explicit(&vcpu->state, memory_order_relaxed);
	const struct transition *transition = &vcpu_transitions[state][event];

	switch (transition->action) {
	case DO_RESET:
		reset(vcpu);
		break;
	case DO_RESTART:
		reset(vcpu);
		vcpu->start.pending = true;
		break;
	case DO_SIPI:
		regs_sipi(&vcpu->regs, vector);
		vcpu->start.vector = vector;
		vcpu->regs_changed = true;
		vcpu->start.pending = true;
		break;
	case DO_ENTER:
		vcpu->start.pending = true;
		break;
	case DO_IGNORE:
		if (event == ON_SIPI)
			count(&vcpu->counts.sipis_ignored);
		break;
	case DO_NOTHING:
	case DO_REFUSE:
		break;
	}
	if (transition->next != state)
		atomic_store(&vcpu->state, transition->next);
	return transition->action;
}

static void inject(struct vcpu *vcpu, uint8_t vector, bool has_error)
{
	vcpu->event =
		(struct event){ .type = EVENT_EXCEPTION, .vector = vector, .has_error = has_error };
	vcpu->advance = false;
}

void vcpu_inject_gp(struct vcpu *vcpu)
{
	inject(vcpu, 13, true);
}

void vcpu_inject_ud(struct vcpu *vcpu)
{
	inject(vcpu, 6, false);
}
