/*
 * The SVM instructions: AMD64 Architecture Programmer's Manual, vol. 3, "System Instruction
 * Reference". Those that may fault survive it: STATUS_FAULT. rAX holds an address in all of them,
 * so the one that a fix-up leaves in RAX is told apart by a register of its own.
 */
#ifndef SVM_INSN_H
#define SVM_INSN_H

#include "lib/base.h"
#include "lib/status.h"
#include "x86/fixup.h"

/* carry says whether the landing was reached by a fault: the instruction itself clears it first. */
#define SVM_ADDRESS_INSTRUCTION(function, text)                                                    \
	static inline MUST_USE enum status function(uint64_t address)                              \
	{                                                                                          \
		uint64_t fault = 1;                                                                \
                                                                                                   \
		__asm__ volatile("1: " text "\n\t"                                                 \
				 "xor %k[fault], %k[fault]\n"                                      \
				 "2:\n\t" FIXUP("1b", "2b")                                        \
				 : "+a"(address), [fault] "+r"(fault)                              \
				 :                                                                 \
				 : "memory", "cc");                                                \
		return fault ? STATUS_FAULT : STATUS_OK;                                           \
	}

SVM_ADDRESS_INSTRUCTION(svm_vmload, "vmload")
SVM_ADDRESS_INSTRUCTION(svm_vmsave, "vmsave")

static inline void svm_clgi(void)
{
	__asm__ volatile("clgi" ::: "memory");
}

static inline void svm_stgi(void)
{
	__asm__ volatile("stgi" ::: "memory");
}

#endif
