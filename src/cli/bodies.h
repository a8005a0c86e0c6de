/* The directory of --bodies. */
#ifndef RINGSEND_CLI_BODIES_H
#define RINGSEND_CLI_BODIES_H

#include "cli/values.h"

#include <stdbool.h>

/* Makes it if it is not there, and sees that files can be made in it. One that holds anything is
 * refused unless `force`, since bodies may be in the way of bodies. EXIT_OK, else the message is told. */
enum exit_status bodies_prepare(const char *command, const char *path, bool force);

#endif
