/*
 * EFI_STATUS _start(EFI_HANDLE image, EFI_SYSTEM_TABLE *table)
 *                   RCX               RDX
 *
 * The image's entry point, in the firmware's calling convention, in which RDI and RSI survive:
 * UEFI specification, "x64 Platforms", "Detailed Calling Conventions".
 *
 *  1. keep RDI and RSI, and the arguments; the stack is 16-byte aligned at each call
 *  2. relocate the image
 *  3. efi_main(image, table), in ours
 */
	.text
	.globl _start
	.hidden _start
_start:
	push	%rdi
	push	%rsi
	push	%rcx
	push	%rdx
	sub	$8, %rsp
	lea	ImageBase(%rip), %rdi
	lea	_DYNAMIC(%rip), %rsi
	call	_relocate
	test	%rax, %rax
	jnz	1f
	mov	16(%rsp), %rdi
	mov	8(%rsp), %rsi
	call	efi_main
1:	add	$24, %rsp
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
