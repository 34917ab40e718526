/*
 * The end of a processor whose exception no one handles. An application processor is parked; the
 * boot processor says on the console what it knows, and that is the end of the run.
 */
#include "suite/suite.h"

#include "efi/cpu/cpu.h"
#include "efi/ending.h"
#include "efi/firmware.h"
#include "x86/insn.h"

static void say(const char *name, uint64_t address)
{
	uint64_t offset;
	const char *symbol = platform->symbol(address, &offset);

	if (symbol[0])
		console_format("  %s %s+%lx\n", name, symbol, offset);
	else
		console_format("  %s %lx\n", name, address);
}

void panic_print(const struct fault *fault)
{
	static const char names[16][4] = { "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
					   "r8",  "r9",	 "r10", "r11", "r12", "r13", "r14", "r15" };

	console_format("exception %u, error code %lx, on processor %u\n", fault->vector,
		       fault->error_code, fault->cpu);
	if (fault->machine_check.seen)
		console_format("  machine check: bank %d, status %lx, IA32_MCG_STATUS %lx\n",
			       fault->machine_check.bank, fault->machine_check.status,
			       fault->machine_check.mcg_status);
	say("rip", fault->rip);
	for (unsigned i = 0; i < ARRAY_SIZE(fault->trace) && fault->trace[i]; i++)
		say("called from", fault->trace[i]);
	console_format("  rflags %lx, cr2 %lx\n", fault->rflags, fault->cr2);
	for (unsigned i = 0; i < 16; i++)
		console_format("  %-3s %016lx%s", names[i], fault->gpr[i], i % 4 == 3 ? "\n" : "");
}

static _Noreturn void halt(void)
{
	for (;;)
		__asm__ volatile("hlt" ::: "memory"); /* NMIs go on being answered */
}

_Noreturn void panic_stop(struct efi_cpu *own)
{
	interrupts_off();
	if (!own)
		halt();
	own->cpu->error = STATUS_FAULT;
	atomic_store(&own->cpu->phase, CPU_FAILED);
	if (own->cpu->index)
		halt();
	/* The firmware's interrupts and tables, or its console may wait for ever. */
	efi_cpu_give_back(own->cpu);
	console_print("\nassay: ");
	panic_print(&own->fault);
	if (!own->fault.machine_check.fatal) /* else what is written may be wrong */
		files_close();
	ending_reach(SUITE_USAGE, true);
	halt();
}
