#include "vm/dump.h"

#include "backend.h"
#include "lib/text.h"

void vcpu_dump(struct vcpu *vcpu, void (*line)(const char *text))
{
	char text[100];
	struct field field;
	uint64_t value;

	text_format(text, sizeof(text), "last exit: %s (%x)", exit_text(vcpu->last_exit.kind),
		    (unsigned)vcpu->last_exit.reason);
	line(text);
	for (unsigned i = 0; backend->field(i, &field); i++) {
		if (backend->field_get(vcpu, field.encoding, &value) != STATUS_OK)
			continue; /* this processor does not have the field */
		text_format(text, sizeof(text), "%04X %-40s %016llx", (unsigned)field.encoding,
			    field.name, (unsigned long long)value);
		line(text);
	}
}
