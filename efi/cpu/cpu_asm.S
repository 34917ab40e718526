/* Switching stacks, surviving exceptions, and the way into exceptions.c. */

	.text

/*
 * void call_on_stack(void (*function)(void *), void *argument, uint64_t stack_end)
 *
 *  1. keep the old stack in RBP, which function preserves
 *  2. call function(argument) on the new one
 *  3. go back
 */
	.global call_on_stack
	.hidden call_on_stack
call_on_stack:
	push	%rbp
	mov	%rsp, %rbp
	mov	%rdi, %rax
	mov	%rsi, %rdi
	mov	%rdx, %rsp
	and	$-16, %rsp
	call	*%rax
	mov	%rbp, %rsp
	pop	%rbp
	ret

/*
 * bool guard_call(void (*body)(void *), void *argument, struct guard *guard)
 *
 *  1. put the registers that a caller expects to survive on the stack
 *  2. note the stack pointer in guard->rsp
 *  3. body(argument), and return true
 *  or, when an exception ended the body: the handler's IRETQ goes to guard_landing with
 *  RSP = guard->rsp and the flags cleared, and that returns false
 */
	.global guard_call
	.hidden guard_call
guard_call:
	push	%rbp
	mov	%rsp, %rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	sub	$8, %rsp
	mov	%rsp, (%rdx)
	mov	%rdi, %rax
	mov	%rsi, %rdi
	call	*%rax
	mov	$1, %eax
guard_return:
	add	$8, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	ret

	.global guard_landing
	.hidden guard_landing
guard_landing:
	xor	%eax, %eax
	jmp	guard_return

/* What MP Services call, with branch tracking perhaps. */
	.global mp_procedure
	.hidden mp_procedure
mp_procedure:
	endbr64
	jmp	mp_procedure_c

	.global mp_nothing
	.hidden mp_nothing
mp_nothing:
	endbr64
	ret

/* Without an error code, on the firmware's stack, in the firmware's context. */
	.global nmi_in_firmware
	.hidden nmi_in_firmware
nmi_in_firmware:
	endbr64
	lock incl nmis_in_firmware(%rip)
	iretq

/*
 * void idle_wait(_Atomic uint32_t *doorbell, uint32_t seen, _Atomic uint32_t *nmis, uint32_t before)
 *
 *  1. IRETQ to the next instruction: NMIs that some processors hold back after a VM exit would
 *     never end the wait
 *  2. if *doorbell is still seen and *nmis still before, HLT
 * From idle_wait_look on, the NMI handler skips the rest: an NMI between the look and the HLT is
 * not lost.
 */
	.global idle_wait, idle_wait_look, idle_wait_end
	.hidden idle_wait, idle_wait_look, idle_wait_end
idle_wait:
	mov	%rsp, %rax
	mov	%ss, %r8d
	push	%r8
	push	%rax
	pushfq
	mov	%cs, %r8d
	push	%r8
	lea	idle_wait_look(%rip), %rax
	push	%rax
	iretq
idle_wait_look:
	cmp	%esi, (%rdi)
	jne	idle_wait_end
	cmp	%ecx, (%rdx)
	jne	idle_wait_end
	hlt
idle_wait_end:
	ret

/*
 * One stub for each vector, of 12 bytes. Afterwards the stack holds a struct frame from its
 * vector up; vectors without an error code get a zero. SDM vol. 3A, "Error Code", and the table
 * "Protected-Mode Exceptions and Interrupts": 8, 10 to 14, 17 and 21 have one; AMD adds 29, 30.
 */
	.global exception_stubs
	.hidden exception_stubs
exception_stubs:
	.set	vector, 0
	.rept	256
	.if	vector != 8 && vector != 17 && vector != 21 && vector != 29 && vector != 30 && (vector < 10 || vector > 14)
	push	$0			/* 2 bytes */
	.else
	nop
	nop
	.endif
	.byte	0x68			/* PUSH imm32, always the long form */
	.long	vector
	.byte	0xe9			/* JMP rel32 */
	.long	exception_common - . - 4
	.set	vector, vector + 1
	.endr

/*
 *  1. push the general registers so that they form gpr[] in ModRM order
 *  2. exception_handle(frame), which may change the frame
 *  3. restore and IRETQ: it also ends the blocking of NMIs
 * The processor aligns RSP before it pushes: 23 quadwords are on the stack.
 */
	.balign	16
exception_common:
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%r11
	push	%r10
	push	%r9
	push	%r8
	push	%rdi
	push	%rsi
	push	%rbp
	push	$0			/* RSP is among what the processor pushed */
	push	%rbx
	push	%rdx
	push	%rcx
	push	%rax
	cld
	mov	%rsp, %rdi
	sub	$8, %rsp
	call	exception_handle
	add	$8, %rsp
	pop	%rax
	pop	%rcx
	pop	%rdx
	pop	%rbx
	add	$8, %rsp
	pop	%rbp
	pop	%rsi
	pop	%rdi
	pop	%r8
	pop	%r9
	pop	%r10
	pop	%r11
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	add	$16, %rsp		/* vector and error code */
	iretq

	.section .note.GNU-stack, "", @progbits
