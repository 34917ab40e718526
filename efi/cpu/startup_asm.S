/* From the SIPI to C. */

	.text

#define AT(label) (label - startup_page)

/*
 * Copied to a page below 1 MiB, where a SIPI begins: real mode, CS = page / 16, IP = 0.
 *  1. load the GDT and the control registers that startup.c has put behind the code; PE and PG at
 *     once, so long mode begins
 *  2. go to 64-bit code, and to startup_arrive
 */
	.balign	16
	.global startup_page, startup_page_end
	.hidden startup_page, startup_page_end
startup_page:
	.code16
	cli
	cld
	mov	%cs, %ax
	mov	%ax, %ds
	lgdtl	AT(gdtr)
	mov	AT(values) + 0, %eax
	mov	%eax, %cr4
	mov	AT(values) + 4, %eax
	mov	%eax, %cr3
	mov	$0xc0000080, %ecx		/* IA32_EFER */
	mov	AT(values) + 8, %eax
	xor	%edx, %edx
	wrmsr
	mov	AT(values) + 12, %eax
	mov	%eax, %cr0
	ljmpl	*AT(long_mode)
	.code64
1:	mov	arrive(%rip), %rax
	jmp	*%rax

	.balign	8
gdt:	.quad	0
	.quad	0x00af9b000000ffff		/* 64-bit code */
	.quad	0x00cf93000000ffff		/* data */
/* From here on, startup.c knows the order: struct tail. */
	.global startup_tail
	.hidden startup_tail
	.balign	8
startup_tail:
values:	.long	0, 0, 0, 0			/* CR4, CR3, EFER, CR0 */
arrive:	.quad	0
long_mode:
	.long	AT(1b)				/* + page */
	.word	8
gdtr:	.word	gdtr - gdt - 1
	.long	AT(gdt)				/* + page */
startup_page_end:

/*
 * In the image, without a stack:
 *  1. take the stack that is on offer; on its top lies its owner. Without an offer, stay here
 *  2. load the boot processor's GDT and IDT, and its selectors
 *  3. startup_main(owner), and wait for the INIT
 */
	.global startup_arrive
	.hidden startup_arrive
startup_arrive:
	xor	%eax, %eax
	xchg	%rax, startup_offer(%rip)
	test	%rax, %rax
	jz	2f
	mov	%rax, %rsp
	pop	%rbx
	lgdt	startup_gdtr(%rip)
	lidt	startup_idtr(%rip)
	mov	startup_ds(%rip), %eax
	mov	%eax, %ss
	mov	%eax, %ds
	mov	%eax, %es
	xor	%eax, %eax
	mov	%eax, %fs
	mov	%eax, %gs
	mov	startup_cs(%rip), %eax
	push	%rax
	lea	1f(%rip), %rax
	push	%rax
	lretq
1:	mov	%rbx, %rdi
	and	$-16, %rsp			/* as the ABI wants it at a call */
	call	startup_main
2:	cli
	hlt
	jmp	2b

	.section .note.GNU-stack, "", @progbits
