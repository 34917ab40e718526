/* APM vol. 2, "Event Injection": what may be in EVENTINJ. */
#include "svm/model/view.h"

#include "tests/svm/entry/rows.h"

#define LACKS(what)                                                                                \
	static bool lacks_##what(const struct svm_machine *machine)                                \
	{                                                                                          \
		return !machine->what;                                                             \
	}
LACKS(cet)
LACKS(sev_snp)
LACKS(sev_es)

#define INJECT .at = AT_EVENTINJ
#define HARD(vector) EVENT(TYPE_EXCEPTION, vector)
#define CODED(vector) (EVENT(TYPE_EXCEPTION, vector) | SVM_EVENT_ERROR)

/* clang-format off */
static const struct entry_row rows[] = {
	{ "inject.check.type", BASE_64, INVALID, VALUES, INJECT,
	  LIST(EVENT(TYPE_1, 32), EVENT(TYPE_5, 6), EVENT(TYPE_6, 6), EVENT(TYPE_7, 6), EVENT(TYPE_1, 2), EVENT(TYPE_5, 1),
	       EVENT(TYPE_6, 3), EVENT(TYPE_7, 0)) },
	{ "inject.check.type", BASE_REAL, INVALID, VALUES, INJECT,
	  LIST(EVENT(TYPE_1, 32), EVENT(TYPE_5, 6), EVENT(TYPE_6, 6), EVENT(TYPE_7, 6)) },
	{ "inject.check.type", BASE_64, ENTERS, VALUES, INJECT,
	  LIST(EVENT(TYPE_INTR, 0), EVENT(TYPE_INTR, 32), EVENT(TYPE_INTR, 255), EVENT(TYPE_NMI, 2), HARD(6),
	       EVENT(TYPE_SOFTWARE, 0), EVENT(TYPE_SOFTWARE, 32), EVENT(TYPE_SOFTWARE, 255)) },

	{ "inject.check.vector", BASE_64, INVALID, RANGES, INJECT,
	  LIST(HARD(2), HARD(2), HARD(15), HARD(15), HARD(20), HARD(20), HARD(22), HARD(27), HARD(31), HARD(255)) },
	{ "inject.check.vector", BASE_REAL, INVALID, RANGES, INJECT,
	  LIST(HARD(2), HARD(2), HARD(15), HARD(15), HARD(20), HARD(20), HARD(22), HARD(27), HARD(31), HARD(32)) },
	{ "inject.check.vector", BASE_64, ENTERS, VALUES, INJECT,
	  LIST(HARD(0), HARD(1), HARD(3), HARD(6), HARD(7), CODED(8), CODED(10), CODED(11), CODED(12), CODED(13), CODED(14),
	       HARD(16), CODED(17), HARD(18), HARD(19), CODED(30)) },
	{ "inject.check.vector_feature", BASE_64, REPORTED, VALUES, INJECT, LIST(HARD(9)) },
	{ "inject.check.vector_feature", BASE_64, REPORTED, VALUES, INJECT, LIST(CODED(21)), NEEDS(lacks_cet, "no CET") },
	{ "inject.check.vector_feature", BASE_64, REPORTED, VALUES, INJECT, LIST(HARD(28)),
	  NEEDS(lacks_sev_snp, "no SEV-SNP") },
	{ "inject.check.vector_feature", BASE_64, REPORTED, VALUES, INJECT, LIST(CODED(29)),
	  NEEDS(lacks_sev_es, "no SEV-ES") },

	{ "inject.check.br64", BASE_64, INVALID, VALUES, INJECT, LIST(HARD(5)) },
	{ "inject.check.br64", BASE_COMPAT, ENTERS, VALUES, INJECT, LIST(HARD(5)) },
	{ "inject.check.br64", BASE_REAL, ENTERS, VALUES, INJECT, LIST(HARD(5)) },
	{ "inject.check.of64", BASE_64, REPORTED, VALUES, INJECT, LIST(HARD(4)) },
	{ "inject.check.of64", BASE_COMPAT, ENTERS, VALUES, INJECT, LIST(HARD(4)) },
	{ "inject.check.of64", BASE_REAL, ENTERS, VALUES, INJECT, LIST(HARD(4)) },
	{ "inject.check.nmi", BASE_64, ENTERS, VALUES, INJECT, LIST(EVENT(TYPE_NMI, 0), EVENT(TYPE_NMI, 3), EVENT(TYPE_NMI, 255)) },
	{ "inject.check.sbz", BASE_64, REPORTED, WALK, INJECT, .mask = INJECT_SBZ, WITH(SET(EVENTINJ, HARD(6))) },
	{ "inject.check.v0", BASE_64, ENTERS, VALUES, INJECT,
	  LIST(0x7FFFFFFF, 0x7FFFF000, 0x100, 0x502, 0x6FF, 0x7FF, 0x302, 0x305, ~SVM_EVENT_VALID) },
};
/* clang-format on */

const struct entry_section svm_entry_injection = { rows, ARRAY_SIZE(rows) };
