#include "vm/fetch.h"

#include "vm/decode.h"
#include "vm/walk.h"

unsigned fetch_code_size(const struct regs *regs)
{
	if (regs->efer & EFER_LMA && regs->segment[CS].rights & BIT(13))
		return 64;
	return regs->segment[CS].rights & BIT(14) ? 32 : 16;
}

size_t fetch_code(const struct vcpu *vcpu, uint8_t *bytes, size_t count)
{
	const struct regs *regs = &vcpu->regs;

	return walk_read(vcpu->vm, regs, regs->segment[CS].base + regs->rip, bytes, count);
}

void fetch_access(const struct vcpu *vcpu, struct vm_exit *exit, size_t count)
{
	if (!count)
		count = fetch_code(vcpu, exit->memory.bytes, sizeof(exit->memory.bytes));
	exit->memory.byte_count = (uint8_t)count;
	exit->memory.decoded =
		decode_access(exit->memory.bytes, count, fetch_code_size(&vcpu->regs),
			      &exit->memory.access) == DECODE_OK;
	exit->length = exit->memory.decoded ? exit->memory.access.length : 0;
}
