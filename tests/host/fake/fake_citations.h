/* Rules for tests of the suite on the host. */
#ifndef TESTS_HOST_FAKE_CITATIONS_H
#define TESTS_HOST_FAKE_CITATIONS_H

enum { FAKE_OWN, FAKE_APIC, FAKE_XAPIC };

#endif
