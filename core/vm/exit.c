#include "vm/exit.h"

static const char *const exit_texts[] = {
#define EXIT_TEXT(name, text) text,
	EXIT_KINDS(EXIT_TEXT)
#undef EXIT_TEXT
};

const char *exit_text(enum exit_kind kind)
{
	return exit_texts[kind];
}
