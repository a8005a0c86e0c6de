#include "bench/load.h"

#include "base/check.h"
#include "base/time.h"
#include "bench/environment.h"
#include "bench/series.h"
#include "bench/worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

/* So that all threads are there when the first start is due. */
#define BEGIN_IN_NS (2 * NS_PER_MS)

struct load {
    struct load_options options;
    struct series *series;
    struct worker *workers;
    pthread_t *threads;
    uint32_t made, running; /* running: their threads are not joined yet */
    sem_t ended_one;
    atomic_bool failed;
    uint64_t cpu_ns;            /* of the process before the run */
    struct environment_cpu cpu; /* of the machine, likewise */
};

static uint64_t process_cpu_ns(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return ((uint64_t)usage.ru_utime.tv_sec + (uint64_t)usage.ru_stime.tv_sec) * NS_PER_S +
           ((uint64_t)usage.ru_utime.tv_usec + (uint64_t)usage.ru_stime.tv_usec) * NS_PER_US;
}

static void set_message(char *message, size_t message_bytes, const char *text)
{
    if (message_bytes > 0 && message[0] == '\0')
        snprintf(message, message_bytes, "%s", text);
}

int load_new(struct load **load, const struct load_options *options, char *message,
             size_t message_bytes)
{
    uint32_t threads = options->settings.threads;
    CHECK(threads > 0 && threads <= options->settings.connections && options->requests_count > 0);
    struct load *l = calloc(1, sizeof *l);
    int error = l ? 0 : -RINGSEND_E_NO_MEMORY;
    if (message_bytes > 0)
        message[0] = '\0';
    if (!error) {
        l->options = *options;
        sem_init(&l->ended_one, 0, 0);
        l->series = series_new(threads, options->settings.seconds_whole);
        l->workers = calloc(threads, sizeof *l->workers);
        l->threads = calloc(threads, sizeof *l->threads);
        if (!l->series || !l->workers || !l->threads)
            error = -RINGSEND_E_NO_MEMORY;
    }
    while (!error && l->made < threads) {
        struct worker *w = &l->workers[l->made];
        error = worker_init(w, &l->options, l->series, l->made++, message, message_bytes);
        w->failed = &l->failed;
        w->ended_one = &l->ended_one;
    }
    if (!error) {
        *load = l;
        return 0;
    }
    set_message(message, message_bytes, ringsend_error_text((enum ringsend_error) - error));
    load_free(l);
    return error;
}

int load_start(struct load *load)
{
    uint64_t begin_ns = clock_monotonic_ns() + BEGIN_IN_NS;
    sigset_t all, before;
    load->cpu_ns = process_cpu_ns();
    load->cpu = environment_cpu();
    for (uint32_t i = 0; i < load->made; i++)
        worker_schedule(&load->workers[i], begin_ns);
    /* No handler, which might wait for a terminal, is to hold a request up. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (load->running < load->made) {
        uint32_t i = load->running;
        if (pthread_create(&load->threads[i], NULL, worker_run, &load->workers[i]) != 0)
            break;
        load->running++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (load->running == load->made)
        return 0;
    atomic_store(&load->failed, true);
    for (uint32_t i = load->running; i < load->made; i++)
        series_leave(load->series, 0);
    return -RINGSEND_E_NO_MEMORY;
}

bool load_second(struct load *load, uint64_t second, struct figures_second *entry)
{
    return series_wait(load->series, second, entry);
}

const struct histogram *load_so_far(const struct load *load)
{
    return series_so_far(load->series);
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Adds the workers' figures up. */
static void collect(struct load *load, struct figures *f)
{
    uint64_t ended_ns = 0, last_ns = 0, measure_ns = load->workers[0].measure_ns;
    for (uint32_t i = 0; i < load->made; i++) {
        const struct worker *w = &load->workers[i];
        figures_merge(f, &w->figures);
        ended_ns = later(ended_ns, w->ended_ns);
        last_ns = later(last_ns, w->last_done_ns);
    }
    /* A number of requests in a closed loop is done when the last one is. */
    const struct figures_settings *s = &load->options.settings;
    if (!s->open_loop && s->requests > 0 && f->started >= s->requests) {
        ended_ns = later(ended_ns, last_ns);
        f->in_time = f->requests;
    }
    f->elapsed_ns = ended_ns > measure_ns ? ended_ns - measure_ns : 0;
    f->drained_ns = last_ns > ended_ns ? last_ns - ended_ns : 0;
    f->settings = load->options.settings;
    f->cpu_ns = process_cpu_ns() - load->cpu_ns;
    struct environment_cpu cpu = environment_cpu();
    if (cpu.all_ticks > load->cpu.all_ticks)
        f->stolen_share = (double)(cpu.stolen_ticks - load->cpu.stolen_ticks) /
                          (double)(cpu.all_ticks - load->cpu.all_ticks);
    series_publish(load->series, f);
}

int load_finish(struct load *load, struct figures *figures, char *message, size_t message_bytes)
{
    int error = 0;
    if (message_bytes > 0)
        message[0] = '\0';
    for (uint32_t ended = 0; ended < load->running;)
        ended += sem_wait(&load->ended_one) == 0; /* else a signal came */
    for (uint32_t i = 0; i < load->made; i++) {
        const struct worker *w = &load->workers[i];
        if (w->error == 0 || error)
            continue;
        error = w->error;
        if (w->detail)
            set_message(message, message_bytes, w->detail);
        set_message(message, message_bytes, ringsend_error_text((enum ringsend_error) - error));
    }
    if (!error)
        collect(load, figures);
    return error;
}

void load_wake(struct load *load)
{
    for (uint32_t i = 0; i < load->made; i++)
        ringsend_wake(load->workers[i].engine);
}

void load_ring_features(const struct load *load, char *text, size_t text_bytes)
{
    ringsend_features(load->workers[0].engine, text, text_bytes);
}

void load_tls_origins(const struct load *load, struct figures_origin origins[FIGURES_ORIGINS_MAX])
{
    const struct ringsend *e = load->workers[0].engine;
    for (size_t i = 0; i < FIGURES_ORIGINS_MAX; i++) {
        if (ringsend_tls_origin(e, i, origins[i].text, sizeof origins[i].text) == 0)
            break;
    }
}

size_t load_tls_move(const struct load *load, size_t number, char *text, size_t text_bytes)
{
    return ringsend_tls_move(load->workers[0].engine, number, text, text_bytes);
}

void load_free(struct load *load)
{
    if (!load)
        return;
    CHECK(load->running == 0 || load->threads);
    for (uint32_t i = 0; i < load->running; i++)
        sem_post(&load->workers[i].release);
    for (uint32_t i = 0; i < load->running; i++)
        pthread_join(load->threads[i], NULL);
    sem_destroy(&load->ended_one);
    for (uint32_t i = 0; i < load->made; i++)
        worker_free(&load->workers[i]);
    free(load->workers);
    free(load->threads);
    series_free(load->series);
    free(load);
}
