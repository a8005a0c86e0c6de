#include "bench/probe.h"

#include "base/check.h"
#include "base/time.h"

#include <stdlib.h>
#include <string.h>

#define TURN_NS (50 * NS_PER_MS)
enum {
    REAP_BATCH = 64,
    PRECISION = 8,
    PUSHED_BACK_SHARE = 100,
    PUSHED_BACK_LEAST = 3,
    LONGEST = 10,
    HOPELESS = 20 /* so many answers, none of them good */
};

struct probe {
    const struct probe_settings *settings;
    struct probe_step *step;
    struct ringsend *engine;
    struct ringsend_request *slots; /* one for each connection */
    size_t next;                    /* of settings.requests */
    uint32_t in_flight;
    uint64_t measure_ns, end_ns,
        last_ns; /* measured from; to, when enough came; to, whatever came */
    bool stopping;
};

static int open_engine(struct probe *p, char *message, size_t message_bytes)
{
    struct ringsend_options options = *p->settings->engine;
    options.connections_max = options.connections_per_origin = p->step->connections;
    options.requests_max = p->step->connections;
    options.tries = 1;
    options.no_free_try = true;
    options.exact_times = true;
    options.no_pauses = true;
    options.message = message;
    options.message_bytes = message_bytes;
    return ringsend_new(&p->engine, &options);
}

static int submit(struct probe *p, struct ringsend_request *slot)
{
    const struct probe_settings *s = p->settings;
    *slot = s->requests[p->next++ % s->requests_count];
    slot->user = slot;
    slot->tries = 1;
    int error = ringsend_submit(p->engine, slot);
    p->in_flight += error == 0;
    return error;
}

static void count(struct probe *p, const struct ringsend_result *r)
{
    struct probe_step *step = p->step;
    const struct ringsend_times *times = &r->times;
    if (r->error != RINGSEND_OK) {
        step->errors++;
        step->error = r->error;
    } else if (!r->ok) {
        step->others++;
        step->status = r->status;
    } else {
        step->good++;
        if (times->done_at_ns >= p->measure_ns && !p->stopping) {
            step->ok++;
            histogram_add(&step->service_ns, times->done_at_ns - times->sent_at_ns);
        }
    }
}

static void check_pushed_back(struct probe *p)
{
    struct ringsend_stats stats = {.size = sizeof stats};
    ringsend_stats(p->engine, &stats);
    p->step->pushed_back = stats.pushed_back;
    p->step->too_many =
        stats.pushed_back >= PUSHED_BACK_LEAST &&
        stats.pushed_back * PUSHED_BACK_SHARE >= stats.completed + stats.pushed_back;
}

static bool is_enough(const struct probe *p, uint64_t now_ns)
{
    const struct probe_step *step = p->step;
    bool hopeless = step->good == 0 && step->others + step->errors >= HOPELESS;
    if (step->too_many || hopeless || now_ns >= p->last_ns)
        return true;
    return now_ns >= p->end_ns && step->service_ns.count >= 2ull * step->connections;
}

/* Takes results; each makes room for the next request, as long as the step lasts. */
static int reap(struct probe *p)
{
    const struct ringsend_result *results[REAP_BATCH];
    size_t n;
    while ((n = ringsend_reap(p->engine, results, REAP_BATCH)) > 0) {
        for (size_t i = 0; i < n; i++) {
            struct ringsend_request *slot = results[i]->request->user;
            p->in_flight--;
            count(p, results[i]);
            int error = p->stopping ? 0 : submit(p, slot);
            if (error)
                return error;
        }
    }
    return 0;
}

static int loop(struct probe *p)
{
    uint64_t now_ns = clock_monotonic_ns(), step_ns = p->settings->step_ns;
    int error = 0;
    p->measure_ns = now_ns + step_ns / 5;
    p->end_ns = p->measure_ns + step_ns;
    p->last_ns = p->measure_ns + LONGEST * step_ns;
    for (uint32_t i = 0; i < p->step->connections && !error; i++)
        error = submit(p, &p->slots[i]);
    while (!error && p->in_flight > 0) {
        if (ringsend_run(p->engine, TURN_NS) < 0)
            return -RINGSEND_E_RING;
        now_ns = clock_monotonic_ns();
        check_pushed_back(p);
        if (!p->stopping && is_enough(p, now_ns)) {
            p->stopping = true;
            p->step->elapsed_ns = now_ns > p->measure_ns ? now_ns - p->measure_ns : 0;
        }
        error = reap(p);
    }
    return error;
}

int probe_step_run(struct probe_step *step, const struct probe_settings *settings,
                   uint32_t connections, char *message, size_t message_bytes)
{
    struct probe p = {.settings = settings, .step = step};
    CHECK(connections > 0 && settings->requests_count > 0);
    *step = (struct probe_step){.connections = connections};
    if (message_bytes > 0)
        message[0] = '\0';
    p.slots = calloc(connections, sizeof *p.slots);
    int error = p.slots && histogram_init(&step->service_ns, PRECISION) ? 0 : -RINGSEND_E_NO_MEMORY;
    if (!error)
        error = open_engine(&p, message, message_bytes);
    if (!error) {
        error = loop(&p);
        const char *detail = error ? ringsend_submit_detail(p.engine) : NULL;
        if (detail && message_bytes > 0 && strlen(detail) < message_bytes)
            memcpy(message, detail, strlen(detail) + 1);
    }
    ringsend_free(p.engine);
    free(p.slots);
    return error;
}

void probe_step_free(struct probe_step *step)
{
    histogram_free(&step->service_ns);
}

double probe_step_rate(const struct probe_step *step)
{
    return step->elapsed_ns ? (double)step->ok * NS_PER_S / (double)step->elapsed_ns : 0;
}
