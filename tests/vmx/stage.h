/*
 * What a test of the VMX instructions has on a processor: VMCSs of its own, and a list of what was
 * otherwise than it should be. No guest is loaded; the processor is in VMX operation.
 */
#ifndef TESTS_VMX_STAGE_H
#define TESTS_VMX_STAGE_H

#include "suite/test.h"
#include "vm/cpu.h"
#include "x86/paging.h"

#include "tests/entry/ledger.h"
#include "tests/vmx/attempt.h"

enum stage_page {
	STAGE_VMCS,  /* the current VMCS at the beginning, clear, all fields undefined */
	STAGE_OTHER, /* another one, clear */
	STAGE_SPARE,
	STAGE_MAPPED,	   /* two pages, for operands */
	STAGE_MAPPED_NEXT, /* the second one, which stage->tables may map otherwise */
	STAGE_TABLES,	   /* for stage->tables */
	STAGE_PAGES = STAGE_TABLES + 16
};

struct stage {
	struct ledger ledger; /* first */
	struct cpu *cpu;
	uint8_t *pages;
	uint64_t vmxon; /* the address of the region that VMXON was given */
	uint32_t revision;
	uint64_t beyond;      /* bits of physical addresses that VMX has no room for */
	unsigned linear_bits; /* of operands' addresses */
	bool invept, invvpid; /* the instructions exist */
	struct page_tables tables;
};

/* A test's .data. */
typedef void stage_body(struct stage *stage);

/* A test's .argument: on the boot processor only. */
enum { STAGE_ALONE = 1 };

/* A test's .run: the body on all processors at the same time. */
void stage_run(struct test_run *run);

/* The test of a body that runs guests. */
#define STAGE_TEST(name_, body, spec_, about_, means_)                                             \
	{                                                                                          \
		.name = name_, .spec = spec_, .run = stage_run, .needs = BIT(CAP_VMX),             \
		.data = body, .milliseconds = 20000, EXPLAINS(about_, means_)                      \
	}

static inline uint8_t *stage_page(const struct stage *stage, enum stage_page page)
{
	return stage->pages + page * (size_t)PAGE_SIZE;
}

/* Its physical address. */
uint64_t stage_address(const struct stage *stage, enum stage_page page);

/* Writes the first word of a VMCS region or VMXON region. */
void stage_set_revision(struct stage *stage, enum stage_page page, uint32_t revision);

/* Makes the page a clear VMCS, and the current one. */
void stage_load(struct stage *stage, enum stage_page page);

/* No VMCS is current afterwards. */
void stage_unload(struct stage *stage);

/*
 * Leaves VMX operation for the body, which may enter it and change CR0 and CR4, and enters it
 * again. STAGE_VMCS is clear and current afterwards.
 */
void stage_outside(struct stage *stage, stage_body *body);

/*
 * One check of a rule: its id in the catalogue, static text. The format says more of it. False: it
 * is wrong. Numbers are of any kind that the text says, and printed in hexadecimal.
 */
bool check(struct stage *stage, const char *rule, struct ending wanted, struct ending got,
	   const char *format, ...) PRINTF_LIKE(5, 6);
bool check_number(struct stage *stage, const char *rule, uint64_t wanted, uint64_t got,
		  const char *format, ...) PRINTF_LIKE(5, 6);

/* Skips the test, which has made no check; static text. */
void stage_skip(struct stage *stage, const char *why);

/* What is told and not judged. */
void stage_note(struct stage *stage, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
