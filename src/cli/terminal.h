/* Text for people: as wide as their terminal, in colours if it has them, and nothing in it that a
 * terminal would take for a command. */
#ifndef RINGSEND_CLI_TERMINAL_H
#define RINGSEND_CLI_TERMINAL_H

#include "ringsend.h"

#include <stdbool.h>
#include <stdio.h>

enum { TERMINAL_COLUMNS_MAX = 250 };

struct terminal_size {
    unsigned columns, rows; /* columns up to TERMINAL_COLUMNS_MAX; 80 and 24 when not known */
};

/* Standard error is a terminal on which what stands can be drawn anew. */
bool terminal_can_redraw(void);
/* Nobody asked for none (https://no-color.org). */
bool terminal_may_colour(void);
/* Of standard error, as it is now. */
struct terminal_size terminal_size(void);

/* Of the terminal that it leads to; 0: it leads to none, or that does not say. */
unsigned terminal_columns(int fd);

/* Begin and end of text that stands out; nothing where there are no colours. */
const char *terminal_style(int fd, const char *style);
#define TERMINAL_RED "\x1b[31m"
#define TERMINAL_GREEN "\x1b[32m"
#define TERMINAL_YELLOW "\x1b[33m"
#define TERMINAL_BOLD "\x1b[1m"
#define TERMINAL_PLAIN "\x1b[0m"

/* In one line: blanks for line ends, dots for what a terminal must not be given. */
void terminal_print(FILE *out, struct ringsend_bytes text);

/* Words, in lines of at most so many columns; the next line begins with `indent` blanks. A word
 * that is longer than a line stands in one of its own. */
struct wrapped {
    FILE *out;
    unsigned columns, indent;
    unsigned at; /* where the next word would begin */
};

void wrapped_print(struct wrapped *w, struct ringsend_bytes text);
/* Ends the line, unless nothing stands in it. */
void wrapped_end(struct wrapped *w);

#endif
