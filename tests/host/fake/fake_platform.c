#define _GNU_SOURCE /* ppoll */

#include "tests/host/fake/fake_platform.h"

#include "lib/pages.h"
#include "vm/sched.h"

#include "tests/host/fake/fake_backend.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct fake_machine fake;

static struct cpu cpus[FAKE_CPUS_MAX];
static pthread_t threads[FAKE_CPUS_MAX];
static unsigned threads_started; /* from 1 */
static void (*thread_entry)(struct cpu *cpu);
static unsigned current; /* without threads: whose code runs */
static bool in_turn;	 /* the current processor got its turn from the clock */
static _Thread_local struct cpu *self;
static _Thread_local struct guard {
	sigjmp_buf back;
	struct fault *fault;
	struct guard *outer;
} * guard;

_Noreturn void fake_die(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: %s does not hold\n", file, line, what);
	abort();
}

struct cpu *fake_self(void)
{
	return fake.threads ? self : &cpus[current];
}

bool fake_step(unsigned cpu)
{
	unsigned before = current;
	bool turn_before = in_turn, busy;

	current = cpu;
	in_turn = true;
	busy = sched_step(&cpus[cpu]);
	current = before;
	in_turn = turn_before;
	return busy;
}

bool fake_is_in(unsigned processors, const struct cpu *cpu)
{
	return cpu->index < 32 && processors >> cpu->index & 1;
}

void fake_settle(unsigned turns)
{
	bool busy = true;

	for (; turns && busy; turns--) {
		busy = false;
		for (unsigned i = 0; i < fake_platform.cpu_count; i++)
			busy |= fake_step(i);
	}
}

static uint64_t fake_clock(void)
{
	struct timespec time;

	if (fake.threads) {
		clock_gettime(CLOCK_MONOTONIC, &time);
		return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
	}
	fake.now += fake.clock_step;
	if (!in_turn && !fake.hold_others)
		for (unsigned i = 0; i < fake_platform.cpu_count; i++)
			if (i != current)
				fake_step(i);
	return fake.now;
}

static enum status fake_take(struct cpu *cpu)
{
	if (fake_is_in(fake.late_take, cpu)) {
		const struct timespec nap = { .tv_nsec = 250000000 };

		nanosleep(&nap, NULL);
	}
	if (fake_is_in(fake.fail_take, cpu))
		return STATUS_DEVICE;
	atomic_fetch_add(&fake.taken, 1);
	return STATUS_OK;
}

static bool fake_give_back(struct cpu *cpu)
{
	FAKE_CHECK(atomic_load(&cpu->window) == WINDOW_CLOSED);
	FAKE_CHECK(!cpu->loaded);
	atomic_fetch_add(&fake.given_back, 1);
	return !fake_is_in(fake.fail_give_back, cpu);
}

/* ---- threads ---- */

/* Somebody has given up what this processor runs: the outermost call ends. */
static void take_abandon(void)
{
	struct guard *outermost = guard;

	while (outermost && outermost->outer)
		outermost = outermost->outer;
	if (!outermost || !cpu_abandoned(self))
		return;
	outermost->fault->abandoned = true;
	guard = outermost;
	siglongjmp(outermost->back, 1);
}

static void take_signal(int number)
{
	int saved = errno;

	(void)number;
	cpu_nmi(self);
	take_abandon();
	errno = saved;
}

static void *thread_main(void *cpu)
{
	self = cpu;
	thread_entry(cpu);
	return NULL;
}

static enum status fake_aps_start(void (*entry)(struct cpu *cpu))
{
	if (fake.aps_status != STATUS_OK)
		return fake.aps_status;
	FAKE_CHECK(fake.threads);
	thread_entry = entry;
	for (unsigned i = 1; i < fake_platform.cpu_count; i++) {
		FAKE_CHECK(pthread_create(&threads[i], NULL, thread_main, &cpus[i]) == 0);
		threads_started = i;
	}
	return STATUS_OK;
}

void fake_threads_end(void)
{
	for (; threads_started; threads_started--)
		FAKE_CHECK(pthread_join(threads[threads_started], NULL) == 0);
}

static void send_nmi(const struct cpu *to)
{
	atomic_fetch_add(&fake.nmis, 1);
	if (atomic_load(&fake.drop_nmis))
		return;
	if (fake.threads)
		FAKE_CHECK(pthread_kill(threads[to->index], SIGUSR1) == 0);
	else if (fake.delay_nmis)
		fake.delayed[to->index]++;
	else
		cpu_nmi(&cpus[to->index]);
}

void fake_deliver_nmis(void)
{
	for (unsigned i = 0; i < fake_platform.cpu_count; i++)
		for (; fake.delayed[i]; fake.delayed[i]--)
			cpu_nmi(&cpus[i]);
}

static void fake_ipi(const struct cpu *to, uint32_t icr_low)
{
	atomic_store(&fake.last_icr, icr_low);
	if (fake.on_ipi)
		fake.on_ipi(to, icr_low);
	if (icr_low == IPI_NMI) {
		/*
		 * The protocol of cpu.h: no kick outside of a window, which may be closing by now
		 * if there are threads. cpu_abandon asks for no window.
		 */
		FAKE_CHECK(fake.threads || fake.stray_nmis || atomic_load(&to->abandon) ||
			   atomic_load(&to->window) == WINDOW_KICKED);
		send_nmi(to);
	} else if ((icr_low & 0x700) == (IPI_INIT & 0x700)) {
		atomic_fetch_add(&fake.inits, 1);
	} else {
		atomic_fetch_add(&fake.sipis, 1);
		fake_physical_sipi(&cpus[to->index], (uint8_t)icr_low);
	}
}

/* As HLT in a window: only the kick's NMI ends it, and a ring of the doorbell before. */
static void fake_idle(_Atomic uint32_t *doorbell, uint32_t seen)
{
	const struct timespec second = { .tv_sec = 1 };
	sigset_t nmi, before;

	atomic_fetch_add(&fake.idles, 1);
	if (!fake.threads)
		return;
	sigemptyset(&nmi);
	sigaddset(&nmi, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &nmi, &before);
	cpu_window_open(self);
	while (atomic_load(doorbell) == seen) {
		if (ppoll(NULL, 0, &second, &before) < 0)
			break;
		/* Rung while the time ran out: the NMI may still be on its way. */
		if (atomic_load(doorbell) != seen && ppoll(NULL, 0, &second, &before) >= 0)
			atomic_fetch_add(&fake.lost_wakeups, 1);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	cpu_window_close(self);
}

static void fake_apic_put_back(void)
{
	atomic_fetch_add(&fake.apics_put_back, 1);
}

static void fake_timer_use(bool on)
{
	FAKE_CHECK(on || fake.timer_uses);
	fake.timer_uses += on ? 1 : -1u;
}

static void fake_timer(uint64_t ticks)
{
	FAKE_CHECK(fake.timer_uses && ticks);
	fake.shot = ticks;
}

static void fake_take_interrupt(void)
{
	fake.interrupts_taken++;
}

/* ---- faults, texts, files ---- */

static bool fake_guarded(struct cpu *cpu, void (*body)(void *argument), void *argument,
			 struct fault *fault)
{
	struct guard here = { .fault = fault, .outer = guard };

	*fault = (struct fault){ .cpu = cpu->index };
	if (sigsetjmp(here.back, 1)) {
		guard = here.outer;
		return false;
	}
	guard = &here;
	body(argument);
	guard = here.outer;
	return true;
}

_Noreturn void fake_fault(uint32_t vector)
{
	FAKE_CHECK(guard);
	guard->fault->vector = vector;
	guard->fault->rip = 0x1234;
	siglongjmp(guard->back, 1);
}

static const char *fake_symbol(uint64_t address, uint64_t *offset)
{
	*offset = address - 0x1200;
	return "somewhere";
}

static void fake_print(const char *text)
{
	size_t length = strlen(text);

	fake.now += fake.print_ticks;
	FAKE_CHECK(fake.console_size + length < sizeof(fake.console));
	memcpy(fake.console + fake.console_size, text, length + 1);
	fake.console_size += length;
}

static void fake_tone(enum tone tone)
{
	FAKE_CHECK(tone <= TONE_SKIPPED);
}

static void fake_progress(const char *line)
{
	FAKE_CHECK(strlen(line) < 80);
	fake.progress_lines++;
}

const struct fake_file *fake_file(const char *path)
{
	for (unsigned i = 0; i < fake.file_count; i++)
		if (!strcmp(fake.files[i].path, path))
			return &fake.files[i];
	return NULL;
}

static enum status append(struct fake_file *file, const char *data, size_t size)
{
	fake.file_writes++;
	if (fake.file_status != STATUS_OK)
		return fake.file_status;
	if (fake.room && size >= fake.room)
		return STATUS_VOLUME_FULL;
	if (fake.room)
		fake.room -= size;
	FAKE_CHECK(file->size + size < sizeof(file->data));
	memcpy(file->data + file->size, data, size);
	file->size += size;
	file->data[file->size] = '\0';
	return STATUS_OK;
}

static enum status fake_file_append(const char *path, const char *data, size_t size)
{
	struct fake_file *file = (struct fake_file *)fake_file(path);

	fake.now += fake.append_ticks;
	return file ? append(file, data, size) : STATUS_NOT_FOUND;
}

static enum status fake_file_write(const char *path, const char *data, size_t size)
{
	struct fake_file *file = (struct fake_file *)fake_file(path);

	if (!file && fake.file_status == STATUS_OK) {
		FAKE_CHECK(fake.file_count < FAKE_FILES_MAX);
		file = &fake.files[fake.file_count++];
		snprintf(file->path, sizeof(file->path), "%s", path);
	}
	if (file && fake.file_status == STATUS_OK) {
		file->size = 0;
		file->data[0] = '\0';
	}
	return append(file, data, size);
}

static enum status fake_file_read(const char *path, char *data, size_t size, size_t *got)
{
	const struct fake_file *file = fake_file(path);

	if (!file)
		return STATUS_NOT_FOUND;
	*got = file->size < size ? file->size : size;
	memcpy(data, file->data, *got);
	return STATUS_OK;
}

static _Alignas(PAGE_SIZE) uint8_t arena[(size_t)FAKE_PAGES * PAGE_SIZE];

struct platform fake_platform = {
	.arena = arena,
	.cpus = cpus,
	.clock = fake_clock,
	.clock_hz = 1000000000,
	.slice = FAKE_SLICE,
	.cpu_take = fake_take,
	.cpu_give_back = fake_give_back,
	.aps_start = fake_aps_start,
	.ipi = fake_ipi,
	.apic_put_back = fake_apic_put_back,
	.take_interrupt = fake_take_interrupt,
	.timer_use = fake_timer_use,
	.timer = fake_timer,
	.guarded = fake_guarded,
	.idle = fake_idle,
	.print = fake_print,
	.tone = fake_tone,
	.progress = fake_progress,
	.file_write = fake_file_write,
	.file_append = fake_file_append,
	.file_read = fake_file_read,
	.symbol = fake_symbol,
};

void fake_machine(unsigned count, bool with_threads)
{
	struct sigaction action = { .sa_handler = take_signal };

	FAKE_CHECK(count >= 1 && count <= FAKE_CPUS_MAX);
	FAKE_CHECK(!threads_started);
	memset(&fake, 0, sizeof(fake));
	memset(cpus, 0, sizeof(cpus));
	fake.threads = with_threads;
	fake.clock_step = 100;
	current = 0;
	in_turn = false;
	self = &cpus[0];
	threads[0] = pthread_self();
	sigaction(SIGUSR1, &action, NULL);
	fake_platform.arena_pages = FAKE_PAGES;
	fake_platform.cpu_count = count;
	fake_platform.columns = fake_platform.rows = 0;
	for (unsigned i = 0; i < count; i++) {
		cpus[i].index = i;
		cpus[i].apic_id = i;
		cpus[i].exit_ticks = 1; /* as if measured */
		if (!with_threads)
			atomic_store(&cpus[i].phase, CPU_READY);
	}
	platform = &fake_platform;
	fake_backend_reset();
	pages_setup();
	sched_publish(NULL);
}
