#include "efi/firmware.h"

/* Guests in real mode and 32-bit structures are at home below 4 GiB. */
enum { CPUS_A_MIB = 4 };

static const EFI_PHYSICAL_ADDRESS low_end = 0xffffffff;

void *pages_get(size_t count)
{
	EFI_ALLOCATE_PAGES allocate = firmware.boot->AllocatePages;
	EFI_PHYSICAL_ADDRESS address = low_end;

	if (allocate(AllocateMaxAddress, EfiLoaderData, count, &address) == EFI_SUCCESS)
		return (void *)(uintptr_t)address;
	if (allocate(AllocateAnyPages, EfiLoaderData, count, &address) == EFI_SUCCESS)
		return (void *)(uintptr_t)address;
	return NULL;
}

void pages_return(void *pages, size_t count)
{
	if (pages)
		firmware.boot->FreePages((uintptr_t)pages, count);
}

/* Hundreds of processors take their share of it: what they enter guests with at the same time is
 * some 200 KiB each. */
void *arena_get(unsigned cpus, size_t *pages)
{
	for (size_t mib = ARENA_MIB + cpus / CPUS_A_MIB / 2 * 2; mib >= ARENA_MIN_MIB; mib -= 2) {
		void *arena = pages_get(mib << 20 >> 12);

		if (arena) {
			*pages = mib << 20 >> 12;
			return arena;
		}
	}
	*pages = 0;
	return NULL;
}
