/* The file beside another one on a server. */
#include "efi/url.h"

#include "tests/host/fake/host_test.h"

static struct url url;

static bool beside(const char *uri)
{
	memset(&url, '?', sizeof(url));
	return url_beside(uri, strlen(uri), "F", &url);
}

static void test_beside(void **state)
{
	static const struct {
		const char *uri, *text, *host;
	} rows[] = {
		{ "http://10.0.2.2:8123/sub/a.efi", "http://10.0.2.2:8123/sub/F", "10.0.2.2:8123" },
		{ "https://host/a/b/c.efi", "https://host/a/b/F", "host" },
		{ "http://host/a.efi", "http://host/F", "host" },
		{ "http://host/", "http://host/F", "host" },
		{ "http://host", "http://host/F", "host" },
		{ "http://host?q=/x/y", "http://host/F", "host" },
		{ "http://host/a/b?q=/x/y", "http://host/a/F", "host" },
		{ "http://host/a/b#/x/y", "http://host/a/F", "host" },
		{ "http://me:pw@host:80/a", "http://me:pw@host:80/F", "host:80" },
		{ "http://[fe80::1]:80/a/b", "http://[fe80::1]:80/a/F", "[fe80::1]:80" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(beside(rows[i].uri));
		assert_string_equal(url.text, rows[i].text);
		assert_string_equal(url.host, rows[i].host);
	}
}

static void test_ends_at_nul(void **state)
{
	static const char uri[] = "http://host/a/b\0/c";

	(void)state;
	assert_true(url_beside(uri, sizeof(uri), "F", &url));
	assert_string_equal(url.text, "http://host/a/F");
}

static void test_refused(void **state)
{
	static const char *const rows[] = { "",
					    "http",
					    "http:",
					    "http:/",
					    "http://",
					    "/a/b",
					    "http:/host/a",
					    "http:///a",
					    "://host",
					    "http://me@/a",
					    "http://host/a b",
					    "http://h\xF6/",
					    "a?b://host/c" };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_false(beside(rows[i]));
}

static void test_size(void **state)
{
	static const char start[] = "http://host/";
	char uri[URL_SIZE + 8];

	(void)state;
	memset(uri, 'x', sizeof(uri));
	memcpy(uri, start, sizeof(start) - 1);
	/* The longest: folder, slash, name and the NUL fill it. */
	uri[URL_SIZE - 3] = '/';
	assert_true(url_beside(uri, URL_SIZE - 2, "F", &url));
	assert_int_equal(strlen(url.text), URL_SIZE - 1);
	uri[URL_SIZE - 3] = 'x';
	uri[URL_SIZE - 2] = '/';
	assert_false(url_beside(uri, URL_SIZE - 1, "F", &url));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_beside),
		cmocka_unit_test(test_ends_at_nul),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_size),
	};

	return cmocka_run_group_tests_name("URIs", tests, NULL, NULL);
}
