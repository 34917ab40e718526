/* Which program this is. */
#ifndef CORE_SUITE_VERSION_H
#define CORE_SUITE_VERSION_H

extern const char assay_version[]; /* "0.1" */
extern const char assay_commit[];  /* "1a2b3c4d5e", "-dirty" behind it, or "unknown" */

#endif
