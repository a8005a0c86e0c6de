#include "bench/figures.h"

#include "base/time.h"

#include <math.h>
#include <stdlib.h>

#define CPU_SHARE_FULL 0.95
#define BOUND_TOLERANCE 1.01

/* All histograms of a set of figures, in one place for what is done to each. */
enum { HISTOGRAMS = 16 };

static void histograms_of(struct figures *f, struct histogram *all[HISTOGRAMS])
{
    struct histogram *list[HISTOGRAMS] = {
        &f->response_ns,       &f->service_ns,
        &f->send_lag_ns,       &f->dns_ns,
        &f->connect_ns,        &f->tls_ns,
        &f->first_byte_ns,     &f->transfer_ns,
        &f->tcp.rtt_ns,        &f->split.sending_ns,
        &f->split.outside_ns,  &f->split.receiving_ns,
        &f->loop_lag_ns,       &f->response_bounds_ns,
        &f->service_bounds_ns, &f->send_lag_bounds_ns,
    };
    for (size_t i = 0; i < HISTOGRAMS; i++)
        all[i] = list[i];
}

bool figures_init(struct figures *f)
{
    struct histogram *all[HISTOGRAMS];
    *f = (struct figures){0};
    histograms_of(f, all);
    for (size_t i = 0; i < HISTOGRAMS; i++) {
        if (!histogram_init(all[i], FIGURES_PRECISION)) {
            figures_free(f);
            return false;
        }
    }
    if (!heat_init(&f->heat)) {
        figures_free(f);
        return false;
    }
    return true;
}

void figures_free(struct figures *f)
{
    struct histogram *all[HISTOGRAMS];
    histograms_of(f, all);
    for (size_t i = 0; i < HISTOGRAMS; i++)
        histogram_free(all[i]);
    heat_free(&f->heat);
    for (size_t i = 0; i < f->series_count; i++)
        free(f->series[i].times);
    free(f->series);
    *f = (struct figures){0};
}

static void counts_merge(struct figures *into, const struct figures *from)
{
    into->scheduled += from->scheduled;
    into->started += from->started;
    into->requests += from->requests;
    into->ok += from->ok;
    into->in_time += from->in_time;
    into->errors_count += from->errors_count;
    for (size_t i = 0; i < RINGSEND_ERROR_COUNT; i++)
        into->errors[i] += from->errors[i];
    for (size_t i = 0; i <= FIGURES_STATUS_MAX; i++)
        into->statuses[i] += from->statuses[i];
    into->timed_out += from->timed_out;
    into->late_starts += from->late_starts;
    into->late_waits += from->late_waits;
    into->late_loop += from->late_loop;
    into->cancelled += from->cancelled;
    into->never_started += from->never_started;
    if (from->never_started_wait_ns > into->never_started_wait_ns)
        into->never_started_wait_ns = from->never_started_wait_ns;
    into->rests += from->rests;
    if (from->rest_max_ns > into->rest_max_ns)
        into->rest_max_ns = from->rest_max_ns;
    into->warmup_requests += from->warmup_requests;
    into->bytes_sent += from->bytes_sent;
    into->bytes_received += from->bytes_received;
    into->connections_opened += from->connections_opened;
    into->connections_peak += from->connections_peak;
    into->enters += from->enters;
    into->handshakes_full += from->handshakes_full;
    into->handshakes_resumed += from->handshakes_resumed;
    into->cpu_ns += from->cpu_ns;
}

void figures_merge(struct figures *into, const struct figures *from)
{
    struct histogram *to[HISTOGRAMS], *of[HISTOGRAMS];
    histograms_of(into, to);
    histograms_of((struct figures *)(uintptr_t)from, of); /* only read */
    for (size_t i = 0; i < HISTOGRAMS; i++)
        histogram_merge(to[i], of[i]);
    heat_merge(&into->heat, &from->heat);
    counts_merge(into, from);
    if (from->cpu_share > into->cpu_share)
        into->cpu_share = from->cpu_share;
    if (from->waited_share > into->waited_share)
        into->waited_share = from->waited_share;
    into->stopped_early |= from->stopped_early;
    if (from->drained_ns > into->drained_ns)
        into->drained_ns = from->drained_ns;
    into->tcp.samples += from->tcp.samples;
    into->tcp.retransmits += from->tcp.retransmits;
    into->tcp.connections += from->tcp.connections;
    into->split.samples += from->split.samples;
    if (!into->tcp.absent)
        into->tcp.absent = from->tcp.absent;
    if (!into->split.absent)
        into->split.absent = from->split.absent;
}

bool figures_add_second(struct figures *f, const struct figures_second *second)
{
    if (f->series_count == f->series_capacity) {
        size_t capacity = f->series_capacity ? 2 * f->series_capacity : 64;
        struct figures_second *series = realloc(f->series, capacity * sizeof *series);
        if (!series)
            return false;
        f->series = series;
        f->series_capacity = capacity;
    }
    f->series[f->series_count++] = *second;
    return true;
}

bool figures_is_bound(const struct histogram *all, const struct histogram *bounds, double fraction)
{
    double rank = fmax(1, ceil(fraction * (double)all->count)), exact = 0;
    double limit = (double)histogram_quantile(all, fraction) * BOUND_TOLERANCE;
    if (bounds->count == 0)
        return false;
    for (size_t i = 0; i < all->buckets && exact < rank; i++) {
        if (all->counts[i] > 0 && (double)histogram_upper_edge(all, i) > limit)
            break;
        exact += (double)(all->counts[i] - bounds->counts[i]);
    }
    return exact < rank;
}

double figures_rate(const struct figures *f)
{
    return f->elapsed_ns > 0 ? (double)f->in_time * NS_PER_S / (double)f->elapsed_ns : 0;
}

bool figures_is_swamped(const struct figures *f)
{
    return f->settings.open_loop && f->requests > f->in_time &&
           f->requests - f->in_time > f->requests / 100;
}

bool figures_generator_is_slow(const struct figures *f)
{
    uint64_t some = f->scheduled / 100;
    /* A loop that waits busily always takes all of its CPU. */
    bool exhausted = f->cpu_share > CPU_SHARE_FULL && !f->settings.spin;
    return f->late_loop > some || (exhausted && f->late_starts + f->never_started > some);
}
