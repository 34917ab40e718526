/* The processors: taking them from the firmware, and what runs on them while they are ours. */
#ifndef EFI_CPU_CPU_H
#define EFI_CPU_CPU_H

#include "lib/base.h"
#include "lib/status.h"
#include "platform.h"
#include "vm/cpu.h"
#include "x86/descriptor.h"
#include "x86/local_apic.h"

enum {
	/*
	 * At the end of a table of its own page, which begins with a copy of the firmware's: so the
	 * gates of both IDTs are good while one table gives way to the other, for NMIs of the
	 * machine's own. And where the firmware ran without a TSS, TR cannot be put back (LTR
	 * refuses a null selector), and firmware that finds this selector in TR must see that it
	 * lies beyond its own GDT.
	 */
	EFI_CPU_CS = 0xfc0,
	EFI_CPU_DS = 0xfc8,
	EFI_CPU_TR = 0xff0,

	IST_NMI = 1,
	IST_DOUBLE_FAULT = 2,
	IST_MACHINE_CHECK = 3,
	IST_COUNT = 3,
	IST_SIZE = 4096,

	EFI_CPU_MSRS = 19, /* rows of the table in cpu.c */
	EFI_CPU_STACK = 32 * 1024,
	/* UEFI specification, "x64 Platforms": firmware calls want 128 KiB. */
	EFI_CPU_BOOT_STACK = 160 * 1024,
};

/* SDM vol. 3A, "Task Management in 64-bit Mode". */
struct __attribute__((packed)) tss {
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t reserved1;
	uint64_t ist[7];
	uint64_t reserved2;
	uint16_t reserved3;
	uint16_t io_map;
};
_Static_assert(sizeof(struct tss) == 0x68, "the TSS of 64-bit mode has 104 bytes");

/* What the firmware's registers held. */
struct efi_saved {
	uint64_t rflags, cr0, cr2, cr3, cr4, cr8;
	uint64_t dr[4], dr6, dr7, xcr0;
	uint64_t fs_base, gs_base;
	uint64_t msr[EFI_CPU_MSRS];
	uint32_t msr_present; /* a bit for each that could be read */
	struct descriptor_table gdtr, idtr;
	uint16_t cs, ds, es, fs, gs, ss, tr, ldtr;
	uint32_t lint0;	     /* the local APIC's entry for the 8259's interrupts */
	uint16_t masks_8259; /* the boot processor's only */
};

/* The local APIC timer's registers. */
struct apic_timer {
	uint32_t lvt, divide, initial;
};

/* A call whose exceptions end it; on the caller's stack. */
struct guard {
	uint64_t rsp; /* first: the assembly's */
	struct guard *outer;
	struct fault *fault;
};

struct efi_cpu {
	struct efi_cpu *self; /* first: at GS:0 while the processor is taken */
	struct cpu *cpu;
	struct guard *guard;	   /* the innermost call of guarded(); NULL: none */
	uint64_t stack, stack_end; /* the page below is a guard, which paging.c unmaps */
	size_t handle;		   /* the firmware's number for the processor */
	bool taken;
	_Atomic bool idle;	 /* in efi_cpu_idle */
	bool in_handler;	 /* an exception is being handled: another one would be our own */
	uint32_t strays;	 /* interrupts that nobody asked for */
	uint32_t inits;		 /* INITs that AMD's VM_CR.R_INIT turned into #SX */
	bool timer_in_use;	 /* between timer_use(true) and timer_use(false) */
	uint64_t timer_due;	 /* clock tick of the shot; 0: none */
	struct apic_timer timer; /* what the firmware had, while timer_use is on */
	_Atomic bool returned;	 /* an AP's procedure is done */
	uint32_t package;	 /* number, ~0: not known */
	uint32_t core_type;	 /* EAX of CPUID leaf 1AH, hybrid processors only */
	uint32_t initial_id;	 /* APIC id by CPUID */
	bool nmi_lent;		 /* the firmware's gate for NMIs leads to us: exceptions.c */
	uint64_t nmi_gate[2];	 /* its own, meanwhile */
	struct fault fault; /* why it is parked: cpu->phase CPU_FAILED, cpu->error STATUS_FAULT */
	struct efi_saved saved;
	struct local_apic apic; /* as found, too */
	struct tss tss;
	void *xsave; /* NULL without XSAVE */
	uint8_t fxsave[512] __attribute__((aligned(16)));
	uint8_t ist[IST_COUNT][IST_SIZE] __attribute__((aligned(PAGE_SIZE)));
	uint64_t gdt[PAGE_SIZE / 8];
};

/* All processors in use, the boot processor first; set by mp_init. */
extern struct efi_cpu *efi_cpus;
extern unsigned efi_cpu_count;

/* The owner of the calling processor; NULL if it is not taken. */
struct efi_cpu *efi_cpu_self(void);

/* cpu.c: see struct platform. */
void efi_cpu_init(struct efi_cpu *own, struct cpu *cpu, void *xsave, void *stack, size_t size);
enum status efi_cpu_take(struct cpu *cpu);
bool efi_cpu_give_back(struct cpu *cpu);

/* cpu_asm.S */
void call_on_stack(void (*function)(void *), void *argument, uint64_t stack_end);
bool guard_call(void (*body)(void *), void *argument, struct guard *guard);
void guard_landing(void);
void nmi_in_firmware(void); /* a handler that counts, and nothing else */
extern _Atomic uint32_t nmis_in_firmware;
/* Halts unless *doorbell differs from seen or *nmis from before. An NMI from idle_wait_look on must
 * go on at idle_wait_end. */
void idle_wait(_Atomic uint32_t *doorbell, uint32_t seen, _Atomic uint32_t *nmis, uint32_t before);
void idle_wait_look(void);
void idle_wait_end(void);
extern const uint8_t exception_stubs[256][12];

/* exceptions.c */
bool exceptions_init(void); /* false: no memory */
void exceptions_end(void);
struct descriptor_table exceptions_idtr(void);
/* A processor that goes back to the firmware, or comes from it, while an NMI of ours is out: the
 * firmware's own handler would stop the machine. */
void exceptions_lend_nmi(struct efi_cpu *own);
void exceptions_return_nmi(struct efi_cpu *own);
bool efi_cpu_guarded(struct cpu *cpu, void (*body)(void *argument), void *argument,
		     struct fault *fault);

/* panic.c: the end of a processor whose exception nobody handles. */
_Noreturn void panic_stop(struct efi_cpu *own);
void panic_print(const struct fault *fault); /* on the console */

/*
 * apic.c. While a processor is ours its fixed and 8259 interrupts wait: pending ones would end
 * every VM entry. What they were is in lint0 and masks_8259 of *saved; CR8 comes back with the
 * registers.
 */
uint16_t efi_cpu_8259s(void);
void efi_cpu_hold_interrupts(bool boot_processor);
void efi_cpu_release_interrupts(bool boot_processor, const struct efi_saved *saved);
void efi_cpu_hold_all(void); /* by CR8: no fixed interrupt comes */
void efi_cpu_take_interrupt(void);
void efi_cpu_end_of_interrupt(unsigned vector);
void efi_cpu_ipi(const struct cpu *to, uint32_t icr_low);
void efi_cpu_apic_put_back(void); /* see struct platform */

/* symbols.c: see struct platform. */
const char *symbol_at(uint64_t address, uint64_t *offset);

/* clock.c */
void clock_init(void);
uint64_t clock_read(void);
uint64_t clock_hz(void);
const char *clock_source(void);

/* timer.c: timer_init on the boot processor, in the firmware's hands, after clock_init; the others
 * as platform.timer. */
void timer_init(void);
bool timer_works(void);
void timer_use(bool on);
void timer_shoot(uint64_t ticks);
void timer_take_again(void); /* if it is in use: the local APIC has been put back as found */

/* paging.c: once mp_init has laid out the stacks. Without it, calls to nowhere and stack overflows
 * go unnoticed. */
bool paging_init(void);
void paging_free(void);
void paging_enter(void); /* on a processor that is being taken; CR3 comes back with the registers */

/* idle.c */
void efi_cpu_idle(_Atomic uint32_t *doorbell, uint32_t seen);
/* An NMI has come: true if it was for efi_cpu_idle, which then ends; *rip is where it interrupted.
 */
bool idle_nmi(struct efi_cpu *own, uint64_t *rip);

/* mp.c */
enum status mp_init(unsigned wanted, struct cpu **cpus); /* wanted 0: all */
unsigned mp_total(void);   /* processors that the firmware has, disabled ones included */
const char *mp_note(void); /* why fewer than all are in use; "" if all are */
enum status mp_start(void (*entry)(struct cpu *cpu));
/*
 * Waits, bounded, until the APs are back in the firmware's hands; for_firmware: and until the
 * firmware knows. False if one is lost: then nothing that it runs on may be freed.
 */
bool mp_finish(bool for_firmware);
void mp_free(void);

#endif
