/* The rules that tests check, as numbers for struct test's spec and expect_cited(). */
#ifndef TESTS_LIB_CITATIONS_H
#define TESTS_LIB_CITATIONS_H

enum spec {
#define CITATION(name, intel, amd) SPEC_##name,
#include "tests/lib/citations.def"
#undef CITATION
};

#endif
