/* What rows need of a processor beside controls. */
#ifndef TESTS_VMX_EXIT_NEEDS_H
#define TESTS_VMX_EXIT_NEEDS_H

#include "vmx/model/state.h"

bool has_monitor(const struct model_machine *machine); /* MONITOR and MWAIT */
bool has_osxsave(const struct model_machine *machine); /* CR4.OSXSAVE may be 1 */
bool has_cet(const struct model_machine *machine);     /* CR4.CET may be 1 */
bool has_targets(const struct model_machine *machine); /* four CR3 targets */
bool has_io_info(const struct model_machine *machine); /* instruction information of INS, OUTS */
bool has_hlt_state(const struct model_machine *machine);
bool has_shutdown_state(const struct model_machine *machine);
bool has_btf(const struct model_machine *machine);	/* IA32_DEBUGCTL.BTF can be set */
bool has_counters(const struct model_machine *machine); /* so can IA32_PERF_GLOBAL_CTRL[0] */
bool has_hlt_and_trap_flag(const struct model_machine *machine);
bool has_trap_flag(const struct model_machine *machine);
bool has_ept(const struct model_machine *machine);
bool has_no_ept(const struct model_machine *machine);
bool has_invept(const struct model_machine *machine);
bool has_invvpid(const struct model_machine *machine);

#endif
