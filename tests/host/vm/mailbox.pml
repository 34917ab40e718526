/*
 * The mailbox (core/vm/mailbox.c), the kick protocol (core/vm/cpu.h) and the idle loop
 * (core/vm/sched.c) in the small: SENDERS senders with MESSAGES messages each, a box of SLOTS slots,
 * one receiver that enters its guest or sleeps, one wire for NMIs. Every interleaving is searched;
 * atomics of C that are sequentially consistent are single steps here.
 *
 * Checked:
 *  - no message is lost, duplicated or reordered within one sender (assert in the receiver);
 *  - at most one NMI for each window, and none arrives outside of one (asserts in nmi and close);
 *  - no lost wake-up: the receiver never stays in the guest or asleep for ever with a message in
 *    the box (no invalid end state: guest and sleep are left only by an NMI, so a lost wake-up is
 *    a deadlock, which Spin reports).
 *
 * Found: a lost wake-up in the firmware side's idle loop, which looked at the doorbell only. A kick
 * whose ring is in `seen` already may make the window KICKED after it has opened; if its NMI comes
 * before the look, HLT is entered, and no other kick sends an NMI into that window (NO_NMI_LOOK).
 * With that look the protocol holds in all interleavings of 2 senders of 2 messages and of 3 senders
 * of 1, with 2 slots. Without any one of these parts it does not: `make spin` takes each away and
 * expects an error.
 *  NO_RECHECK     the look into the box after the window has opened
 *  NO_LOOK_AFTER  the look at the window after the timer has been written
 *  NO_ABORT       the NMI handler's end of an entry that is being prepared
 *  NO_KICK        the kick after the push
 *  NO_WAIT        the wait for the NMI that is on its way when the window closes
 *  NO_BELL, NO_NMI_LOOK  the looks before sleep
 *  EARLY_TURN     the slot is given away only after its message is written
 */

#ifndef SENDERS
#define SENDERS 2
#endif
#ifndef MESSAGES
#define MESSAGES 2
#endif
#ifndef SLOTS
#define SLOTS 2
#endif

mtype = { CLOSED, OPEN, KICKED };

/* The mailbox: positions do not wrap here, so a slot's turn is compared as it is. */
byte head, tail;
byte turn[SLOTS];
byte from[SLOTS], number[SLOTS]; /* the message */

/* The receiver's processor. */
mtype window = CLOSED;
byte doorbell;
bool nmi_on_wire;
byte nmis;
bool inside;   /* from the window's opening until its closing has ended: where an NMI may arrive */
bool aborted;  /* the next entry ends at once: the timer's value is 0 */
bool in_guest; /* left by an NMI */
bool asleep;   /* from the look at the doorbell on; ended by an NMI */

byte received[SENDERS];

inline kick()
{
	doorbell = (doorbell + 1) % 8;
	/* Compare and exchange, then the IPI: between them the window may close. */
	atomic {
		if
		:: window == OPEN -> window = KICKED; kicked = true
		:: else -> kicked = false
		fi
	}
	if
	:: kicked ->
		assert(!nmi_on_wire);
		nmi_on_wire = true
	:: else
	fi
}

proctype sender(byte me)
{
	byte n, position, seen;
	bool kicked;

	do
	:: n == MESSAGES -> break
	:: n < MESSAGES ->
		position = tail;
push:		seen = turn[position % SLOTS];
		if
		:: seen == position ->
			atomic {
				if
				:: tail == position -> tail++
				:: else -> position = tail; goto push
				fi
			}
		:: seen < position -> /* full: kick and try again, as vcpu_post does */
			kick();
			position = tail;
			(turn[position % SLOTS] >= position || tail != position);
			goto push
		:: else ->
			position = tail;
			goto push
		fi;
#ifdef EARLY_TURN
		turn[position % SLOTS] = position + 1;
#endif
		from[position % SLOTS] = me;
		number[position % SLOTS] = n;
#ifndef EARLY_TURN
		turn[position % SLOTS] = position + 1;
#endif
#ifndef NO_KICK
		kick();
#endif
		n++
	od
}

/* The wire and the NMI handler, which runs on the receiver's processor between any two steps. */
active proctype nmi()
{
end:	do
	:: atomic {
		nmi_on_wire ->
		assert(inside);
		nmi_on_wire = false;
		asleep = false;
		if
		:: in_guest -> in_guest = false /* a VM exit: no handler runs */
#ifndef NO_ABORT
		:: !in_guest && window != CLOSED -> aborted = true
#endif
		:: else
		fi;
		nmis++
	   }
	od
}

/* mailbox_pop until it is empty. */
inline drain()
{
	do
	:: turn[head % SLOTS] == head + 1 ->
		assert(number[head % SLOTS] == received[from[head % SLOTS]]);
		received[from[head % SLOTS]]++;
		turn[head % SLOTS] = head + SLOTS;
		head++
	:: else -> break
	od
}

inline open()
{
	atomic { nmis_before = nmis; inside = true };
	window = OPEN
}

inline close()
{
	atomic { was_kicked = (window == KICKED); window = CLOSED };
#ifndef NO_WAIT
	if
	:: was_kicked -> (nmis != nmis_before)
	:: else
	fi;
#endif
	inside = false
}

#define ALL (SENDERS * MESSAGES)

inline run_guest()
{
	aborted = false; /* by writing the timer's value */
#ifndef NO_LOOK_AFTER
	if
	:: window == KICKED -> aborted = true
	:: else
	fi;
#endif
	atomic { /* the entry itself */
		if
		:: aborted
		:: else -> in_guest = true
		fi
	}
	(!in_guest)
}

active proctype receiver()
{
	byte nmis_before, seen, s;
	bool was_kicked;

	do
	:: head == ALL -> break
	:: else ->
		seen = doorbell;
		drain();
		if
		:: head == ALL /* nobody would end its guest or its sleep any more */
		:: head != ALL -> /* a vCPU runs */
			open();
#ifndef NO_RECHECK
			if
			:: tail != head
			:: else -> run_guest()
			fi;
#else
			run_guest();
#endif
			close()
		:: head != ALL -> /* nothing to run: sleep, as platform.idle does */
			open();
			asleep = true;
#ifndef NO_BELL
			if
			:: doorbell != seen -> asleep = false
			:: else
			fi;
#endif
#ifndef NO_NMI_LOOK
			if
			:: nmis != nmis_before -> asleep = false
			:: else
			fi;
#endif
			(!asleep);
			close()
		fi
	od;
	for (s : 0 .. SENDERS - 1) {
		assert(received[s] == MESSAGES)
	}
}

init {
	byte i;

	atomic {
		for (i : 0 .. SLOTS - 1) { turn[i] = i }
		for (i : 0 .. SENDERS - 1) { run sender(i) }
	}
}
