/* Exceptions and interrupts while a processor is ours. */
#include "x86/fixup.h"

#include "efi/cpu/cpu.h"
#include "efi/firmware.h"
#include "x86/control.h"
#include "x86/insn.h"
#include "x86/local_apic.h"
#include "x86/msr.h"

enum {
	VECTOR_NMI = 2,
	VECTOR_DOUBLE_FAULT = 8,
	VECTOR_MACHINE_CHECK = 18,
	VECTOR_SECURITY = 30,  /* #SX, AMD's only */
	SECURITY_INIT = 1,     /* its error code: INIT redirection */
	VECTORS_RESERVED = 32, /* below: exceptions; from here on: interrupts */
};

/* What cpu_asm.S builds on the stack. */
struct frame {
	uint64_t gpr[16];
	uint64_t vector, error_code;
	uint64_t rip, cs, rflags, rsp, ss; /* pushed by the processor */
};

/* SDM vol. 3A, "64-Bit Mode IDT". */
struct gate {
	uint16_t offset_15_0, selector;
	uint8_t ist, type;
	uint16_t offset_31_16;
	uint32_t offset_63_32, reserved;
};
_Static_assert(sizeof(struct gate) == 16, "a gate of 64-bit mode has 16 bytes");

enum { GATES = 256, FLAG_TF = 1 << 8 };

static struct gate *idt; /* one page of the firmware's memory */

void exception_handle(struct frame *frame);

struct descriptor_table exceptions_idtr(void)
{
	return (struct descriptor_table){ GATES * sizeof(*idt) - 1, physical(idt) };
}

bool exceptions_init(void)
{
	_Static_assert(GATES * sizeof(*idt) <= PAGE_SIZE, "one page");

	idt = pages_get(1);
	if (!idt)
		return false;
	for (unsigned i = 0; i < GATES; i++) {
		uint64_t stub = physical(exception_stubs[i]);

		idt[i] = (struct gate){
			.offset_15_0 = (uint16_t)stub,
			.selector = EFI_CPU_CS,
			.type = 0x8e, /* present, DPL 0, interrupt gate */
			.offset_31_16 = (uint16_t)(stub >> 16),
			.offset_63_32 = (uint32_t)(stub >> 32),
		};
	}
	/* These may come while RSP is not to be trusted; all others nest on the stack in use. */
	idt[VECTOR_NMI].ist = IST_NMI;
	idt[VECTOR_DOUBLE_FAULT].ist = IST_DOUBLE_FAULT;
	idt[VECTOR_MACHINE_CHECK].ist = IST_MACHINE_CHECK;
	return true;
}

void exceptions_end(void)
{
	if (idt)
		pages_return(idt, 1);
	idt = NULL;
}

_Atomic uint32_t nmis_in_firmware;

static void write_gate(const struct efi_saved *saved, const uint64_t gate[2])
{
	volatile uint64_t *at =
		(volatile uint64_t *)(uintptr_t)(saved->idtr.base + VECTOR_NMI * sizeof(*idt));
	uint64_t cr0 = read_cr0();

	write_cr0(cr0 & ~(uint64_t)CR0_WP); /* the firmware may have protected its table */
	at[0] = gate[0];
	at[1] = gate[1];
	write_cr0(cr0);
}

void exceptions_lend_nmi(struct efi_cpu *own)
{
	const struct efi_saved *saved = &own->saved;
	const uint64_t *theirs = (const uint64_t *)(uintptr_t)saved->idtr.base + VECTOR_NMI * 2;
	struct gate gate = idt[VECTOR_NMI];
	uint64_t handler = physical((void *)(uintptr_t)nmi_in_firmware), raw[2];

	if (saved->idtr.limit < (VECTOR_NMI + 1) * sizeof(*idt) - 1)
		return;
	own->nmi_gate[0] = theirs[0];
	own->nmi_gate[1] = theirs[1];
	gate.selector = saved->cs;
	gate.ist = 0; /* ours are not there */
	gate.offset_15_0 = (uint16_t)handler;
	gate.offset_31_16 = (uint16_t)(handler >> 16);
	gate.offset_63_32 = (uint32_t)(handler >> 32);
	__builtin_memcpy(raw, &gate, sizeof(raw));
	write_gate(saved, raw);
	own->nmi_lent = true;
}

void exceptions_return_nmi(struct efi_cpu *own)
{
	if (!own->nmi_lent)
		return;
	own->nmi_lent = false;
	write_gate(&own->saved, own->nmi_gate);
	atomic_fetch_add(&own->cpu->nmis, atomic_exchange(&nmis_in_firmware, 0));
}

static bool in_image(uint64_t address)
{
	return address - physical(firmware.loaded->ImageBase) < firmware.loaded->ImageSize;
}

/* A quadword of the processor's own stack, which alone is sure to be readable. */
static bool stack_word(const struct efi_cpu *own, uint64_t address, uint64_t *word)
{
	if (address % 8 || address < own->stack || address > own->stack_end - 8)
		return false;
	*word = *(const uint64_t *)(uintptr_t)address;
	return true;
}

/* Follows saved RBPs, as -fno-omit-frame-pointer lays them out. */
static void back_trace(const struct efi_cpu *own, const struct frame *frame, uint64_t trace[8])
{
	uint64_t rbp = frame->gpr[5], outer, return_address;
	unsigned n = 0;

	/* After a call to nowhere, the return address is still on top of the stack. */
	if (!in_image(frame->rip) && stack_word(own, frame->rsp, &return_address) &&
	    in_image(return_address))
		trace[n++] = return_address;
	while (n < 8 && stack_word(own, rbp, &outer) && stack_word(own, rbp + 8, &return_address)) {
		trace[n++] = return_address;
		if (outer <= rbp)
			break;
		rbp = outer;
	}
}

static void describe(const struct efi_cpu *own, const struct frame *frame, struct fault *fault)
{
	*fault = (struct fault){
		.vector = (uint32_t)frame->vector,
		.cpu = own->cpu->index,
		.error_code = frame->error_code,
		.rip = frame->rip,
		.rsp = frame->rsp,
		.rflags = frame->rflags,
		.cr2 = read_cr2(),
	};
	fault->overflow =
		fault->vector == VECTOR_DOUBLE_FAULT && own->stack - fault->cr2 - 1 < PAGE_SIZE;
	for (unsigned i = 0; i < ARRAY_SIZE(fault->gpr); i++)
		fault->gpr[i] = frame->gpr[i];
	fault->gpr[4] = frame->rsp;
	back_trace(own, frame, fault->trace);
	if (fault->vector == VECTOR_MACHINE_CHECK)
		fault->machine_check = machine_check_read(rdmsr);
}

/* Makes the IRETQ go somewhere else. */
static void redirect(struct frame *frame, void (*to)(void), uint64_t rsp)
{
	frame->rip = physical((void *)(uintptr_t)to);
	frame->rsp = rsp;
	frame->rflags = 2; /* only the bit that is always set: IF, DF, TF, AC clear */
	frame->cs = EFI_CPU_CS;
	frame->ss = EFI_CPU_DS;
}

/* What a landing finds is in x86/fixup.h. */
static bool fix_up(struct frame *frame)
{
	uint64_t landing;

	if (frame->vector == VECTOR_DOUBLE_FAULT || frame->vector == VECTOR_MACHINE_CHECK)
		return false;
	landing = fixup_landing(frame->rip);
	if (!landing)
		return false;
	frame->rip = landing;
	frame->gpr[0] = frame->vector | frame->error_code << 32;
	frame->rflags &= ~(uint64_t)FLAG_TF;
	frame->cs = EFI_CPU_CS;
	frame->ss = EFI_CPU_DS;
	return true;
}

/* Parks an application processor; the boot processor says what it knows and resets the machine. */
static void give_up(struct efi_cpu *own, struct frame *frame)
{
	redirect(frame, (void (*)(void))panic_stop, own->stack_end - 8);
	frame->gpr[7] = physical(own); /* RDI: the argument */
}

static void handle_exception(struct efi_cpu *own, struct frame *frame)
{
	struct guard *guard = own->in_handler ? NULL : own->guard;
	struct fault *fault = guard ? guard->fault : &own->fault;

	own->in_handler = true;
	describe(own, frame, fault);
	if (fault->machine_check.seen)
		wrmsr(IA32_MCG_STATUS, 0); /* MCIP: a second one would shut the processor down */
	if (guard && !fault->machine_check.fatal) {
		own->guard = guard->outer;
		own->idle = false;
		redirect(frame, guard_landing, guard->rsp);
	} else {
		own->fault = *fault;
		give_up(own, frame);
	}
	own->in_handler = false;
}

/* core/ wants this processor to give up what it runs, all of it. */
static void handle_abandon(struct efi_cpu *own, struct frame *frame)
{
	struct guard *guard = own->guard;

	if (!guard || own->in_handler)
		return;
	while (guard->outer)
		guard = guard->outer;
	if (!guard->rsp || !cpu_abandoned(own->cpu))
		return;
	describe(own, frame, guard->fault);
	guard->fault->abandoned = true;
	own->guard = NULL;
	own->idle = false;
	redirect(frame, guard_landing, guard->rsp);
}

/* The local APIC may send vectors that exceptions have, too; its ISR tells which it is. */
static bool is_interrupt(uint64_t vector)
{
	return vector >= VECTORS_RESERVED || local_apic_bit(APIC_ISR, (unsigned)vector);
}

/* No exception has vector 15 or 31, but a local APIC's spurious interrupt may: firmware leaves the
 * vector in the SVR at 15. SDM vol. 3A, "Spurious Interrupt". */
static bool is_stray(uint64_t vector)
{
	return vector >= VECTORS_RESERVED || vector == 15 || vector == 31;
}

void exception_handle(struct frame *frame)
{
	struct efi_cpu *own = efi_cpu_self();

	if (!own)
		panic_stop(NULL);
	if (frame->vector == VECTOR_NMI) {
		if (!idle_nmi(own, &frame->rip))
			cpu_nmi(own->cpu);
		if (own->cpu->on_interrupt)
			own->cpu->on_interrupt(own->cpu, VECTOR_NMI);
		handle_abandon(own, frame);
	} else if (frame->vector == VECTOR_SECURITY && frame->error_code == SECURITY_INIT) {
		own->inits++;
	} else if (own->cpu->on_interrupt && is_interrupt(frame->vector)) {
		own->cpu->on_interrupt(own->cpu, (uint8_t)frame->vector);
	} else if (is_stray(frame->vector)) {
		own->strays++;
		efi_cpu_end_of_interrupt((unsigned)frame->vector);
	} else if (!fix_up(frame)) {
		handle_exception(own, frame);
	}
}

bool efi_cpu_guarded(struct cpu *cpu, void (*body)(void *argument), void *argument,
		     struct fault *fault)
{
	struct efi_cpu *own = cpu->below;
	struct guard guard = { .outer = own->guard, .fault = fault };
	bool completed;

	own->guard = &guard;
	completed = guard_call(body, argument, &guard);
	own->guard = guard.outer;
	return completed;
}
