/* Which processors an IPI reaches, and vectors that none may have. */
#include "lib/pages.h"

#include "tests/lib/machine_script.h"

/* Scripts read line by line. */
/* clang-format off */

/*
 * Vector 31H ends each of these scripts: it comes to all others after everything else, and lets
 * them take what they have.
 */
#define DONE SEND(ICR_FIXED | ICR_OTHERS | 0x31, 0), WINDOW
#define COLLECT READY, AWAIT_BIT(IRR, 0x31, 1), WINDOW, WINDOW, WINDOW, WINDOW
#define COLLECTORS AT(EACH, ENABLE, COLLECT)

static const struct script_step physical_ids[] = {
	AT(0, ENABLE, AWAIT_READY(3), SEND(ICR_FIXED | 0x51, 1), ICR(ICR_FIXED | 0x51, 1),
		SEND(ICR_FIXED | 0x52, 2), SEND(ICR_FIXED | 0x53, 3), SEND(ICR_FIXED | 0x54, 0),
		ICR(ICR_FIXED | 0x54, 0), SEND(ICR_FIXED | 0x5E, 9), ICR(ICR_FIXED | 0x5E, 9),
		DONE),
	COLLECTORS,
	AFTER(TRACE(0, 0x54), TRACE(1, 0x51, 0x31), TRACE(2, 0x52, 0x31), TRACE(3, 0x53, 0x31),
		COUNT(0, sent, 7)),
	END,
};

/* Bits of the LDR; no bit in common, and no bits at all: nobody. */
static const struct script_step flat[] = {
	AT(0, ENABLE, WRITE(APIC_LDR, 0x01000000), READ(APIC_DFR, 0xFFFFFFFF), AWAIT_READY(3),
		SEND(ICR_FIXED | ICR_LOGICAL | 0x51, 0x02),
		ICR(ICR_FIXED | ICR_LOGICAL | 0x51, 0x02),
		SEND(ICR_FIXED | ICR_LOGICAL | 0x52, 0x06),
		SEND(ICR_FIXED | ICR_LOGICAL | 0x53, 0x09),
		SEND(ICR_FIXED | ICR_LOGICAL | 0x5D, 0x70),
		SEND(ICR_FIXED | ICR_LOGICAL | 0x5E, 0x00),
		SEND(ICR_FIXED | ICR_LOGICAL | 0x61, 0xFF), DONE, WINDOW),
	AT(1, ENABLE, WRITE(APIC_LDR, 0x02000000), COLLECT),
	AT(2, ENABLE, WRITE(APIC_LDR, 0x04000000), COLLECT),
	AT(3, ENABLE, WRITE(APIC_LDR, 0x88FFFFFF), READ(APIC_LDR, 0x88000000), COLLECT),
	AFTER(TRACE(0, 0x61, 0x53), TRACE(1, 0x61, 0x52, 0x51, 0x31), TRACE(2, 0x61, 0x52, 0x31),
		TRACE(3, 0x61, 0x53, 0x31), COUNT(0, sent, 12)),
	END,
};

/* Cluster in the high half, members in the low one; all ones are everybody. */
static const struct script_step clusters[] = {
	AT(0, ENABLE, WRITE(APIC_DFR, 0), WRITE(APIC_LDR, 0x11000000), AWAIT_READY(3),
		SEND(ICR_FIXED | ICR_LOGICAL | 0x51, 0x13),
		SEND(ICR_FIXED | ICR_LOGICAL | 0x52, 0x21),
		SEND(ICR_FIXED | ICR_LOGICAL | 0x53, 0x2F),
		SEND(ICR_FIXED | ICR_LOGICAL | 0x5C, 0x31),
		SEND(ICR_FIXED | ICR_LOGICAL | 0x5D, 0x10),
		SEND(ICR_FIXED | ICR_LOGICAL | 0x5E, 0x18),
		SEND(ICR_FIXED | ICR_LOGICAL | 0x61, 0xFF), DONE, WINDOW),
	AT(1, ENABLE, WRITE(APIC_DFR, 0), WRITE(APIC_LDR, 0x12000000), COLLECT),
	AT(2, ENABLE, WRITE(APIC_DFR, 0), WRITE(APIC_LDR, 0x21000000), COLLECT),
	AT(3, ENABLE, WRITE(APIC_DFR, 0), WRITE(APIC_LDR, 0x22000000), COLLECT),
	AFTER(TRACE(0, 0x61, 0x51), TRACE(1, 0x61, 0x51, 0x31), TRACE(2, 0x61, 0x53, 0x52, 0x31),
		TRACE(3, 0x61, 0x53, 0x31), COUNT(0, sent, 12)),
	END,
};

static const uint32_t cluster_ids[] = { 0, 1, 0x10, 0x11 };

/* APIC ids 0, 1, 10H, 11H: two clusters of 16. FFH is no broadcast here. */
static const struct script_step x2apic_clusters[] = {
	AT(0, ENABLE, READ(APIC_LDR, 0x1), AWAIT_READY(3),
		SEND(ICR_FIXED | ICR_LOGICAL | 0x51, 0x00003),
		ICR(ICR_FIXED | ICR_LOGICAL | 0x51, 0x00003),
		SEND(ICR_FIXED | ICR_LOGICAL | 0x52, 0x10001),
		ICR(ICR_FIXED | ICR_LOGICAL | 0x52, 0x10001),
		SEND(ICR_FIXED | ICR_LOGICAL | 0x53, 0x1FFFF),
		SEND(ICR_FIXED | ICR_LOGICAL | 0x5C, 0x20001),
		SEND(ICR_FIXED | ICR_LOGICAL | 0x5D, 0x10000),
		SEND(ICR_FIXED | ICR_LOGICAL | 0x5E, 0x10004),
		SEND(ICR_FIXED | ICR_LOGICAL | 0x61, 0xFFFFFFFF),
		SEND(ICR_FIXED | ICR_LOGICAL | 0x54, 0xFF), DONE, WINDOW, WINDOW),
	AT(1, ENABLE, READ(APIC_ID, 1), READ(APIC_LDR, 0x2), COLLECT),
	AT(2, ENABLE, READ(APIC_ID, 0x10), READ(APIC_LDR, 0x10001), COLLECT),
	AT(3, ENABLE, READ(APIC_ID, 0x11), READ(APIC_LDR, 0x10002), COLLECT),
	AFTER(TRACE(0, 0x61, 0x54, 0x51), TRACE(1, 0x61, 0x54, 0x51, 0x31),
		TRACE(2, 0x61, 0x53, 0x52, 0x31), TRACE(3, 0x61, 0x53, 0x31), COUNT(0, sent, 14)),
	END,
};

static const uint32_t wide_ids[] = { 0, 0x101, 0x12345, 0xFFFE };

/* APIC ids 0, 101H, 12345H, FFFEH: 32 bits count, in CPUID too. */
static const struct script_step wide[] = {
	AT(0, ENABLE, AWAIT_READY(3), SEND(ICR_FIXED | 0x51, 0x101), ICR(ICR_FIXED | 0x51, 0x101),
		SEND(ICR_FIXED | 0x52, 0x12345), ICR(ICR_FIXED | 0x52, 0x12345),
		SEND(ICR_FIXED | 0x53, 0xFFFE), SEND(ICR_FIXED | 0x5B, 0x01),
		SEND(ICR_FIXED | 0x5C, 0x45), SEND(ICR_FIXED | 0x5D, 0xFF),
		SEND(ICR_FIXED | 0x5E, 0x2345), SEND(ICR_FIXED | ICR_LOGICAL | 0x54, 0x12340020),
		SEND(ICR_FIXED | ICR_LOGICAL | 0x55, 0x0FFF4000),
		SEND(ICR_FIXED | 0x61, 0xFFFFFFFF), ICR(ICR_FIXED | 0x61, 0xFFFFFFFF), DONE),
	AT(1, ENABLE, READ(APIC_ID, 0x101), READ(APIC_LDR, 0x00100002),
		CPUID_MASKED(0xB, 3, ~0u, 0x101), CPUID_MASKED(1, 1, 0xFF000000, 0x01000000),
		COLLECT),
	AT(2, ENABLE, READ(APIC_ID, 0x12345), READ(APIC_LDR, 0x12340020),
		CPUID_MASKED(0xB, 3, ~0u, 0x12345), COLLECT),
	AT(3, ENABLE, READ(APIC_ID, 0xFFFE), READ(APIC_LDR, 0x0FFF4000),
		CPUID_MASKED(0xB, 3, ~0u, 0xFFFE), COLLECT),
	AFTER(TRACE(0, 0x61), TRACE(1, 0x61, 0x51, 0x31), TRACE(2, 0x61, 0x54, 0x52, 0x31),
		TRACE(3, 0x61, 0x55, 0x53, 0x31), COUNT(0, sent, 12)),
	END,
};

/* Physical FFH, any delivery mode; FFFFFFFFH in x2APIC mode, where FFH is one processor's id. */
static const struct script_step broadcast[] = {
	AT(0, ENABLE, AWAIT_READY(2), SEND(ICR_FIXED | 0x51, 0xFF), ICR(ICR_FIXED | 0x51, 0xFF),
		SEND(ICR_NMI, 0xFF), DONE),
	COLLECTORS,
	AFTER(TRACE(0, NMI_VECTOR, 0x51), TRACE(1, NMI_VECTOR, 0x51, 0x31),
		TRACE(2, NMI_VECTOR, 0x51, 0x31)),
	END,
};

static const struct script_step x2apic_broadcast[] = {
	AT(0, ENABLE, AWAIT_READY(2), SEND(ICR_FIXED | 0x51, 0xFFFFFFFF),
		SEND(ICR_FIXED | 0x5E, 0xFF), SEND(ICR_NMI, 0xFFFFFFFF), DONE),
	COLLECTORS,
	AFTER(TRACE(0, NMI_VECTOR, 0x51), TRACE(1, NMI_VECTOR, 0x51, 0x31),
		TRACE(2, NMI_VECTOR, 0x51, 0x31)),
	END,
};

/* The destination field means nothing then. */
static const struct script_step shorthands[] = {
	AT(0, ENABLE, AWAIT_READY(2), SEND(ICR_FIXED | ICR_SELF | 0x51, 1),
		ICR(ICR_FIXED | ICR_SELF | 0x51, 1), READ_BIT(IRR, 0x51, 1),
		SEND(ICR_FIXED | ICR_ALL | 0x52, 1), ICR(ICR_FIXED | ICR_ALL | 0x52, 1),
		SEND(ICR_FIXED | ICR_OTHERS | 0x53, 0), ICR(ICR_FIXED | ICR_OTHERS | 0x53, 0),
		SEND(ICR_FIXED | ICR_LOGICAL | ICR_SELF | 0x54, 0), DONE, WINDOW, WINDOW),
	COLLECTORS,
	AFTER(TRACE(0, 0x54, 0x52, 0x51), TRACE(1, 0x53, 0x52, 0x31), TRACE(2, 0x53, 0x52, 0x31),
		COUNT(0, sent, 9)),
	END,
};

static const struct script_step self_register[] = {
	AT(0, ENABLE, SEND(ICR_FIXED | 0x31, 5), WRITE(APIC_SELF_IPI, 0x51), READ_BIT(IRR, 0x51, 1),
		READ_BIT(TMR, 0x51, 0), ICR(ICR_FIXED | 0x31, 5), WRITE(APIC_SELF_IPI, 0x0F),
		WRITE(APIC_ESR, 0), READ_MASKED(APIC_ESR, 0x20, 0x20), READ(APIC_IRR, 0), WINDOW,
		TAKEN(1)),
	AFTER(TRACE(0, 0x51), COUNT(0, sent, 1)),
	END,
};

/* Nobody has these ids: a caller is told, a guest is not; nothing is sent. */
static const struct script_step unknown[] = {
	AT(0, ENABLE, AWAIT_READY(1), SEND(ICR_FIXED | 0x51, 9), SEND(ICR_NMI, 9),
		SEND(ICR_INIT, 9), SEND(ICR_SIPI | 1, 9), SEND(ICR_FIXED | ICR_LOGICAL | 0x51, 0),
		WRITE(APIC_ESR, 0), READ(APIC_ESR, 0), SEND(ICR_FIXED | 0x31, 1)),
	AT(1, ENABLE, READY, AWAIT_BIT(IRR, 0x31, 1), READ_BIT(IRR, 0x51, 0), TAKEN(0)),
	HOST(POST(ICR_FIXED | 0x51, 9, STATUS_NOT_FOUND), POST(ICR_NMI, 9, STATUS_NOT_FOUND),
		POST(ICR_INIT, 0x10000, STATUS_NOT_FOUND), POST(ICR_SIPI | 1, 9, STATUS_NOT_FOUND),
		POST(ICR_EXTINT | 0x51, 9, STATUS_NOT_FOUND),
		POST(ICR_LOWEST | 0x51, 9, STATUS_NOT_FOUND),
		POST(ICR_FIXED | ICR_LOGICAL | 0x51, 0, STATUS_NOT_FOUND),
		POST(ICR_LOWEST | ICR_LOGICAL | 0x51, 0, STATUS_NOT_FOUND),
		POST(ICR_FIXED | 0x51, 0xFF, STATUS_NOT_FOUND)),
	AFTER(COUNT(0, sent, 1), COUNT(0, received, 0), COUNT(1, received, 3), REFUSED(0)),
	END,
};

/* A source of another VM is none of ours. */
static void unknown_source(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	struct vcpu *stranger = NULL;
	struct ipi ipi = { .mode = DELIVERY_NMI, .assert = true };

	stranger = pages_alloc((sizeof(*stranger) + PAGE_SIZE - 1) / PAGE_SIZE);
	if (require(run, "memory", stranger ? STATUS_OK : STATUS_NO_MEMORY)) {
		ipi.source = stranger;
		expect(run, "status", STATUS_NOT_FOUND, ipi_send(fixture->vm, &ipi));
		expect(run, "sent", 0, atomic_load(&stranger->counts.sent));
		fixture_expect_counts(fixture);
	}
	pages_free(stranger, (sizeof(*stranger) + PAGE_SIZE - 1) / PAGE_SIZE);
}

/* The sender's ESR has it after a write, and until the next one. 10H is a vector like others. */
static const struct script_step illegal_vectors[] = {
	AT(0, ENABLE, AWAIT_READY(1), READ(APIC_ESR, 0), SEND(ICR_FIXED | 0x0F, 1),
		ICR(ICR_FIXED | 0x0F, 1), READ(APIC_ESR, 0), WRITE(APIC_ESR, 0),
		READ(APIC_ESR, 0x20), READ(APIC_ESR, 0x20), WRITE(APIC_ESR, 0), READ(APIC_ESR, 0),
		SEND(ICR_FIXED | 0, 1), WRITE(APIC_ESR, 0), READ(APIC_ESR, 0x20),
		SEND(ICR_FIXED | ICR_SELF | 5, 0), WRITE(APIC_ESR, 0),
		READ_MASKED(APIC_ESR, 0x20, 0x20), SEND(ICR_FIXED | ICR_OTHERS | 8, 0),
		WRITE(APIC_ESR, 0), READ(APIC_ESR, 0x20), SEND(ICR_FIXED | ICR_ALL | 9, 0),
		WRITE(APIC_ESR, 0), READ_MASKED(APIC_ESR, 0x20, 0x20), SEND(ICR_FIXED | 9, 77),
		WRITE(APIC_ESR, 0), READ(APIC_ESR, 0x20), SEND(ICR_SIPI | 1, 77),
		SEND(ICR_NMI | 1, 77), SEND(ICR_INIT | 1, 77), SEND(ICR_FIXED | 0x10, 1),
		WRITE(APIC_ESR, 0), READ(APIC_ESR, 0), READ(APIC_IRR, 0)),
	AT(1, ENABLE, READY, AWAIT_BIT(IRR, 0x10, 1), READ(APIC_IRR, 1 << 0x10), WRITE(APIC_ESR, 0),
		READ(APIC_ESR, 0), TAKEN(0)),
	AFTER(COUNT(0, sent, 1), COUNT(1, received, 3)),
	END,
};

/* One that arrives all the same is the receiver's error. */
static const struct script_step illegal_received[] = {
	AT(0, ENABLE, WRITE(APIC_LVT_ERROR, 0xE1), STI, READY, AWAIT_TAKEN(1), AWAIT_FLAG(1, 1),
		READ(APIC_IRR, 0), READ(APIC_ESR, 0), WRITE(APIC_ESR, 0), READ(APIC_ESR, 0x40),
		WRITE(APIC_ESR, 0), READ(APIC_ESR, 0), TAKEN(1)),
	HOST(AWAIT_READY(1), POST(ICR_FIXED | 0x0F, 0, STATUS_OK),
		POST(ICR_FIXED | 0x00, 0, STATUS_OK), AWAIT_COUNT(0, dropped, 2), FLAG(1)),
	AFTER(TRACE(0, 0xE1)),
	END,
};

/* The LVT error interrupt: once, until a write to the ESR rearms it; not while masked. */
static const struct script_step error_interrupt[] = {
	AT(0, ENABLE, WRITE(APIC_LVT_ERROR, 0xE1), STI, SEND(ICR_FIXED | ICR_SELF | 3, 0),
		AWAIT_TAKEN(1),
		SEND(ICR_FIXED | ICR_SELF | 3, 0), TAKEN(1), WRITE(APIC_ESR, 0),
		SEND(ICR_FIXED | ICR_SELF | 3, 0),
		AWAIT_TAKEN(2), TAKEN(2), WRITE(APIC_LVT_ERROR, 0x100E1), WRITE(APIC_ESR, 0),
		SEND(ICR_FIXED | ICR_SELF | 3, 0), TAKEN(2), WRITE(APIC_ESR, 0),
		READ_MASKED(APIC_ESR, 0x20, 0x20), TAKEN(2),
		/* an illegal vector in this very entry does not go round for ever */
		WRITE(APIC_LVT_ERROR, 0x05), SEND(ICR_FIXED | ICR_SELF | 3, 0), TAKEN(2),
		READ(APIC_IRR, 0)),
	AFTER(TRACE(0, 0xE1, 0xE1)),
	END,
};

/* The machine's own APIC ids, two in a cluster or not; the manual derives the LDR from them. */
static const struct script_step machine_x2apic_logical[] = {
	AT(0, ENABLE, AWAIT_READY(3), SEND(ICR_FIXED | ICR_LOGICAL | 0x51, 1),
		ICR(ICR_FIXED | ICR_LOGICAL | 0x51, 1), SEND(ICR_FIXED | ICR_LOGICAL | 0x52, 2),
		SEND(ICR_FIXED | ICR_LOGICAL | 0x53, 3), SEND(ICR_FIXED | ICR_LOGICAL | 0x54, 0),
		SEND(ICR_FIXED | ICR_LOGICAL | 0x61, 0xFFFFFFFF), DONE, WINDOW),
	COLLECTORS,
	AFTER(TRACE(0, 0x61, 0x54), TRACE(1, 0x61, 0x51, 0x31), TRACE(2, 0x61, 0x52, 0x31),
		TRACE(3, 0x61, 0x53, 0x31)),
	END,
};

/* No NMIs: a processor that the firmware does not tell of would get them, too. */
#define MACHINE_BROADCAST(all) \
	AT(0, ENABLE, AWAIT_READY(3), SEND(ICR_FIXED | 0x51, all), ICR(ICR_FIXED | 0x51, all), \
		DONE), \
	COLLECTORS, \
	AFTER(TRACE(0, 0x51), TRACE(1, 0x51, 0x31), TRACE(2, 0x51, 0x31), TRACE(3, 0x51, 0x31))

static const struct script_step machine_broadcast[] = { MACHINE_BROADCAST(0xFF), END };
static const struct script_step machine_x2apic_broadcast[] = { MACHINE_BROADCAST(0xFFFFFFFF), END };

static const struct script_step machine_self_register[] = {
	AT(0, ENABLE, WRITE(APIC_SELF_IPI, 0x51), READ_BIT(IRR, 0x51, 1), READ_BIT(TMR, 0x51, 0),
		WINDOW, TAKEN(1)),
	AFTER(TRACE(0, 0x51)),
	END,
};

/* The sender's error, and nobody's vector. Whether it is sent at all is not said. */
#define ILLEGAL(low, to) \
	SEND(low, to), WRITE(APIC_ESR, 0), READ_MASKED(APIC_ESR, 0x20, 0x20)
static const struct script_step machine_illegal[] = {
	AT(0, ENABLE, AWAIT_READY(1), ILLEGAL(ICR_FIXED | 0x0F, 1),
		READ_MASKED(APIC_ESR, 0x20, 0x20), WRITE(APIC_ESR, 0),
		READ_MASKED(APIC_ESR, 0x20, 0), ILLEGAL(ICR_FIXED | 0, 1), WRITE(APIC_ESR, 0),
		SEND(ICR_FIXED | 0x10, 1), WRITE(APIC_ESR, 0), READ_MASKED(APIC_ESR, 0x20, 0),
		ILLEGAL(ICR_FIXED | ICR_SELF | 5, 0), READ_MASKED(APIC_IRR, 0xFFFF, 0)),
	AT(1, ENABLE, READY, AWAIT_BIT(IRR, 0x10, 1), READ_MASKED(APIC_IRR, 0xFFFF, 0), WINDOW,
		TAKEN(1)),
	AFTER(NO_TRACE(0), TRACE(1, 0x10)),
	END,
};

/* To another processor, so that there is one error. */
static const struct script_step machine_error[] = {
	AT(0, ENABLE, WRITE(APIC_LVT_ERROR, 0xE1), STI, SEND(ICR_FIXED | 3, 1), TAKEN(1),
		WRITE(APIC_ESR, 0), SEND(ICR_FIXED | 3, 1), TAKEN(2),
		WRITE(APIC_LVT_ERROR, 0x100E1), WRITE(APIC_ESR, 0), SEND(ICR_FIXED | 3, 1),
		WRITE(APIC_ESR, 0), READ_MASKED(APIC_ESR, 0x20, 0x20), TAKEN(2)),
	AT(1, ENABLE),
	AFTER(TRACE(0, 0xE1, 0xE1)),
	END,
};
/* clang-format on */

#define MEANS_DESTINATION                                                                          \
	"An IPI reaches a processor that was not meant, or misses one that was: TLB shoot-downs "  \
	"and start-up in guests fail."
#define MEANS_VECTORS                                                                              \
	"Illegal vectors are delivered, or their error is not reported: a driver's bug becomes a " \
	"stray exception."

static const struct test rows[] = {
	SCRIPT_ROW("destination.physical", SPEC_PHYSICAL_MODE, "destination: physical",
		   physical_ids, MODE_ALL,
		   EXPLAINS("Physical destinations reach exactly the processor with that APIC id, "
			    "the sender too.",
			    MEANS_DESTINATION),
		   .vcpus = 4),
	SCRIPT_ROW("destination.flat", SPEC_LOGICAL_MODE, "destination: logical flat", flat,
		   MODE_XAPIC,
		   EXPLAINS("Logical flat destinations reach those whose LDR has a bit in common, "
			    "and nobody without one.",
			    MEANS_DESTINATION),
		   .vcpus = 4),
	SCRIPT_ROW("destination.cluster", SPEC_LOGICAL_MODE, "destination: logical cluster",
		   clusters, MODE_XAPIC,
		   EXPLAINS("Logical cluster destinations reach members of one cluster; all ones "
			    "reach everybody.",
			    MEANS_DESTINATION),
		   .vcpus = 4),
	SCRIPT_ROW("destination.x2apic.cluster", SPEC_X2APIC_LOGICAL_MODE, "destination: x2APIC",
		   x2apic_clusters, MODE_X2APIC,
		   EXPLAINS("x2APIC logical destinations: 16 bits of cluster, 16 of members, "
			    "derived from the APIC ids.",
			    MEANS_DESTINATION),
		   .vcpus = 4, .apic_ids = cluster_ids),
	SCRIPT_ROW("destination.x2apic.wide", SPEC_X2APIC_ICR, "destination: x2APIC", wide,
		   MODE_X2APIC,
		   EXPLAINS("APIC ids beyond 8 bits: all 32 bits decide, in the ICR, the LDR and "
			    "CPUID.",
			    MEANS_DESTINATION),
		   .vcpus = 4, .apic_ids = wide_ids),
	SCRIPT_ROW(
		"destination.broadcast", SPEC_PHYSICAL_MODE, "destination: physical", broadcast,
		MODE_XAPIC,
		EXPLAINS("Physical destination FFH reaches all processors, in every delivery mode.",
			 MEANS_DESTINATION),
		.vcpus = 3),
	SCRIPT_ROW("destination.x2apic.broadcast", SPEC_X2APIC_ICR, "destination: physical",
		   x2apic_broadcast, MODE_X2APIC,
		   EXPLAINS("In x2APIC mode FFFFFFFFH reaches all processors, and FFH only the one "
			    "with that id.",
			    MEANS_DESTINATION),
		   .vcpus = 3),
	SCRIPT_ROW("destination.shorthands", SPEC_IPI_DESTINATION, "destination: shorthands",
		   shorthands, MODE_ALL,
		   EXPLAINS("The shorthands self, all and others override the destination field.",
			    MEANS_DESTINATION),
		   .vcpus = 3),
	SCRIPT_ROW("destination.x2apic.self", SPEC_SELF_IPI, "destination: shorthands",
		   self_register, MODE_X2APIC,
		   EXPLAINS("The SELF IPI register sends to its own processor; vectors below 16 "
			    "are an error.",
			    MEANS_DESTINATION),
		   .vcpus = 1),
	SCRIPT_ROW("destination.unknown", SPEC_IPI_DESTINATION, "destination: unknown", unknown,
		   MODE_ALL,
		   EXPLAINS("IPIs to APIC ids that nobody has are dropped without an error to the "
			    "guest.",
			    "An IPI into the void reaches somebody, or raises an error that the "
			    "guest does not expect."),
		   .vcpus = 2),
	{ .name = "destination.unknown.source",
	  .spec = SPEC_IPI_DESTINATION,
	  .run = fixture_run,
	  .body = unknown_source,
	  .guest = GUEST(.vcpus = 1, .bsp = GUEST_idle),
	  .needs = NEEDS_GUEST,
	  .row = "VM: send an IPI",
	  EXPLAINS("A message whose source is a vCPU of another VM is refused.",
		   "Assay's own check of a message's source is broken: VMs are not kept apart.") },
	SCRIPT_ROW("vector.illegal", SPEC_VALID_VECTORS, "APIC: illegal vectors", illegal_vectors,
		   MODE_ALL,
		   EXPLAINS("Sending a vector below 16 sets the sender's ESR after a write to it, "
			    "and delivers nothing.",
			    MEANS_VECTORS),
		   .vcpus = 2),
	SCRIPT_ROW("vector.illegal.received", SPEC_APIC_ERRORS, "APIC: illegal vectors",
		   illegal_received, MODE_ALL,
		   EXPLAINS("A vector below 16 that arrives all the same is the receiver's error, "
			    "and delivers nothing.",
			    MEANS_VECTORS),
		   .vcpus = 1),
	SCRIPT_ROW("vector.illegal.interrupt", SPEC_APIC_ERRORS, "APIC: illegal vectors",
		   error_interrupt, MODE_ALL,
		   EXPLAINS("The LVT error interrupt comes once until the ESR is written, not "
			    "while masked, and does not loop.",
			    MEANS_VECTORS),
		   .vcpus = 1),
	VIRTUAL_ROW("destination.virtual.shorthands", SPEC_VAPIC_INTERRUPTS,
		    "destination: shorthands", shorthands, MODE_VIRTUAL,
		    EXPLAINS("Self-IPIs are virtualized by the processor, other shorthands and "
			     "destinations exit.",
			     MEANS_VIRTUAL),
		    .vcpus = 3),
	VIRTUAL_ROW("destination.virtual.self", SPEC_VAPIC_MSRS, "destination: shorthands",
		    self_register, MODE_VIRTUAL_X2APIC,
		    EXPLAINS("A WRMSR of the SELF IPI register is virtualized, and one of a vector "
			     "below 16 exits.",
			     MEANS_VIRTUAL),
		    .vcpus = 1),
	VIRTUAL_ROW("vector.virtual.illegal", SPEC_VAPIC_INTERRUPTS, "APIC: illegal vectors",
		    illegal_vectors, MODE_VIRTUAL,
		    EXPLAINS("An ICR write of a vector below 16 is no self-IPI that the processor "
			     "virtualizes: it exits, and sets the ESR.",
			     MEANS_VIRTUAL),
		    .vcpus = 2),
	VIRTUAL_ROW("vector.virtual.interrupt", SPEC_VAPIC_INTERRUPTS, "APIC: illegal vectors",
		    error_interrupt, MODE_VIRTUAL,
		    EXPLAINS("Error interrupts that an APIC-write exit raises are delivered at the "
			     "next entry.",
			     MEANS_VIRTUAL),
		    .vcpus = 1),
	POSTED_ROW(
		"destination.posted.shorthands", "destination: shorthands", shorthands,
		EXPLAINS("Posted interrupts reach those that the shorthand names.", MEANS_POSTED),
		.vcpus = 3),
	MACHINE_ROW("destination.machine.physical", SPEC_PHYSICAL_MODE, 1, ALL_PROCESSORS,
		    EXPLAINS("On the machine itself physical destinations reach exactly the "
			     "processor with that APIC id, the sender too.",
			     MEANS_MACHINE),
		    { MODE_ALL, physical_ids }),
	MACHINE_ROW("destination.machine.logical", SPEC_LOGICAL_MODE, 1, ALL_PROCESSORS,
		    EXPLAINS("On the machine itself logical destinations, flat and cluster or "
			     "x2APIC, reach those that they name.",
			     MEANS_MACHINE),
		    { MODE_XAPIC, flat }, { MODE_XAPIC, clusters },
		    { MODE_X2APIC, machine_x2apic_logical }),
	MACHINE_ROW("destination.machine.broadcast", SPEC_PHYSICAL_MODE, 1, ALL_PROCESSORS,
		    EXPLAINS("On the machine itself the physical destination of all ones reaches "
			     "every processor once.",
			     MEANS_MACHINE),
		    { MODE_XAPIC, machine_broadcast }, { MODE_X2APIC, machine_x2apic_broadcast }),
	MACHINE_ROW("destination.machine.shorthands", SPEC_IPI_DESTINATION, 1, ALL_PROCESSORS,
		    EXPLAINS("On the machine itself the shorthands self, all and others, and the "
			     "SELF IPI register, reach whom they say.",
			     MEANS_MACHINE),
		    { MODE_ALL, shorthands }, { MODE_X2APIC, machine_self_register }),
	MACHINE_ROW("vector.machine.illegal", SPEC_VALID_VECTORS, 2, 0,
		    EXPLAINS("Sending a vector below 16 sets the ESR of the machine's local APIC, "
			     "and delivers nothing; 10H is delivered.",
			     MEANS_MACHINE),
		    { MODE_ALL, machine_illegal }),
	MACHINE_ROW("vector.machine.illegal.interrupt", SPEC_APIC_ERRORS, 2, 0,
		    EXPLAINS("The machine's LVT error interrupt comes for an illegal vector, "
			     "again after a write to the ESR, not while masked.",
			     MEANS_MACHINE),
		    { MODE_ALL, machine_error }),
};

TEST_GROUP(destination, rows);
