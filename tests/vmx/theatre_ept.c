/*
 * The EPT of a theatre: the guest's pages at GUEST_LINEAR, and one of them, GUEST_DATA, once more
 * far away by entries of its own, in pages of 4 KiB, 2 MiB and 1 GiB. Accessed and dirty flags are
 * set from the beginning: a row clears those that it is about. Without EPTP[6] they are ignored.
 */
#include "tests/vmx/theatre.h"

#include "platform.h"

#include "vmx/insn.h"

enum {
	RWX = 7,
	TYPE_WB = 6 << 3,
	LARGE = 1 << 7,
	ACCESSED_DIRTY = 3 << 8,
	USER_EXECUTE = 1 << 10,
	EPTP_WB = 6,
	EPTP_WALK_4 = 3 << 3,
};

/* Where GUEST_DATA is once more: indices by level, of each size. */
enum {
	FAR_PML4 = 1,
	FAR_PDPT = 3,
	FAR_1_GIB_PDPT,
	FAR_DIRECTORY = 6,
	FAR_2_MIB_DIRECTORY,
	FAR_TABLE
};

static uint64_t flags(const struct theatre *theatre)
{
	const struct model_machine *machine = &theatre->seat.ground.machine;
	const uint64_t mbe = CONTROL_MASK(SECONDARY_MODE_BASED_EXECUTE);

	return RWX | (machine->ept_vpid & EPT_CAP_AD ? ACCESSED_DIRTY : 0) |
	       (machine->controls[GROUP_SECONDARY] >> 32 & mbe ? USER_EXECUTE : 0);
}

/* Bit 39 of a guest-physical address, if guests have it. */
static unsigned far_pml4(const struct theatre *theatre)
{
	return theatre->seat.ground.machine.physical_bits > 39 ? FAR_PML4 : 0;
}

static unsigned far_pdpt(const struct theatre *theatre)
{
	return far_pml4(theatre) ? EPT_FAR_PDPT : EPT_PDPT;
}

static uint64_t *place(const struct theatre *theatre, enum ept_entry which)
{
	switch ((unsigned)which) {
	case EPT_NEAR_4:
		return theatre_table(theatre, EPT_PML4);
	case EPT_NEAR_3:
		return theatre_table(theatre, EPT_PDPT);
	case EPT_NEAR_2:
		return theatre_table(theatre, EPT_DIRECTORY);
	case EPT_FAR_4:
		return theatre_table(theatre, EPT_PML4) + far_pml4(theatre);
	case EPT_FAR_3:
		return theatre_table(theatre, far_pdpt(theatre)) + FAR_PDPT;
	case EPT_FAR_2:
		return theatre_table(theatre, EPT_FAR_DIRECTORY) + FAR_DIRECTORY;
	case EPT_FAR_1:
		return theatre_table(theatre, EPT_FAR_TABLE) + FAR_TABLE;
	case EPT_FAR_2_MIB:
		return theatre_table(theatre, EPT_FAR_DIRECTORY) + FAR_2_MIB_DIRECTORY;
	case EPT_FAR_1_GIB:
		return theatre_table(theatre, far_pdpt(theatre)) + FAR_1_GIB_PDPT;
	default:
		return theatre_table(theatre, EPT_TABLE) + GUEST_LINEAR / PAGE_SIZE + which -
		       EPT_PAGE;
	}
}

static void set(struct theatre *theatre, enum ept_entry which, uint64_t address, uint64_t more)
{
	*theatre->entry[which] = address | more | flags(theatre);
}

static void set_table(struct theatre *theatre, enum ept_entry which, unsigned page)
{
	set(theatre, which, physical(theatre_table(theatre, page)), 0);
}

/* The large page behind that of data, if the guest's pages reach into it. */
static void set_next(struct theatre *theatre, enum ept_entry which, unsigned shift)
{
	const uint64_t data = physical(theatre_table(theatre, GUEST_DATA));
	const uint64_t last = physical(theatre_table(theatre, GUEST_PAGES - 1));

	if (last >> shift != data >> shift)
		theatre->entry[which][1] = *theatre->entry[which] + BIT(shift);
}

/* A large page has much else behind it: a guest has no linear address for that. */
static void fill_far(struct theatre *theatre)
{
	const uint64_t data = physical(theatre_table(theatre, GUEST_DATA));
	const uint64_t base = (uint64_t)far_pml4(theatre) << 39;
	const uint64_t in_2_mib = BIT(21) - 1, in_1_gib = BIT(30) - 1;

	set_table(theatre, EPT_FAR_4, far_pdpt(theatre));
	set_table(theatre, EPT_FAR_3, EPT_FAR_DIRECTORY);
	set_table(theatre, EPT_FAR_2, EPT_FAR_TABLE);
	set(theatre, EPT_FAR_1, data, TYPE_WB);
	set(theatre, EPT_FAR_2_MIB, data & ~in_2_mib, TYPE_WB | LARGE);
	set(theatre, EPT_FAR_1_GIB, data & ~in_1_gib, TYPE_WB | LARGE);
	set_next(theatre, EPT_FAR_2_MIB, 21);
	set_next(theatre, EPT_FAR_1_GIB, 30);
	theatre->far[FAR_4_KIB] = base | (uint64_t)FAR_PDPT << 30 | (uint64_t)FAR_DIRECTORY << 21 |
				  (uint64_t)FAR_TABLE << 12;
	theatre->far[FAR_2_MIB] = base | (uint64_t)FAR_PDPT << 30 |
				  (uint64_t)FAR_2_MIB_DIRECTORY << 21 | (data & in_2_mib);
	theatre->far[FAR_1_GIB] = base | (uint64_t)FAR_1_GIB_PDPT << 30 | (data & in_1_gib);
}

void theatre_fill_ept(struct theatre *theatre)
{
	for (unsigned i = 0; i < EPT_ENTRIES; i++)
		theatre->entry[i] = place(theatre, i);
	set_table(theatre, EPT_NEAR_4, EPT_PDPT);
	set_table(theatre, EPT_NEAR_3, EPT_DIRECTORY);
	set_table(theatre, EPT_NEAR_2, EPT_TABLE);
	for (unsigned i = 0; i < GUEST_PAGES; i++)
		set(theatre, EPT_PAGE + i, physical(theatre_table(theatre, i)), TYPE_WB);
	fill_far(theatre);
	theatre->ept = physical(theatre_table(theatre, EPT_PML4)) | EPTP_WB | EPTP_WALK_4;
}

/* INVVPID: what the processor does not have is not asked for, a row needs it. */
void theatre_flush(const struct theatre *theatre, enum guest_flush what)
{
	const struct invept_descriptor eptp = { .eptp = theatre->ept };
	const struct invvpid_descriptor vpid = { .vpid = 1, .linear = GUEST_AT(GUEST_DATA, 0) };
	const uint64_t cap = theatre->seat.ground.machine.ept_vpid;
	const bool single = what == FLUSH_EPT_SINGLE && cap & EPT_CAP_INVEPT_SINGLE;

	if (what == FLUSH_NOTHING || what == FLUSH_BY_EXIT)
		return;
	if (what <= FLUSH_EPT_ALL)
		(void)!invept(single ? INVALIDATE_SINGLE : INVALIDATE_ALL, eptp);
	else if (cap & VPID_CAP_INVVPID)
		(void)!invvpid(what - FLUSH_VPID_ADDRESS, vpid);
}
