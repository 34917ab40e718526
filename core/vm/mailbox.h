/*
 * Messages to one virtual CPU: a bounded first-in first-out queue with many senders and one
 * receiver, the processor that owns the vCPU. Lock-free (D. Vyukov's bounded queue): each slot has
 * a sequence number that says whose turn it is, so nothing is lost or seen twice, and messages
 * from one sender keep their order.
 */
#ifndef CORE_VM_MAILBOX_H
#define CORE_VM_MAILBOX_H

#include "lib/base.h"

#include <stdatomic.h>

/* IPIs by their delivery modes, and control of the vCPU from outside. */
#define IPI_KINDS(M) M(FIXED) M(LOWEST) M(NMI) M(INIT) M(SIPI) M(EXTINT)
#define CONTROL_KINDS(M) M(START) M(PAUSE) M(RESUME) M(STOP) M(CALL) M(MOVE)

enum message_kind {
	MESSAGE_NONE,
#define MESSAGE_ENUM(name) MESSAGE_##name,
	IPI_KINDS(MESSAGE_ENUM) CONTROL_KINDS(MESSAGE_ENUM)
#undef MESSAGE_ENUM
		MESSAGE_IPIS = MESSAGE_START /* kinds below it, MESSAGE_NONE included */
};

struct message {
	uint8_t kind;	/* enum message_kind */
	uint8_t vector; /* for FIXED, LOWEST, SIPI, EXTINT */
	bool level;	/* level triggered */
	uint8_t unused;
	uint32_t value; /* MOVE: the processor's index; otherwise the sender's APIC id */
};

enum { MAILBOX_SLOTS = 64 };

struct mailbox {
	_Atomic uint32_t tail; /* senders claim slots here */
	_Atomic uint32_t head; /* only the receiver moves it */
	struct {
		_Atomic uint32_t turn;
		struct message message;
	} slot[MAILBOX_SLOTS];
};

void mailbox_reset(struct mailbox *box);

/* False if the box is full; nothing has changed then. Any processor. */
bool mailbox_push(struct mailbox *box, struct message message);

/* False if the box is empty. The receiver only. */
bool mailbox_pop(struct mailbox *box, struct message *message);

/* Messages waiting; exact for the receiver while nobody sends. Any processor. */
uint32_t mailbox_count(const struct mailbox *box);

/* True if there is at least one message or one is being written. Any processor. */
static inline bool mailbox_waiting(const struct mailbox *box)
{
	return atomic_load(&box->tail) != atomic_load_explicit(&box->head, memory_order_relaxed);
}

#endif
