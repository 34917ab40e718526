/* The report as one JSON object, kept in memory; the file is whole JSON whenever it is written. */
#include "lib/pages.h"
#include "suite/sink.h"

enum {
	JSON_PAGES = 32,
	BENCHES = 16,
	ROOM_AT_END = 36864, /* bytes kept for the benchmarks, the runs, the machine, the summary */
};

static struct {
	const struct facts *facts; /* of the machine; some are found late */
	bool tests;		   /* an element has been written there */
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

static void print_benches(struct report_file *file)
{
	file_print(file, "],\"bench\":[");
	for (unsigned i = 0; i < json.benches; i++)
		file_print(file, "%s\n{\"name\":\"%s\",\"value\":%llu,\"unit\":\"%s\"}",
			   i ? "," : "", json.bench[i].name,
			   (unsigned long long)json.bench[i].value, json.bench[i].unit);
	file_print(file, "],");
}

static void print_machine(struct report_file *file)
{
	const struct facts *facts = json.facts;

	file_print(file, "\"machine\":{");
	for (unsigned i = 0; i < facts->count; i++) {
		file_print(file, "%s\"%s\":", i ? "," : "", facts->fact[i].name);
		print_string(file, facts->fact[i].value);
	}
	file_print(file, "},");
}

static void print_runs(struct report_file *file, const struct report_totals *totals)
{
	file_print(file, "\"runs\":[");
	for (unsigned i = 0; i < totals->runs; i++)
		file_print(file, "%s%llu", i ? "," : "", (unsigned long long)totals->run_ticks[i]);
	file_print(file, "],");
}

static void print_summary(struct report_file *file, const struct report_totals *totals)
{
	const unsigned *by = totals->by_verdict;

	file_print(file,
		   "\"summary\":{\"passed\":%u,\"failed\":%u,\"skipped\":%u,\"errors\":%u,"
		   "\"checks\":%llu},",
		   by[VERDICT_PASS], by[VERDICT_FAIL], by[VERDICT_SKIP], by[VERDICT_ERROR],
		   (unsigned long long)totals->checks);
}

/* Closes every bracket, writes the file, and opens them again. */
static void write_whole(struct report_file *file, const struct report_totals *totals, bool complete)
{
	size_t used = file->used;

	print_benches(file);
	if (totals->runs)
		print_runs(file, totals);
	print_machine(file);
	if (json.dropped)
		file_print(file, "\"dropped\":%u,", json.dropped);
	print_summary(file, totals);
	file_print(file, "\"complete\":%s}\n", complete ? "true" : "false");
	file_write(file);
	file->used = used;
}

static void begin(struct report_file *file, const struct facts *facts, unsigned total)
{
	static const struct report_totals nothing;

	(void)total;
	__builtin_memset(&json, 0, sizeof(json));
	json.facts = facts;
	file_print(file, "{\"assay\":\"%s\",\"tests\":[", ASSAY_VERSION);
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
	/* What was there is gone: the totals, without the tests. */
	file->refused = false;
	file->used = 0;
	file_print(file, "{\"assay\":\"%s\",\"tests\":[],", ASSAY_VERSION);
	print_summary(file, totals);
	file_print(file, "\"complete\":false}\n");
	file_write(file);
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
