/* The directory of --bodies. */
#ifndef RINGSEND_CLI_BODIES_H
#define RINGSEND_CLI_BODIES_H

#include "cli/values.h"

#include <stdbool.h>

/* Opens it, made if it is not there. One that holds anything is refused unless `force`, since bodies
 * may be in the way of bodies. EXIT_OK and *fd, else the message is told. */
enum exit_status bodies_open(const char *command, const char *path, bool force, int *fd);

#endif
