/*
 * Virtual-interrupt delivery: SDM vol. 3C, "APIC Virtualization and Virtual Interrupts". The page
 * of the virtual local APIC is the processor's while the guest runs, and core's otherwise: nobody
 * else writes to it. The guest interrupt status says what the page says, so it follows from it.
 */
#include "lib/pages.h"
#include "platform.h"

#include "vmx/insn.h"
#include "vmx/vmx.h"

enum { WRITES = 0x800 }; /* bytes of the MSR bitmap; reads and writes of MSRs 0 to 1FFFH */

static void pass(uint8_t *bitmap, uint32_t offset)
{
	uint32_t msr = X2APIC_MSR + offset / 0x10;

	bitmap[msr / 8] &= (uint8_t) ~(1u << msr % 8);
}

/*
 * MSRs that the processor virtualizes: SDM vol. 3C, "Virtualizing MSR-Based APIC Accesses". A read
 * of what is no register would not raise #GP, so only these pass.
 */
static const uint16_t read_registers[] = { APIC_TPR, APIC_PPR };
static const uint16_t written_registers[] = { APIC_TPR, APIC_EOI, APIC_SELF_IPI };

enum status vmx_deliver_create(struct vmx_vm *arch)
{
	uint8_t *bitmap = pages_alloc(1);

	if (!bitmap)
		return STATUS_NO_MEMORY;
	__builtin_memset(bitmap, 0xFF, PAGE_SIZE);
	for (unsigned i = 0; i < ARRAY_SIZE(read_registers); i++)
		pass(bitmap, read_registers[i]);
	for (uint32_t offset = APIC_ISR; offset < APIC_IRR + 0x80; offset += 0x10)
		pass(bitmap, offset);
	for (unsigned i = 0; i < ARRAY_SIZE(written_registers); i++)
		pass(bitmap + WRITES, written_registers[i]);
	arch->msr_bitmap = bitmap;
	return STATUS_OK;
}

static uint16_t index_of(int vector)
{
	return vector < 0 ? 0 : (uint16_t)vector;
}

static void write_status(struct vmx_vcpu *arch, uint16_t status)
{
	vmwrite(GUEST_INTERRUPT_STATUS, status);
	arch->interrupt_status = status;
}

/* Level-triggered vectors exit at their EOI, for the I/O APIC. */
static void set_eoi_exits(struct vcpu *vcpu, bool all)
{
	struct vmx_vcpu *arch = vmx_of(vcpu);

	for (unsigned i = 0; i < ARRAY_SIZE(arch->eoi_exits); i++) {
		uint64_t bits = apic_get(&vcpu->apic, APIC_TMR + i * 0x20) |
				(uint64_t)apic_get(&vcpu->apic, APIC_TMR + i * 0x20 + 0x10) << 32;

		if (!all && bits == arch->eoi_exits[i])
			continue;
		vmwrite(EOI_EXIT_BITMAP_0 + 2 * i, bits);
		arch->eoi_exits[i] = bits;
	}
}

void vmx_deliver_begin(struct vcpu *vcpu)
{
	const struct vmx_vm *vm = vcpu->vm->arch;

	vmwrite(MSR_BITMAP, physical(vm->msr_bitmap));
	write_status(vmx_of(vcpu), 0);
	set_eoi_exits(vcpu, true);
}

void vmx_deliver_before(struct vcpu *vcpu)
{
	struct vmx_vcpu *arch = vmx_of(vcpu);
	uint16_t requested = index_of(apic_highest_request(&vcpu->apic));
	uint16_t serving = index_of(apic_highest_in_service(&vcpu->apic));
	uint16_t status = (uint16_t)(requested | serving << 8);

	if (status != arch->interrupt_status)
		write_status(arch, status);
	set_eoi_exits(vcpu, false);
	vmx_post_before(vcpu);
}

bool vmx_deliver_after(struct vcpu *vcpu)
{
	struct vmx_vcpu *arch = vmx_of(vcpu);
	bool good = vmx_post_after(vcpu);

	arch->interrupt_status = (uint16_t)vmread(GUEST_INTERRUPT_STATUS);
	apic_reload(&vcpu->apic);
	if (apic_highest_request(&vcpu->apic) >= 0)
		vcpu->event_pending = true;
	return good;
}
