/* What `ringsend doctor` looks at: one finding for each thing that this machine gives or refuses.
 */
#ifndef RINGSEND_CLI_CHECKS_H
#define RINGSEND_CLI_CHECKS_H

#include <stdbool.h>
#include <stddef.h>

enum finding_state {
    FINDING_OK,
    FINDING_NOTE, /* works, but somebody may want to know */
    FINDING_FAULT /* something will not work: there is a cure */
};

struct finding {
    const char *name; /* static */
    enum finding_state state;
    char text[512];
    char cure[768];  /* empty unless there is something to do */
    bool is_literal; /* the cure has lines to be typed as they are */
};

enum {
    CHECKS_FIXED = 8, /* kernel, io_uring, containers, memlock, nofile, ports, tls, localhost */
};

/* Writes CHECKS_FIXED findings, then one for each of the hosts. Blocks on the resolver. */
void checks_run(struct finding *findings, char *const *hosts, size_t hosts_count);

#endif
