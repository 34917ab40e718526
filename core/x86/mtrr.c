#include "x86/mtrr.h"

#include "x86/msr.h"

enum {
	RANGES_MAX = 32,
	COUNT = 0xFF,	  /* of IA32_MTRRCAP */
	ENABLE = 1 << 11, /* of IA32_MTRR_DEF_TYPE */
	VALID = 1 << 11,  /* of IA32_MTRR_PHYSMASKn */
	TYPE = 0xFF,
};
#define ADDRESS 0x000FFFFFFFFFF000ull

struct range {
	uint64_t base, mask;
	unsigned type;
};

/* "MTRR Precedences" */
static unsigned both(unsigned a, unsigned b)
{
	if (a == b)
		return a;
	if (a == MTRR_UC || b == MTRR_UC)
		return MTRR_UC;
	return (a == MTRR_WT && b == MTRR_WB) || (a == MTRR_WB && b == MTRR_WT) ? MTRR_WT
										: MTRR_MIXED;
}

static unsigned type_of_page(const struct range *ranges, unsigned count, unsigned otherwise,
			     uint64_t page)
{
	unsigned type = MTRR_UNKNOWN;

	for (unsigned i = 0; i < count; i++)
		if ((page & ranges[i].mask) == (ranges[i].base & ranges[i].mask))
			type = type == MTRR_UNKNOWN ? ranges[i].type : both(type, ranges[i].type);
	return type == MTRR_UNKNOWN ? otherwise : type;
}

unsigned mtrr_type(enum status (*read)(uint32_t msr, uint64_t *value), uint64_t base, uint64_t size)
{
	struct range ranges[RANGES_MAX];
	uint64_t capability, ours, physical_base, mask;
	unsigned count = 0, type;

	if (read(IA32_MTRRCAP, &capability) != STATUS_OK ||
	    read(IA32_MTRR_DEF_TYPE, &ours) != STATUS_OK)
		return MTRR_UNKNOWN;
	if (!(ours & ENABLE))
		return MTRR_UC;
	for (unsigned i = 0; i < (capability & COUNT) && i < RANGES_MAX; i++) {
		if (read(IA32_MTRR_PHYSBASE0 + 2 * i, &physical_base) != STATUS_OK ||
		    read(IA32_MTRR_PHYSMASK0 + 2 * i, &mask) != STATUS_OK)
			return MTRR_UNKNOWN;
		if (mask & VALID)
			ranges[count++] = (struct range){ physical_base & ADDRESS, mask & ADDRESS,
							  physical_base & TYPE };
	}
	type = type_of_page(ranges, count, ours & TYPE, base);
	for (uint64_t page = base; page < base + size; page += PAGE_SIZE)
		if (type_of_page(ranges, count, ours & TYPE, page) != type)
			return MTRR_MIXED;
	return type;
}

const char *mtrr_text(unsigned type)
{
	static const char *const texts[] = {
		[MTRR_UC] = "uncacheable",    [MTRR_WC] = "write-combining",
		[MTRR_WT] = "write-through",  [MTRR_WP] = "write-protected",
		[MTRR_WB] = "write-back",     [MTRR_MIXED] = "of several types",
		[MTRR_UNKNOWN] = "not known",
	};

	return type < ARRAY_SIZE(texts) && texts[type] ? texts[type] : "reserved";
}
