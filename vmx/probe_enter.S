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

/*
 * uint32_t vmx_probe_run(struct probe *probe, bool resume)
 *                        RDI                  ESI
 *
 * The same with the general registers of probe->gpr, in ModRM order, before and after; RSP is the
 * VMCS's. An exit comes to vmx_probe_run_exit_point, again with probe in RSP; RFLAGS is noted.
 */
	.globl vmx_probe_run, vmx_probe_run_exit_point
	.type vmx_probe_run, @function
vmx_probe_run:
	push %rbp
	push %rbx
	push %r12
	push %r13
	push %r14
	push %r15
	mov %rsp, (%rdi)
	mov $FIELD_UNKNOWN, %eax
	vmread %rax, %rdx
	test %sil, %sil			/* no instruction below changes ZF before the jump */
	mov PROBE_GPR+0x00(%rdi), %rax
	mov PROBE_GPR+0x08(%rdi), %rcx
	mov PROBE_GPR+0x10(%rdi), %rdx
	mov PROBE_GPR+0x18(%rdi), %rbx
	mov PROBE_GPR+0x28(%rdi), %rbp
	mov PROBE_GPR+0x30(%rdi), %rsi
	mov PROBE_GPR+0x40(%rdi), %r8
	mov PROBE_GPR+0x48(%rdi), %r9
	mov PROBE_GPR+0x50(%rdi), %r10
	mov PROBE_GPR+0x58(%rdi), %r11
	mov PROBE_GPR+0x60(%rdi), %r12
	mov PROBE_GPR+0x68(%rdi), %r13
	mov PROBE_GPR+0x70(%rdi), %r14
	mov PROBE_GPR+0x78(%rdi), %r15
	mov PROBE_GPR+0x38(%rdi), %rdi
	jnz 2f
1:	vmlaunch
	FIXUP(1b, 5f)
	jmp 3f
2:	vmresume
	FIXUP(2b, 5f)
3:	mov $PROBE_FAILED_CARRY, %eax
	jc 4f
	mov $PROBE_FAILED_ZERO, %eax
	jmp 4f
5:	add $PROBE_FAILED_EXCEPTION, %eax
	jmp 4f

vmx_probe_run_exit_point:
	mov %rax, PROBE_GPR+0x00(%rsp)
	mov %rcx, PROBE_GPR+0x08(%rsp)
	mov %rdx, PROBE_GPR+0x10(%rsp)
	mov %rbx, PROBE_GPR+0x18(%rsp)
	mov %rbp, PROBE_GPR+0x28(%rsp)
	mov %rsi, PROBE_GPR+0x30(%rsp)
	mov %rdi, PROBE_GPR+0x38(%rsp)
	mov %r8, PROBE_GPR+0x40(%rsp)
	mov %r9, PROBE_GPR+0x48(%rsp)
	mov %r10, PROBE_GPR+0x50(%rsp)
	mov %r11, PROBE_GPR+0x58(%rsp)
	mov %r12, PROBE_GPR+0x60(%rsp)
	mov %r13, PROBE_GPR+0x68(%rsp)
	mov %r14, PROBE_GPR+0x70(%rsp)
	mov %r15, PROBE_GPR+0x78(%rsp)
	mov %rsp, %rdi
	mov (%rdi), %rsp
	pushfq
	popq PROBE_RFLAGS(%rdi)
	mov $PROBE_LEFT, %eax
4:	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbx
	pop %rbp
	ret
	.size vmx_probe_run, . - vmx_probe_run

	.section .note.GNU-stack, "", @progbits
