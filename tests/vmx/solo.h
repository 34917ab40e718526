/*
 * Guests of a few instructions for a test's own code, where rows that are written down would be
 * too many or want to look at a clock: cases are made one after the other and checked by their
 * rule.
 */
#ifndef TESTS_VMX_SOLO_H
#define TESTS_VMX_SOLO_H

#include "tests/vmx/stage.h"
#include "tests/vmx/theatre.h"

/* A theatre on the stage's processor; NULL: no memory, or no VMCS, and the stage says so. */
struct theatre *solo_open(struct stage *stage);
void solo_close(struct stage *stage, struct theatre *theatre);

/* The machine has what the row needs in that mode; if not, the stage notes it. */
bool solo_can(struct stage *stage, const struct theatre *theatre, const struct guest_row *row,
	      enum guest_mode mode);

/* Carries out the row's only case, which is a check of its rule; the format says more of it. */
bool solo_check(struct stage *stage, struct theatre *theatre, const struct guest_row *row,
		enum guest_mode mode, const char *format, ...) PRINTF_LIKE(5, 6);

/* All processors share jobs: this one is for this processor. */
bool solo_mine(const struct stage *stage, unsigned job);

/* In lists of changes that are made by code. */
#define SOLO_SET(name, v)                                                                          \
	{                                                                                          \
		AT_##name, GUEST_SET, 0, 0, (v)                                                    \
	}
#define SOLO_OR(name, v)                                                                           \
	{                                                                                          \
		AT_##name, GUEST_OR, 0, 0, (v)                                                     \
	}
#define SOLO_CLEAR(name, v)                                                                        \
	{                                                                                          \
		AT_##name, GUEST_CLEAR, 0, 0, (v)                                                  \
	}
#define SOLO_REG(gpr, v)                                                                           \
	{                                                                                          \
		AT_GPR + (gpr), GUEST_SET, 0, 0, (v)                                               \
	}
#define SOLO_UNJUDGED(at)                                                                          \
	{                                                                                          \
		(at), GUEST_UNJUDGED, 0, 0, 0                                                      \
	}
/* A byte of a page of enum entry_page. */
#define SOLO_BYTE(page, offset, v)                                                                 \
	{                                                                                          \
		AT_SEAT, GUEST_SET, 1, (page)*PAGE_SIZE + (offset), (v)                            \
	}

#endif
