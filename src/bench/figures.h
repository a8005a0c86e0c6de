/* Figures: all that a finished run of the benchmark knows. The load fills them, one set a thread;
 * they are merged; reports, thresholds and comparisons read them.
 *
 * Three times are kept apart for each request and never mixed up:
 *
 *   intended start    actual start                                          last byte
 *   |---- send lag ---|-------------------- service time -------------------|
 *   |------------------------------ response time --------------------------|
 *
 * The intended start is when the schedule wanted it (open loop); in a closed loop there is no
 * schedule and it is the actual start. The actual start is when the request was given to the kernel
 * for sending, or its connection began to be made for it, whichever was first. Send lag is what
 * happened on this side before that: first the loop's own delay, until it noticed that the start
 * was due (loop_lag_ns: the generator's own fault), then the wait for a free connection (there are
 * too few for this rate, or the server is slow).
 *
 * What is in the histograms of response and service time: complete responses whatever their status,
 * and what was given up, with the time that it had taken until then: requests that timed out, or
 * that a second signal cut off; of the response time and the send lag also those that were due and
 * never started. Such a time is a lower bound, and left out the slowest would vanish. The
 * ..._bounds_ns hold these alone, so that a percentile that rests on them can be marked. Other
 * errors are counted and not timed, since a refused connection is no fast answer. Warm-up is in no
 * figure but `warmup_requests`.
 *
 * A run with --steps or --repeat is an array of these. Memory is constant but for the series: one
 * struct a second, and with settings.seconds_whole a text of a few kilobytes. */
#ifndef RINGSEND_BENCH_FIGURES_H
#define RINGSEND_BENCH_FIGURES_H

#include "base/histogram.h"
#include "base/time.h"
#include "bench/heat.h"
#include "ringsend.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FIGURES_PRECISION = 10, /* bits: error below 0.1 % */
    FIGURES_STATUS_MAX = 599,
    FIGURES_LATE_NS = NS_PER_MS, /* a start later than that counts in late_starts */
};

enum arrivals { ARRIVALS_CONSTANT, ARRIVALS_POISSON };

/* What was asked for. Texts are borrowed from the options. */
struct figures_settings {
    const char *target; /* the URL, or the record files' names */
    const char *method; /* "GET"; with records "" */
    bool open_loop;     /* a schedule of `rate`, else as fast as the connections allow */
    double rate;        /* requests per second, all threads together; 0 in a closed loop */
    enum arrivals arrivals;
    uint32_t connections, threads; /* all threads together */
    uint64_t duration_ns;          /* 0: until `requests` are done */
    uint64_t requests;             /* 0: until `duration_ns` is over */
    uint64_t warmup_ns, ramp_ns;   /* before the measured part; in the ramp the rate grows from 0 */
    uint64_t seed;                 /* of the arrivals */
    bool new_connection;           /* one per request */
    bool spin;                     /* the loop waits busily */
    bool awake;                    /* idle processors do not sleep: environment_stay_awake */
    bool batch; /* completions are taken several at a time: times may be up to 200 us too long */
    bool timestamps;
    bool insecure;
    bool
        seconds_whole; /* the response times of each second are kept, not their percentiles alone */
};

/* One second of the measured part, by when responses ended. */
struct figures_second {
    uint64_t requests, errors;
    uint64_t not_ok;                 /* of `requests` */
    uint64_t never_started;          /* of the whole run, in its last second */
    uint64_t p50_ns, p99_ns, max_ns; /* response time; 0 when nothing ended in it */
    uint32_t connections;            /* open at its end */
    uint32_t waiting;                /* starts that were due at its end and had no connection */
    uint32_t rtt_us;                 /* median smoothed round trip at its end; 0: unknown */
    uint64_t retransmits;            /* segments sent again in it */
    /* With settings.seconds_whole: its response times as hdr_encode writes them. Of the figures
     * that it stands in; null when memory was out. */
    char *times;
};

/* From TCP_INFO of connections: each when it ends, and all once a second; of many connections only
 * of some. */
struct figures_tcp {
    uint64_t samples;        /* 0: there are none, and `absent` says why */
    const char *absent;      /* static; null when there are samples or none was to be expected */
    struct histogram rtt_ns; /* smoothed round-trip time, of all samples */
    uint64_t retransmits;    /* segments sent again, of all connections */
    uint64_t connections;    /* that were watched */
};

/* Where a request's time went by the kernel's own packet timestamps (--timestamps). */
struct figures_split {
    uint64_t samples;            /* 0: there are none, and `absent` says why */
    const char *absent;          /* static; null when there are samples or none were asked for */
    struct histogram sending_ns; /* given to the kernel -> left it for the network device */
    /* Left -> first segment of the response came in: network and server. */
    struct histogram outside_ns;
    struct histogram receiving_ns; /* came in -> taken by the loop: network stack and client */
};

struct figures {
    struct figures_settings settings;

    /* The measured part, on the monotonic clock: from the end of the warm-up to the end of the
     * starts. */
    uint64_t elapsed_ns;
    uint64_t drained_ns; /* what was in flight then was waited for so long */
    bool stopped_early;  /* by a signal */

    uint64_t scheduled; /* open loop: intended starts in elapsed_ns */
    uint64_t started;   /* requests begun: = requests + errors_count once all is over */
    uint64_t requests;  /* complete responses, whatever their status */
    uint64_t ok;        /* of these, with a status that counts as success */
    /* Responses that make the rate. Closed loop: that came in elapsed_ns, also those begun in the
     * warm-up. Open loop: of `requests` those that came then, or after it by no more than the
     * slowest of the run's first tenth and its warm-up took. */
    uint64_t in_time;
    uint64_t errors_count;
    uint64_t errors[RINGSEND_ERROR_COUNT];
    uint64_t statuses[FIGURES_STATUS_MAX + 1];
    uint64_t timed_out;   /* of errors_count: those by time; not lookups, which have no times */
    uint64_t late_starts; /* send lag above FIGURES_LATE_NS */
    uint64_t late_waits;  /* of late_starts: those that waited for a connection */
    uint64_t late_loop;   /* loop lag above FIGURES_LATE_NS: the generator was too slow */
    uint64_t cancelled;   /* of errors_count: in flight when a second signal came */
    /* Due before the end of the starts, and no connection became free for them: scheduled = started
     * + never_started. And the longest that one of them had waited. Their waits last until the
     * first connection became free after that end, for so long none of them can have started. */
    uint64_t never_started;
    uint64_t never_started_wait_ns;
    /* Closed loop: how often a connection rested after failures in a row, the longest time; warm-up
     * included. */
    uint64_t rests, rest_max_ns;
    uint64_t warmup_requests; /* ended during warm-up and ramp; in no other figure */

    /* Warm-up included, down to cpu_ns. */
    uint64_t bytes_sent, bytes_received; /* as the sockets saw them */
    uint64_t connections_opened, connections_peak;
    uint64_t enters; /* system calls of the rings */
    uint64_t handshakes_full, handshakes_resumed;
    uint64_t cpu_ns;  /* of the whole process, user and system */
    double cpu_share; /* of the busiest thread's time: it ran, or was ready to and had no CPU */
    /* Where a late loop comes from, when not from its own work: of the time of the thread that had
     * most of it, how much it was ready and others had its CPU; of all CPUs' time, how much the
     * hypervisor gave to others. */
    double waited_share, stolen_share;

    struct histogram response_ns, service_ns, send_lag_ns;
    /* Of these: the lower bounds. */
    struct histogram response_bounds_ns, service_bounds_ns, send_lag_bounds_ns;
    /* Open loop, all that was scheduled: intended start -> noticed by the loop. */
    struct histogram loop_lag_ns;
    /* Phases of complete responses. The first three of those that opened a connection. */
    struct histogram dns_ns, connect_ns, tls_ns;
    struct histogram first_byte_ns; /* given to the kernel -> first byte of the response */
    struct histogram transfer_ns;   /* first byte -> last byte */

    struct figures_tcp tcp;
    struct figures_split split;

    struct heat heat; /* of response_ns, by when responses ended in the measured part */

    struct figures_second *series;
    size_t series_count, series_capacity;
    bool series_truncated; /* memory was out for seconds at its end */
};

enum { FIGURES_ORIGINS_MAX = 4 };

struct figures_origin {
    char text[400]; /* "host:443: TLS 1.3 by OpenSSL" */
};

/* What it ran on, and who was spoken to. Unknown texts are empty. */
struct figures_environment {
    char version[16]; /* of this program */
    char kernel[200]; /* uname: release and machine */
    char cpu[128];    /* model name */
    uint32_t cpus;    /* this process may use */
    char governor[32];
    char congestion_control[32];
    char ring_features[128];                        /* "defer_taskrun ring_fd min_wait ..." */
    struct figures_origin tls[FIGURES_ORIGINS_MAX]; /* the first https origins; then empty ones */
    int64_t started_s;                              /* seconds since 1970 */
};

/* False when memory is out; it is then as after figures_free. */
bool figures_init(struct figures *f);
void figures_free(struct figures *f);
/* Adds the counts and histograms of `from`, one thread's, to those of `into`. Settings, elapsed_ns
 * and the series, which cannot be added, stay. */
void figures_merge(struct figures *into, const struct figures *from);
/* Appends one second. False when memory is out; nothing is lost then but that second. */
bool figures_add_second(struct figures *f, const struct figures_second *second);
/* True when that percentile of `all`, of which `bounds` are lower bounds, would be higher by more
 * than 1 % if these had taken for ever. */
bool figures_is_bound(const struct histogram *all, const struct histogram *bounds, double fraction);
/* True when what was measured is this machine's lateness as much as the server's: of an open loop's
 * starts more than 1 % were late, because the loop noticed them late or had no CPU time left. */
bool figures_generator_is_slow(const struct figures *f);
/* True when an open loop had more requests in flight at its end than in its beginning, by more than
 * 1 % of all: the longer it runs, the longer they take. */
bool figures_is_swamped(const struct figures *f);
/* Responses in time a second. */
double figures_rate(const struct figures *f);

#endif
