/* The directory of --bodies. */
#ifndef RINGSEND_CLI_SEND_BODIES_H
#define RINGSEND_CLI_SEND_BODIES_H

#include "cli/options/values.h"

#include <stdbool.h>

struct bodies {
    const char *path; /* null: there is none */
    bool created;     /* by us: to be removed again when nothing is sent after all */
    bool used;        /* it holds something: bodies may be in the way of bodies */
};

/* Makes it if it is not there, and sees that files can be made in it. EXIT_OK, else the message is
 * told. */
enum exit_status bodies_prepare(struct bodies *bodies, const char *command, const char *path);
/* The file of this path would stand in it, and under a name that a body may have. */
bool bodies_may_hit(const struct bodies *bodies, const char *path);
/* Removes what was made, if it is empty. */
void bodies_undo(const struct bodies *bodies);

#endif
