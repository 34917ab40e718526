/* The sections of rows of guests beside those of exits: chapter 11 of the catalogue. */
#ifndef TESTS_VMX_BEHAVIOUR_SECTIONS_H
#define TESTS_VMX_BEHAVIOUR_SECTIONS_H

#include "tests/vmx/exit/rows.h"

extern const struct guest_section behaviour_cr, behaviour_timer, behaviour_step, behaviour_nmi,
	behaviour_order, behaviour_delivered, behaviour_modes, behaviour_pause;

/* S(test, section, citation, what it checks, what a failure means) */
/* clang-format off */
#define BEHAVIOUR_SECTIONS(S)                                                                      \
	S("vmx.behaviour.cr", behaviour_cr, SPEC_NON_ROOT,\
	  "CR0 and CR4 behind masks and shadows: each bit is read, written, kept or refused as it must be.",\
	  "A guest sees its hypervisor's CR0 and CR4, or changes them.")\
	S("vmx.behaviour.timer", behaviour_timer, SPEC_PREEMPTION_TIMER,\
	  "A VMX-preemption timer of 0 exits at once, after what is injected and behind what goes before it.",\
	  "A guest runs on where its hypervisor wants it back, or never gets its events.")\
	S("vmx.behaviour.step", behaviour_step, SPEC_TRAP_FLAG,\
	  "With the monitor trap flag a guest exits after each instruction, iteration or delivery.",\
	  "A hypervisor that steps through its guest loses it, or misses instructions.")\
	S("vmx.behaviour.nmi", behaviour_nmi, SPEC_INTERRUPTIBILITY,\
	  "IRET ends the blocking of NMIs, virtual or not, or leaves it alone, by the controls for NMIs.",\
	  "A guest gets NMIs while it handles one, or never again.")\
	S("vmx.behaviour.order", behaviour_order, SPEC_EVENT_ORDER,\
	  "Of two events that are due at the same time the one with the higher priority comes.",\
	  "A guest's events come in another order than on a processor of its own.")\
	S("vmx.behaviour.delivered", behaviour_delivered, SPEC_EVENT_ORDER,\
	  "What is delivered in a guest has come to its handler when something of lower priority exits.",\
	  "A guest's interrupted code is lost.")\
	S("vmx.behaviour.modes", behaviour_modes, SPEC_UNRESTRICTED,\
	  "Real mode, unpaged protected mode, virtual-8086 and compatibility mode behave in a guest as they do outside.",\
	  "Old code, such as a boot loader, breaks in a guest.")\
	S("vmx.behaviour.pause", behaviour_pause, SPEC_PAUSE_LOOP,\
	  "PAUSE in a loop exits by gap and window, at privilege level 0 alone.",\
	  "A guest that waits for another processor keeps this one to itself, or exits for nothing.")
/* clang-format on */

#endif
