#include "vmx/model/state.h"

static const uint16_t encodings[] = {
#define FIELD(name, encoding, ...) [AT_##name] = encoding,
#include "vmx/vmcs.def"
#undef FIELD
};

#define WIDTH_OF(encoding)                                                                         \
	(((encoding) >> 13 & 3) == VMCS_16   ? 0xFFFF                                              \
	 : ((encoding) >> 13 & 3) == VMCS_32 ? 0xFFFFFFFF                                          \
					     : ~0ull)

const uint64_t model_masks[MODEL_VALUES] = {
#define FIELD(name, encoding, ...) [AT_##name] = WIDTH_OF(encoding),
#include "vmx/vmcs.def"
#undef FIELD
	[AT_VTPR] = 0xFFFFFFFF,		[AT_LINK_REVISION] = 0xFFFFFFFF,
	[AT_PDPTE_0] = ~0ull,		[AT_PDPTE_1] = ~0ull,
	[AT_PDPTE_2] = ~0ull,		[AT_PDPTE_3] = ~0ull,
	[AT_MSR_LOAD_POSITION] = ~0ull, [AT_MSR_LOAD_INDEX] = ~0ull,
	[AT_MSR_LOAD_VALUE] = ~0ull,
};

const char *model_name(enum model_index index)
{
	static const char *const memory[] = {
		"VTPR",
		"VMCS link revision",
		"PDPTE 0 in memory",
		"PDPTE 1 in memory",
		"PDPTE 2 in memory",
		"PDPTE 3 in memory",
		"number of the entry in the MSR-load area",
		"MSR index of that entry",
		"MSR value of that entry",
	};

	if (index >= MODEL_FIELDS)
		return memory[index - MODEL_FIELDS];
	return vmcs_field_name(encodings[index]);
}
