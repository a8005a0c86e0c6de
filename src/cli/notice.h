/* Messages to standard error while a progress bar may stand there: the bar's line is wiped first. */
#ifndef RINGSEND_CLI_NOTICE_H
#define RINGSEND_CLI_NOTICE_H

#include <stdbool.h>
#include <stddef.h>

/* The cursor stands at the first column of a line that shows a bar. */
void notice_bar_stands(bool stands);
__attribute__((format(printf, 1, 2))) void notice(const char *format, ...);
/* The same from a signal handler. */
void notice_from_handler(const char *text, size_t bytes);

#endif
