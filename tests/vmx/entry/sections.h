/* The sections of rows, each a test, and the rules whose rows may stop an emulator. */
#ifndef TESTS_VMX_ENTRY_SECTIONS_H
#define TESTS_VMX_ENTRY_SECTIONS_H

#include "tests/vmx/entry/rows.h"

/* S(test, section, title in SDM vol. 3C) */
#define ENTRY_SECTIONS(S)                                                                          \
	S("vmx.entry.controls", entry_controls, "Checks on VMX Controls")                          \
	S("vmx.entry.host", entry_host, "Checks on the Host-State Area")                           \
	S("vmx.entry.guest.registers", entry_guest_registers,                                      \
	  "Checks on Guest Control Registers, Debug Registers, and MSRs")                          \
	S("vmx.entry.guest.segments", entry_guest_segments, "Checks on Guest Segment Registers")   \
	S("vmx.entry.guest.rights", entry_guest_rights, "Checks on Guest Segment Registers")       \
	S("vmx.entry.guest.state", entry_guest_state, "Checks on Guest Non-Register State")        \
	S("vmx.entry.msrs", entry_msrs, "Loading MSRs")

/* R(rule, section): has rows that are .by_name */
#define ENTRY_RULES_BY_NAME(R) R("ctl.inject.type", entry_controls)

#endif
