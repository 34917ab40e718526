#include "vm/walk.h"

#include "vm/vm.h"

enum { PRESENT = 1, LARGE = 1 << 7 };

#define ADDRESS_MASK 0x000FFFFFFFFFF000ull

struct mode {
	unsigned top_shift; /* of the first table's index */
	unsigned bits;	    /* of each index but the first */
	unsigned entry_size;
};

static bool read_entry(const struct vm *vm, uint64_t table, uint64_t index, unsigned size,
		       uint64_t *entry)
{
	const void *memory = vm_memory(vm, table + index * size, size);

	if (!memory)
		return false;
	*entry = size == 8 ? *(const uint64_t *)memory : *(const uint32_t *)memory;
	return *entry & PRESENT;
}

static struct mode mode_of(const struct regs *regs)
{
	if (!(regs->cr4 & CR4_PAE))
		return (struct mode){ .top_shift = 22, .bits = 10, .entry_size = 4 };
	return (struct mode){ .top_shift = regs->efer & EFER_LMA ? 39 : 30,
			      .bits = 9,
			      .entry_size = 8 };
}

bool walk_linear(const struct vm *vm, const struct regs *regs, uint64_t linear, uint64_t *gpa)
{
	struct mode mode = mode_of(regs);
	uint64_t table = regs->cr3 & (mode.top_shift == 30 ? 0xFFFFFFE0 : ADDRESS_MASK);

	if (!(regs->efer & EFER_LMA)) /* addresses wrap at 4 GiB */
		linear &= 0xFFFFFFFF;
	if (!(regs->cr0 & CR0_PG)) {
		*gpa = linear;
		return true;
	}
	for (unsigned shift = mode.top_shift; shift >= 12; shift -= mode.bits) {
		uint64_t index = linear >> shift & (BIT(mode.bits) - 1);
		uint64_t entry, offset = BIT(shift) - 1;
		bool pse = mode.entry_size == 8 || regs->cr4 & CR4_PSE;

		if (!read_entry(vm, table, index, mode.entry_size, &entry))
			return false;
		if (shift == 12 || (entry & LARGE && shift <= 30 && pse)) {
			*gpa = (entry & ADDRESS_MASK & ~offset) | (linear & offset);
			return true;
		}
		table = entry & ADDRESS_MASK;
	}
	return false;
}

size_t walk_read(const struct vm *vm, const struct regs *regs, uint64_t linear, uint8_t *bytes,
		 size_t count)
{
	size_t done = 0;

	while (done < count) {
		uint64_t at = linear + done, gpa;
		size_t part = min_u64(count - done, PAGE_SIZE - (at & PAGE_MASK));
		const uint8_t *memory;

		if (!walk_linear(vm, regs, at, &gpa))
			break;
		memory = vm_memory(vm, gpa, part);
		if (!memory)
			break;
		__builtin_memcpy(bytes + done, memory, part);
		done += part;
	}
	return done;
}
