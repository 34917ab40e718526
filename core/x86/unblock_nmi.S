	.text
/*
 * void unblock_nmi(void): NMIs stay blocked until the next IRET: SDM vol. 3A, "Handling Multiple
 * NMIs". This is one.
 */
	.globl unblock_nmi
	.hidden unblock_nmi
	.type unblock_nmi, @function
unblock_nmi:
	mov %rsp, %rax
	mov %ss, %ecx
	push %rcx
	push %rax
	pushfq
	mov %cs, %ecx
	push %rcx
	lea 1f(%rip), %rax
	push %rax
	iretq
1:	ret
	.size unblock_nmi, . - unblock_nmi

	.section .note.GNU-stack, "", @progbits
