/* In an epoll loop, beside descriptors of the host's own: here a timer that stands for them, which
 * submits an order each millisecond.
 *
 * The rule for every loop: sleep until ringsend_fd is readable or stats.next_deadline_ns has come,
 * then ringsend_run with 0, which never waits, then take the results.
 *
 *   cc epoll.c $(pkg-config --cflags --libs ringsend) -o epoll
 *   ./epoll http://127.0.0.1:8080/orders 100 */
#include <ringsend.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

struct host {
    struct ringsend *engine;
    const char *url;
    int epoll_fd, timer_fd;
    size_t count, submitted, finished, ok;
    struct ringsend_request *orders; /* borrowed by the engine until their results are reaped */
};

/* Milliseconds for epoll_wait, rounded up: -1 is no end. */
static int ms_until(uint64_t at_ns)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t now_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    if (at_ns == UINT64_MAX)
        return -1;
    uint64_t ms = at_ns <= now_ns ? 0 : (at_ns - now_ns + 999999) / 1000000;
    return ms < 60000 ? (int)ms : 60000;
}

static void take_results(struct host *h)
{
    const struct ringsend_result *result;
    while (ringsend_reap(h->engine, &result, 1) == 1) {
        h->finished++;
        h->ok += result->ok;
        if (!result->ok)
            fprintf(stderr, "status %d, %s\n", result->status, ringsend_error_name(result->error));
    }
}

/* The host's own event: as many orders as the timer has ticked, if there is room. */
static void tick(struct host *h)
{
    uint64_t ticks = 0;
    if (read(h->timer_fd, &ticks, sizeof ticks) != sizeof ticks)
        return;
    for (; ticks > 0 && h->submitted < h->count; ticks--) {
        struct ringsend_request *order = &h->orders[h->submitted];
        *order = (struct ringsend_request){.size = sizeof *order, .url = {h->url, strlen(h->url)}};
        if (ringsend_submit(h->engine, order) != 0)
            return; /* full, most likely: at a later tick */
        h->submitted++;
    }
}

static int loop(struct host *h)
{
    while (h->finished < h->count) {
        struct epoll_event events[4];
        struct ringsend_stats stats = {.size = sizeof stats};
        ringsend_stats(h->engine, &stats);
        int n = epoll_wait(h->epoll_fd, events, 4, ms_until(stats.next_deadline_ns));
        for (int i = 0; i < n; i++)
            if (events[i].data.fd == h->timer_fd)
                tick(h);
        if (ringsend_run(h->engine, 0) < 0)
            return -1;
        take_results(h);
    }
    return 0;
}

static int watch(const struct host *h, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    return fd < 0 ? -1 : epoll_ctl(h->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fputs("usage: epoll URL COUNT\n", stderr);
        return 1;
    }
    struct host h = {.url = argv[1], .count = strtoul(argv[2], NULL, 10)};
    struct itimerspec each_ms = {.it_value.tv_nsec = 1000000, .it_interval.tv_nsec = 1000000};
    if (ringsend_new(&h.engine, NULL) != 0) {
        fputs("the kernel grants no ring: `ringsend doctor` tells why\n", stderr);
        return 1;
    }
    h.orders = calloc(h.count + 1, sizeof *h.orders);
    h.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    h.timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    bool ready = h.orders && watch(&h, ringsend_fd(h.engine)) == 0 && watch(&h, h.timer_fd) == 0 &&
                 timerfd_settime(h.timer_fd, 0, &each_ms, NULL) == 0;
    bool done = ready && loop(&h) == 0;
    ringsend_free(h.engine);
    free(h.orders);
    close(h.timer_fd);
    close(h.epoll_fd);
    printf("%zu of %zu ok\n", h.ok, h.count);
    return done && h.ok == h.count ? 0 : 1;
}
