/* One engine for several origins, each with a limit of its own, one for all of them together, and
 * results told apart by where they came from: COUNT requests to each URL.
 *
 *   cc origins.c $(pkg-config --cflags --libs ringsend) -o origins
 *   ./origins 100 http://127.0.0.1:8080/a http://127.0.0.1:8081/b */
#include <ringsend.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct target {
    const char *url;
    size_t submitted, finished, ok;
    uint64_t slowest_ns;
};

struct job {
    struct ringsend_request request; /* borrowed by the engine until its result is reaped */
    struct target *target;
};

/* Round and round, so that no origin waits for another's requests. */
static void submit_some(struct ringsend *engine, struct job *jobs, size_t *next, size_t total,
                        struct target *targets, size_t targets_count)
{
    while (*next < total) {
        struct job *job = &jobs[*next];
        job->target = &targets[*next % targets_count];
        job->request =
            (struct ringsend_request){.size = sizeof job->request,
                                      .url = {job->target->url, strlen(job->target->url)},
                                      .user = job};
        if (ringsend_submit(engine, &job->request) != 0)
            return;
        job->target->submitted++;
        (*next)++;
    }
}

static void take_results(struct ringsend *engine)
{
    const struct ringsend_result *result;
    while (ringsend_reap(engine, &result, 1) == 1) {
        struct target *target = ((struct job *)result->request->user)->target;
        target->finished++;
        target->ok += result->ok;
        if (result->times.total_ns > target->slowest_ns)
            target->slowest_ns = result->times.total_ns;
    }
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fputs("usage: origins COUNT URL...\n", stderr);
        return 1;
    }
    size_t targets_count = (size_t)argc - 2, next = 0;
    size_t total = strtoul(argv[1], NULL, 10) * targets_count;
    struct ringsend_options options = {.size = sizeof options,
                                       .connections_max = 12,
                                       .connections_per_origin = 4,
                                       .requests_max = 256};
    struct ringsend *engine = NULL;
    struct target *targets = calloc(targets_count, sizeof *targets);
    struct job *jobs = calloc(total + 1, sizeof *jobs);
    bool works = targets && jobs && ringsend_new(&engine, &options) == 0;
    for (size_t i = 0; works && i < targets_count; i++)
        targets[i].url = argv[2 + i];
    while (works) {
        submit_some(engine, jobs, &next, total, targets, targets_count);
        if (ringsend_idle(engine))
            break; /* all has been reaped, and what was refused will stay so */
        works = ringsend_run(engine, RINGSEND_NEVER) >= 0;
        take_results(engine);
    }
    bool all_ok = works;
    for (size_t i = 0; works && i < targets_count; i++) {
        struct target *t = &targets[i];
        printf("%s: %zu of %zu ok\n", t->url, t->ok, t->submitted);
        fprintf(stderr, "%s: the slowest took %.1f ms\n", t->url, (double)t->slowest_ns / 1e6);
        all_ok &= t->ok == total / targets_count;
    }
    ringsend_free(engine);
    free(jobs);
    free(targets);
    return all_ok ? 0 : 1;
}
