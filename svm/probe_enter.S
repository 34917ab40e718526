/*
 * uint32_t svm_probe_enter(uint64_t vmcb)
 *                          RDI
 *
 * One VMRUN. Returns 0 after its #VMEXIT, 100H and the vector if VMRUN raised an exception, or if
 * one comes right behind the exit: a trap of the guest's that the host should not see.
 *
 *  1. save the callee-saved registers
 *  2. VMRUN: RSP, RAX and RFLAGS come back from the host save area, the other registers are the
 *     guest's
 *  3. restore the callee-saved registers
 */
#include "x86/fixup.h"

	.text
	.globl svm_probe_enter
	.hidden svm_probe_enter
	.type svm_probe_enter, @function
svm_probe_enter:
	push %rbp
	push %rbx
	push %r12
	push %r13
	push %r14
	push %r15
	mov %rdi, %rax
1:	vmrun
	FIXUP(1b, 4f)
2:	xor %eax, %eax
	FIXUP(2b, 4f)
3:	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbx
	pop %rbp
	ret
4:	mov %eax, %eax			/* without the error code */
	or $0x100, %eax
	jmp 3b
	.size svm_probe_enter, . - svm_probe_enter

/*
 * void svm_probe_unblock(void): an IRET. An injected NMI may leave NMIs blocked in the host where the
 * processor does not tell its own from the guest's.
 */
	.globl svm_probe_unblock
	.hidden svm_probe_unblock
	.type svm_probe_unblock, @function
svm_probe_unblock:
	mov %rsp, %rax
	mov %ss, %ecx
	push %rcx
	push %rax
	pushfq
	mov %cs, %ecx
	push %rcx
	lea 1f(%rip), %rax
	push %rax
	iretq
1:	ret
	.size svm_probe_unblock, . - svm_probe_unblock

	.section .note.GNU-stack, "", @progbits
