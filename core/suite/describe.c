#include "suite/describe.h"

#include "lib/text.h"
#include "vm/control.h"
#include "vm/cpu.h"
#include "vm/vm.h"

enum { VCPUS_DESCRIBED = 16, PLACE = 64 };

/* symbol+offset, or the number where there is no code of ours. */
static const char *place(uint64_t address, char text[PLACE])
{
	uint64_t offset;
	const char *symbol = platform->symbol(address, &offset);

	if (symbol[0])
		text_format(text, PLACE, "%s+%llx", symbol, (unsigned long long)offset);
	else
		text_format(text, PLACE, "%llx", (unsigned long long)address);
	return text;
}

static void note_gprs(struct test_run *run, const uint64_t gpr[GPRS])
{
	static const char names[GPRS][4] = {
		"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
		"r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"
	};

	for (unsigned i = 0; i < GPRS; i += 4)
		test_note(run, "%s %llx, %s %llx, %s %llx, %s %llx", names[i],
			  (unsigned long long)gpr[i], names[i + 1], (unsigned long long)gpr[i + 1],
			  names[i + 2], (unsigned long long)gpr[i + 2], names[i + 3],
			  (unsigned long long)gpr[i + 3]);
}

void describe_fault(struct test_run *run, const struct fault *fault)
{
	char text[PLACE];

	place(fault->rip, text);
	if (fault->abandoned)
		test_fault(run, "no end in time: processor %u was stopped at %s", fault->cpu, text);
	else if (fault->machine_check.seen)
		test_fault(run,
			   "machine check on processor %u, bank %d, status %llx, MCG_STATUS %llx: "
			   "an error of the machine",
			   fault->cpu, fault->machine_check.bank,
			   (unsigned long long)fault->machine_check.status,
			   (unsigned long long)fault->machine_check.mcg_status);
	else
		test_fault(run, "%sexception %u (error code %llx) at %s on processor %u",
			   fault->overflow ? "stack overflow: " : "", fault->vector,
			   (unsigned long long)fault->error_code, text, fault->cpu);
	for (unsigned i = 0; i < ARRAY_SIZE(fault->trace) && fault->trace[i]; i++)
		test_note(run, "called from %s", place(fault->trace[i], text));
	test_note(run, "rip %llx, rflags %llx, cr2 %llx", (unsigned long long)fault->rip,
		  (unsigned long long)fault->rflags, (unsigned long long)fault->cr2);
	note_gprs(run, fault->gpr);
}

/* What core/ had to end: the instruction that it was at, and its state. */
static void note_failure(struct test_run *run, const struct vcpu *vcpu)
{
	const struct regs *regs = &vcpu->regs;
	char code[2 * sizeof(vcpu->failure.code) + 1] = "";

	test_note(run, "  ended: %s", vcpu->failure.why);
	for (unsigned i = 0; i < vcpu->failure.code_bytes; i++)
		text_format(code + 2 * i, 3, "%02x", vcpu->failure.code[i]);
	test_note(run, "cs:rip %x:%llx, code %s", regs->segment[CS].selector,
		  (unsigned long long)regs->rip, code);
	test_note(run, "rflags %llx, cr0 %llx, cr2 %llx, cr3 %llx, cr4 %llx, efer %llx",
		  (unsigned long long)regs->rflags, (unsigned long long)regs->cr0,
		  (unsigned long long)regs->cr2, (unsigned long long)regs->cr3,
		  (unsigned long long)regs->cr4, (unsigned long long)regs->efer);
	note_gprs(run, regs->gpr);
}

/* Only its owner can read a vCPU's RIP, and an owner that is lost cannot be asked. */
static bool read_rip(struct vcpu *vcpu, uint64_t *rip)
{
	struct regs regs;

	if (atomic_load(&vcpu->state) == VCPU_STOPPED || vcpu_registers(vcpu, &regs) != STATUS_OK)
		return false;
	*rip = regs.segment[CS].base + regs.rip;
	return true;
}

static void describe_vcpu(struct test_run *run, struct vcpu *vcpu, bool *answers)
{
	uint64_t rip = 0;
	bool known = *answers && read_rip(vcpu, &rip);
	unsigned cpu = atomic_load(&vcpu->cpu)->index;
	const char *state = vcpu_state_text(atomic_load(&vcpu->state));
	unsigned long long exits = atomic_load(&vcpu->counts.exits);

	if (known)
		test_note(run, "vCPU %u on processor %u: %s at %llx, %llu exits, the last %s (%x)",
			  vcpu->id, cpu, state, (unsigned long long)rip, exits,
			  exit_text(vcpu->last_exit.kind), vcpu->last_exit.reason);
	else
		test_note(run, "vCPU %u on processor %u: %s, %llu exits, the last %s (%x)%s",
			  vcpu->id, cpu, state, exits, exit_text(vcpu->last_exit.kind),
			  vcpu->last_exit.reason,
			  atomic_load(&vcpu->state) == VCPU_STOPPED ? "" : ", does not answer");
	if (atomic_load(&vcpu->counts.foreign_interrupts))
		test_note(run, "  %llu exits by interrupts of the machine's own",
			  (unsigned long long)atomic_load(&vcpu->counts.foreign_interrupts));
	*answers = known || atomic_load(&vcpu->state) == VCPU_STOPPED;
	if (vcpu->failure.why)
		note_failure(run, vcpu);
}

void describe_vcpus(struct test_run *run)
{
	struct vm *vm = run->vm;
	bool answers = true; /* after one that does not, the others are not waited for */

	for (unsigned i = 0; vm && i < vm->vcpu_count && i < VCPUS_DESCRIBED; i++)
		describe_vcpu(run, vm->vcpus[i], &answers);
	if (vm && vm->vcpu_count > VCPUS_DESCRIBED)
		test_note(run, "and %u more vCPUs", vm->vcpu_count - VCPUS_DESCRIBED);
}

bool expect_in_time_at(struct test_run *run, struct where where, const char *what,
		       enum status status)
{
	run->expectations++;
	if (status == STATUS_OK)
		return true;
	if (run->failures++ == 0 && !run->reason[0]) {
		describe_vcpus(run);
		text_format(run->reason, sizeof(run->reason), "%s", what);
		text_format(run->wanted, sizeof(run->wanted), "in time");
		text_format(run->got, sizeof(run->got), "%s", status_text(status));
		run->spec = run->test->spec;
		run->where = where;
	}
	return false;
}
