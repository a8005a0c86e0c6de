/* The terminal that standard error is, or is not. */
#ifndef RINGSEND_CLI_TERMINAL_H
#define RINGSEND_CLI_TERMINAL_H

#include <stdbool.h>

enum { TERMINAL_COLUMNS_MAX = 250 };

struct terminal_size {
    unsigned columns, rows; /* columns up to TERMINAL_COLUMNS_MAX; 80 and 24 when not known */
};

/* It is one, on which what stands can be drawn anew. */
bool terminal_can_redraw(void);
/* Nobody asked for none (https://no-color.org). */
bool terminal_may_colour(void);
/* As it is now. */
struct terminal_size terminal_size(void);

#endif
