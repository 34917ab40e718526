/* libFuzzer: any bytes as an options file, as load options, and the line that comes of them; and as
 * the URI that the program came from. */
#include "efi/options.h"
#include "efi/options_source.h"
#include "efi/url.h"

#include "tests/host/fake/fake_platform.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parse(char *line, const char *why)
{
	struct options options;
	const char *end = line + strlen(line);

	FAKE_CHECK(!why || !line[0]);
	for (const char *c = line; *c; c++)
		FAKE_CHECK(*c == '\t' || (*c >= ' ' && *c <= '~'));
	options_parse(line, &options);
	FAKE_CHECK(options.suite.filter_count <= SUITE_FILTERS_MAX);
	for (unsigned i = 0; i < options.suite.filter_count; i++)
		FAKE_CHECK(options.suite.filters[i] >= line && options.suite.filters[i] < end);
	FAKE_CHECK(strlen(options.error) < sizeof(options.error));
	FAKE_CHECK(options.error[0] || strlen(options.suite.report) <= OPTIONS_PATH);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char line[OPTIONS_SIZE];
	struct url url;

	if (url_beside((const char *)data, size, "OPTIONS.TXT", &url)) {
		FAKE_CHECK(strlen(url.text) < sizeof(url.text));
		FAKE_CHECK(url.host[0] && strstr(url.text, url.host));
	}
	parse(line, options_from_file(data, size, line, sizeof(line)));
	parse(line, options_from_load(data, size, line, sizeof(line)));
	return 0;
}
