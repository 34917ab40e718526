#include "tests/lib/citations.h"

#include "suite/test.h"

const struct citation citations[] = {
#define CITATION(name, intel, amd) { intel, amd },
#include "tests/lib/citations.def"
#undef CITATION
};
