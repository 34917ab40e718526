#include "tests/vmx/exit/rows.h"

/* fragments.S */
extern const uint8_t vmx_fragments_code[], vmx_fragments_code_end[];
extern const struct fragment vmx_fragments_16[], vmx_fragments_32[], vmx_fragments_64[];

const struct fragments vmx_fragments = {
	.code = { vmx_fragments_code, vmx_fragments_code_end },
	.page = GUEST_VENDOR_CODE,
	.in = { vmx_fragments_16, vmx_fragments_32, vmx_fragments_64 },
};
