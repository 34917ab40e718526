/* The features of SVM by bit number of CPUID 8000000AH EDX. */
#ifndef SVM_FEATURES_H
#define SVM_FEATURES_H

enum svm_feature {
#define FEATURE(name, bit, text) SVM_##name = bit,
#include "svm/features.def"
#undef FEATURE
};

#endif
