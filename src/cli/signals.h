/* The signals that ask a command to end: SIGINT, SIGTERM, and SIGHUP, with which a terminal says
 * that it is gone. What was ignored when the program began (nohup, or a shell's `&` without job
 * control) stays ignored. SIGQUIT is left as it is: it ends a command at once, as SIGKILL does. */
#ifndef RINGSEND_CLI_SIGNALS_H
#define RINGSEND_CLI_SIGNALS_H

#include <stdatomic.h>

/* From now on they are counted, and `wake` is called in the handler, with these signals blocked.
 * For the first of them (the count is 1) it may unblock them, so that the second one gets through
 * whatever it is stuck in. To be called by the one thread in which they are to come: others block
 * them. A reader that goes away and a file that is too large are errors of the write from now on.
 */
void signals_catch(void (*wake)(void));
/* Of one more, or of another meaning: unless it is ignored. */
void signals_catch_one(int number, void (*handler)(int), int flags);
/* How often the user has asked for the end. A closed terminal asks once, however often it says so,
 * and all within 100 ms of the first one asks once. */
const atomic_int *signals_stops(void);
/* The program acts on it: what comes before that is no second one. */
void signals_hear(void);
/* The last one that was counted. */
int signals_last(void);
/* Within the two no handler runs in this thread. */
void signals_block(void);
void signals_unblock(void);

#endif
