#include "x86/fixup.h"

struct fixup {
	int32_t site, landing;
};

/* efi/image.lds names its ends, in a host test the linker, which needs the section to be there. */
__asm__(".pushsection fixups, \"a\", @progbits\n\t.balign 4\n\t.popsection");
extern const struct fixup __start_fixups[] __attribute__((visibility("hidden")));
extern const struct fixup __stop_fixups[] __attribute__((visibility("hidden")));

static uint64_t target(const int32_t *distance)
{
	return (uint64_t)(uintptr_t)distance + (uint64_t)(int64_t)*distance;
}

uint64_t fixup_landing(uint64_t rip)
{
	for (const struct fixup *fixup = __start_fixups; fixup < __stop_fixups; fixup++)
		if (target(&fixup->site) == rip)
			return target(&fixup->landing);
	return 0;
}
