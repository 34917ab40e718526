/* What the model knows of a processor, from CPUID and MSRs. */
#ifndef SVM_MEASURE_H
#define SVM_MEASURE_H

#include "svm/model/state.h"

/* Of this processor, which is taken. */
void svm_measure(struct svm_machine *machine);

#endif
