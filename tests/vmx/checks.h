/* What VMX brings to tests/entry. */
#ifndef TESTS_VMX_CHECKS_H
#define TESTS_VMX_CHECKS_H

#include "tests/entry/checks.h"
#include "tests/vmx/entry/rows.h"
#include "vmx/probe_result.h"

extern const struct entry_checks vmx_entry_checks;

/* What stands behind a seat, and a result in VMX's words. */
const struct entry_ground *vmx_ground_of(const struct entry_seat *seat);
struct probe_result vmx_probe_result(const struct entry_result *result);

/* What a failure of its rows or of its fuzzer means. */
#define MEANS_ENTRY                                                                                \
	"VM entry accepts what it must refuse, or refuses what it must accept: a nested "          \
	"hypervisor's mistakes go through, or its guests do not start."

#endif
