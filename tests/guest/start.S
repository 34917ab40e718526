/*
 * The guest's first instructions: 16-bit code that records what it sees without changing it,
 * then 32-bit protected mode, flat, and guest_main(slot) in C.
 */
	.set SLOTS, 0x8000
	.set SHARED, 0xC000
	.set STACK_SEGMENT, 0x2000
	.set STACKS, 0x20000
	.set STACK_SHIFT, 10

/* struct guest_slot */
	.set S_EAX, 0
	.set S_EBX, 4
	.set S_ECX, 8
	.set S_EDX, 12
	.set S_ESI, 16
	.set S_EDI, 20
	.set S_EBP, 24
	.set S_ESP, 28
	.set S_EFLAGS, 32
	.set S_CR0, 36
	.set S_CR4, 40
	.set S_IP, 44
	.set S_CS, 48
	.set S_DS, 50
	.set S_ES, 52
	.set S_FS, 54
	.set S_GS, 56
	.set S_SS, 58
	.set S_GDT, 60
	.set S_IDT, 66
	.set S_APIC_ID, 72
	.set S_ENTERED, 76
	.set S_TSC, 192

/*
 * The start-up IPI's page: CS:IP is vector << 8 : 0. Runs at any page, so it refers to itself by
 * offsets into the page only. Until EFLAGS is stored no instruction may change a flag, and the
 * stack is not ours.
 *
 *  1. EAX to EDX into MMX registers, because CPUID overwrites them
 *  2. the APIC id chooses the slot, without arithmetic: BSWAP, MOVZX, a table, LEA
 *  3. the registers into the slot
 *  4. an own stack, for EFLAGS and IP
 */
	.section .sipi, "ax"
	.code16
	.globl sipi_entry
sipi_entry:
	movd %eax, %mm0
	movd %ebx, %mm1
	movd %ecx, %mm2
	movd %edx, %mm3
	rdtsc
	movd %eax, %mm4
	mov $1, %eax
	cpuid
	bswap %ebx
	movzbl %bl, %ebx
	mov %ebx, %ecx
	movzbl SHARED(%bx), %ebx		/* slot */
	lea (,%ebx,8), %edx
	lea (,%edx,8), %edx
	lea SLOTS(,%edx,4), %edx		/* EDX = &slot[EBX] */
	mov %ecx, S_APIC_ID(%edx)
	movd %mm0, S_EAX(%edx)
	movd %mm1, S_EBX(%edx)
	movd %mm2, S_ECX(%edx)
	movd %mm3, S_EDX(%edx)
	movd %mm4, S_TSC(%edx)
	mov %esi, S_ESI(%edx)
	mov %edi, S_EDI(%edx)
	mov %ebp, S_EBP(%edx)
	mov %esp, S_ESP(%edx)
	mov %cs, S_CS(%edx)
	mov %ds, S_DS(%edx)
	mov %es, S_ES(%edx)
	mov %fs, S_FS(%edx)
	mov %gs, S_GS(%edx)
	mov %ss, S_SS(%edx)
	sgdtl S_GDT(%edx)
	sidtl S_IDT(%edx)
	mov %cr0, %eax
	mov %eax, S_CR0(%edx)
	mov %cr4, %eax
	mov %eax, S_CR4(%edx)

	lea (,%ebx,8), %eax		/* top of the stack: (slot + 1) << STACK_SHIFT */
	lea (,%eax,8), %eax
	lea (,%eax,8), %eax
	lea 0x3F0(,%eax,2), %eax
	mov $STACK_SEGMENT, %cx
	mov %cx, %ss
	mov %eax, %esp
	pushfl
	popl S_EFLAGS(%edx)
	call 1f
1:	pop %ax
	sub $(1b - sipi_entry), %ax
	movzwl %ax, %eax
	mov %eax, S_IP(%edx)
	jmp to_protected

	/* EBX = slot. The boot processor jumps here from its own page through copied code too. */
to_protected:
	emms
	xor %ax, %ax
	mov %ax, %ds
	lgdtl guest_gdt_pointer
	mov %cr0, %eax
	and $0x9FFFFFFF, %eax			/* caches on: CD and NW clear */
	or $1, %eax
	mov %eax, %cr0
	ljmpl $8, $guest_protected

	.section .text.entry, "ax"
	.globl guest_entry
guest_entry:					/* the boot processor, CS 0 */
	.code16
	xor %ax, %ax
	mov %ax, %ds
	mov $1, %eax
	cpuid
	shr $24, %ebx
	movzbl SHARED(%bx), %ebx
	mov %ebx, %edx
	shl $8, %edx
	lea SLOTS(%edx), %edx
	lgdtl guest_gdt_pointer
	mov %cr0, %eax
	and $0x9FFFFFFF, %eax
	or $1, %eax
	mov %eax, %cr0
	ljmpl $8, $guest_protected

	.text
	.code32
guest_protected:
	mov $16, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %fs
	mov %eax, %gs
	mov %eax, %ss
	lea 1(%ebx), %esp
	shl $STACK_SHIFT, %esp
	add $(STACKS - 16), %esp
	lidt guest_idt_pointer
	mov %ebx, %eax
	shl $8, %eax
	lock incl SLOTS + S_ENTERED(%eax)
	push %ebx
	call guest_main
1:	cli
	hlt
	jmp 1b

/* The stubs that main.c makes, one a vector, join here with vector and error code on the stack. */
	.globl interrupt_common
interrupt_common:
	pusha
	mov %esp, %eax
	push %eax
	call guest_interrupt
	pop %eax
	popa
	add $8, %esp
	iret

	.data
	.balign 8
guest_gdt:
	.quad 0
	.quad 0x00CF9B000000FFFF		/* 8: code, 4 GiB */
	.quad 0x00CF93000000FFFF		/* 16: data, 4 GiB */
guest_gdt_pointer:
	.word . - guest_gdt - 1
	.long guest_gdt
guest_idt_pointer:
	.word 256 * 8 - 1
	.long guest_idt

	.section .note.GNU-stack, "", @progbits
