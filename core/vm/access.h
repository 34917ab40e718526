/*
 * A decoded load or store whose address is known already: what a VM exit for an access outside
 * guest memory leaves to do. The backend decodes the instruction, core/ executes it.
 */
#ifndef CORE_VM_ACCESS_H
#define CORE_VM_ACCESS_H

#include "lib/base.h"

enum access_op {
	ACCESS_LOAD,  /* MOV, MOVZX, MOVSX: register <- memory */
	ACCESS_STORE, /* MOV: memory <- register or immediate; memory is not read */
	ACCESS_AND,
	ACCESS_OR,
	ACCESS_XCHG,
	ACCESS_TEST,
	ACCESS_CMP,
};

/* One operand is memory; the other is the immediate if has_immediate, else the register. */
struct access {
	enum access_op op;
	uint8_t size;	  /* bytes of the memory operand: 1, 2, 4, 8 */
	uint8_t reg_size; /* bytes of the register operand; above size only for MOVZX and MOVSX */
	bool sign_extend; /* MOVSX: extend the sign from size to reg_size */
	/*
	 * Memory is the first operand: the destination of MOV, AND, OR and XCHG. TEST and CMP have
	 * none, but CMP subtracts the second operand from the first.
	 */
	bool memory_is_destination;
	bool has_immediate;
	bool high_byte;	    /* the register is AH, CH, DH or BH: bits 15:8 of gpr[reg] */
	uint8_t reg;	    /* 0..15 in ModRM numbering, an index of gpr[]; AH is 0 + high_byte */
	uint8_t length;	    /* bytes of the instruction */
	uint64_t immediate; /* sign-extended to 64 bits, then cut to size */
};

/* The bits of an operand of size bytes: 1, 2, 4 or 8. */
static inline uint64_t access_mask(uint8_t size)
{
	return UINT64_MAX >> (64 - 8 * size);
}

/*
 * The operand that is not in memory, cut to a->size: the register, or the immediate if there is
 * one. gpr[] in ModRM order. SDM vol. 2A, "ModR/M and SIB Bytes" and "REX Prefixes".
 */
uint64_t access_register_read(const uint64_t gpr[16], const struct access *a);

/*
 * Writes value, an operand of a->size bytes, to the register: extended to a->reg_size, then merged:
 * 4 bytes clear bits 63:32, 1 and 2 bytes keep the others.
 * SDM vol. 1, "General-Purpose Registers in 64-Bit Mode".
 */
void access_register_write(uint64_t gpr[16], const struct access *a, uint64_t value);

/*
 * Executes the instruction on memory's old value (a->size bytes; ignored by ACCESS_STORE) and
 * updates gpr[] and the status flags in *rflags. True if *store is to be written to memory
 * (a->size bytes); otherwise *store is not touched. RIP is the caller's.
 *
 * SDM vol. 2A to 2D, "Instruction Set Reference": AND, CMP, MOV, MOVSX, MOVZX, OR, TEST, XCHG.
 * AND, OR and TEST clear OF and CF, set SF, ZF and PF by the result and leave AF undefined: here
 * it stays as it was. CMP sets all six as SUB does (vol. 1, "Status Flags").
 */
bool access_execute(const struct access *a, uint64_t gpr[16], uint64_t *rflags, uint64_t memory,
		    uint64_t *store);

#endif
