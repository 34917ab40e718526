/* Rules of VM entries as rows: bases, outcomes and generators of VMX beside tests/entry/rows.h. */
#ifndef TESTS_VMX_ENTRY_ROWS_H
#define TESTS_VMX_ENTRY_ROWS_H

#include "lib/base.h"

#include "tests/entry/rows.h"
#include "vmx/model/model.h"

/* The states that rows start from: bases.c. All but the first run a VMCALL at once. */
enum entry_base {
	BASE_CONTROLS, /* BASE_64 with GUEST_RFLAGS 0: good controls end as exit reason 33 */
	BASE_64,       /* 64-bit code at CPL 0, paging as the host's */
	BASE_COMPAT,   /* IA-32e mode, 32-bit code */
	BASE_PAE,      /* 32-bit protected mode, PAE paging by PAGE_PDPT */
	BASE_32,       /* 32-bit protected mode, 32-bit paging by PAGE_DIRECTORY */
	BASE_V86,      /* virtual-8086 mode, all segments at 0, paging as BASE_32 */
	BASE_FLAT,     /* protected mode without paging: "unrestricted guest" and EPT */
	BASE_REAL,     /* real mode, CS at PAGE_CODE: "unrestricted guest" and EPT */
	BASE_COUNT
};

enum outcome {
	ENTERS,	 /* the guest runs */
	PASSES,	 /* BASE_CONTROLS: the controls are accepted, GUEST_RFLAGS is not */
	FAILS_7, /* VMfailValid */
	FAILS_8,
	GUEST_0, /* exit reason 33, qualification 0 */
	GUEST_2,
	GUEST_3,
	GUEST_4,
	MSR_LOAD, /* exit reason 34, qualification: AT_MSR_LOAD_POSITION */
	REPORTED, /* processors differ: told, not judged */
};

enum vmx_generator {
	CURRENT = GENERATOR_OF_VENDOR, /* the current-VMCS pointer */
	/* A field of controls: each bit that may not be 1, set; that must be 1, cleared. */
	RESERVED,
	/* Likewise: each bit of .mask that may be both 0 and 1, flipped. */
	ALLOWED,
	/* Each bit of .mask (0: all), flipped, that the register .group may have either way; that
	 * it may not. RESERVED and ALLOWED: .group is an enum control_group. */
	FREE,
	FIXED,
};

/* Registers whose bits the machine lets be free or fixes, for FREE and FIXED. */
enum machine_register {
	REGISTER_CR0, /* as an exit has it, so without "unrestricted guest" */
	REGISTER_CR3,
	REGISTER_CR4,
	REGISTER_EFER,
	REGISTER_PERF_GLOBAL_CTRL,
	REGISTER_DEBUGCTL,
	REGISTER_RTIT_CTL,
	REGISTER_LBR_CTL,
	REGISTER_SPEC_CTRL,
	REGISTER_S_CET,
	REGISTER_COUNT
};

/* clang-format off */
#define PIN_ON(name) OR(PIN_BASED_CONTROLS, CONTROL_MASK(PIN_##name))
#define PIN_OFF(name) CLR(PIN_BASED_CONTROLS, CONTROL_MASK(PIN_##name))
#define PRIMARY_ON(name) OR(PRIMARY_CONTROLS, CONTROL_MASK(PRIMARY_##name))
#define PRIMARY_OFF(name) CLR(PRIMARY_CONTROLS, CONTROL_MASK(PRIMARY_##name))
/* Two changes. */
#define SECONDARY_ON(name) PRIMARY_ON(SECONDARY), OR(SECONDARY_CONTROLS, CONTROL_MASK(SECONDARY_##name))
#define SECONDARY_OFF(name) CLR(SECONDARY_CONTROLS, CONTROL_MASK(SECONDARY_##name))
/* Several, ORed: SECONDARIES_ON(SECONDARY_BIT(EPT) | SECONDARY_BIT(VPID)). */
#define SECONDARY_BIT(name) CONTROL_MASK(SECONDARY_##name)
#define SECONDARIES_ON(bits) PRIMARY_ON(SECONDARY), OR(SECONDARY_CONTROLS, bits)
#define TERTIARY_ON(name) PRIMARY_ON(TERTIARY), OR(TERTIARY_CONTROLS, CONTROL_MASK(TERTIARY_##name))
#define EXIT_ON(name) OR(EXIT_CONTROLS, CONTROL_MASK(EXIT_##name))
#define EXIT_OFF(name) CLR(EXIT_CONTROLS, CONTROL_MASK(EXIT_##name))
#define EXIT2_ON(name) EXIT_ON(SECONDARY), OR(SECONDARY_EXIT_CONTROLS, CONTROL_MASK(EXIT2_##name))
#define ENTRY_ON(name) OR(ENTRY_CONTROLS, CONTROL_MASK(ENTRY_##name))
#define ENTRY_OFF(name) CLR(ENTRY_CONTROLS, CONTROL_MASK(ENTRY_##name))
/* Three changes. Of a guest state: MSR_LOAD tells that it is accepted, and the guest does not run. The
 * entry is bad by the high half of its index and by IA32_FS_BASE in the low one. */
#define NOT_RUN SET(ENTRY_MSR_LOAD_COUNT, 1), SET(MSR_LOAD_POSITION, 1), SET(MSR_LOAD_INDEX, 0x1C0000100)
/* clang-format on */

extern const struct entry_vendor vmx_entry_vendor;

/* Of a base. */
static inline struct entry_origin vmx_origin(const struct model_state *base,
					     const struct model_machine *machine)
{
	return (struct entry_origin){ &vmx_entry_vendor, base->value, machine };
}

/* What bases are built on: the machine, the host's fields, and pages of our own. */
struct entry_ground {
	struct model_machine machine;
	struct model_state host; /* the HOST_ fields, as an entry accepts them */
	uint64_t pages;		 /* physical address of ENTRY_PAGES pages below 4 GiB */
	uint64_t eptp;		 /* of an identity map; 0: none */
	uint64_t cr3_64;	 /* paging of 64-bit guests: the host's */
};

/*
 * The use of those pages, filled by entry_memory_fill(). What a good entry may write to is of its
 * own. The tables map 4 GiB to themselves, writable by everyone, but linear page 0 of 32-bit
 * paging.
 */
enum entry_page {
	PAGE_CODE,	    /* VMCALL in its first bytes */
	PAGE_DIRECTORY,	    /* 32-bit paging with CR4.PSE: 4-MiB pages, the first by PAGE_TABLE */
	PAGE_TABLE,	    /* 4 MiB; linear 0 is PAGE_CODE */
	PAGE_PDPT,	    /* PAE paging: what AT_PDPTE_n and GUEST_PDPTEn have in every base */
	PAGE_PAE_DIRECTORY, /* four pages: 2-MiB pages */
	PAGE_PAE_DIRECTORY_3 = PAGE_PAE_DIRECTORY + 3,
	PAGE_IO_A,
	PAGE_IO_B,
	PAGE_MSR_BITMAP,
	PAGE_VIRTUAL_APIC,
	PAGE_APIC_ACCESS,
	PAGE_LINK,
	PAGE_MSR_LOAD, /* two pages: 512 entries that load IA32_KERNEL_GS_BASE with 0 */
	PAGE_MSR_LOAD_2,
	PAGE_MSR_STORE, /* 256 entries */
	PAGE_POSTED,
	PAGE_PML,
	PAGE_SPARE, /* everything else that is never written */
	ENTRY_PAGES
};

static inline uint64_t entry_page(const struct entry_ground *ground, enum entry_page page)
{
	return ground->pages + page * (uint64_t)PAGE_SIZE;
}

/*
 * Fills those pages, which are zeros, as every base has them; without the tables that some need.
 * pages: the same memory for the program.
 */
void entry_memory_fill(const struct entry_ground *ground, uint8_t *pages);
void entry_tables_fill(const struct entry_ground *ground, uint8_t *pages);
bool entry_needs_tables(enum entry_base base);

/* Fills the state with a base. False: the machine lacks what it needs, *missing says what. */
bool entry_base_make(enum entry_base base, const struct entry_ground *ground,
		     struct model_state *state, const char **missing);

extern const struct entry_section entry_controls, entry_control_addresses, entry_event_injection,
	entry_host, entry_guest_registers, entry_guest_segments, entry_guest_rights,
	entry_guest_state, entry_msrs;

#endif
