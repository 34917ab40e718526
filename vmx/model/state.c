#include "vmx/model/state.h"

static const uint16_t encodings[] = {
#define FIELD(name, encoding, ...) [AT_##name] = encoding,
#include "vmx/vmcs.def"
#undef FIELD
};

uint64_t model_mask(enum model_index index)
{
	if (index >= MODEL_FIELDS)
		return index == AT_VTPR || index == AT_LINK_REVISION ? 0xFFFFFFFF : ~0ull;
	return vmcs_width_mask(encodings[index]);
}

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
