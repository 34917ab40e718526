/* INIT and SIPI to processors that run, halt, wait or have ended. */
#include "tests/lib/script.h"

/* A flag that nobody raises: the section ends with the processor's reset only. */
#define FOR_EVER AWAIT_FLAG(15, 1)

/* Scripts read line by line. */
/* clang-format off */

/* INIT strikes in a handler, with a request pending and the timer armed. */
#define FILL_REGISTERS \
	WRITE(APIC_TPR, 0x20), WRITE(APIC_LVT_ERROR, 0x100E1), WRITE(APIC_LVT_TIMER, 0x200E2), \
		WRITE(APIC_LVT_LINT0, 0x700), WRITE(APIC_LVT_LINT1, 0x400), \
		WRITE(APIC_TIMER_DIVIDE, 0xB), WRITE(APIC_TIMER_INITIAL, 0x10000000), \
		SEND(ICR_FIXED | ICR_SELF | 3, 0), WRITE(APIC_ESR, 0), \
		SEND(ICR_FIXED | ICR_SELF | 3, 0)
#define RESET_REGISTERS \
	READ(APIC_TPR, 0), READ(APIC_PPR, 0), READ(APIC_SVR, 0xFF), READ(APIC_LVT_TIMER, 0x10000), \
		READ(APIC_LVT_THERMAL, 0x10000), READ(APIC_LVT_PMC, 0x10000), \
		READ(APIC_LVT_LINT0, 0x10000), READ(APIC_LVT_LINT1, 0x10000), \
		READ(APIC_LVT_ERROR, 0x10000), READ(APIC_ESR, 0), READ(APIC_TIMER_INITIAL, 0), \
		READ(APIC_TIMER_CURRENT, 0), READ(APIC_TIMER_DIVIDE, 0), READ_BIT(ISR, 0x51, 0), \
		READ_BIT(IRR, 0x61, 0), ICR(0, 0), WRITE(APIC_ESR, 0), READ(APIC_ESR, 0), TAKEN(1)
#define INIT_IN_HANDLER \
	AT(0, ENABLE, AWAIT_READY(1), SEND(ICR_FIXED | 0x51, 1), AWAIT_FLAG(1, 1), \
		SEND(ICR_FIXED | 0x61, 1), SEND(ICR_INIT, 1), ICR(ICR_INIT, 1), \
		SEND(ICR_SIPI | 1, 1), ICR(ICR_SIPI | 1, 1)), \
	ON(1, 0x51, READ_BIT(ISR, 0x51, 1), FLAG(1), FOR_EVER)

static const struct script_step apic_reset[] = {
	INIT_IN_HANDLER,
	AT(1, ENABLE, FILL_REGISTERS, WRITE(APIC_LDR, 0x02000000), WRITE(APIC_DFR, 0),
		READ(APIC_DFR, 0x0FFFFFFF), STI, READY, FOR_EVER),
	AGAIN(1, 2, RDMSR(0x1B, 0xFEE00800), READ(APIC_ID, 1 << 24), READ(APIC_LDR, 0),
		READ(APIC_DFR, 0xFFFFFFFF), RESET_REGISTERS),
	AFTER(COUNT(1, inits, 2), ENTERED(1, 2)),
	END,
};

static const struct script_step apic_reset_x2apic[] = {
	INIT_IN_HANDLER,
	AT(1, ENABLE, FILL_REGISTERS, STI, READY, FOR_EVER),
	AGAIN(1, 2, RDMSR(0x1B, 0xFEE00C00), READ(APIC_ID, 1), READ(APIC_LDR, 1 << 1),
		RESET_REGISTERS),
	AFTER(COUNT(1, inits, 2), ENTERED(1, 2)),
	END,
};

/* Also with the shorthand that the P6 wanted, which other INITs may not have. */
static const struct script_step deassert[] = {
	AT(0, ENABLE, AWAIT_READY(1), SEND(ICR_DEASSERT, 1), ICR(ICR_DEASSERT, 1),
		SEND(ICR_DEASSERT | ICR_ALL, 0), ICR(ICR_DEASSERT | ICR_ALL, 0),
		SEND(ICR_DEASSERT | ICR_OTHERS, 0), SEND(ICR_FIXED | 0x31, 1)),
	AT(1, ENABLE, READY, AWAIT_BIT(IRR, 0x31, 1), FLAG(1)),
	HOST(AWAIT_FLAG(1, 1), POST(ICR_DEASSERT, 1, STATUS_OK), POST(ICR_DEASSERT, 0, STATUS_OK)),
	AFTER(COUNT(0, inits, 0), COUNT(1, inits, 1), REFUSED(0), COUNT(0, sent, 1), ENTERED(1, 1)),
	END,
};

/* IA32_APIC_BASE.BSP: it restarts at its reset vector, and a SIPI means nothing to it. */
static const struct script_step bsp[] = {
	AT(0, ENABLE, STI, READY, FOR_EVER),
	AGAIN(0, 2, RDMSR_MASKED(0x1B, 0x900, 0x900), ENABLE, READY, AWAIT_BIT(IRR, 0x51, 1),
		TAKEN(0)),
	AT(1, ENABLE, AWAIT_READY(1), SEND(ICR_INIT, 0), AWAIT_READY(2), SEND(ICR_SIPI | 0x10, 0),
		SEND(ICR_FIXED | 0x51, 0)),
	AFTER(COUNT(0, inits, 1), COUNT(0, sipis_ignored, 1), ENTERED(0, 2), STATE(0, HALTED)),
	END,
};

static const struct script_step bsp_itself[] = {
	AT(0, ENABLE, SEND(ICR_INIT, 0), FLAG(1), FOR_EVER),
	AGAIN(0, 2, RDMSR_MASKED(0x1B, 0x900, 0x900)),
	AFTER(COUNT(0, inits, 1), ENTERED(0, 2), FLAG_IS(1, 0)),
	END,
};

/* Not one instruction after the ICR write. */
static const struct script_step ap_itself[] = {
	AT(0, ENABLE),
	AT(1, ENABLE, READY, SEND(ICR_INIT, 1), FLAG(1), FOR_EVER),
	AGAIN(1, 2, READ_MASKED(APIC_SVR, 0x100, 0)),
	HOST(AWAIT_READY(1), AWAIT_STATE(1, WAIT_SIPI), POST(ICR_SIPI | 1, 1, STATUS_OK)),
	AFTER(COUNT(1, inits, 2), ENTERED(1, 2), FLAG_IS(1, 0)),
	END,
};

/* A halted one waits for SIPI, and waits on whatever else comes. */
static const struct script_step halted[] = {
	AT(0, ENABLE),
	AT(1, ENABLE, WRITE(APIC_TPR, 0x40), READY, HLT, FLAG(1)),
	AGAIN(1, 2, ENABLE, READ(APIC_TPR, 0), TAKEN(0)),
	HOST(AWAIT_READY(1), AWAIT_STATE(1, HALTED), POST(ICR_INIT, 1, STATUS_OK),
		AWAIT_STATE(1, WAIT_SIPI), POST(ICR_FIXED | 0x51, 1, STATUS_OK),
		POST(ICR_INIT, 1, STATUS_OK), AWAIT_COUNT(1, received, 5), STATE(1, WAIT_SIPI),
		POST(ICR_SIPI | 1, 1, STATUS_OK)),
	AFTER(COUNT(1, inits, 3), COUNT(1, dropped, 1), ENTERED(1, 2), FLAG_IS(1, 0)),
	END,
};

/* What was latched or blocked before is forgotten: NMI, its blocking, the request. */
static const struct script_step forgets[] = {
	AT(0, ENABLE, AWAIT_READY(1), SEND(ICR_NMI, 1), AWAIT_FLAG(1, 1), SEND(ICR_NMI, 1),
		SEND(ICR_FIXED | 0x51, 1), SEND(ICR_INIT, 1), SEND(ICR_SIPI | 1, 1), AWAIT_READY(2),
		SEND(ICR_FIXED | 0x61, 1), AWAIT_FLAG(2, 1), FLAG(3), SEND(ICR_NMI, 1)),
	AT(1, ENABLE, READY, FOR_EVER),
	ON(1, NMI_VECTOR, FLAG(1), AWAIT_FLAG(3, 1)),
	AGAIN(1, 2, ENABLE, STI, READY, AWAIT_TAKEN(2), FLAG(2), AWAIT_TAKEN(3)),
	AFTER(TRACE(1, NMI_VECTOR, 0x61, NMI_VECTOR), COUNT(1, nmis, 2), ENTERED(1, 2)),
	END,
};

static const struct script_step others[] = {
	AT(0, ENABLE, AWAIT_READY(3), SEND(ICR_INIT | ICR_OTHERS, 0), ICR(ICR_INIT | ICR_OTHERS, 0),
		SEND(ICR_SIPI | ICR_OTHERS | 1, 0), ICR(ICR_SIPI | ICR_OTHERS | 1, 0),
		SEND(ICR_SIPI | ICR_OTHERS | 1, 0)),
	AT(EACH, ENABLE, READY, FOR_EVER),
	AGAIN(1, 2, READ_MASKED(APIC_SVR, 0x100, 0)),
	AGAIN(2, 2),
	AGAIN(3, 2),
	AFTER(ENTERED(0, 1), ENTERED(1, 2), ENTERED(2, 2), ENTERED(3, 2), COUNT(0, inits, 0),
		COUNT(1, inits, 2), COUNT(2, inits, 2), COUNT(3, inits, 2), COUNT(3, received, 5)),
	END,
};

static const struct script_step stopped[] = {
	AT(0, ENABLE),
	AT(1, ENABLE, READY),
	HOST(AWAIT_READY(1), AWAIT_STATE(1, HALTED), STOP(1), POST(ICR_INIT, 1, STATUS_OK),
		POST(ICR_SIPI | 1, 1, STATUS_OK), POST(ICR_NMI, 1, STATUS_OK),
		POST(ICR_FIXED | 0x51, 1, STATUS_OK), POST(ICR_EXTINT | 0x52, 1, STATUS_OK),
		AWAIT_COUNT(1, dropped, 5), STATE(1, STOPPED)),
	AFTER(COUNT(1, inits, 1), COUNT(1, sipis_ignored, 1), ENTERED(1, 1), NO_TRACE(1)),
	END,
};

/* Awaited by nobody: running, halted, and the boot processor. */
static const struct script_step sipi_ignored[] = {
	AT(0, ENABLE, AWAIT_READY(1), SEND(ICR_SIPI | 0x10, 1), ICR(ICR_SIPI | 0x10, 1),
		SEND(ICR_FIXED | 0x31, 1)),
	AT(1, ENABLE, READY, AWAIT_BIT(IRR, 0x31, 1), FLAG(1)),
	HOST(AWAIT_FLAG(1, 1), AWAIT_STATE(1, HALTED), POST(ICR_SIPI | 0x10, 1, STATUS_OK),
		AWAIT_COUNT(1, sipis_ignored, 2), STATE(1, HALTED),
		POST(ICR_SIPI | 1, 0, STATUS_OK), AWAIT_COUNT(0, sipis_ignored, 1)),
	AFTER(COUNT(1, dropped, 2), ENTERED(0, 1), ENTERED(1, 1)),
	END,
};

/* INIT, SIPI, SIPI, as the guest sends it: the second one finds it running. */
static const struct script_step sipi_second[] = {
	AT(0, ENABLE, SEND(ICR_INIT, 1), SEND(ICR_SIPI | 1, 1), AWAIT_READY(1),
		SEND(ICR_SIPI | 0x10, 1), ICR(ICR_SIPI | 0x10, 1), SEND(ICR_FIXED | 0x51, 1)),
	AT(1, ENABLE, STI, READY, AWAIT_TAKEN(1)),
	AFTER(TRACE(1, 0x51), COUNT(1, inits, 1), COUNT(1, sipis_ignored, 1), ENTERED(1, 1)),
	END,
};
/* clang-format on */

#define INIT_ROW "IPI: INIT"
#define SIPI_ROW "IPI: SIPI"

#define MEANS_APIC_RESET                                                                           \
	"Registers of the local APIC survive INIT that should be reset, or the reverse: a "        \
	"restarted processor gets stray interrupts or none."

static const struct test rows[] = {
	SCRIPT_ROW("init.apic", SPEC_APIC_AFTER_INIT, INIT_ROW, apic_reset, MODE_XAPIC,
		   EXPLAINS("INIT in an interrupt handler, requests pending and timer armed: the "
			    "local APIC is reset, but for its ID.",
			    MEANS_APIC_RESET),
		   .vcpus = 2),
	SCRIPT_ROW("init.apic.x2apic", SPEC_X2APIC_STATES, INIT_ROW, apic_reset_x2apic, MODE_X2APIC,
		   EXPLAINS("INIT in x2APIC mode resets the local APIC, and keeps the mode, the ID "
			    "and the LDR.",
			    MEANS_APIC_RESET),
		   .vcpus = 2),
	VIRTUAL_ROW("init.virtual.apic", SPEC_VAPIC_INTERRUPTS, INIT_ROW, apic_reset,
		    MODE_VIRTUAL_XAPIC,
		    EXPLAINS("After INIT nothing of the virtual ISR, IRR and priorities is left in "
			     "the processor.",
			     MEANS_VIRTUAL),
		    .vcpus = 2),
	VIRTUAL_ROW("init.virtual.x2apic", SPEC_VAPIC_INTERRUPTS, INIT_ROW, apic_reset_x2apic,
		    MODE_VIRTUAL_X2APIC,
		    EXPLAINS("After INIT in x2APIC mode nothing of the virtual ISR, IRR and "
			     "priorities is left in the processor.",
			     MEANS_VIRTUAL),
		    .vcpus = 2),
	VIRTUAL_ROW("init.virtual.forgets", SPEC_VAPIC_INTERRUPTS, INIT_ROW, forgets, MODE_VIRTUAL,
		    EXPLAINS("INIT forgets a virtual interrupt that is pending, and the next ones "
			     "are delivered.",
			     MEANS_VIRTUAL),
		    .vcpus = 2),
	POSTED_ROW("init.posted.forgets", INIT_ROW, forgets,
		   EXPLAINS("INIT forgets an interrupt that was posted, and the next ones come.",
			    MEANS_POSTED),
		   .vcpus = 2),
	SCRIPT_ROW("init.deassert", SPEC_ICR, INIT_ROW, deassert, MODE_ALL,
		   EXPLAINS("An INIT level de-assert resets nobody, whatever shorthand it has.",
			    "The old de-assert message resets a processor: start-up code that "
			    "still sends it loses its APs."),
		   .vcpus = 2),
	SCRIPT_ROW("init.bsp", SPEC_MP_INIT, INIT_ROW, bsp, MODE_ALL,
		   EXPLAINS("INIT restarts the boot processor at its reset vector, and a SIPI "
			    "means nothing to it.",
			    "The boot processor is taken for an AP: a guest that resets itself by "
			    "INIT hangs waiting for SIPI."),
		   .vcpus = 2),
	SCRIPT_ROW("init.bsp.itself", SPEC_MP_INIT, INIT_ROW, bsp_itself, MODE_ALL,
		   EXPLAINS("The boot processor sends INIT to itself: no instruction after it is "
			    "executed.",
			    "A vCPU goes on after its own INIT: a guest's reset is not immediate."),
		   .vcpus = 1),
	SCRIPT_ROW("init.itself", SPEC_MP_INIT, INIT_ROW, ap_itself, MODE_ALL,
		   EXPLAINS("An AP sends INIT to itself: no instruction after it is executed, and "
			    "it waits for SIPI.",
			    "A vCPU goes on after its own INIT: code runs that must not."),
		   .vcpus = 2),
	SCRIPT_ROW("init.halted", SPEC_MP_INIT, INIT_ROW, halted, MODE_ALL,
		   EXPLAINS("INIT takes a halted AP to wait-for-SIPI, where interrupts and further "
			    "INITs change nothing.",
			    "A halted processor cannot be restarted, or wakes by what it should "
			    "ignore."),
		   .vcpus = 2),
	SCRIPT_ROW("init.forgets", SPEC_AFTER_INIT, INIT_ROW, forgets, MODE_ALL,
		   EXPLAINS("INIT forgets a latched NMI, the blocking by an NMI, and requests that "
			    "are pending.",
			    "What was pending before INIT strikes the restarted processor: its "
			    "first instructions are interrupted, or its NMIs stay blocked."),
		   .vcpus = 2),
	SCRIPT_ROW(
		"init.others", SPEC_ICR, INIT_ROW, others, MODE_ALL,
		EXPLAINS("INIT and SIPI to all others reach each of them once, and not the sender.",
			 "A broadcast INIT or SIPI misses a processor or hits its sender: guests "
			 "do not start all their APs."),
		.vcpus = 4),
	SCRIPT_ROW(
		"init.stopped", SPEC_MP_INIT, INIT_ROW, stopped, MODE_ALL,
		EXPLAINS("A vCPU that was stopped takes neither INIT nor SIPI, NMI or interrupts.",
			 "A vCPU that was ended runs again: Assay's own state machine is broken, "
			 "or memory was changed under it."),
		.vcpus = 2),
	SCRIPT_ROW("sipi.ignored", SPEC_MP_INIT, SIPI_ROW, sipi_ignored, MODE_ALL,
		   EXPLAINS("A SIPI to a processor that runs or halts, and to the boot processor, "
			    "is ignored.",
			    "A stray SIPI restarts a running processor."),
		   .vcpus = 2),
	SCRIPT_ROW(
		"sipi.second", SPEC_MP_INIT, SIPI_ROW, sipi_second, MODE_ALL | APS_WAIT,
		EXPLAINS("Of INIT, SIPI, SIPI the second SIPI finds the AP running and is ignored.",
			 "The classic sequence starts an AP twice: its start-up code runs again "
			 "while it is in use."),
		.vcpus = 2),
};

TEST_GROUP(init, rows);
