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

	.section .note.GNU-stack, "", @progbits
