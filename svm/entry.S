/*
 * void svm_enter(uint64_t *gpr, uint64_t vmcb, uint64_t host)
 *                RDI            RSI            RDX
 *
 * Enters the guest of a VMCB and returns when it exits. GIF is 0 before and after: nothing
 * interrupts us here. vmcb and host are physical addresses.
 *
 *  1. save the callee-saved registers, gpr and host on the stack, which VMRUN keeps in RSP
 *  2. load the guest's GPRs but RAX and RSP, which the VMCB holds
 *  3. VMLOAD, VMRUN, VMSAVE: the state that VMRUN leaves alone changes hands here
 *  4. VMLOAD of the host's, save the guest's GPRs, restore ours
 *
 * After #VMEXIT RAX is what it was at VMRUN: APM vol. 2, "#VMEXIT". gpr is in ModRM order.
 */
	.text
	.globl svm_enter
	.hidden svm_enter
	.type svm_enter, @function
svm_enter:
	push %rbp
	push %rbx
	push %r12
	push %r13
	push %r14
	push %r15
	push %rdx
	push %rdi

	mov %rsi, %rax
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
	vmload
	vmrun
	vmsave
	push %rdi
	mov 0x10(%rsp), %rax		/* host */
	vmload
	mov 0x08(%rsp), %rdi		/* gpr */
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

	add $16, %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbx
	pop %rbp
	ret
	.size svm_enter, . - svm_enter

	.section .note.GNU-stack, "", @progbits
