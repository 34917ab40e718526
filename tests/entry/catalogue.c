#include "tests/entry/catalogue.h"

#include "backend.h"
#include "lib/base.h"
#include "lib/text.h"

enum kind { CHAPTER_ROW, SUBJECT_ROW, RULE_ROW };

struct row {
	uint8_t kind, chapter;
	const char *a, *b, *c;
};

#define CHAPTER(number, title) { CHAPTER_ROW, number, title, NULL, NULL },
#define SUBJECT(title, sections) { SUBJECT_ROW, 0, title, sections, NULL },
#define RULE(id, words, applies) { RULE_ROW, 0, id, words, applies },
static const struct row vmx[] = {
#include "tests/vmx/rules_entry.def"
#include "tests/vmx/rules_guest.def"
};
static const struct row svm[] = {
#include "tests/svm/rules.def"
};
#undef CHAPTER
#undef SUBJECT
#undef RULE

static bool find(const struct row *rows, unsigned count, const char *id, struct rule *rule)
{
	*rule = (struct rule){ .id = id, .words = "", .applies = "", .spec = "" };
	for (unsigned i = 0; i < count; i++)
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

bool rule_find(const char *id, struct rule *rule)
{
	if (backend && backend->cites_amd)
		return find(svm, ARRAY_SIZE(svm), id, rule);
	return find(vmx, ARRAY_SIZE(vmx), id, rule);
}
