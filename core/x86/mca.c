#include "x86/mca.h"

#include "x86/msr.h"

enum {
	MCG_BANKS = 0xFF, /* IA32_MCG_CAP bits 7:0 */
	MCG_RIPV = 1 << 0,
	MCG_MCIP = 1 << 2,
	MSRS_OF_BANK = 4,
};

#define MC_VALID BIT(63)
#define MC_UNCORRECTED BIT(61)
#define MC_CONTEXT_CORRUPT BIT(57)

static unsigned weight(uint64_t status)
{
	if (!(status & MC_VALID))
		return 0;
	return 1u + (status & MC_UNCORRECTED ? 1u : 0) + (status & MC_CONTEXT_CORRUPT ? 2u : 0);
}

struct machine_check machine_check_read(uint64_t (*read)(uint32_t msr))
{
	struct machine_check found = { .bank = -1, .mcg_status = read(IA32_MCG_STATUS) };
	unsigned banks;

	found.seen = found.mcg_status & MCG_MCIP;
	if (!found.seen)
		return found;
	found.fatal = !(found.mcg_status & MCG_RIPV);
	banks = read(IA32_MCG_CAP) & MCG_BANKS;
	for (unsigned i = 0; i < banks; i++) {
		uint64_t status = read(IA32_MC0_STATUS + i * MSRS_OF_BANK);

		if (weight(status) <= weight(found.status))
			continue;
		found.bank = (int)i;
		found.status = status;
	}
	found.fatal = found.fatal || found.status & MC_CONTEXT_CORRUPT;
	return found;
}
