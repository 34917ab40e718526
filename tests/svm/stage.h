/*
 * What a test of the SVM instructions has on a processor: a list of what it has checked, pages of
 * its own, and guests of a few instructions.
 */
#ifndef TESTS_SVM_STAGE_H
#define TESTS_SVM_STAGE_H

#include "tests/entry/attempt.h"
#include "tests/entry/ledger.h"
#include "tests/svm/ground.h"

enum svm_instruction {
#define INSTRUCTION(name, ...) INSN_##name,
#include "tests/svm/attempt.def"
#undef INSTRUCTION
	SVM_INSTRUCTIONS
};

/* The eight that there are, in the order of their opcodes; the others are forms of these. */
enum { SVM_OPCODES = INSN_INVLPGA + 1 };

struct svm_stage {
	struct ledger ledger; /* first */
	struct cpu *cpu;
	struct svm_seat *seat;
	struct svm_state state; /* of the next guest */
	unsigned used;		/* bytes of its code */
};

/* A test's .data, and its .run: on all processors at the same time. */
typedef void svm_stage_body(struct svm_stage *stage);
void svm_stage_run(struct test_run *run);

/* How an instruction ends: a vector, or that it does. */
enum { COMPLETES = -1, RAISES_UD = 6, RAISES_GP = 13 };

const char *svm_instruction_text(enum svm_instruction instruction);

/* Carries it out in the host; GIF is 1 afterwards. COMPLETES, or the vector; registers: NULL or
 * those after it. */
int svm_attempt(enum svm_instruction instruction, uint64_t rax, uint64_t rcx,
		struct attempt *registers);

/* One check of a rule: how it ends. */
bool svm_check_attempt(struct svm_stage *stage, const char *rule, int wanted,
		       enum svm_instruction instruction, uint64_t rax, uint64_t rcx);

#define svm_check_number(stage, ...) ledger_number(&(stage)->ledger, __VA_ARGS__)
#define svm_note(stage, ...) ledger_note(&(stage)->ledger, __VA_ARGS__)

/* Begins a guest without code, from a base. False: the machine lacks what it needs. */
bool svm_guest_begin(struct svm_stage *stage, enum svm_base base);

/* Adds to the code. */
void svm_guest_emit(struct svm_stage *stage, const void *bytes, size_t count);

/* Runs it. Behind the code is HLT, which exits with 78H. */
struct svm_probe_result svm_guest_run(struct svm_stage *stage);

/* Of the last exit. */
uint64_t svm_guest_field(const struct svm_stage *stage, uint32_t field);

/* VMMCALL in the host may be a call of the hypervisor's below us. */
bool svm_vmmcall_is_ours(void);

#endif
