/* The sections of rows, each a test, and the rules whose rows may stop an emulator. */
#ifndef TESTS_VMX_ENTRY_SECTIONS_H
#define TESTS_VMX_ENTRY_SECTIONS_H

#include "tests/vmx/entry/rows.h"

/* S(test, section, citation, what it checks) */
/* clang-format off */
#define ENTRY_SECTIONS(S)                                                                          \
	S("vmx.entry.controls", entry_controls, SPEC_ENTRY_CONTROLS,                               \
	  "Each check of VM entry on execution, exit and entry controls: broken alone, and held at its borders.") \
	S("vmx.entry.controls.addresses", entry_control_addresses, SPEC_ENTRY_CONTROLS,            \
	  "Each check of VM entry on addresses in the controls: alignment and width.")             \
	S("vmx.entry.controls.events", entry_event_injection, SPEC_ENTRY_INJECTION,                \
	  "Each check of VM entry on the event to inject: type, vector, error code, length.")      \
	S("vmx.entry.host", entry_host, SPEC_ENTRY_HOST,                                           \
	  "Each check of VM entry on the host-state area.")                                        \
	S("vmx.entry.guest.registers", entry_guest_registers, SPEC_ENTRY_REGISTERS,                \
	  "Each check of VM entry on the guest's control registers, debug registers and MSRs.")    \
	S("vmx.entry.guest.segments", entry_guest_segments, SPEC_ENTRY_SEGMENTS,                   \
	  "Each check of VM entry on the guest's segment selectors, bases and limits.")            \
	S("vmx.entry.guest.rights", entry_guest_rights, SPEC_ENTRY_SEGMENTS,                       \
	  "Each check of VM entry on the guest's access rights.")                                  \
	S("vmx.entry.guest.state", entry_guest_state, SPEC_ENTRY_STATE,                            \
	  "Each check of VM entry on the guest's non-register state: activity, interruptibility, pending events.") \
	S("vmx.entry.msrs", entry_msrs, SPEC_ENTRY_MSRS,                                           \
	  "Loading MSRs at VM entry: which are loaded, which end the entry, and with which number.")

/* R(rule, section): has rows that are .by_name */
#define ENTRY_RULES_BY_NAME(R)                                                                     \
	R("ctl.msr.exit_load.wrap", entry_control_addresses)                                       \
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
