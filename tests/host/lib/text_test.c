/* Formatting against the C library's, and globs against a plain recursive matcher. */
#include "lib/text.h"

#include "tests/host/fake/host_test.h"

enum { ROOM = 200, CASES = 40000 };

static uint64_t random_state = 20;

static uint32_t below(uint32_t n)
{
	return random_below(&random_state, n);
}

/* In a buffer of any size: text, length, and not a byte beyond. */
static void compare(const char *format, ...)
{
	char ours[ROOM], theirs[ROOM];
	size_t size = below(4) ? ROOM : below(30);
	size_t length, wanted;
	va_list arguments;

	memset(ours, '#', sizeof(ours));
	memset(theirs, '#', sizeof(theirs));
	va_start(arguments, format);
	length = text_format_v(ours, size, format, arguments);
	va_end(arguments);
	va_start(arguments, format);
	wanted = (size_t)vsnprintf(theirs, size, format, arguments);
	va_end(arguments);
	if (length != wanted || memcmp(ours, theirs, ROOM))
		fail_msg("\"%s\" in %zu: '%.60s' (%zu), not '%.60s' (%zu)", format, size, ours,
			 length, theirs, wanted);
}

/* Text, a conversion with flags and width, text. */
static const char *conversion(const char *length, char letter, bool zero_allowed)
{
	static char format[64];
	char flags[4] = "", width[8] = "";
	unsigned n = 0;

	if (below(3) == 0)
		flags[n++] = '-';
	else if (zero_allowed && below(2))
		flags[n++] = '0';
	if (below(2))
		snprintf(width, sizeof(width), "%u", 1 + below(40));
	snprintf(format, sizeof(format), "%s%%%s%s%s%c%s", below(2) ? "a b:" : "", flags, width,
		 length, letter, below(2) ? "%%;" : "");
	return format;
}

/* Small, large, and with a few bits. */
static uint64_t number(void)
{
	uint64_t value = random_next(&random_state);

	switch (below(5)) {
	case 0:
		return below(20);
	case 1:
		return UINT64_MAX - below(20);
	case 2:
		return 1ull << below(64);
	case 3:
		return (1ull << below(64)) - 1;
	default:
		return value >> below(64);
	}
}

static void test_numbers(void **state)
{
	static const char letters[] = "duxX";

	(void)state;
	for (unsigned i = 0; i < CASES; i++) {
		char letter = letters[i % 4];
		uint64_t value = number();

		switch (i / 4 % 5) {
		case 0:
			compare(conversion("", letter, true), (unsigned)value);
			break;
		case 1:
			compare(conversion("l", letter, true), (unsigned long)value);
			break;
		case 2:
			compare(conversion("ll", letter, true), (unsigned long long)value);
			break;
		case 3:
			compare(conversion("z", letter, true), (size_t)value);
			break;
		default:
			compare(conversion("h", letter, true), (unsigned)value & 0x7FFF);
		}
	}
}

static const char *word(void)
{
	static const char *const words[] = { "",
					     "a",
					     "VMCS",
					     "wait-for-SIPI",
					     "a \"quoted\" one",
					     "%d",
					     "0123456789012345678901234567890123456789" };

	return words[below(ARRAY_SIZE(words))];
}

static void test_strings(void **state)
{
	char precision[8], format[64];

	(void)state;
	for (unsigned i = 0; i < CASES; i++) {
		snprintf(precision, sizeof(precision), ".%u", below(50));
		compare(conversion(below(2) ? precision : "", 's', false), word());
		snprintf(format, sizeof(format), "%%%s*s|%%.*s|", below(2) ? "-" : "");
		compare(format, (int)below(50), word(), (int)below(50), word());
		compare(conversion("", 'c', false), (int)(' ' + below(90)));
	}
	compare("%s", "an end that is not there");
	compare("%.3s", (const char[]){ 'a', 'b', 'c' }); /* needs no terminator */
}

static void test_several(void **state)
{
	(void)state;
	for (unsigned i = 0; i < CASES / 10; i++)
		compare("%3u/%-3u %-5s %-48s %9llu us%c", below(2000), below(2000), word(), word(),
			(unsigned long long)number(), '\n');
	compare("%s", "");
	compare("100%%%s", "");
	compare("%d %d %d", INT32_MIN, INT32_MAX, -1);
	compare("%ld %lld", INT64_MIN, (long long)INT64_MIN);
	compare("%*d", 7, -5);
}

/* Formats that the compiler would not let pass. */
static size_t unchecked(char *text, size_t size, const char *format, ...)
{
	va_list arguments;
	size_t length;

	va_start(arguments, format);
	length = text_format_v(text, size, format, arguments);
	va_end(arguments);
	return length;
}

/* Where ours is said to differ from the library's. */
static void test_own_ways(void **state)
{
	char text[32];
	const char *volatile none = NULL;

	(void)state;
	assert_int_equal(text_format(text, sizeof(text), "%p", (void *)0xABC), 3);
	assert_string_equal(text, "abc");
	assert_int_equal(text_format(text, sizeof(text), "%s", none), 6);
	assert_string_equal(text, "(null)");
	assert_int_equal(unchecked(text, sizeof(text), "%q %"), 3);
	assert_string_equal(text, "%q ");
	text[0] = 'x';
	assert_int_equal(text_format(text, 0, "abc"), 3);
	assert_int_equal(text[0], 'x');
	assert_int_equal(text_format(NULL, 0, "%d", 12345), 5);
}

static bool match(const char *pattern, const char *text)
{
	if (!*pattern)
		return !*text;
	if (*pattern == '*')
		return match(pattern + 1, text) || (*text && match(pattern, text + 1));
	return *text && (*pattern == '?' || *pattern == *text) && match(pattern + 1, text + 1);
}

/* All patterns up to 5 characters with all texts up to 5. */
static void test_globs(void **state)
{
	static const char of_patterns[] = "ab*?", of_texts[] = "ab";
	unsigned matches = 0, misses = 0;

	(void)state;
	for (unsigned p = 0; p < 6 * 1024; p++)
		for (unsigned t = 0; t < 6 * 32; t++) {
			char pattern[6] = "", text[6] = "";
			bool wanted;

			for (unsigned i = 0; i < p / 1024; i++)
				pattern[i] = of_patterns[p >> 2 * i & 3];
			for (unsigned i = 0; i < t / 32; i++)
				text[i] = of_texts[t >> i & 1];
			wanted = match(pattern, text);
			matches += wanted;
			misses += !wanted;
			if (text_glob(pattern, text) != wanted)
				fail_msg("'%s' and '%s'", pattern, text);
		}
	assert_true(matches > 10000 && misses > 10000);
	assert_true(text_glob("start.*.x2apic", "start.sipi.vector.x2apic"));
	assert_false(text_glob("start.*.x2apic", "start.sipi.vector.xapic"));
}

static void test_small_ones(void **state)
{
	(void)state;
	assert_true(text_equal("", ""));
	assert_true(text_equal("abc", "abc"));
	assert_false(text_equal("abc", "abd"));
	assert_false(text_equal("abc", "ab"));
	assert_false(text_equal("ab", "abc"));
	assert_false(text_equal("", "a"));
	assert_int_equal(text_length(""), 0);
	assert_int_equal(text_length("four"), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers), cmocka_unit_test(test_strings),
		cmocka_unit_test(test_several), cmocka_unit_test(test_own_ways),
		cmocka_unit_test(test_globs),	cmocka_unit_test(test_small_ones),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
