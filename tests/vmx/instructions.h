/* The tests of the VMX instructions, by file. */
#ifndef TESTS_VMX_INSTRUCTIONS_H
#define TESTS_VMX_INSTRUCTIONS_H

#include "tests/vmx/stage.h"

/* conventions.c */
stage_body flags_of_all, outside_vmx, operands;

/* pointers.c */
stage_body vmxon_checks, vmclear_checks, vmptrld_checks, vmptrst_checks;

/* access.c */
stage_body vmread_checks, vmwrite_checks, field_existence;

/* entries.c */
stage_body launch_checks, invept_checks, invvpid_checks, vmfunc_checks;
stage_body vmcall_checks, vmcall_with_vmcs;

/* guests.c */
stage_body guest_checks, guest_vmfunc_checks, launched_checks;

/* user.c */
stage_body user_checks;

/* posted.c */
stage_body posted_checks;

/* host_state.c */
stage_body host_state_checks, failure_checks;

/* bitmaps.c */
stage_body msr_bitmap_checks, io_bitmap_checks;
stage_body msr_bitmap_positions, io_bitmap_positions; /* of: */
void bitmap_positions_run(struct test_run *run);

/* shadow.c */
stage_body shadowing_checks, shadowing_positions;

/* time.c */
stage_body tsc_checks, timer_checks;

/* areas.c */
stage_body area_checks, area_tsc_checks;

/* interrupts.c */
stage_body interrupt_checks;

/* fixed_bits.c */
stage_body fixed_bit_checks;

#endif
