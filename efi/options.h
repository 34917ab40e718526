/* The command line: plain C on plain text, so that it can be tested without firmware. */
#ifndef EFI_OPTIONS_H
#define EFI_OPTIONS_H

#include "suite/suite.h"

#include "efi/ending.h"

enum { OPTIONS_SIZE = 1024, /* of a line */ OPTIONS_PATH = 100 /* characters of -r */ };

struct options {
	bool help;
	bool apic_timer; /* see struct platform */
	bool page;	 /* stop when the screen is full */
	char error[96];	 /* what is wrong with the line; "" if nothing is */
	struct ending_options ending;
	struct suite_options suite;
};

extern const char options_usage[];

/*
 * Splits line into words in place and fills *options, which points into line afterwards. Words
 * are separated by blanks; "double quotes" keep a word with blanks together. Reads on after an
 * error, so that -s counts wherever it stands.
 */
void options_parse(char *line, struct options *options);

/* The line after its first word, which is the program's name. */
char *options_skip_word(char *line);

/* Whether the first word is the name of an EFI program. */
bool options_starts_with_program(const char *line);

#endif
