/* The sections of rows, each a test, and the rules whose rows may stop an emulator. */
#ifndef TESTS_VMX_ENTRY_SECTIONS_H
#define TESTS_VMX_ENTRY_SECTIONS_H

#include "tests/vmx/entry/rows.h"

/* S(test, section, citation) */
/* clang-format off */
#define ENTRY_SECTIONS(S)                                                                          \
	S("vmx.entry.controls", entry_controls, SPEC_ENTRY_CONTROLS)                          \
	S("vmx.entry.controls.addresses", entry_control_addresses, SPEC_ENTRY_CONTROLS)       \
	S("vmx.entry.controls.events", entry_event_injection, SPEC_ENTRY_INJECTION)           \
	S("vmx.entry.host", entry_host, SPEC_ENTRY_HOST)                           \
	S("vmx.entry.guest.registers", entry_guest_registers,                                      \
	  SPEC_ENTRY_REGISTERS)                          \
	S("vmx.entry.guest.segments", entry_guest_segments, SPEC_ENTRY_SEGMENTS)   \
	S("vmx.entry.guest.rights", entry_guest_rights, SPEC_ENTRY_SEGMENTS)       \
	S("vmx.entry.guest.state", entry_guest_state, SPEC_ENTRY_STATE)        \
	S("vmx.entry.msrs", entry_msrs, SPEC_ENTRY_MSRS)

/* R(rule, section): has rows that are .by_name */
#define ENTRY_RULES_BY_NAME(R)                                                                     \
	R("ctl.msr.exit_load.wrap", entry_control_addresses)                                            \
	R("ctl.msr.count", entry_control_addresses)                                                \
	R("ctl.inject.type", entry_event_injection)                                                \
	R("host.selector.ss", entry_host)                                                          \
	R("activity.support", entry_guest_state)                                                   \
	R("activity.hlt.inject", entry_guest_state)                                                \
	R("activity.shutdown.inject", entry_guest_state)                                           \
	R("activity.sipi.inject", entry_guest_state)                                               \
	R("msr.load.lme", entry_msrs)                                                              \
	R("msr.load.count", entry_msrs)
/* clang-format on */

#endif
