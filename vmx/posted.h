/*
 * The posted-interrupt descriptor and how senders and the guest's processor share it: SDM vol. 3C,
 * "Posted-Interrupt Processing". A sender sets the vector's request and sends a notification, which
 * the processor takes by itself while it runs the guest.
 *
 *   sender: set the request; if HELD: take it back. If ON is clear: set it, send the notification
 *   owner:  clear HELD; enter the guest, exit; set HELD. If ON is set, one notification is still on
 *           its way: wait for it, throw it away, clear ON. Take over what is requested
 *
 * ON is set only while HELD is clear, in one step, and the processor clears it when it takes the
 * notification. So none arrives once the owner has gone on, and the vCPU may move. A request that
 * is found while HELD is set has a sender who is about to take it back, and will not find it.
 */
#ifndef VMX_POSTED_H
#define VMX_POSTED_H

#include "lib/base.h"

#include <stdatomic.h>

enum { POSTED_WORDS = 8 };

/* In its control word: the processor knows bit 0, the others are software's. */
enum { POSTED_ON = 1 << 0, POSTED_HELD = 1 << 1 };

struct vmx_posted {
	_Alignas(64) _Atomic uint32_t request[POSTED_WORDS];
	_Atomic uint64_t control;
	uint64_t unused[3];
};

enum posted {
	POSTED_REFUSED, /* the guest does not run: nothing has happened */
	POSTED_GIVEN,
	POSTED_NOTIFY, /* given, and the caller has to send the notification, now */
};

/* HELD, and nothing requested. */
void posted_reset(struct vmx_posted *posted);

/* Any processor. */
enum posted posted_request(struct vmx_posted *posted, uint8_t vector);

/* The owner: senders may, until posted_hold. True: a notification is on its way, which ends with
 * posted_arrived. */
void posted_release(struct vmx_posted *posted);
bool posted_hold(struct vmx_posted *posted);
void posted_arrived(struct vmx_posted *posted);

/* The owner, after that: what is requested of 32 vectors. */
uint32_t posted_take(struct vmx_posted *posted, unsigned word);

#endif
