#include "efi/options.h"

#include "lib/text.h"
#include "suite/capability.h"
#include "suite/soak.h"

const char options_usage[] =
	"usage: assay.efi [OPTION...] [FILTER...]\n"
	"  -h       print this and do nothing\n"
	"  -l       list the tests and do nothing\n"
	"  -b       measure speed, too, after the tests\n"
	"  -c N     use N processors, the boot processor included; default: all\n"
	"  -n N     run the tests N times; the runs after the first are compared with it\n"
	"  -p       stop and wait for a key when the screen is full\n"
	"  -r PATH  report files PATH.TAP, .JSON and .XML; default: \\ASSAY\\REPORT\n"
	"  -s       shut the machine down at the end\n"
	"  --apic-timer       end guests' time by the local APIC's timer, not by VMX's\n"
	"  --reboot restart the machine at the end\n"
	"  --return go back to the firmware at the end, without waiting for a key\n"
	"  --wait N wait N seconds for a key, at the end and with -p; default: 3600\n"
	"  --debug-exit PORT  hand the result to QEMU's isa-debug-exit at this port, such as f4\n"
	"  --require NAME     INCOMPLETE without this capability, such as virtualization\n"
	"  --max-skips N      INCOMPLETE if more tests cannot run here\n"
	"  --resume go on after a run that a reset of the machine ended\n"
	"  --cases N          so many cases in each test of the fuzzers, if its time allows\n"
	"  --seed N other random numbers for the storms of IPIs; the report says N\n"
	"  FILTER   run only the tests whose names match one of these; * and ? are wildcards\n";

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool line_end(char c)
{
	return !c || c == '\r' || c == '\n';
}

/* Cuts the next word out of *line; NULL at the line's end. */
static char *next_word(char **line)
{
	char *in = *line, *word, *out;
	bool quoted = false;

	while (blank(*in))
		in++;
	if (line_end(*in))
		return NULL;
	word = out = in;
	for (; !line_end(*in) && (quoted || !blank(*in)); in++) {
		if (*in == '"')
			quoted = !quoted;
		else
			*out++ = *in;
	}
	*line = line_end(*in) ? in : in + 1;
	*out = '\0';
	return word;
}

char *options_skip_word(char *line)
{
	next_word(&line);
	return line;
}

bool options_starts_with_program(const char *line)
{
	static const char suffix[] = ".efi";
	size_t length = 0, found = 0;

	while (blank(*line) || *line == '"')
		line++;
	for (; !line_end(line[length]) && !blank(line[length]) && line[length] != '"'; length++) {
		char c = line[length];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		found = c == suffix[found] ? found + 1 : c == '.';
	}
	return found == sizeof(suffix) - 1;
}

static void fail(struct options *options, const char *why, const char *word)
{
	if (!options->error[0])
		text_format(options->error, sizeof(options->error), "%s%.40s", why, word);
}

/* 0: it is no number. Above some limit one number is as good as another. */
static unsigned parse_number(const char *word)
{
	unsigned value = 0;

	for (; *word; word++) {
		if (*word < '0' || *word > '9')
			return 0;
		if (value < 100000)
			value = value * 10 + (unsigned)(*word - '0');
	}
	return value;
}

static void parse_cpus(struct options *options, const char *word)
{
	options->suite.cpus = parse_number(word);
	if (!options->suite.cpus)
		fail(options, "-c needs a number of processors, not ", word);
}

static void parse_runs(struct options *options, const char *word)
{
	options->suite.runs = parse_number(word);
	if (!options->suite.runs || options->suite.runs > SOAK_RUNS_MAX)
		fail(options, "-n needs a number from 1 to 1000, not ", word);
}

static bool separator(char c)
{
	return c == '\\' || c == '/';
}

/* What every FAT driver takes: no wildcards, no colon, no folder that is empty or goes up. */
static bool is_path(const char *word)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._ -";
	const char *part = word;

	for (const char *c = word;; c++) {
		const char *in = allowed;

		if (!*c || separator(*c)) {
			bool empty = c == part && (c != word || !*c);
			bool up = c - part == 2 && part[0] == '.' && part[1] == '.';

			if (empty || up || (c - part == 1 && part[0] == '.'))
				return false;
			part = c + 1;
		}
		if (!*c)
			return true;
		while (*in && *in != *c)
			in++;
		if (!*in && !separator(*c))
			return false;
	}
}

static void parse_report(struct options *options, const char *word)
{
	if (*word && !is_path(word))
		fail(options, "-r takes a path on the boot volume, not ", word);
	if (!*word || text_length(word) > OPTIONS_PATH)
		fail(options, "-r needs a path of 1 to 100 characters, not ", word);
	options->suite.report = word;
}

static void add_filter(struct options *options, const char *word)
{
	if (options->suite.filter_count < ARRAY_SIZE(options->suite.filters))
		options->suite.filters[options->suite.filter_count++] = word;
	else
		fail(options, "too many filters at ", word);
}

/* 1 to 2^32 - 1; 0: it is no such number. */
static uint32_t parse_32_bits(const char *word)
{
	uint64_t value = 0;

	for (; *word; word++) {
		value = value * 10 + (uint64_t)(*word - '0');
		if (*word < '0' || *word > '9' || value > ~0u)
			return 0;
	}
	return (uint32_t)value;
}

static void parse_seed(struct options *options, const char *word)
{
	options->suite.seed = parse_32_bits(word);
	if (!options->suite.seed)
		fail(options, "--seed needs a number from 1 to 4294967295", "");
}

static void parse_cases(struct options *options, const char *word)
{
	options->suite.cases = parse_32_bits(word);
	if (!options->suite.cases)
		fail(options, "--cases needs a number from 1 to 4294967295", "");
}

static void parse_wait(struct options *options, const char *word)
{
	options->ending.seconds = parse_number(word);
	if (!options->ending.seconds)
		fail(options, "--wait needs a number of seconds, not ", word);
}

static void parse_max_skips(struct options *options, const char *word)
{
	options->suite.skips_limited = true;
	options->suite.max_skips = parse_number(word);
	if (!options->suite.max_skips && !text_equal(word, "0"))
		fail(options, "--max-skips needs a number, not ", word);
}

static void parse_require(struct options *options, const char *word)
{
	enum capability cap = capability_named(word);

	if (cap == CAP_COUNT)
		fail(options, "--require: there is no capability ", word);
	else
		options->suite.required |= BIT(cap);
}

/* Hexadecimal, with 0x before it or not; 0: it is no port. */
static uint16_t parse_port(const char *word)
{
	uint32_t value = 0;

	if (word[0] == '0' && (word[1] == 'x' || word[1] == 'X'))
		word += 2;
	for (; *word; word++) {
		char c = *word >= 'A' && *word <= 'F' ? (char)(*word - 'A' + 'a') : *word;

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')) || value > 0xFFF)
			return 0;
		value = value << 4 | (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	return (uint16_t)value;
}

static void parse_debug_exit(struct options *options, const char *word)
{
	options->ending.port = parse_port(word);
	if (!options->ending.port)
		fail(options, "--debug-exit needs a port in hexadecimal, not ", word);
}

static void set_apic_timer(struct options *options, const char *word)
{
	(void)word;
	options->apic_timer = true;
}

static void set_reboot(struct options *options, const char *word)
{
	(void)word;
	options->ending.how = ENDING_REBOOT;
}

static void set_return(struct options *options, const char *word)
{
	(void)word;
	options->ending.how = ENDING_RETURN;
}

static void set_resume(struct options *options, const char *word)
{
	(void)word;
	options->suite.resume = true;
}

static const struct {
	const char *name;
	bool value; /* it takes the next word */
	void (*parse)(struct options *options, const char *word);
} long_options[] = {
	{ "--apic-timer", false, set_apic_timer },
	{ "--cases", true, parse_cases },
	{ "--debug-exit", true, parse_debug_exit },
	{ "--max-skips", true, parse_max_skips },
	{ "--reboot", false, set_reboot },
	{ "--require", true, parse_require },
	{ "--resume", false, set_resume },
	{ "--return", false, set_return },
	{ "--seed", true, parse_seed },
	{ "--wait", true, parse_wait },
};

/* False if there is no such option. */
static bool parse_long(struct options *options, const char *word, char **line)
{
	for (unsigned i = 0; i < ARRAY_SIZE(long_options); i++) {
		const char *value = "";

		if (!text_equal(word, long_options[i].name))
			continue;
		if (long_options[i].value)
			value = next_word(line);
		if (value)
			long_options[i].parse(options, value);
		else
			fail(options, word, " needs a value");
		return true;
	}
	return false;
}

/* An option that takes the next word. */
static void parse_value(struct options *options, char letter, char **line)
{
	char *word = next_word(line);
	const char letters[] = { '-', letter, '\0' };

	if (!word)
		fail(options, letters, " needs a value");
	else if (letter == 'c')
		parse_cpus(options, word);
	else if (letter == 'n')
		parse_runs(options, word);
	else
		parse_report(options, word);
}

static void parse_option(struct options *options, const char *word, char **line)
{
	if (parse_long(options, word, line))
		return;
	switch (word[1] && word[2] ? 0 : word[1]) {
	case 'h':
		options->help = true;
		break;
	case 'l':
		options->suite.list = true;
		break;
	case 'b':
		options->suite.bench = true;
		break;
	case 'p':
		options->page = true;
		break;
	case 's':
		options->ending.how = ENDING_SHUTDOWN;
		break;
	case 'c':
	case 'n':
	case 'r':
		parse_value(options, word[1], line);
		break;
	default:
		fail(options, "unknown option ", word);
	}
}

void options_parse(char *line, struct options *options)
{
	char *word;

	*options = (struct options){ .ending.seconds = WAIT_SECONDS,
				     .suite.runs = 1,
				     .suite.report = "\\ASSAY\\REPORT" };
	while ((word = next_word(&line))) {
		if (word[0] == '-')
			parse_option(options, word, &line);
		else if (word[0])
			add_filter(options, word);
	}
}
