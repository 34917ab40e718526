/*
 * The report as one JSON object, kept in memory; the file is whole JSON whenever it is written.
 * docs/report.schema.json describes it; FORMAT counts the changes that old readers cannot stand.
 */
#include "lib/pages.h"
#include "suite/capability.h"
#include "suite/sink.h"
#include "suite/version.h"

enum {
	FORMAT = 1,
	JSON_PAGES = 60,
	BENCHES = 16,
	ROOM_AT_END = 45056, /* bytes kept for the benchmarks, the runs, the machine, the summary */
};

static struct {
	const struct report_head *head; /* facts and capabilities change until started */
	bool tests;			/* an element has been written there */
	unsigned dropped;
	struct {
		const char *name, *unit;
		uint64_t value;
	} bench[BENCHES];
	unsigned benches;
} json;

static bool is_plain(char c)
{
	return c >= ' ' && c <= '~' && c != '"' && c != '\\';
}

/* Titles and reasons hold quotes, and texts from the firmware may hold anything. */
static void print_string(struct report_file *file, const char *text)
{
	file_print(file, "\"");
	while (*text) {
		int plain = 0;

		while (is_plain(text[plain]))
			plain++;
		file_print(file, "%.*s", plain, text);
		text += plain;
		if (*text)
			file_print(file, "\\u%04x", (unsigned char)*text++);
	}
	file_print(file, "\"");
}

static void print_member(struct report_file *file, const char *name, const char *value)
{
	file_print(file, ",\"%s\":", name);
	print_string(file, value);
}

/* "cpu brand" is "cpu_brand" here. */
static void print_key(struct report_file *file, const char *separator, const char *name)
{
	file_print(file, "%s\"", separator);
	for (; *name; name++)
		file_print(file, "%c", *name == ' ' || *name == '-' ? '_' : *name);
	file_print(file, "\":");
}

static void print_machine(struct report_file *file, const struct facts *facts)
{
	file_print(file, ",\n\"machine\":{");
	for (unsigned i = 0; facts && i < facts->count; i++) {
		print_key(file, i ? "," : "", facts->fact[i].name);
		print_string(file, facts->fact[i].value);
	}
	file_print(file, "},\n\"details\":{");
	for (unsigned i = 0; facts && i < facts->detail_count; i++) {
		print_key(file, i ? "," : "", facts->detail[i].name);
		if (facts->detail[i].number)
			file_print(file, "%s", facts->detail[i].value);
		else
			print_string(file, facts->detail[i].value);
	}
	file_print(file, "}");
}

static void print_capabilities(struct report_file *file)
{
	file_print(file, ",\n\"capabilities\":{");
	for (unsigned i = 0; i < CAP_COUNT; i++) {
		print_key(file, i ? "," : "", capability_names[i]);
		file_print(file, "%s", json.head->capabilities & BIT(i) ? "true" : "false");
	}
	file_print(file, "}");
}

static void print_benches(struct report_file *file)
{
	file_print(file, "],\n\"bench\":[");
	for (unsigned i = 0; i < json.benches; i++)
		file_print(file, "%s\n{\"name\":\"%s\",\"value\":%llu,\"unit\":\"%s\"}",
			   i ? "," : "", json.bench[i].name,
			   (unsigned long long)json.bench[i].value, json.bench[i].unit);
	file_print(file, "]");
}

static void print_runs(struct report_file *file, const struct report_totals *totals)
{
	file_print(file, ",\"runs\":[");
	for (unsigned i = 0; i < totals->runs; i++)
		file_print(file, "%s%llu", i ? "," : "", (unsigned long long)totals->run_ticks[i]);
	file_print(file, "]");
}

static void print_summary(struct report_file *file, const struct report_totals *totals)
{
	const unsigned *by = totals->by_verdict;

	file_print(file,
		   ",\n\"summary\":{\"passed\":%u,\"failed\":%u,\"skipped\":%u,\"errors\":%u,"
		   "\"checks\":%llu",
		   by[VERDICT_PASS], by[VERDICT_FAIL], by[VERDICT_SKIP], by[VERDICT_ERROR],
		   (unsigned long long)totals->checks);
	print_member(file, "outcome", report_outcome_text(totals->outcome));
	if (totals->lacks)
		print_member(file, "lacks", totals->lacks);
	file_print(file, "},\"duration_ms\":%llu",
		   (unsigned long long)(totals->ticks * 1000 / platform->clock_hz));
}

/* Closes every bracket and writes the file. facts: of the machine; NULL: left out. */
static void print_rest(struct report_file *file, const struct report_totals *totals,
		       const struct facts *facts, bool complete)
{
	print_benches(file);
	if (totals->runs)
		print_runs(file, totals);
	print_capabilities(file);
	print_machine(file, facts);
	if (json.dropped)
		file_print(file, ",\"dropped\":%u", json.dropped);
	print_summary(file, totals);
	file_print(file, ",\"complete\":%s}\n", complete ? "true" : "false");
	file_write(file);
}

/* As if nothing had been closed. */
static void write_whole(struct report_file *file, const struct report_totals *totals, bool complete)
{
	size_t used = file->used;

	print_rest(file, totals, json.head->facts, complete);
	file->used = used;
}

static void print_request(struct report_file *file, const struct suite_options *options)
{
	print_member(file, "options", options->line ? options->line : "");
	file_print(file, ",\"filters\":[");
	for (unsigned i = 0; i < options->filter_count; i++) {
		file_print(file, "%s", i ? "," : "");
		print_string(file, options->filters[i]);
	}
	file_print(file, "],\"seed\":%u,\"repetitions\":%u", options->seed,
		   options->runs ? options->runs : 1);
}

static void print_head(struct report_file *file)
{
	const struct report_head *head = json.head;

	file_print(file, "{\"format\":%u,\"assay\":\"%s\",\"commit\":\"%s\"", FORMAT, assay_version,
		   assay_commit);
	print_request(file, head->options);
	print_member(file, "start", facts_find(head->facts, "date"));
	file_print(file, ",\"clock_hz\":%llu,\"processors\":%u,\"planned\":%u,\n\"tests\":[",
		   (unsigned long long)platform->clock_hz, platform->cpu_count, head->total);
}

static void begin(struct report_file *file, const struct report_head *head)
{
	static const struct report_totals nothing = { .outcome = REPORT_INCOMPLETE,
						      .lacks = "the run goes on" };

	__builtin_memset(&json, 0, sizeof(json));
	json.head = head;
	print_head(file);
	write_whole(file, &nothing, false);
}

/* "rules": how often each was checked; "wrong": those that did not hold, and how often. */
static void print_rules(struct report_file *file, const struct test_run *run)
{
	const char *separator = "";

	file_print(file, ",\"rules\":{");
	for (unsigned i = 0; i < run->rule_count; i++)
		file_print(file, "%s\"%s\":%u", i ? "," : "", run->rules[i].id,
			   run->rules[i].checks);
	file_print(file, "},\"wrong\":{");
	for (unsigned i = 0; i < run->rule_count; i++) {
		if (!run->rules[i].wrong)
			continue;
		file_print(file, "%s\"%s\":%u", separator, run->rules[i].id, run->rules[i].wrong);
		separator = ",";
	}
	file_print(file, "}");
}

static void test(struct report_file *file, const struct test_run *run, unsigned number)
{
	size_t used = file->used;

	(void)number;
	file_print(file, "%s\n{\"name\":\"%s\",\"verdict\":\"%s\"", json.tests ? "," : "",
		   run->test->name, verdict_text(run->verdict));
	if (run->reason[0])
		print_member(file, "reason", run->reason);
	if (run->wanted[0]) {
		print_member(file, "wanted", run->wanted);
		print_member(file, "got", run->got);
	}
	if (run->notes[0])
		print_member(file, "notes", run->notes);
	print_member(file, "spec", test_spec(run));
	if (run->verdict == VERDICT_FAIL || run->verdict == VERDICT_ERROR)
		for_each_explanation(file, run, print_member);
	if (run->test->row)
		print_member(file, "row", run->test->row);
	if (run->rule_count)
		print_rules(file, run);
	file_print(file, ",\"checks\":%u,\"ticks\":%llu}", run->expectations,
		   (unsigned long long)run->ticks);
	if (file->used > file->size - ROOM_AT_END) { /* no room: not half of it */
		file->used = used;
		json.dropped++;
		return;
	}
	json.tests = true;
}

static void bench(struct report_file *file, const char *name, uint64_t value, const char *unit)
{
	(void)file;
	if (json.benches == BENCHES)
		return;
	json.bench[json.benches].name = name;
	json.bench[json.benches].unit = unit;
	json.bench[json.benches++].value = value;
}

static void end(struct report_file *file, const struct report_totals *totals)
{
	write_whole(file, totals, true);
	if (!file->refused)
		return;
	/* What was there is gone: the totals, without the tests and the machine. */
	file->refused = false;
	file->used = 0;
	print_head(file);
	print_rest(file, totals, NULL, false);
	file->refused = true;
}

const struct report_sink json_sink = {
	.extension = "JSON",
	.pages = JSON_PAGES,
	.begin = begin,
	.test = test,
	.bench = bench,
	.end = end,
};
