/* What is told once when a command works over epoll because io_uring was refused. Nobody should
 * read its figures without knowing. A terminal stopped with Ctrl-S, or a pipe that is full, holds
 * nothing up, and one whose reader is gone ends nothing: there only summary and report tell it. */
#ifndef RINGSEND_CLI_FALLBACK_H
#define RINGSEND_CLI_FALLBACK_H

/* The message of ringsend_options, after an engine was made: empty, nothing is told. */
void fallback_tell(const char *command, const char *message);
/* The same of a ring of one's own: the negated errno that io_uring ended with; 0: nothing. */
void fallback_tell_refused(const char *command, int refused);

#endif
