/*
 * uint32_t vmx_probe_enter(struct probe *probe, bool resume)
 *                          RDI                  ESI
 *
 * One VM entry with the current VMCS. Returns PROBE_EXITED after a VM exit; PROBE_CARRY or
 * PROBE_ZERO if VMLAUNCH or VMRESUME failed before that, by the flag that it set; PROBE_EXCEPTION
 * plus the vector if the instruction raised one.
 *
 *  1. save the callee-saved registers, note the stack pointer in probe->stack
 *  2. a VMREAD of a field that there is not: VM_INSTRUCTION_ERROR is 12 from here on
 *  3. VMLAUNCH or VMRESUME
 *  4. an exit comes to vmx_probe_exit_point with HOST_RSP, the address of probe->stack, in RSP: take
 *     the stack pointer from there. The other registers are the guest's.
 *  5. restore the callee-saved registers
 *
 * An exit for a row that changes the host state may come with another GDT, IDT, GS base: nothing
 * here needs them. probe.c puts them back.
 */
#include "vmx/asm-offsets.h"
#include "x86/fixup.h"

	.text
	.globl vmx_probe_enter, vmx_probe_exit_point
	.type vmx_probe_enter, @function
vmx_probe_enter:
	push %rbp
	push %rbx
	push %r12
	push %r13
	push %r14
	push %r15
	mov %rsp, (%rdi)
	mov $FIELD_UNKNOWN, %eax
	vmread %rax, %rdx
	test %sil, %sil
	jnz 2f
1:	vmlaunch
	FIXUP(1b, 5f)
	jmp 3f
2:	vmresume
	FIXUP(2b, 5f)
3:	mov $PROBE_FAILED_CARRY, %eax
	jc 4f
	mov $PROBE_FAILED_ZERO, %eax
4:	add $48, %rsp			/* the registers are as they were */
	ret

5:	add $PROBE_FAILED_EXCEPTION, %eax
	jmp 4b

vmx_probe_exit_point:
	mov (%rsp), %rsp
	mov $PROBE_LEFT, %eax
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbx
	pop %rbp
	ret
	.size vmx_probe_enter, . - vmx_probe_enter

	.section .note.GNU-stack, "", @progbits
