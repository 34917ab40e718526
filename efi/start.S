/*
 * EFI_STATUS _start(EFI_HANDLE image, EFI_SYSTEM_TABLE *table)
 *                   RCX               RDX
 *
 * The image's entry point, in the firmware's calling convention, in which RDI and RSI survive:
 * UEFI specification, "x64 Platforms", "Detailed Calling Conventions".
 *
 *  1. keep RDI and RSI, and the arguments; the stack is 16-byte aligned at each call
 *  2. switch shadow stacks and branch tracking off: we change stacks, and have no ENDBR64
 *  3. relocate the image
 *  4. efi_main(image, table), in ours
 *  5. switch them on again; the shadow stack pointer has not moved
 */
#define CR4_CET 23			/* bit */
#define IA32_S_CET 0x6a2

	.text
	.globl _start
	.hidden _start
_start:
	endbr64
	push	%rdi
	push	%rsi
	push	%rcx
	push	%rdx
	push	%rax			/* room for IA32_S_CET */
	mov	%cr4, %rax
	bt	$CR4_CET, %rax
	jnc	1f
	mov	$IA32_S_CET, %ecx
	rdmsr
	mov	%eax, (%rsp)
	mov	%edx, 4(%rsp)
	xor	%eax, %eax
	xor	%edx, %edx
	wrmsr
1:
	lea	ImageBase(%rip), %rdi
	lea	_DYNAMIC(%rip), %rsi
	call	_relocate
	test	%rax, %rax
	jnz	1f
	mov	16(%rsp), %rdi
	mov	8(%rsp), %rsi
	call	efi_main
1:	mov	%rax, %rdi
	mov	%cr4, %rax
	bt	$CR4_CET, %rax
	jnc	2f
	mov	$IA32_S_CET, %ecx
	mov	(%rsp), %eax
	mov	4(%rsp), %edx
	wrmsr
2:	mov	%rdi, %rax
	add	$24, %rsp
	pop	%rsi
	pop	%rdi
	ret

/* Firmware wants a base relocation table; this one has a single entry, which does nothing. */
	.data
nothing:
	.long	0
	.section .reloc, "a"
page:
	.long	nothing - page
	.long	10 /* bytes of this block */
	.word	0 /* IMAGE_REL_BASED_ABSOLUTE */

	.section .note.GNU-stack, "", @progbits
