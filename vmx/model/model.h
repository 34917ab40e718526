/*
 * What a VM entry must do, as a pure function: from every field of the VMCS, the memory that it
 * depends on and the processor's capabilities to the set of outcomes that the SDM allows. The same
 * code runs in the image and on Linux.
 *
 * The rules are rows of the .rules files, one for each rule of the catalogue, in the stages of SDM
 * vol. 3C, "VM Entries": controls (VMfailValid 7), host state (VMfailValid 8), guest state (exit
 * reason 33 with a qualification), MSR loading (exit reason 34 with the entry's number). Within a
 * stage the processor may check in any order; VMfails come before all others.
 */
#ifndef VMX_MODEL_MODEL_H
#define VMX_MODEL_MODEL_H

#include "lib/base.h"

#include "vmx/model/state.h"

enum model_stage { STAGE_CONTROLS, STAGE_HOST, STAGE_GUEST, STAGE_MSR, STAGE_COUNT };

enum { MODEL_RULES_MAX = 256 };

/* The set of outcomes that are right. */
struct model_verdict {
	bool enters;
	bool control_error; /* VMfailValid with 7 */
	bool host_error;    /* VMfailValid with 8 */
	uint8_t guest;	    /* bit q: exit reason 33 with qualification q */
	uint32_t msr;	    /* exit reason 34 with this qualification; 0: no */
	bool unjudged;	    /* a rule that processors differ in is concerned: anything may come */
	uint64_t violated[MODEL_RULES_MAX / 64]; /* a bit for each rule */
};

struct model_rule {
	const char *id; /* as in the catalogue */
	uint8_t stage;	/* enum model_stage */
};

extern const struct model_rule model_rules[];
extern const unsigned model_rule_count;

/* The number of a rule; model_rule_count: there is none of that id. */
unsigned model_rule_number(const char *id);

static inline bool model_violates(const struct model_verdict *verdict, unsigned rule)
{
	return verdict->violated[rule / 64] >> rule % 64 & 1;
}

/* What an entry with this state must do. stages: bits of enum model_stage; the others are known to
 * be clean. MODEL_ALL: all of them. */
enum { MODEL_ALL = (1 << STAGE_COUNT) - 1 };
struct model_verdict model_check(const struct model_state *state,
				 const struct model_machine *machine, unsigned stages);

/*
 * Rounds the state to a valid one nearby: repairs what the violated rules name, until none is left.
 * False: that did not come to an end.
 */
bool model_repair(struct model_state *state, const struct model_machine *machine);

#endif
