/* The MSRs of the x2APIC: SDM vol. 3C, "Virtualizing MSR-Based APIC Accesses". */
#include "x86/insn.h"
#include "x86/msr.h"

#include "tests/vmx/apic/make.h"
#include "tests/vmx/exit/needs.h"
#include "tests/vmx/exit/sections.h"

enum { GP = 13, REGISTERS_COUNT = 256, FIRST_VECTOR = 16 };
enum {
	MSR_TPR = X2APIC_MSR + APIC_TPR / 16,
	MSR_EOI = X2APIC_MSR + APIC_EOI / 16,
	MSR_SELF_IPI = X2APIC_MSR + APIC_SELF_IPI / 16
};

static void make_fault(struct guest_made *made)
{
	made->row.end = GUEST_RAISES;
	made->row.number = GP;
	made->row.has_code = true;
}

/* ---- RDMSR ---- */

/* From the page: bits 63:32, too. */
static void read_page(unsigned number, struct guest_made *made)
{
	const unsigned offset = number * 16;

	made_before(made, (struct guest_change)REG(RCX, X2APIC_MSR + number));
	if (offset >= WATCHED_BYTES) {
		made_after(made, (struct guest_change)REG(RAX, made_word(made, offset)));
	} else {
		made_before(made, (struct guest_change)WORD(offset, 0x12345670 ^ offset));
		made_after(made, (struct guest_change)REG(RAX, 0x12345670 ^ offset));
	}
	made_after(made, (struct guest_change)REG(RDX, made_word(made, offset + 4)));
	if (offset == APIC_TPR && made_turned_on(made, AT_SECONDARY_CONTROLS) &
					  CONTROL_MASK(SECONDARY_INTERRUPT_DELIVERY))
		made_after(made, (struct guest_change)VPPR((0x12345670 ^ offset) & 0xFF));
}

/* What the processor's own local APIC says to it: nothing unless it is in x2APIC mode. */
static void read_own(unsigned number, struct guest_made *made)
{
	uint64_t value;

	if (number == APIC_TPR / 16 && made->row.argument) {
		read_page(number, made);
		return;
	}
	made_before(made, (struct guest_change)REG(RCX, X2APIC_MSR + number));
	if (rdmsr_try(X2APIC_MSR + number, &value) != STATUS_OK) {
		make_fault(made);
		return;
	}
	made_after(made, (struct guest_change)REG_UNJUDGED(RAX));
	made_after(made, (struct guest_change)REG_UNJUDGED(RDX));
}

/* ---- WRMSR ---- */

/* Registers that may be written with what they hold. */
static const uint8_t harmless[] = { APIC_SVR / 16, APIC_LVT_ERROR / 16, APIC_LVT_LINT0 / 16,
				    APIC_LVT_LINT1 / 16 };

/* The processor's own local APIC takes it, or there is no such MSR; the page does not change. */
static void write_own(unsigned number, struct guest_made *made)
{
	uint64_t value = 0;

	if (number == APIC_TPR / 16 || number == APIC_EOI / 16 || number == APIC_SELF_IPI / 16)
		number = APIC_SVR / 16;
	if (rdmsr(IA32_APIC_BASE) & IA32_APIC_BASE_EXTD) {
		number = harmless[number % ARRAY_SIZE(harmless)];
		value = rdmsr(X2APIC_MSR + number);
	} else {
		make_fault(made);
	}
	made_before(made, (struct guest_change)REG(RCX, X2APIC_MSR + number));
	made_before(made, (struct guest_change)REG(RAX, (uint32_t)value));
	made_before(made, (struct guest_change)REG(RDX, value >> 32));
}

static void self_ipi(unsigned number, struct guest_made *made)
{
	made_before(made, (struct guest_change)REG(RAX, number));
	if (number < FIRST_VECTOR) {
		made->row.end = GUEST_EXITS_NEXT;
		made->row.number = REASON_APIC_WRITE;
		made_after(made, (struct guest_change)QUALIFICATION(APIC_SELF_IPI));
		return;
	}
	made_after(made, (struct guest_change)VIRR(number, BIT_OF(number)));
	made_after(made, (struct guest_change)STATUS(0, number));
}

/* clang-format off */
#define KERNEL_PROTECTED (MODES_KERNEL & ~(1 << MODE_REAL)) /* with error codes */
#define X2 SHADOW, X2APIC
#define WRITES(rule, how, msr, ...) \
	{ rule, KERNEL_PROTECTED, FRAGMENT_WRMSR, how, WATCHED, BEFORE(X2, REG(RCX, msr), REG(RDX, 0), __VA_ARGS__)
#define IGNORED(offset) { AT_MEMORY, GUEST_UNJUDGED, 4, (uint32_t)VAPIC(offset), 0 }
#define FROM_PAGE(...) \
	{ "apic.x2.read", KERNEL_64, FRAGMENT_RDMSR, ENDS(PASSES), BEFORE(X2, __VA_ARGS__), WATCHED, .make = read_page, .count = REGISTERS_COUNT }
#define NOT_PAGE(...) \
	{ "apic.x2.read", KERNEL_64, FRAGMENT_RDMSR, ENDS(PASSES), BEFORE(X2, __VA_ARGS__), WATCHED, .make = read_own, .count = REGISTERS_COUNT, .argument = 1 }
#define TO_OWN(...) \
	{ "apic.x2.write", KERNEL_64, FRAGMENT_WRMSR, ENDS(PASSES), BEFORE(X2, __VA_ARGS__), WATCHED, .make = write_own, .count = REGISTERS_COUNT }
#define UPPER_BITS 0x100, 0x200, 0x400, 0x800, 0x1000, 0x8000, BIT(16), BIT(24), BIT(31)

static const struct guest_row rows[] = {
	{ "apic.x2.tpr", MODES_KERNEL, FRAGMENT_RDMSR, ENDS(PASSES), BEFORE(X2, REG(RCX, MSR_TPR), VTPR(0x12345678), WORD(APIC_TPR + 4, 0x87654321)), WATCHED,
	  AFTER(REG(RAX, 0x12345678), REG(RDX, 0x87654321)) },
	{ "apic.x2.tpr", MODES_USER, FRAGMENT_RDMSR, FAULT_CODE(GP, 0), BEFORE(X2, REG(RCX, MSR_TPR)), WATCHED },
	{ "apic.x2.tpr", MODES_USER, FRAGMENT_WRMSR, FAULT_CODE(GP, 0), BEFORE(X2, REG(RCX, MSR_TPR), REG(RAX, 0), REG(RDX, 0)), WATCHED },
	WRITES("apic.x2.tpr", ENDS(PASSES), MSR_TPR, REG(RAX, 0xE7)), AFTER(VTPR(0xE7), WORD(APIC_TPR + 4, 0)) },
	WRITES("apic.x2.tpr", ENDS(PASSES), MSR_TPR, DELIVERY, REG(RAX, 0x37), VTPR(0)), AFTER(VTPR(0x37), VPPR(0x37), WORD(APIC_TPR + 4, 0)) },
	WRITES("apic.x2.tpr", FAULT_CODE(GP, 0), MSR_TPR, PRIMARY_ON(TPR_SHADOW)), VALUES_OF_REG(RAX, UPPER_BITS) },
	{ "apic.x2.tpr", KERNEL_PROTECTED, FRAGMENT_WRMSR, FAULT_CODE(GP, 0), BEFORE(X2, REG(RCX, MSR_TPR), REG(RAX, 0)), WATCHED, VALUES_OF_REG(RDX, 1, 0x100, BIT(31)) },

	FROM_PAGE(REGISTERS),
	NOT_PAGE(PRIMARY_ON(TPR_SHADOW)),
	NOT_PAGE(DELIVERY, VTPR(0), VPPR(0)),
	/* Without "virtualize x2APIC mode" the page is not looked at. */
	{ "apic.x2.read", KERNEL_64, FRAGMENT_RDMSR, ENDS(PASSES), BEFORE(SHADOW, REGISTERS, PRIMARY_ON(MSR_BITMAPS), FROM(MSR_BITMAP, VMREAD_BITMAP)), WATCHED,
	  .make = read_own, .count = REGISTERS_COUNT },
	TO_OWN(PRIMARY_ON(TPR_SHADOW)),
	TO_OWN(REGISTERS),
	WRITES("apic.x2.write", ENDS(PASSES), MSR_EOI, DELIVERY, REG(RAX, 0), VTPR(0), VISR(0x51, BIT_OF(0x51)), STATUS(0x51, 0)),
	  AFTER(WORD(APIC_EOI, 0), IGNORED(APIC_EOI + 4), VISR(0x51, 0), VPPR(0), STATUS(0, 0)) },

	{ "apic.x2.bitmap", MODES_KERNEL, FRAGMENT_RDMSR, EXIT_BY(RDMSR), BEFORE(SHADOW, SECONDARY_ON(X2APIC), PRIMARY_ON(MSR_BITMAPS)), WATCHED,
	  VALUES_OF_REG(RCX, MSR_TPR, MSR_EOI, MSR_SELF_IPI) },
	{ "apic.x2.bitmap", MODES_KERNEL, FRAGMENT_WRMSR, EXIT_BY(WRMSR), BEFORE(SHADOW, SECONDARY_ON(X2APIC), PRIMARY_ON(MSR_BITMAPS), REG(RAX, 0), REG(RDX, 0)), WATCHED,
	  VALUES_OF_REG(RCX, MSR_TPR, MSR_EOI, MSR_SELF_IPI) },
	{ "apic.x2.bitmap", MODES_KERNEL, FRAGMENT_WRMSR, EXIT_BY(WRMSR),
	  BEFORE(SHADOW, DELIVERY, VTPR(0), VPPR(0), SECONDARY_ON(X2APIC), PRIMARY_ON(MSR_BITMAPS), REG(RAX, 0x41), REG(RDX, 0)), WATCHED,
	  VALUES_OF_REG(RCX, MSR_TPR, MSR_EOI, MSR_SELF_IPI) },

	WRITES("apic.x2.reserved", FAULT_CODE(GP, 0), MSR_EOI, DELIVERY, VTPR(0), VPPR(0)), VALUES_OF_REG(RAX, 1, 0x80, BIT(31)) },
	WRITES("apic.x2.reserved", FAULT_CODE(GP, 0), MSR_SELF_IPI, DELIVERY, VTPR(0), VPPR(0)), VALUES_OF_REG(RAX, UPPER_BITS) },
	{ "apic.x2.reserved", KERNEL_PROTECTED, FRAGMENT_WRMSR, FAULT_CODE(GP, 0), BEFORE(X2, DELIVERY, VTPR(0), VPPR(0), REG(RCX, MSR_EOI), REG(RAX, 0)), WATCHED,
	  VALUES_OF_REG(RDX, 1, BIT(31)) },
	{ "apic.x2.reserved", KERNEL_PROTECTED, FRAGMENT_WRMSR, FAULT_CODE(GP, 0), BEFORE(X2, DELIVERY, VTPR(0), VPPR(0), REG(RCX, MSR_SELF_IPI), REG(RAX, 0x41)), WATCHED,
	  VALUES_OF_REG(RDX, 1, BIT(31)) },

	{ "apic.x2.self", KERNEL_64, FRAGMENT_WRMSR, ENDS(PASSES), BEFORE(X2, DELIVERY, VTPR(0), REG(RCX, MSR_SELF_IPI), REG(RDX, 0)), WATCHED, .make = self_ipi, .count = 256,
	  AFTER(VPPR(0), IGNORED(APIC_SELF_IPI), IGNORED(APIC_SELF_IPI + 4)) },
	WRITES("apic.x2.self.page", ENDS(PASSES), MSR_SELF_IPI, DELIVERY, VTPR(0), REG(RAX, 0x41)),
	  AFTER(WORD(APIC_SELF_IPI, 0x41), WORD(APIC_SELF_IPI + 4, 0), VPPR(0), VIRR(0x41, BIT_OF(0x41)), STATUS(0, 0x41)) },
	WRITES("apic.x2.self.page", BEHIND(APIC_WRITE), MSR_SELF_IPI, DELIVERY, VTPR(0), REG(RAX, 0xF)),
	  AFTER(WORD(APIC_SELF_IPI, 0xF), WORD(APIC_SELF_IPI + 4, 0), VPPR(0), QUALIFICATION(APIC_SELF_IPI)) },
};
/* clang-format on */

const struct guest_section apic_x2apic = { rows, ARRAY_SIZE(rows) };
