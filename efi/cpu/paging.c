/*
 * Page tables of our own while a processor is ours: the firmware's, but page 0 and the page below
 * each stack are not mapped. So a call to nowhere and a stack overflow are exceptions, not silent
 * damage.
 */
#include "x86/paging.h"
#include "efi/cpu/cpu.h"
#include "efi/firmware.h"
#include "x86/control.h"
#include "x86/cpuid.h"
#include "x86/insn.h"
#include "x86/msr.h"

enum {
	POOL_SPARE = 16, /* tables above the last level */
	CPUID_7_ECX_TME = 1 << 13,
	TME_KEYID_BITS = 32, /* bits 35:32 say how many */
	ENCRYPTED = 3,	     /* CPUID leaf 8000001FH EAX: SME, SEV */
};

static struct page_tables ours;
static uint64_t theirs; /* CR3 */

static bool unmap(uint64_t address)
{
	uint64_t *entry = page_tables_entry(&ours, address);

	if (entry)
		*entry = 0;
	return entry;
}

/* SDM vol. 4, IA32_TME_ACTIVATE: upper bits of addresses in the tables may be a KeyID. */
static bool key_ids(void)
{
	return cpuid_or_zero(7, 0).ecx & CPUID_7_ECX_TME &&
	       rdmsr(IA32_TME_ACTIVATE) >> TME_KEYID_BITS & 0xf;
}

bool paging_init(void)
{
	size_t pages = POOL_SPARE + efi_cpu_count;
	uint64_t *pool;

	theirs = read_cr3();
	if (read_cr4() & CR4_PCIDE || key_ids() || cpuid_or_zero(0x8000001f, 0).eax & ENCRYPTED)
		return false;
	pool = pages_get(pages);
	if (!pool)
		return false;
	page_tables_copy(&ours, pool, pages);
	if (unmap(0)) {
		unsigned i = 0;

		while (i < efi_cpu_count && unmap(efi_cpus[i].stack - PAGE_SIZE))
			i++;
		if (i == efi_cpu_count)
			return true;
	}
	paging_free();
	return false;
}

void paging_free(void)
{
	pages_return(ours.pool, ours.pool_pages);
	ours.pool = NULL;
}

void paging_enter(void)
{
	if (!ours.pool || read_cr3() != theirs)
		return;
	write_cr3(ours.cr3);
	page_tables_flush_global();
}
