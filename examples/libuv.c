/* In a libuv loop: a poll handle for ringsend_fd, a timer for the engine's next deadline, and a
 * prepare handle that runs the engine before each sleep, so that whatever callbacks submitted is on
 * its way.
 *
 *   cc libuv.c $(pkg-config --cflags --libs ringsend libuv) -o libuv
 *   ./libuv http://127.0.0.1:8080/orders 1000 */
#include <ringsend.h>
#include <uv.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct host {
    struct ringsend *engine;
    const char *url;
    size_t count, submitted, finished, ok;
    struct ringsend_request *orders; /* borrowed by the engine until their results are reaped */
    uv_prepare_t prepare;
    uv_poll_t poll;
    uv_timer_t timer;
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

/* Nothing to do: being woken is enough, the prepare handle does the rest. */
static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)poll, (void)status, (void)events;
}

static void on_timer(uv_timer_t *timer)
{
    (void)timer;
}

static void arm_timer(struct host *h)
{
    struct ringsend_stats stats = {.size = sizeof stats};
    ringsend_stats(h->engine, &stats);
    if (stats.next_deadline_ns == UINT64_MAX) {
        uv_timer_stop(&h->timer);
        return;
    }
    uint64_t now_ns = uv_hrtime(); /* CLOCK_MONOTONIC */
    uint64_t left_ns = stats.next_deadline_ns > now_ns ? stats.next_deadline_ns - now_ns : 0;
    uv_timer_start(&h->timer, on_timer, (left_ns + 999999) / 1000000, 0);
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct host *h = prepare->data;
    submit_some(h);
    int ready = ringsend_run(h->engine, 0);
    take_results(h);
    if (ready >= 0 && h->finished < h->count) {
        arm_timer(h);
        return;
    }
    uv_close((uv_handle_t *)&h->poll, NULL);
    uv_close((uv_handle_t *)&h->timer, NULL);
    uv_close((uv_handle_t *)&h->prepare, NULL);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fputs("usage: libuv URL COUNT\n", stderr);
        return 1;
    }
    struct host h = {.url = argv[1], .count = strtoul(argv[2], NULL, 10)};
    if (ringsend_new(&h.engine, NULL) != 0) {
        fputs("the kernel grants no ring: `ringsend doctor` tells why\n", stderr);
        return 1;
    }
    uv_loop_t *loop = uv_default_loop();
    h.orders = calloc(h.count + 1, sizeof *h.orders);
    h.prepare.data = &h;
    if (h.orders && uv_poll_init(loop, &h.poll, ringsend_fd(h.engine)) == 0) {
        uv_timer_init(loop, &h.timer);
        uv_prepare_init(loop, &h.prepare);
        uv_poll_start(&h.poll, UV_READABLE, on_readable);
        uv_prepare_start(&h.prepare, on_prepare);
        uv_run(loop, UV_RUN_DEFAULT);
    }
    uv_loop_close(loop);
    ringsend_free(h.engine);
    free(h.orders);
    printf("%zu of %zu ok\n", h.ok, h.count);
    return h.ok == h.count ? 0 : 1;
}
