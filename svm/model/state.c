#include "svm/model/state.h"

#define MASK(bytes) ((bytes) == 8 ? ~0ull : (1ull << 8 * (bytes) % 64) - 1)

const uint64_t svm_masks[SVM_VALUES] = {
#define FIELD(name, offset, bytes, ...) [AT_##name] = MASK(bytes),
#include "svm/vmcb.def"
	SVM_RESERVED_FIELDS(FIELD)
#undef FIELD
		[AT_PDPE_0] = ~0ull,
	[AT_PDPE_1] = ~0ull,
	[AT_PDPE_2] = ~0ull,
	[AT_PDPE_3] = ~0ull,
	[AT_U_CET] = ~0ull,
};

static const struct {
	uint16_t encoding;
	const char *name;
} fields[SVM_FIELDS] = {
#define FIELD(name, offset, bytes, clean, text) { VMCB_ENCODING(offset, bytes), text },
#include "svm/vmcb.def"
#undef FIELD
#define RESERVED(name, offset, bytes) { VMCB_ENCODING(offset, bytes), "reserved, offset " #offset },
	SVM_RESERVED_FIELDS(RESERVED)
#undef RESERVED
};

uint32_t svm_encoding(unsigned at)
{
	return at < SVM_FIELDS ? fields[at].encoding : 0;
}

const char *svm_name(unsigned at)
{
	static const char *const others[] = {
		"PDPE 0 in memory", "PDPE 1 in memory", "PDPE 2 in memory",
		"PDPE 3 in memory", "MSR U_CET",
	};

	return at < SVM_FIELDS ? fields[at].name : others[at - SVM_FIELDS];
}
