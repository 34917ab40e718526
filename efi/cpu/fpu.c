#include "efi/cpu/fpu.h"

#include "efi/cpu/cpu.h"
#include "x86/control.h"
#include "x86/cpuid.h"
#include "x86/insn.h"

enum {
	CR0_EM_TS = CR0_EM | CR0_TS, /* either makes FXSAVE raise #NM */
	XSTATE_BV = 512,	     /* offset; SDM vol. 1, "XSAVE Header" */
	XMM_END = 416, /* in the legacy region; what follows is reserved or software's */
	AVX = 2,
	OPMASK = 5,
	HI16_ZMM = 7, /* 5 to 7: AVX-512 */
};

size_t fpu_xsave_size(void)
{
	return cpuid(1, 0).ecx & CPUID_1_ECX_XSAVE ? cpuid(13, 0).ecx : 0;
}

/* Makes the instructions below usable, whatever CR0 and CR4 say. */
static void enable(const struct efi_cpu *own)
{
	uint64_t cr0 = read_cr0() & ~(uint64_t)CR0_EM_TS;
	uint64_t cr4 = read_cr4() | CR4_OSFXSR | (own->xsave ? CR4_OSXSAVE : 0);

	if (cr0 != read_cr0())
		write_cr0(cr0);
	if (cr4 != read_cr4())
		write_cr4(cr4);
}

/* Firmware that has CR4.OSXSAVE set may use more than x87 and SSE: the components in XCR0. */
static bool uses_xsave(const struct efi_cpu *own)
{
	return own->xsave && own->saved.cr4 & CR4_OSXSAVE;
}

static void xsave_all(void *area)
{
	__asm__ volatile("xsave64 (%0)" ::"r"(area), "a"(~0u), "d"(~0u) : "memory");
}

/* FXSAVE keeps x87 and SSE, whatever XCR0 says of them. */
void efi_cpu_fpu_save(struct efi_cpu *own)
{
	enable(own);
	__asm__ volatile("fxsave64 %0" : "=m"(own->fxsave));
	if (own->xsave)
		own->saved.xcr0 = xgetbv(0);
	if (uses_xsave(own))
		xsave_all(own->xsave);
	write_cr4(own->saved.cr4);
}

void efi_cpu_fpu_restore(struct efi_cpu *own)
{
	enable(own);
	if (own->xsave && xgetbv(0) != own->saved.xcr0)
		xsetbv(0, own->saved.xcr0);
	if (uses_xsave(own))
		__asm__ volatile("xrstor64 (%0)" ::"r"(own->xsave), "a"(~0u), "d"(~0u) : "memory");
	__asm__ volatile("fxrstor64 %0" ::"m"(own->fxsave));
}

/* The sum over a component of the area; one that the processor has left out is all 0. */
static uint64_t digest(const uint8_t *area, unsigned component)
{
	struct cpuid where = cpuid(13, component);
	uint64_t sum = 0;

	if (!(*(const uint64_t *)(area + XSTATE_BV) >> component & 1))
		return 0;
	for (uint32_t i = 0; i < where.eax; i++)
		sum = (sum << 7 | sum >> 57) ^ area[where.ebx + i];
	return sum;
}

static bool same_upper(struct efi_cpu *own)
{
	uint64_t before[HI16_ZMM + 1];
	bool same = true;

	for (unsigned i = AVX; i <= HI16_ZMM; i++)
		before[i] = digest(own->xsave, i);
	xsave_all(own->xsave);
	for (unsigned i = AVX; i <= HI16_ZMM; i += i == AVX ? OPMASK - AVX : 1)
		if (own->saved.xcr0 >> i & 1)
			same = same && digest(own->xsave, i) == before[i];
	return same;
}

bool efi_cpu_fpu_is_as_found(struct efi_cpu *own)
{
	uint8_t now[sizeof(own->fxsave)] __attribute__((aligned(16))) = { 0 };

	__asm__ volatile("fxsave64 %0" : "+m"(now));
	if (__builtin_memcmp(now, own->fxsave, XMM_END))
		return false;
	if (own->xsave && xgetbv(0) != own->saved.xcr0)
		return false;
	return !uses_xsave(own) || same_upper(own);
}
