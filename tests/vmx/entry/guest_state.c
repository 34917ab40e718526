/*
 * SDM vol. 3C, "Checks on Guest Non-Register State", "Checks on Guest Page-Directory-Pointer-Table
 * Entries".
 *
 * Only the two rows that are .last wait in an activity state: of the others NOT_RUN says whether
 * the state is accepted. Bad rows without such a state go without it, as hypervisors leave checks
 * to the processor, which comes after their own MSR loading; if such a row is accepted, the guest
 * exits by its VMCALL, by #DB, or by #GP in the delivery through an IDT of no length.
 *
 * Rules of the catalogue that only allow something have no line in the model; their rows stand with
 * the rule that would forbid it: intr.inject.other, pending.bs_free, link.none, pdpte.absent,
 * pdpte.unused.
 */
#include "x86/control.h"

#include "tests/vmx/entry/rows.h"

/* GUEST_ACTIVITY_STATE */
enum { HLT = 1, SHUTDOWN, WAIT_FOR_SIPI };

/* GUEST_INTERRUPTIBILITY */
enum { BY_STI = 1 << 0, BY_MOV_SS = 1 << 1, BY_SMI = 1 << 2, BY_NMI = 1 << 3, ENCLAVE = 1 << 4 };

/* GUEST_PENDING_DEBUG */
enum { B0_B3 = 0xF, BUS_LOCK = 1 << 11, ENABLED = 1 << 12, BS = 1 << 14, RTM = 1 << 16 };

enum { BTF = 1 << 1 };

static bool has_state(const struct model_machine *m, unsigned state)
{
	return m->misc >> (5 + state) & 1;
}

static bool has_mtf(const struct model_machine *m)
{
	return m->controls[GROUP_PRIMARY] >> 32 & CONTROL_MASK(PRIMARY_MONITOR_TRAP);
}

static bool has_hlt(const struct model_machine *m)
{
	return has_state(m, HLT);
}

static bool has_shutdown(const struct model_machine *m)
{
	return has_state(m, SHUTDOWN);
}

static bool has_sipi(const struct model_machine *m)
{
	return has_state(m, WAIT_FOR_SIPI);
}

static bool lacks_hlt(const struct model_machine *m)
{
	return !has_hlt(m);
}

static bool lacks_shutdown(const struct model_machine *m)
{
	return !has_shutdown(m);
}

static bool lacks_sipi(const struct model_machine *m)
{
	return !has_sipi(m);
}

static bool has_hlt_and_mtf(const struct model_machine *m)
{
	return has_hlt(m) && has_mtf(m);
}

static bool has_btf(const struct model_machine *m)
{
	return m->debugctl & BTF;
}

static bool has_hlt_and_btf(const struct model_machine *m)
{
	return has_hlt(m) && has_btf(m);
}

static bool has_sgx(const struct model_machine *m)
{
	return m->sgx;
}

static bool lacks_sgx(const struct model_machine *m)
{
	return !m->sgx;
}

static bool has_fred(const struct model_machine *m)
{
	return m->cr4_fixed1 & BIT(32);
}

static bool has_rtm(const struct model_machine *m)
{
	return m->rtm;
}

static bool lacks_rtm(const struct model_machine *m)
{
	return !m->rtm;
}

static bool has_bus_lock(const struct model_machine *m)
{
	return m->bus_lock;
}

static bool lacks_bus_lock(const struct model_machine *m)
{
	return !m->bus_lock;
}

/* The fields GUEST_PDPTEn exist. */
static bool has_ept(const struct model_machine *m)
{
	return m->controls[GROUP_SECONDARY] >> 32 & CONTROL_MASK(SECONDARY_EPT);
}

/* clang-format off */
#define NEEDS(what, text) .needs.vmx = what, .needs_text = text
#define NEEDS_HLT NEEDS(has_hlt, "the activity state HLT")
#define NEEDS_SHUTDOWN NEEDS(has_shutdown, "the activity state shutdown")
#define NEEDS_SIPI NEEDS(has_sipi, "the activity state wait-for-SIPI")
#define NEEDS_MTF NEEDS(has_mtf, "monitor trap flag")
#define NEEDS_BTF NEEDS(has_btf, "IA32_DEBUGCTL.BTF")
#define NEEDS_EPT NEEDS(has_ept, "EPT")
#define VIRTUAL_NMIS PIN_ON(NMI), PIN_ON(VIRTUAL_NMIS)
#define IF_SET OR(GUEST_RFLAGS, RFLAGS_IF)
#define TF_SET OR(GUEST_RFLAGS, RFLAGS_TF)
#define TF_IF_SET OR(GUEST_RFLAGS, RFLAGS_TF | RFLAGS_IF)
#define STATE(state) SET(GUEST_ACTIVITY_STATE, state)
#define BLOCKED(by) SET(GUEST_INTERRUPTIBILITY, by)
/* Four changes: the privilege level; more bits of the access rights of SS. */
#define LEVEL_SS(n, more) OR(GUEST_CS_SELECTOR, n), OR(GUEST_SS_SELECTOR, n), \
	OR(GUEST_CS_RIGHTS, (n) << 5), OR(GUEST_SS_RIGHTS, (more) | (n) << 5)
#define LEVEL(n) LEVEL_SS(n, 0)
/* ENTRY_INTERRUPTION_INFO: a type and a vector; CODE: with error code. */
#define EVENT(type, vector) (0x80000000 | (type) << 8 | (vector))
#define CODE(vector) (0x80000B00 | (vector))
#define INJECT(type, vector) SET(ENTRY_INTERRUPTION_INFO, EVENT(type, vector))
/* Hardware exceptions but #DB, #MC and #CP; whether #CP has an error code is another rule's. */
#define EXCEPTIONS \
	EVENT(3, 0), EVENT(3, 2), EVENT(3, 3), EVENT(3, 4), EVENT(3, 5), EVENT(3, 6), EVENT(3, 7), CODE(8), \
	EVENT(3, 9), CODE(10), CODE(11), CODE(12), CODE(13), CODE(14), EVENT(3, 15), EVENT(3, 16), CODE(17), \
	EVENT(3, 19), EVENT(3, 20), EVENT(3, 22), EVENT(3, 23), EVENT(3, 24), EVENT(3, 25), EVENT(3, 26), \
	EVENT(3, 27), EVENT(3, 28), EVENT(3, 29), EVENT(3, 30), EVENT(3, 31)
/* By instructions: INT n, INT1, INT3, INTO. Needs an instruction length. */
#define SOFTWARE EVENT(4, 0x20), EVENT(4, 1), EVENT(4, 2), EVENT(4, 18), EVENT(5, 1), EVENT(6, 3), EVENT(6, 4)
#define LENGTH SET(ENTRY_INSTRUCTION_LENGTH, 1)
#define AT_STATE .at = AT_GUEST_ACTIVITY_STATE
#define AT_BLOCKED .at = AT_GUEST_INTERRUPTIBILITY
#define AT_EVENT .at = AT_ENTRY_INTERRUPTION_INFO
#define AT_PENDING .at = AT_GUEST_PENDING_DEBUG
#define AT2_BLOCKED .at2 = AT_GUEST_INTERRUPTIBILITY
#define AT2_EVENT .at2 = AT_ENTRY_INTERRUPTION_INFO
#define AT2_PENDING .at2 = AT_GUEST_PENDING_DEBUG
#define DEBUGCTL(value) SET(GUEST_IA32_DEBUGCTL, value)
#define LOADED(value) ENTRY_ON(LOAD_DEBUG), DEBUGCTL(value)
#define NOT_LOADED(value) ENTRY_OFF(LOAD_DEBUG), DEBUGCTL(value)
#define AT_LINK .at = AT_VMCS_LINK_POINTER
#define LINK OWN(VMCS_LINK_POINTER, PAGE_LINK)
/* Of a PDPTE: reserved bits below the physical width, bits that are free. */
#define PDPTE_RESERVED 0x1E6
#define PDPTE_FREE 0xE18
#define EACH_FIELD .at = AT_GUEST_PDPTE0, .over = 0xF
#define EACH_IN_MEMORY .at = AT_PDPTE_0, .over = 0xF

static const struct entry_row rows[] = {
	/* Activity state */
	{ "activity.range", BASE_64, ENTERS, ONE, WITH(STATE(0)) },
	{ "activity.range", BASE_64, GUEST_0, WALK, WITH(NOT_RUN), AT_STATE, .mask = 0xFFFFFFFC },
	{ "activity.range", BASE_64, GUEST_0, VALUES, WITH(NOT_RUN), AT_STATE, LIST(5, 6, 7, 0x101, 0xFFFFFFFF) },
	{ "activity.support", BASE_64, GUEST_0, ONE, WITH(STATE(HLT), NOT_RUN),
	  NEEDS(lacks_hlt, "no activity state HLT") },
	{ "activity.support", BASE_64, GUEST_0, ONE, WITH(STATE(SHUTDOWN), NOT_RUN),
	  NEEDS(lacks_shutdown, "no activity state shutdown") },
	{ "activity.support", BASE_64, GUEST_0, ONE, WITH(STATE(WAIT_FOR_SIPI), NOT_RUN),
	  NEEDS(lacks_sipi, "no activity state wait-for-SIPI") },
	{ "activity.support", BASE_64, MSR_LOAD, ONE, WITH(STATE(HLT), NOT_RUN), NEEDS_HLT },
	{ "activity.support", BASE_COMPAT, MSR_LOAD, ONE, WITH(STATE(HLT), NOT_RUN), NEEDS_HLT },
	{ "activity.support", BASE_32, MSR_LOAD, ONE, WITH(STATE(HLT), NOT_RUN), NEEDS_HLT },
	{ "activity.support", BASE_REAL, MSR_LOAD, ONE, WITH(STATE(HLT), NOT_RUN), NEEDS_HLT },
	{ "activity.support", BASE_64, MSR_LOAD, ONE, WITH(STATE(SHUTDOWN), NOT_RUN), NEEDS_SHUTDOWN },
	{ "activity.support", BASE_V86, MSR_LOAD, ONE, WITH(STATE(SHUTDOWN), NOT_RUN), NEEDS_SHUTDOWN },
	/* Emulators are in that state before the load fails, and may keep INIT masked. */
	{ "activity.support", BASE_64, MSR_LOAD, ONE, WITH(STATE(WAIT_FOR_SIPI), NOT_RUN), NEEDS_SIPI,
	  .by_name = true },
	{ "link.align", BASE_64, GUEST_4, ONE, WITH(STATE(WAIT_FOR_SIPI), LINK, OR(VMCS_LINK_POINTER, 1)), NEEDS_SIPI },
	{ "link.align", BASE_V86, GUEST_4, ONE, WITH(STATE(WAIT_FOR_SIPI), LINK, OR(VMCS_LINK_POINTER, 1)),
	  NEEDS_SIPI },
	/* The preemption timer ends these states; if it does not, the processor waits for ever. */
	{ "activity.support", BASE_64, ENTERS, ONE,
	  WITH(STATE(HLT), PIN_ON(PREEMPTION_TIMER), SET(PREEMPTION_TIMER_VALUE, 0)), NEEDS_HLT, .last = true },
	{ "activity.support", BASE_64, ENTERS, ONE,
	  WITH(STATE(SHUTDOWN), PIN_ON(PREEMPTION_TIMER), SET(PREEMPTION_TIMER_VALUE, 0)), NEEDS_SHUTDOWN, .last = true },
	{ "activity.hlt.dpl", BASE_64, GUEST_0, ONE, WITH(LEVEL(1), STATE(HLT), NOT_RUN) },
	{ "activity.hlt.dpl", BASE_64, GUEST_0, ONE, WITH(LEVEL(2), STATE(HLT), NOT_RUN) },
	{ "activity.hlt.dpl", BASE_64, GUEST_0, ONE, WITH(LEVEL(3), STATE(HLT), NOT_RUN) },
	{ "activity.hlt.dpl", BASE_32, GUEST_0, ONE, WITH(LEVEL(3), STATE(HLT), NOT_RUN) },
	{ "activity.hlt.dpl", BASE_V86, GUEST_0, ONE, WITH(STATE(HLT), NOT_RUN) },
	/* SS unusable */
	{ "activity.hlt.dpl", BASE_64, GUEST_0, ONE,
	  WITH(LEVEL_SS(3, 0x10000), STATE(HLT), NOT_RUN) },
	{ "activity.hlt.dpl", BASE_64, MSR_LOAD, ONE, WITH(OR(GUEST_SS_RIGHTS, 0x10000), STATE(HLT), NOT_RUN),
	  NEEDS_HLT },
	{ "activity.hlt.dpl", BASE_64, MSR_LOAD, ONE, WITH(LEVEL(3), NOT_RUN) },
	{ "activity.hlt.dpl", BASE_64, MSR_LOAD, ONE, WITH(LEVEL(1), STATE(SHUTDOWN), NOT_RUN), NEEDS_SHUTDOWN },
	{ "activity.hlt.dpl", BASE_64, MSR_LOAD, ONE, WITH(LEVEL(3), STATE(SHUTDOWN), NOT_RUN), NEEDS_SHUTDOWN },
	{ "activity.blocking", BASE_64, GUEST_0, PAIRS, WITH(IF_SET, NOT_RUN), AT_STATE, AT2_BLOCKED,
	  LIST(HLT, BY_STI, HLT, BY_MOV_SS, SHUTDOWN, BY_STI, SHUTDOWN, BY_MOV_SS, WAIT_FOR_SIPI, BY_STI, WAIT_FOR_SIPI,
	       BY_MOV_SS) },
	{ "activity.blocking", BASE_64, ENTERS, VALUES, WITH(IF_SET), AT_BLOCKED, LIST(BY_STI, BY_MOV_SS) },
	{ "activity.blocking", BASE_64, MSR_LOAD, ONE, WITH(STATE(HLT), BLOCKED(BY_NMI), VIRTUAL_NMIS, NOT_RUN),
	  NEEDS_HLT },
	{ "activity.blocking", BASE_64, MSR_LOAD, ONE, WITH(STATE(SHUTDOWN), BLOCKED(BY_NMI), VIRTUAL_NMIS, NOT_RUN),
	  NEEDS_SHUTDOWN },
	{ "activity.hlt.inject", BASE_64, GUEST_0, VALUES, WITH(STATE(HLT), NOT_RUN), AT_EVENT, LIST(EXCEPTIONS) },
	{ "activity.hlt.inject", BASE_64, GUEST_0, VALUES, WITH(STATE(HLT), LENGTH, NOT_RUN), AT_EVENT,
	  LIST(SOFTWARE) },
	{ "activity.hlt.inject", BASE_64, MSR_LOAD, VALUES, WITH(STATE(HLT), IF_SET, NOT_RUN), AT_EVENT,
	  LIST(EVENT(0, 0), EVENT(0, 6), EVENT(0, 0x20), EVENT(0, 0xFF), EVENT(2, 2), EVENT(3, 1), EVENT(3, 18)),
	  NEEDS_HLT },
	{ "activity.hlt.inject", BASE_64, MSR_LOAD, ONE, WITH(STATE(HLT), INJECT(7, 0), NOT_RUN),
	  NEEDS(has_hlt_and_mtf, "the activity state HLT and monitor trap flag"), .by_name = true },
	/* Not valid: nothing is injected. */
	{ "activity.hlt.inject", BASE_64, MSR_LOAD, VALUES, WITH(STATE(HLT), NOT_RUN), AT_EVENT,
	  LIST(0x306, 0x420, 0x7FFFFFFF), NEEDS_HLT },
	{ "activity.shutdown.inject", BASE_64, GUEST_0, VALUES, WITH(STATE(SHUTDOWN), IF_SET, NOT_RUN), AT_EVENT,
	  LIST(EVENT(0, 0), EVENT(0, 2), EVENT(0, 18), EVENT(0, 0x20), EVENT(0, 0xFF)) },
	{ "activity.shutdown.inject", BASE_64, GUEST_0, VALUES, WITH(STATE(SHUTDOWN), NOT_RUN), AT_EVENT,
	  LIST(EXCEPTIONS, EVENT(3, 1)) },
	{ "activity.shutdown.inject", BASE_64, GUEST_0, VALUES, WITH(STATE(SHUTDOWN), LENGTH, NOT_RUN), AT_EVENT,
	  LIST(SOFTWARE) },
	{ "activity.shutdown.inject", BASE_64, GUEST_0, ONE, WITH(STATE(SHUTDOWN), INJECT(7, 0), NOT_RUN), NEEDS_MTF,
	  .by_name = true },
	{ "activity.shutdown.inject", BASE_64, MSR_LOAD, VALUES, WITH(STATE(SHUTDOWN), NOT_RUN), AT_EVENT,
	  LIST(EVENT(2, 2), EVENT(3, 18), 0x306), NEEDS_SHUTDOWN },
	{ "activity.sipi.inject", BASE_64, GUEST_0, VALUES, WITH(STATE(WAIT_FOR_SIPI), IF_SET, NOT_RUN), AT_EVENT,
	  LIST(EVENT(0, 0), EVENT(0, 0x20), EVENT(2, 2), EXCEPTIONS, EVENT(3, 1), EVENT(3, 18)) },
	{ "activity.sipi.inject", BASE_64, GUEST_0, VALUES, WITH(STATE(WAIT_FOR_SIPI), LENGTH, NOT_RUN), AT_EVENT,
	  LIST(SOFTWARE) },
	{ "activity.sipi.inject", BASE_64, GUEST_0, ONE, WITH(STATE(WAIT_FOR_SIPI), INJECT(7, 0), NOT_RUN), NEEDS_MTF,
	  .by_name = true },

	/* Interruptibility */
	{ "intr.reserved", BASE_64, GUEST_0, WALK, AT_BLOCKED, .mask = 0xFFFFFFE0 },
	{ "intr.reserved", BASE_64, GUEST_0, VALUES, AT_BLOCKED, LIST(0xFFFFFFE0, 0x28, 0x80000008) },
	{ "intr.reserved", BASE_64, ENTERS, ONE, WITH(BLOCKED(0)) },
	{ "intr.enclave", BASE_64, GUEST_0, ONE, WITH(BLOCKED(ENCLAVE | BY_MOV_SS)) },
	{ "intr.enclave", BASE_64, MSR_LOAD, ONE, WITH(BLOCKED(ENCLAVE), NOT_RUN), NEEDS(has_sgx, "SGX") },
	{ "intr.enclave.sgx", BASE_64, REPORTED, ONE, WITH(BLOCKED(ENCLAVE)), NEEDS(lacks_sgx, "no SGX") },
	{ "intr.both", BASE_64, GUEST_0, ONE, WITH(IF_SET, BLOCKED(BY_STI | BY_MOV_SS)) },
	{ "intr.both", BASE_64, ENTERS, VALUES, WITH(IF_SET), AT_BLOCKED, LIST(0, BY_STI, BY_MOV_SS) },
	{ "intr.sti_if", BASE_64, GUEST_0, ONE, WITH(BLOCKED(BY_STI)) },
	{ "intr.sti_if", BASE_COMPAT, GUEST_0, ONE, WITH(BLOCKED(BY_STI)) },
	{ "intr.sti_if", BASE_PAE, GUEST_0, ONE, WITH(BLOCKED(BY_STI)) },
	{ "intr.sti_if", BASE_32, GUEST_0, ONE, WITH(BLOCKED(BY_STI)) },
	{ "intr.sti_if", BASE_V86, GUEST_0, ONE, WITH(BLOCKED(BY_STI)) },
	{ "intr.sti_if", BASE_FLAT, GUEST_0, ONE, WITH(BLOCKED(BY_STI)) },
	{ "intr.sti_if", BASE_REAL, GUEST_0, ONE, WITH(BLOCKED(BY_STI)) },
	{ "intr.sti_if", BASE_64, ENTERS, ONE, WITH(BLOCKED(BY_STI), IF_SET) },
	{ "intr.sti_if", BASE_V86, ENTERS, ONE, WITH(BLOCKED(BY_STI), IF_SET) },
	{ "intr.sti_if", BASE_REAL, ENTERS, ONE, WITH(BLOCKED(BY_STI), IF_SET) },
	{ "intr.sti_if", BASE_64, ENTERS, ONE, WITH(BLOCKED(BY_MOV_SS)) },
	{ "intr.inject.external", BASE_64, GUEST_0, VALUES, WITH(IF_SET, INJECT(0, 0x20)), AT_BLOCKED,
	  LIST(BY_STI, BY_MOV_SS) },
	{ "intr.inject.external", BASE_64, MSR_LOAD, VALUES, WITH(IF_SET, VIRTUAL_NMIS, INJECT(0, 0x20), NOT_RUN),
	  AT_BLOCKED, LIST(0, BY_NMI) },
	/* Not valid: nothing is injected. */
	{ "intr.inject.external", BASE_64, ENTERS, VALUES, WITH(IF_SET, SET(ENTRY_INTERRUPTION_INFO, 0x20)), AT_BLOCKED,
	  LIST(BY_STI, BY_MOV_SS) },
	/* intr.inject.other */
	{ "intr.inject.external", BASE_64, MSR_LOAD, PAIRS, WITH(IF_SET, LENGTH, NOT_RUN), AT_BLOCKED, AT2_EVENT,
	  LIST(BY_STI, EVENT(3, 1), BY_STI, EVENT(3, 6), BY_STI, CODE(14), BY_STI, EVENT(3, 18), BY_STI, EVENT(4, 0x20),
	       BY_STI, EVENT(5, 1), BY_STI, EVENT(6, 3), BY_STI, EVENT(6, 4)) },
	{ "intr.inject.nmi_mov_ss", BASE_64, MSR_LOAD, PAIRS, WITH(IF_SET, LENGTH, NOT_RUN), AT_BLOCKED, AT2_EVENT,
	  LIST(BY_MOV_SS, EVENT(3, 1), BY_MOV_SS, EVENT(3, 6), BY_MOV_SS, CODE(14), BY_MOV_SS, EVENT(3, 18), BY_MOV_SS,
	       EVENT(4, 0x20), BY_MOV_SS, EVENT(5, 1), BY_MOV_SS, EVENT(6, 3), BY_MOV_SS, EVENT(6, 4)) },
	{ "intr.inject.nmi_mov_ss", BASE_64, GUEST_0, ONE, WITH(BLOCKED(BY_MOV_SS), INJECT(2, 2)) },
	{ "intr.inject.nmi_mov_ss", BASE_64, GUEST_0, ONE, WITH(BLOCKED(BY_MOV_SS), IF_SET, INJECT(2, 2)) },
	{ "intr.inject.nmi_mov_ss", BASE_64, MSR_LOAD, ONE, WITH(INJECT(2, 2), NOT_RUN) },
	{ "intr.inject.nmi_sti", BASE_64, REPORTED, ONE, WITH(BLOCKED(BY_STI), IF_SET, INJECT(2, 2)) },
	{ "intr.smi", BASE_64, GUEST_0, VALUES, AT_BLOCKED, LIST(BY_SMI, BY_SMI | BY_NMI, BY_SMI | BY_MOV_SS) },
	{ "intr.nmi_virtual", BASE_64, GUEST_0, ONE, WITH(VIRTUAL_NMIS, BLOCKED(BY_NMI), INJECT(2, 2)) },
	{ "intr.nmi_virtual", BASE_64, MSR_LOAD, ONE, WITH(VIRTUAL_NMIS, INJECT(2, 2), NOT_RUN) },
	{ "intr.nmi_virtual", BASE_64, MSR_LOAD, VALUES, WITH(VIRTUAL_NMIS, BLOCKED(BY_NMI), LENGTH, NOT_RUN), AT_EVENT,
	  LIST(0x202, EVENT(3, 2), EVENT(3, 6), EVENT(4, 2)) },
	{ "intr.nmi_virtual", BASE_64, ENTERS, ONE, WITH(VIRTUAL_NMIS, BLOCKED(BY_NMI)) },
	{ "intr.nmi_virtual", BASE_64, MSR_LOAD, ONE,
	  WITH(PIN_OFF(VIRTUAL_NMIS), BLOCKED(BY_NMI), INJECT(2, 2), NOT_RUN) },
	{ "intr.fred_sti", BASE_64, REPORTED, ONE, WITH(LEVEL(3), OR(GUEST_CR4, BIT(32)), BLOCKED(BY_STI), IF_SET),
	  NEEDS(has_fred, "FRED") },
	{ "intr.fred_sti", BASE_64, MSR_LOAD, ONE, WITH(LEVEL(3), BLOCKED(BY_MOV_SS), NOT_RUN) },
	{ "intr.fred_sti", BASE_V86, ENTERS, ONE, WITH(BLOCKED(BY_STI), IF_SET) },

	/* Pending debug exceptions */
	{ "pending.reserved", BASE_64, GUEST_0, WALK, AT_PENDING, .mask = 0xFFFFFFFFFFFEA7F0 },
	{ "pending.reserved", BASE_64, ENTERS, VALUES, AT_PENDING,
	  LIST(0, 1, 2, 4, 8, B0_B3, ENABLED, ENABLED | 1, ENABLED | B0_B3, BS, BS | ENABLED, BS | ENABLED | B0_B3) },
	{ "pending.reserved", BASE_64, MSR_LOAD, VALUES, WITH(NOT_RUN), AT_PENDING, LIST(BUS_LOCK, BUS_LOCK | BS),
	  NEEDS(has_bus_lock, "bus-lock detection") },
	{ "pending.hidden", BASE_64, REPORTED, VALUES, AT_PENDING, LIST(BUS_LOCK, BUS_LOCK | BS),
	  NEEDS(lacks_bus_lock, "no bus-lock detection") },
	{ "pending.hidden", BASE_64, REPORTED, VALUES, AT_PENDING, LIST(RTM | ENABLED), NEEDS(lacks_rtm, "no RTM") },
	{ "pending.bs_set", BASE_64, GUEST_0, PAIRS, WITH(TF_IF_SET, DEBUGCTL(0)), AT_BLOCKED, AT2_PENDING,
	  LIST(BY_STI, 0, BY_MOV_SS, 0, BY_STI, ENABLED | 1, BY_MOV_SS, ENABLED | 8) },
	{ "pending.bs_set", BASE_64, GUEST_0, PAIRS, WITH(TF_IF_SET, LOADED(0)), AT_BLOCKED, AT2_PENDING,
	  LIST(BY_STI, 0, BY_MOV_SS, 0, BY_STI, ENABLED | 1, BY_MOV_SS, ENABLED | 8) },
	{ "pending.bs_set", BASE_64, GUEST_0, VALUES, WITH(TF_SET, STATE(HLT), DEBUGCTL(0), NOT_RUN), AT_PENDING,
	  LIST(0, ENABLED | 1) },
	{ "pending.bs_set", BASE_64, GUEST_0, VALUES, WITH(TF_SET, STATE(HLT), LOADED(0), NOT_RUN), AT_PENDING,
	  LIST(0, ENABLED | 1) },
	{ "pending.bs_set", BASE_REAL, GUEST_0, ONE, WITH(TF_SET, BLOCKED(BY_MOV_SS)) },
	{ "pending.bs_set", BASE_V86, GUEST_0, ONE, WITH(TF_SET, BLOCKED(BY_MOV_SS)) },
	{ "pending.bs_set", BASE_64, ENTERS, PAIRS, WITH(TF_IF_SET), AT_BLOCKED, AT2_PENDING,
	  LIST(BY_STI, BS, BY_MOV_SS, BS, BY_STI, BS | ENABLED | 1, BY_MOV_SS, BS | ENABLED | 8) },
	{ "pending.bs_set", BASE_64, MSR_LOAD, VALUES, WITH(TF_SET, STATE(HLT), NOT_RUN), AT_PENDING,
	  LIST(BS, BS | ENABLED | 1), NEEDS_HLT },
	{ "pending.bs_set", BASE_64, ENTERS, PAIRS, WITH(TF_IF_SET, LOADED(BTF)), AT_BLOCKED, AT2_PENDING,
	  LIST(BY_STI, 0, BY_MOV_SS, 0, BY_STI, ENABLED | 1, BY_MOV_SS, ENABLED | 8), NEEDS_BTF },
	{ "pending.bs_set", BASE_64, MSR_LOAD, VALUES, WITH(TF_SET, STATE(HLT), LOADED(BTF), NOT_RUN), AT_PENDING,
	  LIST(0, ENABLED | 1), NEEDS(has_hlt_and_btf, "the activity state HLT and IA32_DEBUGCTL.BTF") },
	{ "pending.bs_clear", BASE_64, GUEST_0, PAIRS, WITH(IF_SET), AT_BLOCKED, AT2_PENDING,
	  LIST(BY_STI, BS, BY_MOV_SS, BS, BY_STI, BS | ENABLED | 1, BY_MOV_SS, BS | ENABLED | 8) },
	{ "pending.bs_clear", BASE_64, GUEST_0, VALUES, WITH(STATE(HLT), NOT_RUN), AT_PENDING,
	  LIST(BS, BS | ENABLED | 1) },
	{ "pending.bs_clear", BASE_REAL, GUEST_0, ONE, WITH(BLOCKED(BY_MOV_SS), SET(GUEST_PENDING_DEBUG, BS)) },
	{ "pending.bs_clear", BASE_V86, GUEST_0, ONE, WITH(BLOCKED(BY_MOV_SS), SET(GUEST_PENDING_DEBUG, BS)) },
	{ "pending.bs_clear", BASE_64, GUEST_0, PAIRS, WITH(TF_IF_SET, LOADED(BTF)), AT_BLOCKED, AT2_PENDING,
	  LIST(BY_STI, BS, BY_MOV_SS, BS), NEEDS_BTF },
	{ "pending.bs_clear", BASE_64, GUEST_0, VALUES, WITH(TF_SET, STATE(HLT), LOADED(BTF), NOT_RUN), AT_PENDING,
	  LIST(BS), NEEDS_BTF },
	{ "pending.bs_clear", BASE_64, GUEST_0, PAIRS, WITH(IF_SET, LOADED(BTF)), AT_BLOCKED, AT2_PENDING,
	  LIST(BY_STI, BS, BY_MOV_SS, BS), NEEDS_BTF },
	{ "pending.bs_clear", BASE_64, ENTERS, PAIRS, WITH(IF_SET), AT_BLOCKED, AT2_PENDING,
	  LIST(BY_STI, 0, BY_MOV_SS, 0, BY_STI, ENABLED | 1, BY_MOV_SS, ENABLED | 8) },
	{ "pending.bs_clear", BASE_64, MSR_LOAD, VALUES, WITH(STATE(HLT), NOT_RUN), AT_PENDING,
	  LIST(ENABLED, ENABLED | 1), NEEDS_HLT },
	/* pending.bs_free: active and not blocked; shutdown and blocking by NMI do not count. */
	{ "pending.bs_set", BASE_64, ENTERS, VALUES, WITH(TF_SET), AT_PENDING, LIST(0, BS) },
	{ "pending.bs_clear", BASE_64, ENTERS, VALUES, AT_PENDING, LIST(0, BS) },
	{ "pending.bs_set", BASE_64, MSR_LOAD, ONE, WITH(TF_SET, STATE(SHUTDOWN), NOT_RUN), NEEDS_SHUTDOWN },
	{ "pending.bs_clear", BASE_64, MSR_LOAD, VALUES, WITH(STATE(SHUTDOWN), NOT_RUN), AT_PENDING, LIST(BS),
	  NEEDS_SHUTDOWN },
	{ "pending.bs_set", BASE_64, ENTERS, ONE, WITH(TF_SET, BLOCKED(BY_NMI), VIRTUAL_NMIS) },
	{ "pending.bs_clear", BASE_64, ENTERS, VALUES, WITH(BLOCKED(BY_NMI), VIRTUAL_NMIS), AT_PENDING, LIST(BS) },
	{ "pending.bs_btf", BASE_64, REPORTED, PAIRS, WITH(TF_IF_SET, NOT_LOADED(BTF)), AT_BLOCKED, AT2_PENDING,
	  LIST(BY_STI, 0, BY_MOV_SS, 0, BY_STI, BS, BY_MOV_SS, BS) },
	/* There BTF makes no difference. */
	{ "pending.bs_set", BASE_64, ENTERS, VALUES, WITH(TF_SET, NOT_LOADED(BTF)), AT_PENDING, LIST(0, BS) },
	{ "pending.bs_clear", BASE_64, ENTERS, VALUES, WITH(IF_SET, NOT_LOADED(BTF)), AT_BLOCKED,
	  LIST(BY_STI, BY_MOV_SS) },
	{ "pending.bs_clear", BASE_64, GUEST_0, PAIRS, WITH(IF_SET, NOT_LOADED(BTF)), AT_BLOCKED, AT2_PENDING,
	  LIST(BY_STI, BS, BY_MOV_SS, BS) },
	{ "pending.rtm", BASE_64, GUEST_0, WALK, WITH(SET(GUEST_PENDING_DEBUG, RTM | ENABLED)), AT_PENDING,
	  .mask = 0xFFFF },
	{ "pending.rtm", BASE_64, GUEST_0, VALUES, AT_PENDING,
	  LIST(RTM | BS, RTM | B0_B3, RTM | ENABLED | BS | B0_B3) },
	{ "pending.rtm", BASE_64, GUEST_0, ONE, WITH(SET(GUEST_PENDING_DEBUG, RTM | ENABLED), BLOCKED(BY_MOV_SS)) },
	{ "pending.rtm", BASE_64, MSR_LOAD, ONE, WITH(SET(GUEST_PENDING_DEBUG, RTM | ENABLED), NOT_RUN),
	  NEEDS(has_rtm, "RTM") },

	/* VMCS link pointer; ~0 is link.none */
	{ "link.align", BASE_64, GUEST_4, WALK, WITH(LINK), AT_LINK, .mask = PAGE_MASK },
	{ "link.align", BASE_64, GUEST_4, WALK, AT_LINK, .mask = ~0ull },
	{ "link.align", BASE_64, ENTERS, ONE, WITH(SET(VMCS_LINK_POINTER, ~0ull)) },
	{ "link.width", BASE_64, GUEST_4, WIDTH, WITH(LINK), AT_LINK },
	{ "link.width", BASE_64, GUEST_4, VALUES, AT_LINK, LIST(0xFFFFFFFFFFFFF000) },
	{ "link.width", BASE_64, ENTERS, ONE, WITH(LINK) },
	{ "link.revision", BASE_64, GUEST_4, WALK, WITH(LINK), .at = AT_LINK_REVISION, .mask = 0x7FFFFFFF },
	{ "link.revision", BASE_64, MSR_LOAD, ONE, WITH(LINK, NOT_RUN) },
	{ "link.revision", BASE_REAL, ENTERS, ONE, WITH(LINK) },
	{ "link.revision", BASE_64, ENTERS, VALUES, .at = AT_LINK_REVISION, LIST(0, 0xFFFFFFFF) },
	{ "link.shadow", BASE_64, GUEST_4, ONE, WITH(LINK, OR(LINK_REVISION, BIT(31))) },
	{ "link.shadow", BASE_64, GUEST_4, ONE, WITH(LINK, SECONDARY_ON(VMCS_SHADOWING)) },
	{ "link.shadow", BASE_64, MSR_LOAD, ONE,
	  WITH(LINK, OR(LINK_REVISION, BIT(31)), SECONDARY_ON(VMCS_SHADOWING), NOT_RUN) },
	{ "link.shadow", BASE_64, MSR_LOAD, ONE, WITH(SECONDARY_ON(VMCS_SHADOWING), NOT_RUN) },
	/* The secondary controls are not activated. */
	{ "link.shadow", BASE_64, GUEST_4, ONE,
	  WITH(LINK, OR(LINK_REVISION, BIT(31)), SECONDARY_ON(VMCS_SHADOWING), PRIMARY_OFF(SECONDARY)) },
	{ "link.shadow", BASE_64, ENTERS, ONE, WITH(LINK, SECONDARY_ON(VMCS_SHADOWING), PRIMARY_OFF(SECONDARY)) },
	{ "link.current", BASE_64, GUEST_4, CURRENT, AT_LINK },

	/* PDPTEs: with EPT those of the VMCS, without those in memory. */
	{ "pdpte.field", BASE_PAE, GUEST_2, WALK, WITH(SECONDARY_ON(EPT)), EACH_FIELD, .mask = PDPTE_RESERVED },
	{ "pdpte.field", BASE_PAE, GUEST_2, WIDTH, WITH(SECONDARY_ON(EPT)), EACH_FIELD },
	{ "pdpte.field", BASE_PAE, ENTERS, WALK, WITH(SECONDARY_ON(EPT)), EACH_FIELD, .mask = PDPTE_FREE },
	{ "pdpte.memory", BASE_PAE, GUEST_2, WALK, EACH_IN_MEMORY, .mask = PDPTE_RESERVED },
	{ "pdpte.memory", BASE_PAE, GUEST_2, WIDTH, EACH_IN_MEMORY },
	{ "pdpte.memory", BASE_PAE, ENTERS, WALK, EACH_IN_MEMORY, .mask = PDPTE_FREE },
	/* pdpte.absent; with all four the guest's first access is a page fault, which exits. */
	{ "pdpte.field", BASE_PAE, MSR_LOAD, VALUES, WITH(SECONDARY_ON(EPT), NOT_RUN), EACH_FIELD, LIST(0, ~1ull) },
	{ "pdpte.field", BASE_PAE, ENTERS, ONE,
	  WITH(SECONDARY_ON(EPT), SET(GUEST_PDPTE0, ~1ull), SET(GUEST_PDPTE1, ~1ull), SET(GUEST_PDPTE2, ~1ull),
	       SET(GUEST_PDPTE3, ~1ull)) },
	{ "pdpte.memory", BASE_PAE, MSR_LOAD, VALUES, WITH(NOT_RUN), EACH_IN_MEMORY, LIST(0, ~1ull) },
	{ "pdpte.memory", BASE_PAE, ENTERS, ONE,
	  WITH(SET(PDPTE_0, ~1ull), SET(PDPTE_1, ~1ull), SET(PDPTE_2, ~1ull), SET(PDPTE_3, ~1ull)) },
	/* pdpte.unused */
	{ "pdpte.field", BASE_PAE, MSR_LOAD, VALUES, WITH(NOT_RUN), EACH_FIELD, LIST(~0ull), NEEDS_EPT },
	{ "pdpte.memory", BASE_PAE, MSR_LOAD, VALUES, WITH(SECONDARY_ON(EPT), NOT_RUN), EACH_IN_MEMORY, LIST(~0ull) },
	{ "pdpte.field", BASE_64, MSR_LOAD, VALUES, WITH(SECONDARY_ON(EPT), NOT_RUN), EACH_FIELD, LIST(~0ull) },
	{ "pdpte.field", BASE_COMPAT, MSR_LOAD, VALUES, WITH(SECONDARY_ON(EPT), NOT_RUN), EACH_FIELD, LIST(~0ull) },
	{ "pdpte.field", BASE_32, MSR_LOAD, VALUES, WITH(SECONDARY_ON(EPT), NOT_RUN), EACH_FIELD, LIST(~0ull) },
	{ "pdpte.field", BASE_V86, MSR_LOAD, VALUES, WITH(SECONDARY_ON(EPT), NOT_RUN), EACH_FIELD, LIST(~0ull) },
	{ "pdpte.field", BASE_FLAT, MSR_LOAD, VALUES, WITH(OR(GUEST_CR4, CR4_PAE), NOT_RUN), EACH_FIELD, LIST(~0ull) },
	{ "pdpte.field", BASE_REAL, MSR_LOAD, VALUES, WITH(OR(GUEST_CR4, CR4_PAE), NOT_RUN), EACH_FIELD, LIST(~0ull) },
	{ "pdpte.field", BASE_64, ENTERS, VALUES, WITH(SECONDARY_ON(EPT)), EACH_FIELD, LIST(~0ull) },
	{ "pdpte.field", BASE_FLAT, ENTERS, VALUES, WITH(OR(GUEST_CR4, CR4_PAE)), EACH_FIELD, LIST(~0ull) },
};
/* clang-format on */

const struct entry_section entry_guest_state = { rows, ARRAY_SIZE(rows) };
