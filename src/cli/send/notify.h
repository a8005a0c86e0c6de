/* What a service manager is told while a job runs (sd_notify(3)): that it has begun, how far it is,
 * that its loop lives, and that a stop takes its time. Nobody is told where NOTIFY_SOCKET is not
 * set. Nothing of it ever blocks. */
#ifndef RINGSEND_CLI_SEND_NOTIFY_H
#define RINGSEND_CLI_SEND_NOTIFY_H

#include "batch/job.h"

#include <stdatomic.h>
#include <stdint.h>

struct notify {
    int fd; /* -1: nobody listens */
    const atomic_int *stop_asked;
    uint64_t watchdog_every_ns;      /* 0: none is wanted */
    uint64_t watchdog_ns, status_ns; /* when the next one is due */
};

/* All is open, and sending begins. */
void notify_begin(struct notify *notify, const atomic_int *stop_asked);
/* Between two turns of the job. */
void notify_turn(struct notify *notify, struct job *job);
/* How long a turn may wait. */
uint64_t notify_wait_ns(const struct notify *notify);
/* After the last turn: what it came to. */
void notify_end(struct notify *notify, const struct job_report *report);

#endif
