/* The bodies of svm.instructions.*: each on all processors. */
#ifndef TESTS_SVM_INSTRUCTIONS_H
#define TESTS_SVM_INSTRUCTIONS_H

#include "tests/svm/stage.h"

svm_stage_body svm_address_checks, svm_register_checks, svm_invlpga_checks, svm_gif_checks,
	svm_svme_checks;				    /* instructions.c */
svm_stage_body svm_guest_checks, svm_guest_v86_checks;	    /* guests.c */
svm_stage_body svm_capability_checks;			    /* msrs.c */
svm_stage_body svm_invalid_checks, svm_invalid_code_checks; /* invalid.c */

#endif
