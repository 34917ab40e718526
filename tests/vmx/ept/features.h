/* What rows need of a processor beside controls. */
#ifndef TESTS_VMX_EPT_FEATURES_H
#define TESTS_VMX_EPT_FEATURES_H

#include "tests/vmx/exit/needs.h"

/* Each of them has EPT and INVEPT, too. */
bool has_tables(const struct model_machine *machine);
bool has_far_pml4(const struct model_machine *machine); /* a bit 39 of guest-physical addresses */
bool has_reserved(const struct model_machine *machine); /* address bits that no entry may have */
bool has_reserved_far_pml4(const struct model_machine *machine);
bool has_reserved_2_mib(const struct model_machine *machine);
bool has_reserved_1_gib(const struct model_machine *machine);
bool has_2_mib(const struct model_machine *machine);
bool has_1_gib(const struct model_machine *machine);
bool has_no_1_gib(const struct model_machine *machine);
bool has_no_2_mib(const struct model_machine *machine);
bool has_execute_only(const struct model_machine *machine);
bool has_execute_only_2_mib(const struct model_machine *machine);
bool has_execute_only_1_gib(const struct model_machine *machine);
bool has_no_execute_only(const struct model_machine *machine);
bool has_flags(const struct model_machine *machine); /* accessed and dirty */
bool has_flags_2_mib(const struct model_machine *machine);
bool has_flags_1_gib(const struct model_machine *machine);
bool has_advanced_info(const struct model_machine *machine); /* on EPT violations */
bool has_vpid(const struct model_machine *machine);	     /* INVVPID for all VPIDs, too */
bool has_vpid_address(const struct model_machine *machine);
bool has_vpid_single(const struct model_machine *machine);
bool has_vpid_not_global(const struct model_machine *machine);

#endif
