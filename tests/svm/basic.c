/* The instructions and MSRs of SVM: each test is a body that all processors carry out. */
#include "tests/lib/list.h"
#include "tests/svm/instructions.h"

#define SVM BIT(CAP_SVM)
#define MEANS_SVM "A hypervisor that relies on the manual may fault or go astray on this machine."

#define ON_ALL(name, spec, body, about_)                                                           \
	{                                                                                          \
		name, spec, svm_stage_run, .needs = SVM, .data = body, EXPLAINS(about_, MEANS_SVM) \
	}

static const struct test rows[] = {
	ON_ALL("svm.capabilities", SPEC_SVM_MSRS, svm_capability_checks,
	       "CPUID's SVM leaf and the MSRs of SVM agree with each other and refuse what they "
	       "must."),
	ON_ALL("svm.instructions.svme", SPEC_SVM_ENABLING, svm_svme_checks,
	       "With EFER.SVME clear the SVM instructions raise #UD."),
	ON_ALL("svm.instructions.addresses", SPEC_SVM_INSTRUCTIONS, svm_address_checks,
	       "VMRUN, VMLOAD and VMSAVE refuse addresses that are unaligned or too wide."),
	ON_ALL("svm.instructions.registers", SPEC_SVM_INSTRUCTIONS, svm_register_checks,
	       "The SVM instructions change no register or flag that they should not."),
	ON_ALL("svm.instructions.invlpga", SPEC_SVM_INSTRUCTIONS, svm_invlpga_checks,
	       "INVLPGA takes any address and every ASID that there is."),
	ON_ALL("svm.instructions.gif", SPEC_SVM_INSTRUCTIONS, svm_gif_checks,
	       "STGI and CLGI hold interrupts and NMIs back and let them come, once."),
	ON_ALL("svm.instructions.guest", SPEC_SVM_INSTRUCTIONS, svm_guest_checks,
	       "What SVM instructions do in guests, by mode and privilege level."),
	{ "svm.instructions.guest.v86", SPEC_SVM_INSTRUCTIONS, svm_stage_run, .needs = SVM,
	  .by_name = true, .data = svm_guest_v86_checks,
	  EXPLAINS("SVM instructions in virtual-8086 mode raise #UD.", MEANS_SVM) },
	ON_ALL("svm.vmrun.invalid", SPEC_VMEXIT_HOST, svm_invalid_checks,
	       "After VMEXIT_INVALID the host is as after any other exit, and no guest instruction "
	       "has run."),
	ON_ALL("svm.vmrun.invalid.code", SPEC_VMEXIT_HOST, svm_invalid_code_checks,
	       "VMEXIT_INVALID fills all 64 bits of EXITCODE."),
};

TEST_GROUP(svm, rows);
