#include "tests/host/fake/svm_machines.h"

#include "svm/model/view.h"

#define FEATURE(name) (1u << SVM_##name)

const struct svm_kind svm_kinds[] = {
	{ "emulator",
	  { .pages = 0x1500000,
	    .machine = { .features = 0x10010001,
			 .asids = 16,
			 .physical_bits = 40,
			 .linear_bits = 57,
			 .cr4 = 0x01771800,
			 .efer = BIT(14) } } },
	/* What the first processors had. */
	{ "bare",
	  { .pages = 0x3FFE0000,
	    .machine = { .asids = 2, .physical_bits = 36, .linear_bits = 48 } } },
	{ "server",
	  { .pages = 0x7FE00000,
	    .machine = { .features = 0x3B7FB4FF,
			 .asids = 32768,
			 .physical_bits = 48,
			 .linear_bits = 48,
			 .cr4 = 0x00F70800,
			 .efer = BIT(14) | BIT(15),
			 .cet = true,
			 .sev = true,
			 .sev_es = true,
			 .sev_snp = true } } },
	{ "five levels",
	  { .pages = 0x1500000,
	    .machine = { .deep = true,
			 .features = FEATURE(NESTED_PAGING),
			 .asids = 16,
			 .physical_bits = 52,
			 .linear_bits = 57,
			 .cr4 = CR4_LA57,
			 .syscfg = BIT(23),
			 .sev = true } } },
};

const unsigned svm_kind_count = ARRAY_SIZE(svm_kinds);
