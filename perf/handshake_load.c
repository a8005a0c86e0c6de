/* What full TLS handshakes do to the exchanges beside them, in one engine.
 *
 * handshake_load CA_FILE URL PORT WAVES keeps 40 exchanges with URL going, each begun as soon as one
 * ended, and takes the time of each: first alone, then beside WAVES waves of 100 requests to the
 * 100 origins https://127.0.1.1:PORT/ to https://127.0.1.100:PORT/, each wave sent at once and on
 * connections of its own. The servers behind PORT resume no session, which is checked. The server of
 * URL should answer after some milliseconds: with less, it is the load that is measured. Prints both
 * times' median, 99th percentile and largest, and the most CPU that a single turn of the engine
 * took, which tells the same on a busy machine. Any error ends the program. */
#include "ringsend.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { KEPT = 40, WAVE = 100, ALONE = 6000, SAMPLES_MAX = 1 << 20, BATCH = 64 };

struct load {
    struct ringsend *engine;
    struct ringsend_request kept[KEPT], fresh[WAVE];
    char urls[WAVE][64];
    struct ringsend_header close;
    uint64_t samples_ns[SAMPLES_MAX];
    size_t samples;
    uint64_t longest_turn_ns;
    int fresh_left; /* of the wave */
};

__attribute__((noreturn, format(printf, 1, 2))) static void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("handshake_load: ", stderr);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

static void submit(struct load *load, struct ringsend_request *request)
{
    int error = -ringsend_submit(load->engine, request);
    if (error != RINGSEND_OK)
        fail("%.*s: %s", (int)request->url.bytes, request->url.data,
             ringsend_error_text((enum ringsend_error)error));
}

static void start(struct load *load, const char *ca_file, const char *url, const char *port)
{
    char message[512] = "";
    struct ringsend_options options = {.size = sizeof options,
                                       .connections_max = KEPT + WAVE,
                                       .tries = 1,
                                       .ca_file = ca_file,
                                       .message = message,
                                       .message_bytes = sizeof message};
    if (ringsend_new(&load->engine, &options) != 0)
        fail("%s", message);
    load->close = (struct ringsend_header){{"connection", 10}, {"close", 5}};
    for (int i = 0; i < WAVE; i++) {
        snprintf(load->urls[i], sizeof load->urls[i], "https://127.0.1.%d:%s/", i + 1, port);
        load->fresh[i] = (struct ringsend_request){.size = sizeof load->fresh[i],
                                                   .url = {load->urls[i], strlen(load->urls[i])},
                                                   .headers = &load->close,
                                                   .headers_count = 1};
    }
    for (int i = 0; i < KEPT; i++) {
        load->kept[i] =
            (struct ringsend_request){.size = sizeof load->kept[i],
                                      .url = {url, strlen(url)},
                                      .user = load}; /* told from the fresh ones by it */
        submit(load, &load->kept[i]);
    }
}

static uint64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void turn(struct load *load)
{
    const struct ringsend_result *results[BATCH];
    uint64_t start_ns = cpu_ns();
    if (ringsend_run(load->engine, RINGSEND_NEVER) < 0)
        fail("the io_uring broke");
    uint64_t turn_ns = cpu_ns() - start_ns;
    if (turn_ns > load->longest_turn_ns)
        load->longest_turn_ns = turn_ns;
    size_t n;
    while ((n = ringsend_reap(load->engine, results, BATCH)) > 0) {
        for (size_t i = 0; i < n; i++) {
            const struct ringsend_result *r = results[i];
            if (!r->ok)
                fail("%.*s: status %d, %s", (int)r->request->url.bytes, r->request->url.data,
                     r->status, r->detail ? r->detail : ringsend_error_text(r->error));
            if (!r->request->user) {
                load->fresh_left--;
                continue;
            }
            if (load->samples == SAMPLES_MAX)
                fail("too many exchanges");
            load->samples_ns[load->samples++] = r->times.total_ns;
            submit(load, r->request);
        }
    }
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void report(struct load *load, const char *name)
{
    uint64_t *ns = load->samples_ns;
    size_t n = load->samples, median = n / 2, p99 = n * 99 / 100;
    qsort(ns, n, sizeof *ns, by_size);
    printf("%s: p50 %.3f ms, p99 %.3f ms, max %.3f ms of %zu; longest turn %.3f ms of CPU\n", name,
           (double)ns[median] / 1e6, (double)ns[p99] / 1e6, (double)ns[n - 1] / 1e6, n,
           (double)load->longest_turn_ns / 1e6);
    load->longest_turn_ns = 0;
    load->samples = 0;
}

int main(int argc, char **argv)
{
    long waves = argc == 5 ? strtol(argv[4], NULL, 10) : 0;
    struct load *load = calloc(1, sizeof *load);
    if (waves < 1 || !load)
        fail("usage: handshake_load CA_FILE URL PORT WAVES");
    start(load, argv[1], argv[2], argv[3]);
    while (load->samples < KEPT) /* connections are made */
        turn(load);
    struct ringsend_stats before = {.size = sizeof before}, after = {.size = sizeof after};
    ringsend_stats(load->engine, &before);
    load->samples = 0;
    while (load->samples < ALONE)
        turn(load);
    report(load, "alone");
    for (long i = 0; i < waves; i++) {
        for (int j = 0; j < WAVE; j++)
            submit(load, &load->fresh[j]);
        for (load->fresh_left = WAVE; load->fresh_left > 0;)
            turn(load);
    }
    report(load, "beside");
    ringsend_stats(load->engine, &after);
    printf("handshakes: %llu full, %llu resumed\n",
           (unsigned long long)(after.handshakes_full - before.handshakes_full),
           (unsigned long long)(after.handshakes_resumed - before.handshakes_resumed));
    ringsend_free(load->engine);
    free(load);
    return 0;
}
