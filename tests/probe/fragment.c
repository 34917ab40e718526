#include "tests/probe/fragment.h"

/* fragments.S */
extern const uint8_t fragments_code[], fragments_code_end[];
extern const struct fragment fragments_16[], fragments_32[], fragments_64[];

const struct fragments neutral_fragments = {
	.code = { fragments_code, fragments_code_end },
	.page = GUEST_CODE,
	.in = { fragments_16, fragments_32, fragments_64 },
};
