/* EPT, PML and VPID: chapter 9 of the catalogue of rules. */
#include "tests/lib/list.h"
#include "tests/vmx/ept/sections.h"
#include "tests/vmx/troupe.h"

#define MEANS_EPT "A hypervisor on this machine cannot rely on its guests' page tables."
#define SECTION(name, section, spec, about)                                                        \
	TROUPE_TEST(name, section, spec, BIT(CAP_NESTED_PAGING), about, MEANS_EPT),

static const struct test rows[] = { EPT_SECTIONS(SECTION) };

TEST_GROUP(paging, rows);
