/* Datagrams to a unix socket. They go off the ring: a few in a second, and one that the manager has
 * no room for is left out; the next one tells more.
 *
 * The watchdog is fed from here alone, which the loop passes each time: a loop that stands still
 * feeds none. While the job is being stopped, each time is the promise of another that follows
 * within EXTEND_NS, so that a slow reader of the results is no reason to be killed. */
#include "cli/send/notify.h"

#include "base/time.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define STATUS_EVERY_NS (2 * NS_PER_S)
#define EXTEND_NS (15 * NS_PER_S)

enum { MESSAGE_BYTES = 256 };

static void tell(const struct notify *n, const char *message)
{
    /* What cannot be told now is told the next time. */
    (void)!send(n->fd, message, strlen(message), MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* An address of systemd's: a path, or with @ a name in the abstract namespace. */
static int reach(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t bytes = name ? strlen(name) : 0;
    if (bytes < 2 || bytes >= sizeof address.sun_path || (name[0] != '/' && name[0] != '@'))
        return -1;
    memcpy(address.sun_path, name, bytes);
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + bytes);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, length) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* A number of the environment; 0: there is none. */
static uint64_t number_of(const char *name)
{
    const char *text = getenv(name);
    char *end;
    errno = 0;
    unsigned long long number = text ? strtoull(text, &end, 10) : 0;
    return text && *end == '\0' && errno == 0 ? number : 0;
}

void notify_begin(struct notify *n, const atomic_int *stop_asked)
{
    *n = (struct notify){.fd = reach(getenv("NOTIFY_SOCKET")), .stop_asked = stop_asked};
    if (n->fd < 0)
        return;
    uint64_t us = number_of("WATCHDOG_USEC"), pid = number_of("WATCHDOG_PID");
    if (us > 0 && us < UINT64_MAX / NS_PER_US && (pid == 0 || pid == (uint64_t)getpid()))
        n->watchdog_every_ns = us * NS_PER_US / 2;
    n->watchdog_ns = n->status_ns = clock_monotonic_ns();
    tell(n, "READY=1");
}

static void tell_status(const struct notify *n, struct job *job)
{
    char text[MESSAGE_BYTES];
    struct ringsend_stats stats;
    const struct job_report *report = job_report(job);
    job_stats(job, &stats);
    int bytes = snprintf(text, sizeof text, "STATUS=%llu done, %llu not ok, %u in flight%s",
                         (unsigned long long)report->records,
                         (unsigned long long)(report->records - report->ok), stats.exchanges,
                         stats.origins_paused > 0 ? ", paused as the platform asked" : "");
    if (*n->stop_asked > 0)
        snprintf(text + bytes, sizeof text - (size_t)bytes,
                 ", stopping\nSTOPPING=1\nEXTEND_TIMEOUT_USEC=%llu", EXTEND_NS / NS_PER_US);
    tell(n, text);
}

void notify_turn(struct notify *n, struct job *job)
{
    if (n->fd < 0)
        return;
    uint64_t now_ns = clock_monotonic_ns();
    if (n->watchdog_every_ns > 0 && now_ns >= n->watchdog_ns) {
        tell(n, "WATCHDOG=1");
        n->watchdog_ns = now_ns + n->watchdog_every_ns;
    }
    if (now_ns >= n->status_ns) {
        tell_status(n, job);
        n->status_ns = now_ns + STATUS_EVERY_NS;
    }
}

uint64_t notify_wait_ns(const struct notify *n)
{
    if (n->fd < 0)
        return RINGSEND_NEVER;
    uint64_t now_ns = clock_monotonic_ns(), next_ns = n->status_ns;
    if (n->watchdog_every_ns > 0 && n->watchdog_ns < next_ns)
        next_ns = n->watchdog_ns;
    return next_ns > now_ns ? next_ns - now_ns : 0;
}

void notify_end(struct notify *n, const struct job_report *report)
{
    char text[MESSAGE_BYTES];
    if (n->fd < 0)
        return;
    snprintf(text, sizeof text,
             "STATUS=%llu done, %llu not ok, over\nSTOPPING=1\nEXTEND_TIMEOUT_USEC=%llu",
             (unsigned long long)report->records,
             (unsigned long long)(report->records - report->ok), EXTEND_NS / NS_PER_US);
    tell(n, text);
    close(n->fd);
    n->fd = -1;
}
