/* Rules for tests of the suite on the host. */
#include "suite/test.h"

#include "tests/host/fake/fake_citations.h"

const struct citation citations[] = {
	[FAKE_OWN] = { "none", NULL },
	[FAKE_APIC] = { "vol. 3A, \"APIC\"", "vol. 2, 16.3" },
	[FAKE_XAPIC] = { "Processors' \"Local\" xAPIC", NULL },
};
