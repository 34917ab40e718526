/* Options as the firmware or a file has them: every encoding, and bytes that are none. */
#include "efi/options_source.h"

#include "tests/host/fake/host_test.h"

static char line[32];

static const char *from_file(const char *bytes, size_t count)
{
	memset(line, '?', sizeof(line));
	return options_from_file((const uint8_t *)bytes, count, line, sizeof(line));
}

static const char *from_load(const char *bytes, size_t count)
{
	memset(line, '?', sizeof(line));
	return options_from_load((const uint8_t *)bytes, count, line, sizeof(line));
}

#define FILE_IS(bytes, wanted)                                                                     \
	do {                                                                                       \
		assert_null(from_file(bytes, sizeof(bytes) - 1));                                  \
		assert_string_equal(line, wanted);                                                 \
	} while (0)
#define FILE_REFUSED(bytes)                                                                        \
	do {                                                                                       \
		assert_non_null(from_file(bytes, sizeof(bytes) - 1));                              \
		assert_string_equal(line, "");                                                     \
	} while (0)

static void test_file(void **state)
{
	char full[sizeof(line) + 1];

	(void)state;
	FILE_IS("", "");
	FILE_IS("-l", "-l");
	FILE_IS("-l\r\n-s\n", "-l");
	FILE_IS("\n\r\n  \n# a comment\n\t# one more\n-s a.*\nx", "-s a.*");
	FILE_IS("# nothing\n", "");
	FILE_IS("\n\n", "");
	memset(full, 'x', sizeof(full));
	assert_null(from_file(full, sizeof(line) - 1));
	assert_int_equal(strlen(line), sizeof(line) - 1);
	assert_string_equal(from_file(full, sizeof(line)), "a line that is too long");
	assert_string_equal(line, "");
}

static void test_encodings(void **state)
{
	(void)state;
	FILE_IS("\xEF\xBB\xBF-l\r\n", "-l");
	FILE_IS("\xFF\xFE-\0l\0\r\0\n\0", "-l"); /* what the Shell's echo writes */
	FILE_IS("\xFE\xFF\0-\0l", "-l");
	FILE_IS("\xFF\xFE\n\0-\0s\0", "-s");
	FILE_IS("\xFF\xFE", "");
	FILE_IS("\xFF\xFEx", ""); /* half a character */
	FILE_REFUSED("-\0l\0");	  /* UTF-16 without its mark */
	FILE_REFUSED("machine.* \xC3\xBC");
	FILE_REFUSED("\xFF\xFE\xFC\0");
	FILE_REFUSED("\xEF\xBBx");
	FILE_REFUSED("-l\x7F");
}

static void test_load_options(void **state)
{
	(void)state;
	assert_null(from_load("-\0c\0 \0\x31\0\0\0x\0", 12));
	assert_string_equal(line, "-c 1");
	assert_null(from_load("-\0c\0", 4)); /* no terminator */
	assert_string_equal(line, "-c");
	assert_null(from_load("\xFF\xFE-\0l\0", 6));
	assert_string_equal(line, "-l");
	assert_null(from_load("", 0));
	assert_string_equal(line, "");
	assert_non_null(from_load("-\0l", 3));
	assert_string_equal(line, "");
	assert_string_equal(from_load("-\0l\0\xFC\0", 6), "a character that is not ASCII");
	assert_string_equal(line, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_encodings),
		cmocka_unit_test(test_load_options),
	};

	return cmocka_run_group_tests_name("sources of options", tests, NULL, NULL);
}
