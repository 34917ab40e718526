/* APM vol. 2, "Canonicalization and Consistency Checks": what is not in the list is not checked. */
#include "svm/model/view.h"

#include "tests/svm/entry/rows.h"

#define ACCEPTED "inv.accepted", BASE_64, ENTERS
/* ES, CS, SS, DS: four fields each. */
#define OVER_SEGMENTS .over = BIT(0) | BIT(4) | BIT(8) | BIT(12)
#define OVER_DATA .over = BIT(0) | BIT(8) | BIT(12)
#define NEVER (RFLAGS_VM)

/* clang-format off */
static const struct entry_row rows[] = {
	{ ACCEPTED, ALL, .last = true, .at = AT_CS_ATTRIB, .mask = 0xFF },
	{ ACCEPTED, WALK, .last = true, .at = AT_ES_ATTRIB, .mask = 0xFFF, OVER_DATA },
	{ ACCEPTED, VALUES, .last = true, .at = AT_ES_ATTRIB, LIST(0, 0x7F, 0xFFF), OVER_DATA },
	{ ACCEPTED, VALUES, .last = true, .at = AT_CS_ATTRIB, LIST(0, 0x9FF) },
	{ ACCEPTED, VALUES, .at = AT_ES_LIMIT, LIST(0, 1, 0xFFFFF, 0xFFFFFFFE, 0xFFFFFFFF), OVER_SEGMENTS },
	{ ACCEPTED, VALUES, .at = AT_ES_SELECTOR, LIST(0, 3, 4, 0xFFFF), OVER_SEGMENTS },
	{ ACCEPTED, CANONICAL, .at = AT_ES_BASE, OVER_DATA },
	{ ACCEPTED, NOT_CANONICAL, .at = AT_ES_BASE, OVER_DATA },
	{ ACCEPTED, VALUES, .last = true, .at = AT_CPL, LIST(0, 1, 2, 3) },
	{ ACCEPTED, CANONICAL, .at = AT_RIP },
	{ ACCEPTED, NOT_CANONICAL, .at = AT_RIP },
	{ ACCEPTED, CANONICAL, .at = AT_RSP },
	{ ACCEPTED, NOT_CANONICAL, .at = AT_RSP },
	{ ACCEPTED, CANONICAL, .at = AT_GDTR_BASE },
	{ ACCEPTED, NOT_CANONICAL, .at = AT_GDTR_BASE },
	{ ACCEPTED, CANONICAL, .at = AT_IDTR_BASE },
	{ ACCEPTED, NOT_CANONICAL, .at = AT_IDTR_BASE },
	{ ACCEPTED, VALUES, .at = AT_GDTR_LIMIT, LIST(0, 0xFFFF, 0x10000, 0xFFFFFFFF) },
	{ ACCEPTED, VALUES, .at = AT_IDTR_LIMIT, LIST(0, 0xFFFF, 0x10000, 0xFFFFFFFF) },
	{ ACCEPTED, VALUES, .at = AT_RAX, LIST(0, ~0ull) },
	{ ACCEPTED, VALUES, .at = AT_CR2, LIST(0, ~0ull, BIT(47)) },
	{ ACCEPTED, WALK, .last = true, .at = AT_RFLAGS, .mask = ~(uint64_t)NEVER },
	{ "inv.accepted", BASE_REAL, ENTERS, WALK, .last = true, .at = AT_RFLAGS, .mask = ~(uint64_t)NEVER },
	{ "inv.accepted", BASE_REAL, ENTERS, VALUES, .last = true, .at = AT_CPL, LIST(0, 1, 2, 3) },
	{ "inv.accepted", BASE_32, ENTERS, VALUES, .last = true, .at = AT_CPL, LIST(0, 1, 2, 3) },
	{ "inv.accepted", BASE_COMPAT, ENTERS, VALUES, .last = true, .at = AT_CS_ATTRIB, LIST(0, 0x7F, 0x9FF) },
};
/* clang-format on */

const struct entry_section svm_entry_accepted = { rows, ARRAY_SIZE(rows) };
