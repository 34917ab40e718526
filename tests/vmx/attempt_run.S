/*
 * void attempt_run(struct attempt *attempt, const char *stub)
 *                  RDI                      RSI
 *
 *  1. load RAX, RCX, RDX and the flags from the attempt
 *  2. call the stub, which is one of those in attempt.c: the instruction, then ESI = 1. After an
 *     exception it returns at once, with what x86/fixup.h says in RAX.
 *  3. store the registers and the flags
 */
#include "x86/fixup.h"

	.text
	.globl attempt_run
	.hidden attempt_run
	.type attempt_run, @function
attempt_run:
	push %rbp
	push %rbx
	mov %rdi, %rbx
	mov %rsi, %r8
	xor %esi, %esi
	mov 0x00(%rbx), %rax
	mov 0x08(%rbx), %rcx
	mov 0x10(%rbx), %rdx
	pushq 0x18(%rbx)
	popfq
	call *%r8
	pushfq
	popq 0x18(%rbx)
	cli				/* some stubs have it on */
	mov %rax, 0x00(%rbx)
	mov %rcx, 0x08(%rbx)
	mov %rdx, 0x10(%rbx)
	mov %rsi, 0x20(%rbx)
	pop %rbx
	pop %rbp
	ret
	.size attempt_run, . - attempt_run

/*
 * void attempt_run_user(struct attempt *attempt, const char *stub, uint64_t cs, uint64_t ss)
 *                       RDI                      RSI               RDX          RCX
 *
 * The same at CPL 3. The stub's page is the user's, the stack's is not: if the instruction raises
 * nothing, the stub's RET does. Should the stack be the user's, too, CLI raises #GP.
 */
	.globl attempt_run_user
	.hidden attempt_run_user
	.type attempt_run_user, @function
attempt_run_user:
	push %rbp
	push %rbx
	mov %rdi, %rbx
	lea 1f(%rip), %rax
	push %rax			/* where the stub, or its landing, returns to */
	mov %rsp, %rax
	push %rcx			/* what IRETQ takes: SS, RSP, RFLAGS, CS, RIP */
	push %rax
	pushq 0x18(%rbx)
	push %rdx
	push %rsi
	xor %esi, %esi
	mov 0x00(%rbx), %rax
	mov 0x08(%rbx), %rcx
	mov 0x10(%rbx), %rdx
	iretq
1:	cli
	FIXUP(1b, 2f)
2:	mov %ss, %ecx			/* IRETQ has cleared these */
	mov %ecx, %ds
	mov %ecx, %es
	mov %rax, 0x00(%rbx)
	mov %rsi, 0x20(%rbx)
	pop %rbx
	pop %rbp
	ret
	.size attempt_run_user, . - attempt_run_user

/*
 * uint64_t attempt_enter(uint64_t flags)
 *                        RDI
 *
 * VMLAUNCH of the current VMCS with these flags set, too, RFLAGS.TF for one. Returns 0 after an exit
 * or an entry that failed as one, 1 after a VMfail, 100H and the vector after an exception, one that
 * comes right behind the VMLAUNCH or the exit. It writes HOST_RSP and HOST_RIP.
 */
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
