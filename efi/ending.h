/* How the program leaves the machine, so that one that nobody watches never waits for ever. */
#ifndef EFI_ENDING_H
#define EFI_ENDING_H

#include "lib/base.h"

enum ending { ENDING_KEY, ENDING_RETURN, ENDING_SHUTDOWN, ENDING_REBOOT };

enum { WAIT_SECONDS = 3600 /* for a key, unless --wait says otherwise */ };

struct ending_options {
	enum ending how;
	unsigned seconds; /* that a wait for a key takes at most */
	uint16_t port;	  /* of QEMU's isa-debug-exit, 0: none */
};

/* What counts from now on, for panic.c and console.c, too. */
extern struct ending_options ending;

/* Whether the firmware is needed afterwards. */
bool ending_goes_back(void);

/*
 * Hands the result (SUITE_PASSED and so on) to the emulator, if there is a port for it, and ends as
 * the options say. lost: the firmware cannot go on, so that the machine restarts instead of going
 * back. Returns if it goes back. The files are closed.
 */
void ending_reach(int result, bool lost);

#endif
