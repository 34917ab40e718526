/*
 * The image relocates itself before efi_main runs. gnu-efi's version knows RELA only, of 24 bytes a
 * pointer. Ours takes RELR, which packs 63 pointers into 8 bytes: a sixth of the image. ELF gABI,
 * "Relative Relocation Table".
 */
#include <efi.h>

#include <elf.h>

enum { TAG_RELR = 36, TAG_RELRSZ = 35 };

EFI_STATUS _relocate(UINT64 base, const Elf64_Dyn *dynamic); /* start.S calls it */

static void relocate(UINT64 base, const UINT64 *entry, const UINT64 *end)
{
	UINT64 *next = NULL;

	for (; entry < end; entry++) {
		if (!(*entry & 1)) { /* an address, and the bitmaps after it begin behind it */
			next = (UINT64 *)(base + *entry);
			*next++ += base;
			continue;
		}
		for (unsigned i = 0; i < 63; i++)
			if (*entry >> (i + 1) & 1)
				next[i] += base;
		next += 63;
	}
}

EFI_STATUS _relocate(UINT64 base, const Elf64_Dyn *dynamic)
{
	UINT64 address = 0, size = 0;

	for (; dynamic->d_tag != DT_NULL; dynamic++) {
		if (dynamic->d_tag == DT_RELASZ && dynamic->d_un.d_val)
			return EFI_LOAD_ERROR; /* the linker left some that we do not know */
		if (dynamic->d_tag == TAG_RELR)
			address = dynamic->d_un.d_ptr;
		if (dynamic->d_tag == TAG_RELRSZ)
			size = dynamic->d_un.d_val;
	}
	relocate(base, (UINT64 *)(base + address), (UINT64 *)(base + address + size));
	return EFI_SUCCESS;
}
