/*
 * uint64_t attempt_enter(uint64_t flags)
 *                        RDI
 *
 * VMLAUNCH of the current VMCS with these flags set, too, RFLAGS.TF for one. Returns 0 after an exit
 * or an entry that failed as one, 1 after a VMfail, 100H and the vector after an exception, one that
 * comes right behind the VMLAUNCH or the exit. It writes HOST_RSP and HOST_RIP.
 */
#include "x86/fixup.h"

	.text
	.globl attempt_enter
	.hidden attempt_enter
	.type attempt_enter, @function
attempt_enter:
	push %rbp
	push %rbx
	push %r12
	push %r13
	push %r14
	push %r15
	mov $0x6C14, %eax		/* HOST_RSP */
	vmwrite %rsp, %rax
	mov $0x6C16, %eax		/* HOST_RIP */
	lea 3f(%rip), %rcx
	vmwrite %rcx, %rax
	pushfq
	or %rdi, (%rsp)
	popfq
1:	vmlaunch
	FIXUP(1b, 5f)
2:	mov $1, %eax
	FIXUP(2b, 5f)
	jmp 4f
3:	xor %eax, %eax
	FIXUP(3b, 5f)
4:	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbx
	pop %rbp
	ret
5:	mov %eax, %eax			/* without the error code */
	or $0x100, %eax
	jmp 4b
	.size attempt_enter, . - attempt_enter

	.section .note.GNU-stack, "", @progbits
