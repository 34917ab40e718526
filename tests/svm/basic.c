/* The instructions and MSRs of SVM: each test is a body that all processors carry out. */
#include "tests/lib/list.h"
#include "tests/svm/instructions.h"

#define SVM BIT(CAP_SVM)
#define ON_ALL(name, spec, body)                                                                   \
	{                                                                                          \
		name, spec, svm_stage_run, .needs = SVM, .data = body                              \
	}

static const struct test rows[] = {
	ON_ALL("svm.capabilities", SPEC_SVM_MSRS, svm_capability_checks),
	ON_ALL("svm.instructions.svme", SPEC_SVM_ENABLING, svm_svme_checks),
	ON_ALL("svm.instructions.addresses", SPEC_SVM_INSTRUCTIONS, svm_address_checks),
	ON_ALL("svm.instructions.registers", SPEC_SVM_INSTRUCTIONS, svm_register_checks),
	ON_ALL("svm.instructions.invlpga", SPEC_SVM_INSTRUCTIONS, svm_invlpga_checks),
	ON_ALL("svm.instructions.gif", SPEC_SVM_INSTRUCTIONS, svm_gif_checks),
	ON_ALL("svm.instructions.guest", SPEC_SVM_INSTRUCTIONS, svm_guest_checks),
	{ "svm.instructions.guest.v86", SPEC_SVM_INSTRUCTIONS, svm_stage_run, .needs = SVM,
	  .by_name = true, .data = svm_guest_v86_checks },
	ON_ALL("svm.vmrun.invalid", SPEC_VMEXIT_HOST, svm_invalid_checks),
	ON_ALL("svm.vmrun.invalid.code", SPEC_VMEXIT_HOST, svm_invalid_code_checks),
};

TEST_GROUP(svm, rows);
