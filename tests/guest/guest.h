/*
 * What the guest program and the tests, which run in the host, share: guest memory's layout, the
 * programs by number, and the words through which they talk. Both compile this file.
 */
#ifndef TESTS_GUEST_GUEST_H
#define TESTS_GUEST_GUEST_H

#include <stdint.h>

enum {
	/* Page 0 is empty but for the code at the reset vector, which is an alias of it. */
	GUEST_SIPI_PAGE = 0x1000, /* the AP's first code; the same for other SIPI vectors */
	GUEST_SIPI_SIZE = 0x200,
	GUEST_ENTRY = 0x2000, /* the boot processor's, and the rest of the program */
	GUEST_IMAGE_END = 0x8000,
	GUEST_SLOTS = 0x8000,  /* struct guest_slot for each vCPU, in as many pages as needed */
	GUEST_TABLES = 0x9000, /* page tables of hostile guests, in 3 pages */
	GUEST_SHARED = 0xC000, /* struct guest_shared */
	GUEST_SIPI_PAGE_2 = 0x10000, /* vector 10H */
	GUEST_STACKS = 0x20000,
	GUEST_STACK_SIZE = 0x400,
	GUEST_SIPI_PAGE_3 = 0x9F000, /* vector 9FH */
	GUEST_VCPUS = 64,
};

/* Programs that a vCPU can be told to run. BSP: started at the reset vector; AP: by SIPI. */
#define GUEST_PROGRAMS(P)                                                                          \
	P(idle)	  /* halts with interrupts off */                                                  \
	P(start)  /* INIT, SIPI, SIPI to each of the destinations, waits for their answers */      \
	P(answer) /* halts; being started is the answer */                                         \
	P(spin)	  /* counts until told to end */                                                   \
	P(cpuid)  /* executes CPUID a number of times: the VM-exit benchmark */                    \
	P(ping)                                                                                    \
	P(pong)                                                                                    \
	P(broadcast)                                                                               \
	P(listen)                                                                                  \
	P(start_all)                                                                               \
	P(script)	/* interprets its steps: see steps.h */                                    \
	P(identity)	/* reports what names it: CPUID, the APIC's ID register, IA32_APIC_BASE */ \
	P(blind)	/* counts by instructions that never exit, interrupts off */               \
	P(start_others) /* INIT, SIPI, SIPI to all but itself */                                   \
	P(state)	/* fills every register, counts until released, stores every register */   \
	P(triple_fault)                                                                            \
	P(shutdown) /* by a port that emulators know */                                            \
	P(boots)    /* counts its boots and halts */                                               \
	P(sequence)                                                                                \
	P(sleeper)                                                                                 \
	P(leaver)                                                                                  \
	P(waker)                                                                                   \
	P(storm)                                                                                   \
	P(ports) P(msrs) P(pages) P(page_loop) P(controls) P(instructions) P(xsetbv) P(task)

enum guest_program {
#define GUEST_ENUM(name) GUEST_##name,
	GUEST_PROGRAMS(GUEST_ENUM)
#undef GUEST_ENUM
		GUEST_PROGRAM_COUNT
};

/* What a vCPU saw when it started, and what happened to it since. The offsets are in start.S. */
struct guest_slot {
	/* Its registers before the first instruction changed any. */
	uint32_t eax, ebx, ecx, edx, esi, edi, ebp, esp;
	uint32_t eflags, cr0, cr4, ip;
	uint16_t cs, ds, es, fs, gs, ss;
	uint16_t gdt_limit, gdt_base_low, gdt_base_high, idt_limit, idt_base_low, idt_base_high;
	uint32_t apic_id;  /* by CPUID leaf 1, EBX 31:24 */
	uint32_t entered;  /* starts */
	uint32_t finished; /* programs that came to their end */
	uint32_t counter;  /* the program's own */
	uint32_t interrupts, nmis, exceptions;
	uint32_t last_exception; /* vector */
	uint32_t last_eip;	 /* where the last exception or NMI struck */
	uint32_t esr;
	uint8_t order[32];    /* vectors in the order of arrival, the first 32 */
	uint16_t vectors[16]; /* arrivals by vector / 16 */
	uint32_t value[4];    /* the program's own results */
	uint32_t tsc;	      /* low half, at its first instructions */
	uint32_t unused[15];
};

struct guest_shared {
	uint8_t slot_of[256];	  /* slot by initial 8-bit APIC id */
	uint8_t program[64];	  /* enum guest_program by slot */
	uint32_t destination[64]; /* APIC ids that "start" starts, ended by count */
	uint32_t count;
	uint32_t x2apic; /* use the x2APIC */
	uint32_t vector; /* of SIPIs */
	uint32_t sipis;	 /* how many for each AP */
	uint32_t rounds; /* how often */
	uint32_t go;	 /* the tests release waiting programs with it */
	uint32_t end;	 /* programs that loop end */
	uint32_t argument[8];
	uint32_t tsc; /* low half, before the INIT */
};

_Static_assert(sizeof(struct guest_slot) == 256, "start.S computes addresses with it");
_Static_assert(sizeof(struct guest_shared) <= 4096, "one page");

#endif
