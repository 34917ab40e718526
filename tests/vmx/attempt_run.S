/*
 * void attempt_run(struct attempt *attempt, const char *stub)
 *                  RDI                      RSI
 *
 *  1. load RAX, RCX, RDX and the flags from the attempt
 *  2. call the stub, which is one of those in attempt.c: the instruction, then ESI = 1. After an
 *     exception it returns at once, with what x86/fixup.h says in RAX.
 *  3. store the registers and the flags
 */
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

	.section .note.GNU-stack, "", @progbits
