/*
 * All that core/ needs from below: the firmware in the image, threads in the host tests.
 * Addresses: UEFI identity-maps memory for x64 (UEFI specification, "x64 Platforms"), so a
 * pointer into the arena is also its physical address; see physical().
 */
#ifndef CORE_PLATFORM_H
#define CORE_PLATFORM_H

#include "lib/base.h"
#include "lib/status.h"
#include "x86/mca.h"

struct cpu;
struct facts;

/* An exception in our own code, as the platform's handler found it. */
struct fault {
	bool abandoned; /* no exception: cpu_abandon ended the call */
	bool overflow;	/* the stack's end was reached */
	uint32_t vector;
	uint32_t cpu; /* index of the processor */
	uint64_t error_code;
	uint64_t rip, rsp, rflags, cr2;
	uint64_t gpr[16];  /* in ModRM order: RAX RCX RDX RBX RSP RBP RSI RDI R8..R15 */
	uint64_t trace[8]; /* return addresses, innermost first, 0 ends it */
	struct machine_check machine_check; /* of vector 18 */
};

/* ICR bits for platform.ipi; SDM vol. 3A, "Interrupt Command Register (ICR)". */
enum { IPI_NMI = 0x4400, IPI_INIT = 0x4500, IPI_SIPI = 0x4600 /* | vector */ };

/* What a piece of text is about, for colours; they are a second cue, never the only one. */
enum tone { TONE_PLAIN, TONE_PASSED, TONE_FAILED, TONE_SKIPPED };

struct platform {
	/* Page-aligned memory for all that we allocate, got once from the firmware. */
	void *arena;
	size_t arena_pages;

	unsigned cpu_count; /* processors in use, the boot processor included */
	unsigned cpu_total; /* that the firmware knows of */
	struct cpu *cpus;

	/* A monotonic clock that every processor may read: ticks, clock_hz of them a second. */
	uint64_t (*clock)(void);
	uint64_t clock_hz;
	bool apic_timer; /* to be used even where virtualization has a timer: see timer below */
	uint64_t slice;	 /* a vCPU's time slice in ticks; see vcpu_slice_ticks in vm/run.h */
	/* Tests may take so many times as long: under a hypervisor, with a slow clock. */
	unsigned patience;
	uint64_t started; /* the clock when the firmware handed over to us */

	/*
	 * Takes the calling processor from the firmware: own GDT, TSS, IDT, GS base, IF=0,
	 * exceptions handled by us; and gives it back with every register, MSR and table as found,
	 * which it reads again: false if one differs.
	 */
	enum status (*cpu_take)(struct cpu *cpu);
	bool (*cpu_give_back)(struct cpu *cpu);

	/*
	 * Runs entry(cpu) on all the other processors at the same time and returns at once; each
	 * runs on a stack of its own. entry takes the processor and gives it back itself.
	 * Error: STATUS_UNSUPPORTED without MP Services, STATUS_REFUSED if the firmware says that
	 * it is too late for this, as PI vol. 2, "MP Services Protocol", lets it do once it boots;
	 * STATUS_DEVICE.
	 */
	enum status (*aps_start)(void (*entry)(struct cpu *cpu));

	/* After aps_start and before they are given back: adds what is known of them. May be NULL.
	 */
	void (*describe_started)(struct facts *facts);

	/* Sends a physical IPI from the calling processor; it has been sent on return. */
	void (*ipi)(const struct cpu *to, uint32_t icr_low);

	/*
	 * On a processor that is taken: its local APIC as it was found, nothing in service,
	 * interrupts held back as ever while the processor is ours.
	 */
	void (*apic_put_back)(void);

	/* On a processor that is taken: serves an interrupt that waits, by throwing it away. */
	void (*take_interrupt)(void);

	/*
	 * Calls body(argument) on a processor that is taken. An exception inside ends it: false,
	 * with what is known in *fault. Calls may nest; the innermost one gets the fault, but
	 * cpu_abandon ends the outermost one.
	 */
	bool (*guarded)(struct cpu *cpu, void (*body)(void *argument), void *argument,
			struct fault *fault);

	/*
	 * Waits until *doorbell differs from seen, or for a kick; may return early. Opens and
	 * closes the kick window itself. An idle processor costs nothing.
	 */
	void (*idle)(_Atomic uint32_t *doorbell, uint32_t seen);

	/*
	 * For backends without a timer of their own, on the calling processor, which is taken.
	 * timer_use(true) borrows the local APIC's timer, timer_use(false) gives it back as it was.
	 * timer(ticks), between the two: a fixed interrupt after about so many clock ticks, a
	 * second at most. It waits in the local APIC while interrupts are off, and take_interrupt
	 * ends it. A shot replaces the one before. timer is NULL if the timer does not work.
	 */
	void (*timer_use)(bool on);
	void (*timer)(uint64_t ticks);

	/* The boot processor, in the firmware's hands, only. text is ASCII, lines end in \n. */
	void (*print)(const char *text);
	bool console_is_read; /* perhaps, by a program: all must be there, however slow */
	/* Of the screen: characters of a line, less what is beside the lines; 0: none is known. */
	unsigned columns, rows;

	/*
	 * For people before a screen, nothing of it on a serial port; same rules. tone is of what
	 * is printed from now on. progress shows a line that the next one printed overwrites.
	 */
	void (*tone)(enum tone tone);
	void (*progress)(const char *line);

	/*
	 * Replaces the named report file by data; path relative to the boot volume's root with
	 * backslashes. It is on the medium with the next file_append, at the latest in the end.
	 * The boot processor, in the firmware's hands, only.
	 * Error: STATUS_READ_ONLY, STATUS_VOLUME_FULL, STATUS_NOT_FOUND (no volume), STATUS_DEVICE.
	 */
	enum status (*file_write)(const char *path, const char *data, size_t size);

	/* Appends data to a file that file_write made, and puts all on the medium. Same rules. */
	enum status (*file_append)(const char *path, const char *data, size_t size);

	/*
	 * Reads at most size bytes of a file; *got is what there was.
	 * Error: STATUS_NOT_FOUND, STATUS_DEVICE.
	 */
	enum status (*file_read)(const char *path, char *data, size_t size, size_t *got);

	/* A symbol's name and offset for an address in the image; "" if it is none of ours. */
	const char *(*symbol)(uint64_t address, uint64_t *offset);
};

/* The platform in use. Set once, before anything else in core/ is called. */
extern const struct platform *platform;

/* For bounds that are constants: so many times as long as on a machine of today. */
static inline uint64_t with_patience(uint64_t time)
{
	return platform->patience ? time * platform->patience : time;
}

static inline uint64_t physical(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

#endif
