/* What a loss of power must not take away. */
#ifndef RINGSEND_CLI_DURABLE_H
#define RINGSEND_CLI_DURABLE_H

/* The name in its directory, which a sync of the file itself says nothing of. 0 or an errno. */
int durable_name(const char *path);

#endif
