/*
 * A VMX instruction, carried out to be looked at: with known flags before it, in forms that a
 * compiler does not emit, and whatever it raises. What it must not do is to enter a guest: its exit
 * would come to no one.
 */
#ifndef TESTS_VMX_ATTEMPT_H
#define TESTS_VMX_ATTEMPT_H

#include "lib/base.h"
#include "x86/paging.h"

#include "tests/entry/attempt.h"

enum instruction {
#define INSTRUCTION(name, ...) INSN_##name,
#include "tests/vmx/attempt.def"
#undef INSTRUCTION
	INSTRUCTION_COUNT
};

enum ending_kind {
	ENDED_WELL,    /* VMsucceed: SDM vol. 3C, "Conventions" */
	ENDED_INVALID, /* VMfailInvalid */
	ENDED_VALID,   /* VMfailValid; .number: VM_INSTRUCTION_ERROR */
	ENDED_RAISED,  /* an exception of .vector; .number: its error code */
	ENDED_ODDLY,   /* none of these; .number: the flags */
	ENDED_EXIT,    /* of a guest; .number: exit reason, .vector of an exception */
	ENDED_REFUSED, /* VM-entry failure after the VMfails; .number: exit reason */
};

/* How an instruction ended: a value to compare. */
struct ending {
	uint8_t kind;	/* enum ending_kind */
	uint8_t vector; /* 0 unless ENDED_RAISED or ENDED_EXIT */
	uint32_t number;
};

#define SUCCEEDS ((struct ending){ ENDED_WELL, 0, 0 })
#define FAILS_INVALID ((struct ending){ ENDED_INVALID, 0, 0 })
#define FAILS(number) ((struct ending){ ENDED_VALID, 0, number })
#define RAISES(vector) ((struct ending){ ENDED_RAISED, vector, 0 })
#define EXITS(reason) ((struct ending){ ENDED_EXIT, 0, reason })
#define EXITS_BY(vector) ((struct ending){ ENDED_EXIT, vector, 0 })
#define REFUSED(reason) ((struct ending){ ENDED_REFUSED, 0, reason })
#define RAISES_CODE(vector, code) ((struct ending){ ENDED_RAISED, vector, code })

enum { VECTOR_DB = 1, VECTOR_UD = 6, VECTOR_SS = 12, VECTOR_GP = 13, VECTOR_PF = 14 };

/* The flags that a VMX instruction sets, each of them. */
enum { FLAGS_ALL = 0x8D5, FLAG_CARRY = 1 << 0, FLAG_ZERO = 1 << 6 };

/* Carries the instruction out and changes nothing else. */
struct ending attempt_with(enum instruction instruction, struct attempt *attempt);

/*
 * The same with all flags set before; and with another number in VM_INSTRUCTION_ERROR than the one
 * that it might fail with, so that one which is not written shows.
 */
struct ending attempt(enum instruction instruction, uint64_t rcx, uint64_t rdx);
struct ending attempt_locked(enum instruction instruction, uint64_t rcx, uint64_t rdx);
struct ending attempt_mapped(enum instruction instruction, uint64_t rcx, uint64_t rdx,
			     uint64_t cr3);

/* At CPL 3: with tables that attempt_for_user has changed, selectors of RPL 3. */
struct attempt_user {
	uint64_t cr3;
	uint16_t cs, ss;
};
struct ending attempt_user(enum instruction instruction, const struct attempt_user *user,
			   uint64_t rcx, uint64_t rdx);

/* Makes the code that is attempted everyone's. False: the tables' pool is used up. */
bool attempt_for_user(struct page_tables *tables);

/* VMCLEAR, VMPTRLD or VMXON of this physical address. */
struct ending attempt_pointer(enum instruction instruction, uint64_t pointer);

/* attempt_enter.S: VMLAUNCH of a VMCS that may enter, with these flags set. */
uint64_t attempt_enter(uint64_t flags);
enum { ENTER_LEFT = 0, ENTER_FAILED = 1, ENTER_RAISED = 0x100 /* | vector */ };

/* The current-VMCS pointer, by VMPTRST. */
uint64_t current_vmcs(void);

bool ending_equal(struct ending a, struct ending b);

enum { ENDING_TEXT = 40 };
void ending_text(struct ending ending, char text[ENDING_TEXT]);

const char *instruction_text(enum instruction instruction);

#endif
