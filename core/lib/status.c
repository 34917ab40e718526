#include "lib/status.h"

#include "lib/base.h"

static const char *const texts[] = {
#define STATUS_TEXT(name, text) [STATUS_##name] = text,
	STATUS_LIST(STATUS_TEXT)
#undef STATUS_TEXT
};

const char *status_text(enum status status)
{
	return (size_t)status < ARRAY_SIZE(texts) ? texts[status] : "unknown status";
}
