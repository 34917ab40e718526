#include "vm/load.h"

#include "backend.h"
#include "vm/fail.h"

void vcpu_unload(struct cpu *cpu)
{
	if (!cpu->loaded)
		return;
	backend->unload(cpu, cpu->loaded);
	cpu->loaded = NULL;
}

void vcpu_load(struct cpu *cpu, struct vcpu *vcpu)
{
	if (cpu->loaded == vcpu)
		return;
	vcpu_unload(cpu);
	if (backend->load(cpu, vcpu) != STATUS_OK) {
		vcpu_fail(vcpu, "the processor refused its control structure", NULL);
		return;
	}
	cpu->loaded = vcpu;
}
