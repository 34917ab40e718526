/* Decodes the loads and stores that compilers and kernels use on the local APIC page. */
#ifndef CORE_VM_DECODE_H
#define CORE_VM_DECODE_H

#include "lib/base.h"
#include "vm/access.h"

enum decode_status {
	DECODE_OK,
	DECODE_TRUNCATED, /* as far as the bytes go they may begin a supported instruction */
	DECODE_REFUSED,	  /* not one of the forms below, whatever follows, or over 15 bytes */
};

/*
 * Decodes the instruction that begins at bytes[0] and accesses memory once: MOV (ModRM, moffs and
 * immediate forms), MOVZX, MOVSX, AND, OR, XCHG, TEST and CMP of a general register or an
 * immediate with memory. Refused: everything else, register-only forms, REP and REPNE, LOCK where
 * it raises #UD, and encodings that the SDM does not list (82H, F6H /1, F7H /1).
 *
 * count: bytes that may be read, fewer than the instruction's give DECODE_TRUNCATED. mode_bits: 16
 * or 32, the default sizes by CS.D outside 64-bit mode, or 64 for 64-bit mode. *out is written
 * with DECODE_OK only. The address is not computed: the VM exit has told it.
 *
 * SDM vol. 2A, "Instruction Format"; vol. 2D, "Opcode Map".
 */
MUST_USE enum decode_status decode_access(const uint8_t *bytes, size_t count, unsigned mode_bits,
					  struct access *out);

#endif
