/*
 * The program's way through: options, platform, suite, and the firmware left as it was found.
 * The one file that names the backends.
 */
#include "backend.h"
#include "lib/text.h"
#include "suite/select.h"
#include "suite/suite.h"
#include "x86/cpuid.h"

#include "efi/cpu/cpu.h"
#include "efi/ending.h"
#include "efi/firmware.h"
#include "efi/identify.h"
#include "efi/network.h"
#include "efi/options.h"
#include "efi/options_source.h"
#include "efi/qr.h"
#include "efi/screen.h"
#include "svm/svm.h"
#include "vmx/vmx.h"

static const char options_file[] = "\\ASSAY\\OPTIONS.TXT";

static struct platform efi_platform = {
	.clock = clock_read,
	.cpu_take = efi_cpu_take,
	.cpu_give_back = efi_cpu_give_back,
	.aps_start = mp_start,
	.describe_started = identify_started,
	.ipi = efi_cpu_ipi,
	.apic_put_back = efi_cpu_apic_put_back,
	.take_interrupt = efi_cpu_take_interrupt,
	.guarded = efi_cpu_guarded,
	.idle = efi_cpu_idle,
	.timer_use = timer_use,
	.timer = timer_shoot,
	.print = console_print,
	.tone = screen_tone,
	.progress = screen_progress,
	.file_write = files_write,
	.file_append = files_append,
	.file_read = files_read,
	.symbol = symbol_at,
};

/* What runs on our own stack. */
struct run {
	struct options options;
	struct facts facts;
	char line[OPTIONS_SIZE];  /* options points into it */
	char given[OPTIONS_SIZE]; /* the same before it was cut into words */
	int result;
	bool lost; /* a processor did not come back */
};

enum {
	SLICES_A_SECOND = 400,
	SLICE_MIN = 50000,     /* ticks: far more than entering and leaving a guest takes */
	SLOW_CLOCK = 20000000, /* below, the processor is slow, too */
	MANY_CPUS = 128	       /* some tests visit one after the other */
};

/* Another hypervisor below us takes the processor away, and makes each exit dear. */
static void set_pace(void)
{
	uint64_t hz = clock_hz();
	bool hypervisor = cpuid(1, 0).ecx & CPUID_1_ECX_HYPERVISOR;

	efi_platform.clock_hz = hz;
	efi_platform.slice = hz / SLICES_A_SECOND;
	if (efi_platform.slice < SLICE_MIN)
		efi_platform.slice = SLICE_MIN;
	efi_platform.patience = hypervisor ? 4 : 1;
	if (hz < SLOW_CLOCK)
		efi_platform.patience *= (unsigned)((SLOW_CLOCK + hz - 1) / (hz ? hz : 1));
	efi_platform.patience *= 1 + efi_platform.cpu_count / MANY_CPUS;
}

static bool platform_start(const struct options *options)
{
	if (!exceptions_init() || mp_init(options->suite.cpus, &efi_platform.cpus) != STATUS_OK) {
		console_print("assay: not enough memory for the processors' stacks\n");
		exceptions_end();
		return false;
	}
	efi_platform.console_is_read = console_is_read();
	screen_size(&efi_platform.columns, &efi_platform.rows);
	efi_platform.columns = qr_columns(efi_platform.columns);
	efi_platform.cpu_count = efi_cpu_count;
	efi_platform.cpu_total = mp_total();
	clock_init();
	set_pace();
	timer_init();
	if (!timer_works())
		efi_platform.timer = NULL;
	efi_platform.apic_timer = options->apic_timer && efi_platform.timer;
	efi_platform.arena = arena_get(efi_cpu_count, &efi_platform.arena_pages);
	if (!efi_platform.arena) {
		console_format("assay: not enough memory: %u MiB in one piece are needed\n",
			       ARENA_MIN_MIB);
		mp_free();
		exceptions_end();
		return false;
	}
	paging_init();
	platform = &efi_platform;
	backend = vmx_offered() || !svm_offered() ? &vmx_backend : &svm_backend;
	return true;
}

/* False if a processor is lost: it runs on memory of ours, in the image itself even; or if an NMI
 * of ours has still to come, which nobody but us survives. */
static bool platform_stop(bool for_firmware)
{
	files_close();
	if (!mp_finish(for_firmware))
		return false;
	if (cpu_owes_nmi(efi_cpus[0].cpu)) {
		console_print("an NMI that was sent to the boot processor has not arrived\n");
		return false;
	}
	pages_return(efi_platform.arena, efi_platform.arena_pages);
	paging_free();
	mp_free();
	exceptions_end();
	return true;
}

static void run_suite(void *argument)
{
	struct run *run = argument;

	identify(&run->facts, efi_platform.arena_pages);
	run->result = suite_main(&run->options.suite, &run->facts);
}

/* Whether a word is an option or chooses a test. */
static bool is_for_us(const char *word)
{
	char first[OPTIONS_SIZE];
	const struct suite_options one = { .filter_count = 1, .filters = { first } };
	size_t length = 0;

	for (; word[length] && word[length] != ' '; length++)
		first[length] = word[length];
	first[length] = '\0';
	return first[0] == '-' || for_each_selected(test_groups, &one, NULL);
}

/*
 * The Shell puts the program's name first, boot entries seldom do. A boot entry's data may be
 * anything of the firmware's own: then there are no options.
 */
static void read_load_options(struct options *options, char *line, size_t size)
{
	const EFI_LOADED_IMAGE_PROTOCOL *loaded = firmware.loaded;
	char text[OPTIONS_SIZE], *from = text;
	const char *why;

	if (!loaded->LoadOptions)
		return;
	why = options_from_load(loaded->LoadOptions, loaded->LoadOptionsSize, text, sizeof(text));
	if (firmware.from_shell || options_starts_with_program(text))
		from = options_skip_word(text);
	if (!why && !firmware.from_shell && *from && !is_for_us(from))
		why = "a first word that is no option and no test";
	if (why && firmware.from_shell)
		text_format(options->error, sizeof(options->error), "the options have %s", why);
	else if (why)
		console_format("assay: the boot entry's options are left out: they have %s\n", why);
	else
		text_format(line, size, "%s", from);
}

/* The boot manager gives nobody a chance to type options: a file does. */
static void read_options_file(struct options *options, char *line, size_t size)
{
	uint8_t file[2 * OPTIONS_SIZE + 4];
	const char *why;
	size_t bytes;
	enum status status = files_read(options_file, (char *)file, sizeof(file), &bytes);

	if (status != STATUS_OK) {
		size_t sent = network_read("OPTIONS.TXT", (char *)file, sizeof(file));

		if (!sent && status == STATUS_NOT_FOUND)
			return;
		if (sent) {
			status = STATUS_OK;
			bytes = sent;
		}
	}
	if (status != STATUS_OK)
		why = status_text(status);
	else if (bytes == sizeof(file))
		why = "it is too long";
	else if (!(why = options_from_file(file, bytes, line, size)))
		return;
	text_format(options->error, sizeof(options->error), "%s: %s", options_file, why);
}

/* What cannot be understood stops the run: another one than was asked for would mislead. */
static void read_options(struct run *run)
{
	struct options refused = { .error = "" };
	size_t length;

	if (!firmware.from_shell)
		read_options_file(&refused, run->line, sizeof(run->line) - 2);
	length = text_length(run->line);
	if (length)
		run->line[length++] = ' ';
	read_load_options(&refused, run->line + length, sizeof(run->line) - length);
	text_format(run->given, sizeof(run->given), "%s", run->line);
	for (length = text_length(run->given); length && run->given[length - 1] == ' '; length--)
		run->given[length - 1] = '\0';
	options_parse(run->line, &run->options);
	if (refused.error[0])
		text_format(run->options.error, sizeof(refused.error), "%s", refused.error);
	run->options.suite.line = run->given;
	ending = run->options.ending;
}

static void run_all(struct run *run)
{
	run->result = SUITE_USAGE;
	if (run->options.page)
		console_page();
	if (run->options.error[0])
		console_format("assay: %s\n", run->options.error);
	if (run->options.error[0] || run->options.help)
		console_print(options_usage);
	if (run->options.error[0])
		return;
	run->result = run->options.help ? SUITE_PASSED : SUITE_USAGE;
	if (run->options.help || !platform_start(&run->options))
		return;
	call_on_stack(run_suite, run, efi_cpus[0].stack_end);
	run->lost = !platform_stop(ending_goes_back());
}

static EFI_STATUS finish(const struct run *run)
{
	files_close();
	if (run->lost)
		console_print("the firmware cannot go on\n");
	ending_reach(run->result, run->lost);
	return run->result ? EFI_ABORTED : EFI_SUCCESS;
}

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *table)
{
	struct run *run;
	size_t pages = (sizeof(*run) + PAGE_MASK) / PAGE_SIZE;
	EFI_STATUS status;

	efi_platform.started = clock_read();
	if (firmware_init(image, table) != STATUS_OK)
		return EFI_UNSUPPORTED;
	console_init();
	table->BootServices->SetWatchdogTimer(0, 0, 0, NULL);
	run = pages_get(pages);
	if (!run) {
		console_print("assay: not enough memory\n");
		return EFI_OUT_OF_RESOURCES;
	}
	__builtin_memset(run, 0, sizeof(*run));
	read_options(run);
	run_all(run);
	status = finish(run);
	pages_return(run, pages);
	return status;
}
