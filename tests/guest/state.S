/*
 * Program "state": void guest_state(uint32_t slot), 32-bit; it ends in 64-bit mode and never
 * returns.
 *
 *  1. a jump to state_restart into the page of the SIPI vector GUEST_STATE_SIPI; CR0.CD and NW
 *  2. paging, long mode; FS is the slot's struct guest_state, GS a base of its own
 *  3. every register from fill
 *  4. count, by instructions that need no register and cause no exit, until released
 *  5. every register into seen, and halt
 *
 * After INIT, a SIPI comes to state_restart: steps 2 and 5, and nothing that the x87, SSE, AVX,
 * debug or XCR0 registers are changed by.
 */
	.set SHARED, 0xC000
	.set RESTART, 0x40000
	.set TABLES, 0x41000
	.set STATES, 0x44000

/* struct guest_registers */
	.set R_DR, 128
	.set R_DR6, 160
	.set R_DR7, 168
	.set R_CR2, 176
	.set R_XCR0, 184
	.set R_PAT, 192
	.set R_FX, 256
	.set R_YMM, 768
/* struct guest_state */
	.set SEEN, 1280
	.set GDT, 2560
	.set GDT_POINTER, 2608
	.set XSAVE, 2616
	.set AVX, 2620
	.set COUNTER, 2624
	.set RELEASE, 2628
	.set STORES, 2632
	.set CR0_SET, 2636
	.set CR0_SEEN, 2640

	.set CR4_BITS, 0x620			/* PAE, OSFXSR, OSXMMEXCPT */
	.set CR4_OSXSAVE, 0x40000
	.set IA32_EFER, 0xC0000080
	.set IA32_PAT, 0x277
	.set FS_SELECTOR, 0x18
	.set GS_SELECTOR, 0x20
	.set TSS_SELECTOR, 0x28
	.set TSS_AVAILABLE, 0x89

	.text
	.code32
	.globl guest_state
guest_state:
	mov 4(%esp), %esi
	shl $12, %esi
	add $STATES, %esi			/* ESI = struct guest_state */
	movb $0xEA, RESTART			/* JMP FAR 0000:state_restart */
	movw $state_restart, RESTART + 1
	movw $0, RESTART + 3
	mov %cr0, %eax
	and $0x9FFFFFFF, %eax
	or CR0_SET(%esi), %eax
	mov %eax, %cr0
	xor %edi, %edi				/* EDI = 0: fill first */

/* ESI, EDI as above. 32-bit code, flat. */
long_mode:
	lgdtl GDT_POINTER(%esi)
	mov $CR4_BITS, %eax
	cmpl $0, XSAVE(%esi)
	je 1f
	or $CR4_OSXSAVE, %eax
1:	mov %eax, %cr4
	mov $TABLES, %eax
	mov %eax, %cr3
	mov $IA32_EFER, %ecx
	rdmsr
	or $0x100, %eax				/* LME */
	wrmsr
	mov $FS_SELECTOR, %eax
	mov %eax, %fs
	mov $GS_SELECTOR, %eax
	mov %eax, %gs
	/* Some processors refuse long mode with the 16-bit TSS that AMD's INIT leaves in TR. */
	movb $TSS_AVAILABLE, GDT + TSS_SELECTOR + 5(%esi)
	mov $TSS_SELECTOR, %eax
	ltr %ax
	mov %cr0, %eax
	or $0x80000000, %eax			/* PG */
	mov %eax, %cr0
	ljmp $8, $1f

	.code64
1:	test %edi, %edi
	jnz store

	cmpl $0, %fs:XSAVE
	je 1f
	xor %ecx, %ecx
	mov %fs:R_XCR0, %eax
	mov %fs:R_XCR0 + 4, %edx
	xsetbv
1:	fxrstor64 %fs:R_FX
	cmpl $0, %fs:AVX
	je 1f
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	vmovdqu %fs:R_YMM + 32 * \n, %ymm\n
	.endr
1:	.irp n, 0, 1, 2, 3, 6, 7
	mov %fs:R_DR + 8 * (\n - (\n / 6) * 2), %rax
	mov %rax, %db\n
	.endr
	mov %fs:R_CR2, %rax
	mov %rax, %cr2
	mov $IA32_PAT, %ecx			/* exits: the hypervisor takes all state, and sets it */
	mov %fs:R_PAT, %eax
	mov %fs:R_PAT + 4, %edx
	wrmsr

	.macro each_gpr what
	\what 1, rcx
	\what 2, rdx
	\what 3, rbx
	\what 4, rsp
	\what 5, rbp
	\what 6, rsi
	\what 7, rdi
	.irp n, 8, 9, 10, 11, 12, 13, 14, 15
	\what \n, r\n
	.endr
	\what 0, rax
	.endm
	.macro load_gpr number, name
	mov %fs:8 * \number, %\name
	.endm
	.macro store_gpr number, name
	mov %\name, %fs:SEEN + 8 * \number
	.endm

	each_gpr load_gpr
1:	incl %fs:COUNTER
	cmpl $0, %fs:RELEASE
	je 1b

store:
	each_gpr store_gpr
	fxsave64 %fs:SEEN + R_FX
	cmpl $0, %fs:AVX
	je 1f
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	vmovdqu %ymm\n, %fs:SEEN + R_YMM + 32 * \n
	.endr
1:	.irp n, 0, 1, 2, 3, 6, 7
	mov %db\n, %rax
	mov %rax, %fs:SEEN + R_DR + 8 * (\n - (\n / 6) * 2)
	.endr
	mov %cr2, %rax
	mov %rax, %fs:SEEN + R_CR2
	mov $IA32_PAT, %ecx
	rdmsr
	mov %eax, %fs:SEEN + R_PAT
	mov %edx, %fs:SEEN + R_PAT + 4
	cmpl $0, %fs:XSAVE
	je 1f
	xor %ecx, %ecx
	xgetbv
	mov %eax, %fs:SEEN + R_XCR0
	mov %edx, %fs:SEEN + R_XCR0 + 4
1:	incl %fs:STORES
1:	cli
	hlt
	jmp 1b

/* Real mode, CS 0, after INIT. */
	.code16
state_restart:
	xor %ax, %ax
	mov %ax, %ds
	mov %cr0, %edi
	mov $1, %eax
	cpuid
	shr $24, %ebx
	movzbl SHARED(%bx), %esi
	shl $12, %esi
	add $STATES, %esi
	lgdtl state_gdt_pointer
	mov %cr0, %eax
	or $1, %eax				/* PE; CD and NW stay */
	mov %eax, %cr0
	ljmpl $8, $1f
	.code32
1:	mov $16, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	mov %edi, CR0_SEEN(%esi)
	mov $1, %edi				/* store only */
	jmp long_mode

	.data
	.balign 8
state_gdt:
	.quad 0
	.quad 0x00CF9B000000FFFF		/* 8: code, 4 GiB */
	.quad 0x00CF93000000FFFF		/* 16: data, 4 GiB */
state_gdt_pointer:
	.word . - state_gdt - 1
	.long state_gdt

	.section .note.GNU-stack, "", @progbits
