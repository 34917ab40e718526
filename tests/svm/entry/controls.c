/* APM vol. 2, "Canonicalization and Consistency Checks": controls, permission maps, AVIC. */
#include "svm/model/view.h"

#include "tests/svm/entry/rows.h"

#define HAS_FEATURE(function, feature)                                                             \
	static bool has_##function(const struct svm_machine *machine)                              \
	{                                                                                          \
		return svm_machine_has(machine, SVM_##feature);                                    \
	}
#define LACKS_FEATURE(function, feature)                                                           \
	static bool lacks_##function(const struct svm_machine *machine)                            \
	{                                                                                          \
		return !svm_machine_has(machine, SVM_##feature);                                   \
	}
HAS_FEATURE(avic, AVIC)
HAS_FEATURE(clean_bits, CLEAN_BITS)
HAS_FEATURE(flush_by_asid, FLUSH_BY_ASID)
HAS_FEATURE(vnmi, VNMI)
LACKS_FEATURE(avic, AVIC)
LACKS_FEATURE(flush_by_asid, FLUSH_BY_ASID)
LACKS_FEATURE(vnmi, VNMI)
LACKS_FEATURE(x2avic, X2AVIC)

static bool has_x2avic(const struct svm_machine *machine)
{
	return svm_machine_has(machine, SVM_AVIC) && svm_machine_has(machine, SVM_X2AVIC);
}

#define NEEDS_AVIC NEEDS(has_avic, "AVIC")
#define NEEDS_X2AVIC NEEDS(has_x2avic, "x2AVIC")
#define AVIC_ON OR(VINTR, VINTR_AVIC)
#define X2AVIC_ON OR(VINTR, VINTR_AVIC | VINTR_X2AVIC)
#define MSR_OFF CLR(INTERCEPT_3, INTERCEPT_BIT(SVM_EXIT_MSR))
#define IO_OFF CLR(INTERCEPT_3, INTERCEPT_BIT(SVM_EXIT_IOIO))
#define ALL_CLEAN SET(CLEAN, 0xFFFFFFFF)

/* clang-format off */
static const struct entry_row rows[] = {
	{ "vmrun.check.intercept", BASE_64, INVALID, ONE, WITH(CLR(INTERCEPT_4, INTERCEPT_BIT(SVM_EXIT_VMRUN))) },
	{ "vmrun.check.intercept", BASE_REAL, INVALID, ONE, WITH(CLR(INTERCEPT_4, INTERCEPT_BIT(SVM_EXIT_VMRUN))) },
	{ "vmrun.check.asid0", BASE_64, INVALID, ONE, WITH(SET(GUEST_ASID, 0)) },
	{ "vmrun.check.asid0", BASE_REAL, INVALID, ONE, WITH(SET(GUEST_ASID, 0)) },
	{ "vmrun.check.asid_high", BASE_64, ENTERS, ASID_LAST, .at = AT_GUEST_ASID },
	{ "vmrun.check.asid_high", BASE_64, REPORTED, ASID_BEYOND, .at = AT_GUEST_ASID },

	{ "vmrun.check.msrpm", BASE_64, INVALID, WIDTH, .at = AT_MSRPM_BASE_PA },
	{ "vmrun.check.msrpm", BASE_64, INVALID, BELOW, .at = AT_MSRPM_BASE_PA, LIST(0x1000, 0) },
	{ "vmrun.check.msrpm", BASE_64, REPORTED, BELOW, .last = true, .at = AT_MSRPM_BASE_PA, LIST(0x2000) },
	{ "vmrun.check.msrpm", BASE_64, ENTERS, BELOW, .last = true, .at = AT_MSRPM_BASE_PA, LIST(0x3000) },
	{ "vmrun.check.iopm", BASE_64, INVALID, WIDTH, .at = AT_IOPM_BASE_PA },
	{ "vmrun.check.iopm", BASE_64, INVALID, BELOW, .at = AT_IOPM_BASE_PA, LIST(0x2000, 0x1000, 0) },
	{ "vmrun.check.iopm", BASE_64, ENTERS, BELOW, .last = true, .at = AT_IOPM_BASE_PA, LIST(0x3000) },
	{ "vmrun.check.maps_off", BASE_64, REPORTED, BELOW, .at = AT_MSRPM_BASE_PA, LIST(0x1000, 0), WITH(MSR_OFF) },
	{ "vmrun.check.maps_off", BASE_64, REPORTED, BELOW, .at = AT_IOPM_BASE_PA, LIST(0x1000, 0), WITH(IO_OFF) },
	{ "vmrun.check.maps_off", BASE_64, ENTERS, ONE, WITH(MSR_OFF, IO_OFF) },
	{ "vmrun.check.maps_low", BASE_64, ENTERS, VALUES, .at = AT_MSRPM_BASE_PA, .mask = PAGE_MASK, LIST(PAGE_MASK) },
	{ "vmrun.check.maps_low", BASE_64, ENTERS, VALUES, .at = AT_IOPM_BASE_PA, .mask = PAGE_MASK, LIST(PAGE_MASK) },

	{ "vmrun.check.vnmi", BASE_64, INVALID, ONE, NEEDS(has_vnmi, "V_NMI"),
	  WITH(OR(VINTR, VINTR_NMI_ENABLE), CLR(INTERCEPT_3, INTERCEPT_BIT(SVM_EXIT_NMI))) },
	{ "vmrun.check.vnmi", BASE_64, ENTERS, ONE, NEEDS(has_vnmi, "V_NMI"), WITH(OR(VINTR, VINTR_NMI_ENABLE)) },
	{ "vmrun.check.x2avic", BASE_64, INVALID, ONE, NEEDS_X2AVIC, WITH(OR(VINTR, VINTR_X2AVIC)) },
	{ "vmrun.check.x2avic", BASE_64, ENTERS, ONE, .last = true, NEEDS_X2AVIC, WITH(X2AVIC_ON) },
	{ "vmrun.check.avic_np", BASE_64_SHADOW, REPORTED, ONE, .last = true, NEEDS_AVIC, WITH(AVIC_ON) },
	{ "vmrun.check.avic_pointers", BASE_64, INVALID, WIDTH, .at = AT_AVIC_BACKING_PAGE, NEEDS_AVIC, WITH(AVIC_ON) },
	{ "vmrun.check.avic_pointers", BASE_64, INVALID, WIDTH, .at = AT_AVIC_LOGICAL_TABLE, NEEDS_AVIC, WITH(AVIC_ON) },
	{ "vmrun.check.avic_pointers", BASE_64, INVALID, WIDTH, .at = AT_AVIC_PHYSICAL_TABLE, NEEDS_AVIC, WITH(AVIC_ON) },
	{ "vmrun.check.avic_pointers", BASE_64, ENTERS, ONE, .last = true, NEEDS_AVIC, WITH(AVIC_ON) },
	{ "vmrun.check.avic_index", BASE_64, INVALID, VALUES, .at = AT_AVIC_PHYSICAL_TABLE, .mask = PAGE_MASK,
	  LIST(256), NEEDS_AVIC, WITH(AVIC_ON) },
	{ "vmrun.check.avic_index", BASE_64, ENTERS, VALUES, .last = true, .at = AT_AVIC_PHYSICAL_TABLE,
	  .mask = PAGE_MASK, LIST(255), NEEDS_AVIC, WITH(AVIC_ON) },
	{ "vmrun.check.avic_index", BASE_64, INVALID, VALUES, .at = AT_AVIC_PHYSICAL_TABLE, .mask = PAGE_MASK,
	  LIST(512), NEEDS_X2AVIC, WITH(X2AVIC_ON) },
	{ "vmrun.check.avic_index", BASE_64, ENTERS, VALUES, .last = true, .at = AT_AVIC_PHYSICAL_TABLE,
	  .mask = PAGE_MASK, LIST(511), NEEDS_X2AVIC, WITH(X2AVIC_ON) },

	{ "vmrun.check.tlb", BASE_64, REPORTED, RANGES, .last = true, .at = AT_TLB_CONTROL, LIST(2, 2, 4, 6, 8, 0xFF) },
	{ "vmrun.check.tlb", BASE_64, REPORTED, VALUES, .last = true, .at = AT_TLB_CONTROL, LIST(3, 7),
	  NEEDS(lacks_flush_by_asid, "no flush by ASID") },
	{ "vmrun.check.tlb", BASE_64, ENTERS, VALUES, .at = AT_TLB_CONTROL, LIST(3, 7),
	  NEEDS(has_flush_by_asid, "flush by ASID") },
	{ "vmrun.check.tlb", BASE_64, ENTERS, VALUES, .at = AT_TLB_CONTROL, LIST(0, 1) },

	{ "vmrun.check.sev_absent", BASE_64, REPORTED, VALUES, .last = true, .at = AT_VINTR, LIST(VINTR_NMI_ENABLE),
	  NEEDS(lacks_vnmi, "no V_NMI") },
	{ "vmrun.check.sev_absent", BASE_64, REPORTED, VALUES, .last = true, .at = AT_VINTR, LIST(VINTR_AVIC),
	  NEEDS(lacks_avic, "no AVIC") },
	{ "vmrun.check.sev_absent", BASE_64, REPORTED, VALUES, .last = true, .at = AT_VINTR, LIST(VINTR_X2AVIC),
	  NEEDS(lacks_x2avic, "no x2AVIC") },
	{ "vmrun.check.reserved", BASE_64, REPORTED, VALUES, .last = true, .at = AT_RESERVED_018, .over = 0x3F, LIST(~0ull) },
	{ "vmrun.check.reserved", BASE_64, REPORTED, VALUES, .last = true, .at = AT_INTERCEPT_5, .mask = ~0x7Full, LIST(~0x7Full) },
	{ "vmrun.check.reserved", BASE_64, REPORTED, VALUES, .last = true, .at = AT_VINTR, .mask = VINTR_RESERVED,
	  LIST(VINTR_RESERVED) },
	{ "vmrun.check.reserved", BASE_64, REPORTED, VALUES, .last = true, .at = AT_INTERRUPT_SHADOW, .mask = ~3ull, LIST(~3ull) },
	{ "vmrun.check.reserved", BASE_64, REPORTED, VALUES, .last = true, .at = AT_NP_CONTROL, .mask = ~0xFFull, LIST(~0xFFull) },
	{ "vmrun.check.reserved", BASE_64, REPORTED, VALUES, .last = true, .at = AT_LBR_CONTROL, .mask = ~3ull, LIST(~3ull) },

	{ "inv.clean", BASE_64, REPORTED, ONE, NEEDS(has_clean_bits, "clean bits"), WITH(ALL_CLEAN, SET(GUEST_ASID, 0)) },
	{ "inv.clean", BASE_64, REPORTED, ONE, NEEDS(has_clean_bits, "clean bits"), WITH(ALL_CLEAN, OR(CR0, BIT(32))) },
	{ "inv.clean", BASE_64, REPORTED, ONE, NEEDS(has_clean_bits, "clean bits"), WITH(ALL_CLEAN, OR(DR7, BIT(32))) },
	{ "inv.clean", BASE_64, REPORTED, ONE, NEEDS(has_clean_bits, "clean bits"),
	  WITH(ALL_CLEAN, CLR(INTERCEPT_4, INTERCEPT_BIT(SVM_EXIT_VMRUN))) },
};
/* clang-format on */

const struct entry_section svm_entry_controls = { rows, ARRAY_SIZE(rows) };
