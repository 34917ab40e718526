/* The VMX capability MSRs of this processor, as they are. */
#ifndef TESTS_VMX_CAPABILITIES_H
#define TESTS_VMX_CAPABILITIES_H

#include "lib/base.h"

#include "vmx/vmcs.h"

enum { CAPABILITY_FIRST = 0x480, CAPABILITY_COUNT = 20 };

struct capabilities {
	uint64_t msr[CAPABILITY_COUNT]; /* 0 where the others say that there is none */
	uint64_t cr0, cr4, feature_control;
};

void capabilities_read(struct capabilities *capabilities);

static inline uint64_t capability(const struct capabilities *capabilities, uint32_t msr)
{
	return capabilities->msr[msr - CAPABILITY_FIRST];
}

/* What a control's bits may be: those that may be 1, of all 64 where there are so many. */
uint64_t controls_allowed(const struct capabilities *capabilities, enum control_group group);

/* One implication: it holds if the two numbers are equal. */
typedef void capability_tell(void *context, const char *text, uint64_t wanted, uint64_t got);

/* Tells all that concern this processor. */
void capabilities_compare(const struct capabilities *capabilities, capability_tell *tell,
			  void *context);

#endif
