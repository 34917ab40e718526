/* Why a guest stopped running, in neutral terms. The backend decodes, core/ decides. */
#ifndef CORE_VM_EXIT_H
#define CORE_VM_EXIT_H

#include "lib/base.h"
#include "vm/access.h"

#define EXIT_KINDS(K)                                                                              \
	K(TIMER, "time slice over")                                                                \
	K(KICK, "kicked by another processor")                                                     \
	K(INTERRUPT, "interrupt of the machine's own")                                             \
	K(HLT, "HLT")                                                                              \
	K(PAUSE, "PAUSE")                                                                          \
	K(CPUID, "CPUID")                                                                          \
	K(MSR_READ, "RDMSR")                                                                       \
	K(MSR_WRITE, "WRMSR")                                                                      \
	K(IO, "port I/O")                                                                          \
	K(APIC_WRITE, "APIC write")                                                                \
	K(EOI, "EOI of a level-triggered interrupt")                                               \
	K(MEMORY, "access outside guest memory")                                                   \
	K(CR, "control-register access")                                                           \
	K(DR, "debug-register access")                                                             \
	K(XSETBV, "XSETBV")                                                                        \
	K(INVD, "INVD or WBINVD")                                                                  \
	K(UNDEFINED, "instruction that this guest does not have")                                  \
	K(HYPERCALL, "hypercall")                                                                  \
	K(TASK_SWITCH, "task switch")                                                              \
	K(EXCEPTION, "intercepted exception")                                                      \
	K(SHUTDOWN, "triple fault")                                                                \
	K(IRQ_WINDOW, "interrupt window")                                                          \
	K(NMI_WINDOW, "NMI window")                                                                \
	K(TPR, "TPR below threshold")                                                              \
	K(INIT, "INIT signal")                                                                     \
	K(SIPI, "start-up IPI")                                                                    \
	K(ENTRY_FAILED, "VM entry failed")                                                         \
	K(UNKNOWN, "unknown exit")

enum exit_kind {
#define EXIT_ENUM(name, text) EXIT_##name,
	EXIT_KINDS(EXIT_ENUM)
#undef EXIT_ENUM
		EXIT_KIND_COUNT
};

enum event_type { EVENT_NONE, EVENT_INTERRUPT, EVENT_NMI, EVENT_EXCEPTION, EVENT_SOFTWARE };

/* An event to deliver through the guest's IDT at the next entry. */
struct event {
	enum event_type type;
	uint8_t vector;
	bool has_error;
	uint32_t error;
	uint32_t raw;	 /* EVENT_SOFTWARE: the vendor's own encoding, handed back unchanged */
	uint32_t length; /* EVENT_SOFTWARE: instruction bytes */
};

enum { MEMORY_READ = 1, MEMORY_WRITE = 2, MEMORY_FETCH = 4 };

struct vm_exit {
	enum exit_kind kind;
	uint32_t length; /* bytes of the instruction that exited, 0 if it was none */
	union {
		struct {
			uint16_t port;
			uint8_t size; /* bytes */
			bool in, string, rep;
		} io;
		struct {
			uint64_t gpa;
			uint32_t kind; /* MEMORY_ bits */
			bool decoded;  /* access is valid */
			struct access access;
			uint8_t bytes[15]; /* the instruction, as far as it could be read */
			uint8_t byte_count;
		} memory;
		struct {
			uint8_t number;
			uint8_t gpr;
			bool read; /* MOV from it */
			bool clts, lmsw;
			uint16_t lmsw_source;
		} cr; /* also for debug registers */
		struct {
			uint16_t offset; /* register in the APIC page; its value is there already */
		} apic;
		struct {
			uint8_t vector;
			uint32_t interruptibility; /* as the exit saved it */
		} sipi;
		struct {
			uint8_t vector;
			bool has_error;
			uint32_t error;
		} exception;
	};
	struct event interrupted; /* delivery of this event was cut short by the exit */
	uint64_t raw_reason, raw_qualification; /* the vendor's, for printing only */
};

const char *exit_text(enum exit_kind kind);

#endif
