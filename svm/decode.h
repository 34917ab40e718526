/* What the processor does not tell about an instruction that exited, where it has neither nRIP nor
 * decode assists. */
#ifndef SVM_DECODE_H
#define SVM_DECODE_H

#include "lib/base.h"

struct svm_instruction {
	uint8_t length;
	uint8_t reg, rm; /* of the ModRM byte, with REX.R and REX.B; of MOV to and from CR */
};

/*
 * Decodes an instruction that exited, so it is one of those with an intercept of its own: prefixes,
 * an opcode of one to three bytes, and for MOV CR a ModRM byte. code_size: 16, 32 or 64. False: the
 * bytes end before it.
 */
MUST_USE bool svm_decode(const uint8_t *bytes, size_t count, unsigned code_size,
			 struct svm_instruction *out);

#endif
