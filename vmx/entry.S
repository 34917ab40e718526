/*
 * uint64_t vmx_enter(uint64_t *gpr, struct vmx_vcpu *arch, bool launched)
 *                    RDI            RSI                      EDX
 *
 * Enters the current VMCS's guest and returns when it exits: 0; or 1 if the entry failed before
 * any guest state was loaded (CF or ZF set by VMLAUNCH or VMRESUME).
 *
 *  1. save the callee-saved registers and gpr on the stack
 *  2. write HOST_RSP if the stack is not where it was at the last entry
 *  3. load the guest's GPRs but RSP, which the VMCS holds
 *  4. VMLAUNCH or VMRESUME
 *  5. at the exit: save the guest's GPRs, clear nothing else: all is ours
 *  6. restore the callee-saved registers
 *
 * gpr is in ModRM order: RAX RCX RDX RBX RSP RBP RSI RDI R8-R15.
 */
#include "vmx/asm-offsets.h"

	.text
	.globl vmx_enter, vmx_exit_point
	.type vmx_enter, @function
vmx_enter:
	push %rbp
	push %rbx
	push %r12
	push %r13
	push %r14
	push %r15
	push %rdi

	cmp %rsp, ARCH_HOST_RSP(%rsi)
	je 1f
	mov %rsp, ARCH_HOST_RSP(%rsi)
	mov $VMCS_HOST_RSP, %eax
	vmwrite %rsp, %rax
1:
	test %dl, %dl			/* no instruction below changes ZF before the jump */
	mov 0x00(%rdi), %rax
	mov 0x08(%rdi), %rcx
	mov 0x10(%rdi), %rdx
	mov 0x18(%rdi), %rbx
	mov 0x28(%rdi), %rbp
	mov 0x30(%rdi), %rsi
	mov 0x40(%rdi), %r8
	mov 0x48(%rdi), %r9
	mov 0x50(%rdi), %r10
	mov 0x58(%rdi), %r11
	mov 0x60(%rdi), %r12
	mov 0x68(%rdi), %r13
	mov 0x70(%rdi), %r14
	mov 0x78(%rdi), %r15
	mov 0x38(%rdi), %rdi
	jz 2f
	vmresume
	jmp 3f
2:	vmlaunch
3:	/* only reached if the entry failed */
	pop %rdi
	mov $1, %eax
	jmp 4f

vmx_exit_point:
	push %rdi
	mov 8(%rsp), %rdi
	mov %rax, 0x00(%rdi)
	mov %rcx, 0x08(%rdi)
	mov %rdx, 0x10(%rdi)
	mov %rbx, 0x18(%rdi)
	mov %rbp, 0x28(%rdi)
	mov %rsi, 0x30(%rdi)
	mov %r8, 0x40(%rdi)
	mov %r9, 0x48(%rdi)
	mov %r10, 0x50(%rdi)
	mov %r11, 0x58(%rdi)
	mov %r12, 0x60(%rdi)
	mov %r13, 0x68(%rdi)
	mov %r14, 0x70(%rdi)
	mov %r15, 0x78(%rdi)
	pop 0x38(%rdi)
	pop %rdi
	xor %eax, %eax
4:
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbx
	pop %rbp
	ret
	.size vmx_enter, . - vmx_enter

	.section .note.GNU-stack, "", @progbits
