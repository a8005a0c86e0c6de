/* In an sd-event loop (systemd): an I/O source for ringsend_fd, a timer for the engine's next
 * deadline, and a prepare callback that runs the engine before each sleep, so that whatever
 * handlers submitted is on its way.
 *
 *   cc sd_event.c $(pkg-config --cflags --libs ringsend libsystemd) -o sd_event
 *   ./sd_event http://127.0.0.1:8080/orders 1000 */
#include <ringsend.h>

#include <systemd/sd-event.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

struct host {
    struct ringsend *engine;
    const char *url;
    size_t count, submitted, finished, ok;
    struct ringsend_request *orders; /* borrowed by the engine until their results are reaped */
    sd_event *loop;
    sd_event_source *io, *timer;
};

static void submit_some(struct host *h)
{
    while (h->submitted < h->count) {
        struct ringsend_request *order = &h->orders[h->submitted];
        *order = (struct ringsend_request){.size = sizeof *order, .url = {h->url, strlen(h->url)}};
        if (ringsend_submit(h->engine, order) != 0)
            return; /* full, most likely: when results have been taken */
        h->submitted++;
    }
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

/* Nothing to do: being woken is enough, prepare does the rest. */
static int on_readable(sd_event_source *source, int fd, uint32_t events, void *data)
{
    (void)source, (void)fd, (void)events, (void)data;
    return 0;
}

static int on_timer(sd_event_source *source, uint64_t at_us, void *data)
{
    (void)source, (void)at_us, (void)data;
    return 0;
}

/* Runs before each sleep of the loop. */
static int on_prepare(sd_event_source *source, void *data)
{
    struct host *h = data;
    (void)source;
    submit_some(h);
    int ready = ringsend_run(h->engine, 0);
    take_results(h);
    if (ready < 0 || h->finished == h->count)
        return sd_event_exit(h->loop, ready < 0);
    struct ringsend_stats stats = {.size = sizeof stats};
    ringsend_stats(h->engine, &stats);
    if (stats.next_deadline_ns == UINT64_MAX)
        return sd_event_source_set_enabled(h->timer, SD_EVENT_OFF);
    sd_event_source_set_time(h->timer, (stats.next_deadline_ns + 999) / 1000);
    return sd_event_source_set_enabled(h->timer, SD_EVENT_ONESHOT);
}

static bool add_sources(struct host *h)
{
    int fd = ringsend_fd(h->engine);
    return sd_event_add_io(h->loop, &h->io, fd, EPOLLIN, on_readable, h) >= 0 &&
           sd_event_source_set_prepare(h->io, on_prepare) >= 0 &&
           sd_event_add_time(h->loop, &h->timer, CLOCK_MONOTONIC, 0, 1000, on_timer, h) >= 0;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fputs("usage: sd_event URL COUNT\n", stderr);
        return 1;
    }
    struct host h = {.url = argv[1], .count = strtoul(argv[2], NULL, 10)};
    if (ringsend_new(&h.engine, NULL) != 0) {
        fputs("the kernel grants no ring: `ringsend doctor` tells why\n", stderr);
        return 1;
    }
    h.orders = calloc(h.count + 1, sizeof *h.orders);
    if (h.orders && sd_event_new(&h.loop) >= 0 && add_sources(&h))
        sd_event_loop(h.loop);
    sd_event_source_unref(h.timer);
    sd_event_source_unref(h.io);
    sd_event_unref(h.loop);
    ringsend_free(h.engine);
    free(h.orders);
    printf("%zu of %zu ok\n", h.ok, h.count);
    return h.ok == h.count ? 0 : 1;
}
