#include "suite/version.h"

#ifndef ASSAY_VERSION
#define ASSAY_VERSION "development"
#endif
#ifndef ASSAY_COMMIT
#define ASSAY_COMMIT "unknown"
#endif

const char assay_version[] = ASSAY_VERSION;
const char assay_commit[] = ASSAY_COMMIT;
