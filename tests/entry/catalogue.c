#include "tests/entry/catalogue.h"

#include "lib/base.h"
#include "lib/text.h"

enum kind { CHAPTER_ROW, SUBJECT_ROW, RULE_ROW };

static const struct {
	uint8_t kind, chapter;
	const char *a, *b, *c;
} rows[] = {
#define CHAPTER(number, title) { CHAPTER_ROW, number, title, NULL, NULL },
#define SUBJECT(title, sections) { SUBJECT_ROW, 0, title, sections, NULL },
#define RULE(id, words, applies) { RULE_ROW, 0, id, words, applies },
#include "tests/svm/rules.def"
#include "tests/vmx/rules_entry.def"
#include "tests/vmx/rules_guest.def"
#undef CHAPTER
#undef SUBJECT
#undef RULE
};

bool rule_find(const char *id, struct rule *rule)
{
	*rule = (struct rule){ .id = id, .words = "", .applies = "", .spec = "" };
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		switch ((enum kind)rows[i].kind) {
		case CHAPTER_ROW:
			rule->chapter = rows[i].chapter;
			break;
		case SUBJECT_ROW:
			rule->spec = rows[i].b;
			break;
		case RULE_ROW:
			if (!text_equal(rows[i].a, id))
				break;
			rule->words = rows[i].b;
			rule->applies = rows[i].c;
			return true;
		}
	return false;
}
