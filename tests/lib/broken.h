/* make BROKEN=1 adds 1 to an expectation, so that the harness can prove that it notices. */
#ifndef TESTS_LIB_BROKEN_H
#define TESTS_LIB_BROKEN_H

#ifdef ASSAY_BROKEN
enum { BROKEN = 1 };
#else
enum { BROKEN = 0 };
#endif

#endif
