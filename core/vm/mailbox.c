#include "vm/mailbox.h"

#define SLOT(position) ((position) % MAILBOX_SLOTS)

_Static_assert((MAILBOX_SLOTS & (MAILBOX_SLOTS - 1)) == 0, "positions wrap at 2^32");

void mailbox_reset(struct mailbox *box)
{
	for (uint32_t i = 0; i < MAILBOX_SLOTS; i++)
		atomic_init(&box->slot[i].turn, i);
	atomic_init(&box->head, 0);
	atomic_init(&box->tail, 0);
}

bool mailbox_push(struct mailbox *box, struct message message)
{
	uint32_t tail = atomic_load_explicit(&box->tail, memory_order_relaxed);

	for (;;) {
		uint32_t turn =
			atomic_load_explicit(&box->slot[SLOT(tail)].turn, memory_order_acquire);

		if (turn == tail) {
			/* Sequentially consistent: the kick protocol orders it before its look. */
			if (atomic_compare_exchange_weak(&box->tail, &tail, tail + 1))
				break;
		} else if ((int32_t)(turn - tail) < 0) {
			return false; /* still holds the message of the lap before */
		} else {
			tail = atomic_load_explicit(&box->tail, memory_order_relaxed);
		}
	}
	box->slot[SLOT(tail)].message = message;
	atomic_store_explicit(&box->slot[SLOT(tail)].turn, tail + 1, memory_order_release);
	return true;
}

bool mailbox_pop(struct mailbox *box, struct message *message)
{
	uint32_t head = atomic_load_explicit(&box->head, memory_order_relaxed);

	if (atomic_load_explicit(&box->slot[SLOT(head)].turn, memory_order_acquire) != head + 1)
		return false;
	*message = box->slot[SLOT(head)].message;
	atomic_store_explicit(&box->slot[SLOT(head)].turn, head + MAILBOX_SLOTS,
			      memory_order_release);
	atomic_store_explicit(&box->head, head + 1, memory_order_release);
	return true;
}

uint32_t mailbox_count(const struct mailbox *box)
{
	return atomic_load(&box->tail) - atomic_load(&box->head);
}
