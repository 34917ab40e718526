/*
 * A machine for the host tests: the second implementation of struct platform.
 *
 * Alone, the test is the boot processor and time is a number: each look at the clock moves it on
 * and gives every other processor one turn of its loop, so that every run is the same. With
 * threads, aps_start makes a thread of each processor, an NMI is a signal, and time is real.
 */
#ifndef TESTS_HOST_FAKE_FAKE_PLATFORM_H
#define TESTS_HOST_FAKE_FAKE_PLATFORM_H

#include "platform.h"

enum { BOOT_SLICE_TICKS = 20000, FAKE_SLICE = BOOT_SLICE_TICKS / 2 * 5 };
enum { FAKE_CPUS_MAX = 512, FAKE_FILES_MAX = 4, FAKE_FILE_SIZE = 1 << 18, FAKE_PAGES = 8192 };

struct fake_file {
	char path[128];
	char data[FAKE_FILE_SIZE];
	size_t size;
};

struct fake_machine {
	bool threads;
	uint64_t now;	     /* clock ticks, without threads */
	uint64_t clock_step; /* ticks that one look at the clock takes */
	bool hold_others;    /* the clock gives the other processors no turn */

	_Atomic unsigned nmis, inits, sipis; /* physical IPIs sent */
	_Atomic uint32_t last_icr;
	/* Without threads: an NMI stays on its way until fake_deliver_nmis(). */
	bool delay_nmis;
	bool stray_nmis;	/* the test sends them outside of windows */
	_Atomic bool drop_nmis; /* they never arrive */
	unsigned delayed[FAKE_CPUS_MAX];
	void (*on_ipi)(const struct cpu *to, uint32_t icr_low); /* a test's own, NULL: none */

	_Atomic unsigned lost_wakeups; /* the doorbell rang and nobody woke the sleeper */
	_Atomic unsigned idles;
	unsigned interrupts_taken;
	uint64_t shot;	     /* the last one of platform.timer */
	unsigned timer_uses; /* processors that have borrowed the timer */
	_Atomic unsigned apics_put_back;
	_Atomic unsigned taken, given_back;
	unsigned late_take;	 /* bit n: processor n comes after a quarter of a second */
	unsigned fail_take;	 /* bit n: processor n cannot be taken */
	unsigned fail_give_back; /* bit n: processor n is given back otherwise than found */
	uint64_t append_ticks;	 /* what file_append costs */
	enum status aps_status;	 /* STATUS_OK, or what aps_start says without starting any */
	enum status file_status; /* of every write from now on */
	size_t room;		 /* bytes that the volume still takes; 0: without end */
	unsigned file_writes;	 /* calls of file_write and file_append */
	struct fake_file files[FAKE_FILES_MAX];
	unsigned file_count;
	char console[FAKE_FILE_SIZE];
	size_t console_size;
	uint64_t print_ticks; /* what print costs */
	unsigned progress_lines;
};

extern struct fake_machine fake;
extern struct platform fake_platform; /* tests may shrink the arena */

/*
 * A new machine with so many processors, all of them ready, the fake backend and an empty arena.
 * With threads the processors other than the first begin in the firmware: see machine_start.
 */
void fake_machine(unsigned cpus, bool threads);

/* After machine_stop: waits for the last instructions of its threads. */
void fake_threads_end(void);

/* One turn of a processor's loop, without threads. */
bool fake_step(unsigned cpu);

/* Turns for all processors until none has anything left to do, at most so many each. */
void fake_settle(unsigned turns);

void fake_deliver_nmis(void);

/* Bit n: processor n; only the first 32 may be in it. */
bool fake_is_in(unsigned processors, const struct cpu *cpu);

/* The processor whose code this is. */
struct cpu *fake_self(void);

/* Raises an exception in the code that platform.guarded called. */
_Noreturn void fake_fault(uint32_t vector);

/* NULL: no such file was written. Its data ends in a NUL. */
const struct fake_file *fake_file(const char *path);

/* Ends the program: for conditions of the fakes that must hold on any thread. */
#define FAKE_CHECK(condition)                                                                      \
	do {                                                                                       \
		if (!(condition))                                                                  \
			fake_die(__FILE__, __LINE__, #condition);                                  \
	} while (0)
_Noreturn void fake_die(const char *file, int line, const char *what);

#endif
