/* What full TLS handshakes do to the exchanges beside them.
 *
 * handshake_load CA_FILE URL PORT WAVES [CPU CPU] keeps 40 exchanges with URL going, each begun as
 * soon as one ended, and takes the time of each: alone; beside WAVES waves of 100 requests to the
 * 100 origins https://127.0.1.1:PORT/ to https://127.0.1.100:PORT/ in the same engine, each wave
 * sent at once and on connections of its own; and beside the same waves from another process. What
 * the last does to them is the machine's doing, what the second does beyond that, the engine's. The
 * servers behind PORT resume no session, which is checked. The server of URL should answer after
 * some milliseconds: with less, it is the load that is measured. With two CPUs named, the thread
 * that runs the kept exchanges stays on the first, the threads that the engine starts, and the
 * other process, on the second: where the server of PORT is on the second, too, it is seen how far
 * handshakes hold up the loop, and not who gets the processor. Prints the median, 99th percentile
 * and largest of each. Any error ends the program. */
#include "ringsend.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KEPT = 40, WAVE = 100, ALONE = 6000, SAMPLES_MAX = 1 << 20, BATCH = 64 };

struct load {
    struct ringsend *engine;
    struct ringsend_request kept[KEPT], fresh[WAVE];
    char urls[WAVE][64];
    struct ringsend_header close;
    uint64_t samples_ns[SAMPLES_MAX];
    size_t samples;
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

/* This thread from now on, and the threads that it starts. */
static void pin(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    if (cpu >= 0)
        CPU_SET((size_t)cpu, &set);
    if (cpu >= 0 && sched_setaffinity(0, sizeof set, &set) != 0)
        fail("CPU %d cannot be used", cpu);
}

static struct load *load_new(const char *ca_file, const char *url, const char *port)
{
    struct load *load = calloc(1, sizeof *load);
    if (!load)
        fail("memory is out");
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
    }
    return load;
}

static void turn(struct load *load)
{
    const struct ringsend_result *results[BATCH];
    if (ringsend_run(load->engine, RINGSEND_NEVER) < 0)
        fail("the io_uring broke");
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
    printf("%s: p50 %.3f ms, p99 %.3f ms, max %.3f ms of %zu\n", name, (double)ns[median] / 1e6,
           (double)ns[p99] / 1e6, (double)ns[n - 1] / 1e6, n);
    load->samples = 0;
}

/* Several requests to as many origins at once; kept exchanges go on meanwhile. */
static void wave(struct load *load, int requests)
{
    for (int i = 0; i < requests; i++)
        submit(load, &load->fresh[i]);
    for (load->fresh_left = requests; load->fresh_left > 0;)
        turn(load);
}

static void waves(struct load *load, long count)
{
    struct ringsend_stats before = {.size = sizeof before}, after = {.size = sizeof after};
    ringsend_stats(load->engine, &before);
    for (long i = 0; i < count; i++)
        wave(load, WAVE);
    ringsend_stats(load->engine, &after);
    if (after.handshakes_full - before.handshakes_full != (uint64_t)(count * WAVE))
        fail("not every handshake was a full one");
}

/* A process that makes the same waves once a byte comes through the pipe. */
static pid_t start_another(char **argv, long count, int cpu, int go[2])
{
    if (pipe(go) != 0)
        fail("no pipe is to be had");
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    char byte;
    pin(cpu);
    struct load *load = load_new(argv[1], argv[2], argv[3]);
    if (read(go[0], &byte, 1) == 1)
        waves(load, count);
    ringsend_free(load->engine);
    free(load);
    exit(0);
}

static void beside_another(struct load *load, pid_t pid, int go[2])
{
    int status;
    if (write(go[1], "", 1) != 1)
        fail("the other process is gone");
    while (waitpid(pid, &status, WNOHANG) == 0)
        turn(load);
    if (status != 0)
        fail("the other process failed");
}

int main(int argc, char **argv)
{
    bool pinned = argc == 7;
    long count = argc == 5 || pinned ? strtol(argv[4], NULL, 10) : 0;
    int loop_cpu = pinned ? (int)strtol(argv[5], NULL, 10) : -1;
    int other_cpu = pinned ? (int)strtol(argv[6], NULL, 10) : -1, go[2];
    if (count < 1)
        fail("usage: handshake_load CA_FILE URL PORT WAVES [CPU CPU]");
    pid_t another = start_another(argv, count, other_cpu, go);
    pin(other_cpu);
    struct load *load = load_new(argv[1], argv[2], argv[3]);
    wave(load, 1); /* starts the engine's thread for handshakes */
    pin(loop_cpu);
    for (int i = 0; i < KEPT; i++)
        submit(load, &load->kept[i]);
    while (load->samples < KEPT) /* connections are made */
        turn(load);
    load->samples = 0;
    while (load->samples < ALONE)
        turn(load);
    report(load, "alone");
    waves(load, count);
    report(load, "beside, in one engine");
    beside_another(load, another, go);
    report(load, "beside, in two processes");
    ringsend_free(load->engine);
    free(load);
    return 0;
}
