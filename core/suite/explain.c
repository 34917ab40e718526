/* What a test that did not pass says about itself. */
#include "lib/text.h"
#include "suite/sink.h"

enum { EXPLANATION_TEXT = 200 };

static struct {
	unsigned cpus;
	uint32_t seed, cases;
} asked;

void explain_begin(const struct suite_options *options)
{
	asked.cpus = options->cpus;
	asked.seed = options->seed;
	asked.cases = options->cases;
}

/* The command line in a UEFI Shell; without its first word, the options for everything else. */
static void again_text(const struct test_run *run, char text[EXPLANATION_TEXT])
{
	size_t used = text_format(text, EXPLANATION_TEXT, "assay.efi ");

	if (asked.cpus)
		used += text_format(text + used, EXPLANATION_TEXT - used, "-c %u ", asked.cpus);
	if (asked.seed)
		used += text_format(text + used, EXPLANATION_TEXT - used, "--seed %u ", asked.seed);
	if (asked.cases)
		used += text_format(text + used, EXPLANATION_TEXT - used, "--cases %u ",
				    asked.cases);
	text_format(text + used, EXPLANATION_TEXT - used, "%s", run->test->name);
}

void for_each_explanation(struct report_file *file, const struct test_run *run,
			  void (*line)(struct report_file *file, const char *name,
				       const char *text))
{
	char text[EXPLANATION_TEXT];

	if (run->where.file) {
		text_format(text, sizeof(text), "%s:%u", run->where.file, run->where.line);
		line(file, "where", text);
	}
	if (run->test->about)
		line(file, "about", run->test->about);
	if (run->test->means)
		line(file, "means", run->test->means);
	again_text(run, text);
	line(file, "again", text);
}
