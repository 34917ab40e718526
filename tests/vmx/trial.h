/*
 * A guest of a few instructions, for rules of what they do in VMX non-root operation: one of the
 * states that entries are known to work with, and code of the test's own. The boot processor.
 */
#ifndef TESTS_VMX_TRIAL_H
#define TESTS_VMX_TRIAL_H

#include "tests/vmx/ground.h"
#include "tests/vmx/stage.h"

struct trial {
	struct stage *stage;
	struct seat seat;
	struct model_state state; /* of the next entry */
	enum entry_base base;
	uint64_t *map; /* NULL: no EPT */
	unsigned map_pages;
	size_t used; /* bytes of code */
};

/* False: no memory, or no VMCS; the stage says so. */
bool trial_open(struct trial *trial, struct stage *stage);
void trial_close(struct trial *trial);

/* Begins with one of the states, without code. False: the machine lacks what it needs. */
bool trial_begin(struct trial *trial, enum entry_base base);

/* The same at CPL 3, which BASE_32 can. */
bool trial_begin_user(struct trial *trial);

/* Adds to the code. */
void trial_emit(struct trial *trial, const void *bytes, size_t count);

/* Where the code runs on a linear address of 32 bits: one of a word that it may read and write. */
uint32_t trial_operand(const struct trial *trial);

/* Enters. Behind the code is a CPUID, which exits. */
struct ending trial_run(struct trial *trial);

#endif
