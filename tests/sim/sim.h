/* The simulated world: its seed, its clock, its queue of events, and the way a run fails.
 *
 * Everything that happens in a simulated run is a function of the seed: the same seed gives the
 * same run. One world exists at a time; the programs under tests/ may have globals. */
#ifndef RINGSEND_TESTS_SIM_SIM_H
#define RINGSEND_TESTS_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SIM_US = 1000, SIM_MS = 1000 * 1000, SIM_S = 1000 * 1000 * 1000 };

/* How often what goes wrong, in 1/1000 per occasion; all zero: nothing ever does. */
struct sim_faults {
    uint32_t connect_refused, connect_unreachable, connect_reset, connect_hangs, connect_no_port;
    uint32_t socket_fails;
    uint32_t send_fails;  /* no byte of it goes out, and the connection is broken */
    uint32_t send_breaks; /* some bytes go out, then the connection is broken */
    uint32_t send_slow;   /* goes out in many small pieces */
    uint32_t send_late;   /* all is out long before the completion says so */
    uint32_t send_stuck;  /* the peer stops taking bytes */
    uint32_t recv_split;  /* data come in pieces of any size */
    uint32_t recv_tiny;   /* data come byte by byte */
    uint32_t recv_stops;  /* the multishot ends though all is well */
    uint32_t recv_resets; /* the connection breaks before this piece */
    uint32_t recv_ends;   /* the stream ends before this piece */
    uint32_t reorders;    /* two completions of different operations change places */
    uint32_t spurious_wake;
    uint32_t stalls;   /* the host loses 11 ms (a TLS handshake next door) */
    uint32_t pauses;   /* the process stands still, the world goes on: see sim_pause */
    uint64_t pause_ns; /* for up to so long */
    uint32_t cancel_races;
    uint32_t close_slow;
    uint32_t file_short, file_slow, file_fails;
    uint32_t lookup_fails, lookup_slow;
    uint32_t limits;        /* a simulated server's answer tells of a rate limit */
    uint32_t trouble;       /* of a simulated server's answer */
    uint32_t idle_closes;   /* a simulated server closes an idle connection early */
    uint32_t greeting;      /* a handshake meets one of the bad ways of enum sim_greeting */
    uint32_t records_small; /* a server's output comes in records of some bytes */
    uint32_t farewell_less; /* a server ends a stream without TLS's farewell */
    uint32_t worker_absent; /* a handshake finds no worker thread */
    uint32_t no_memory;     /* the client's allocator has none, once the engine was made */
    uint32_t packed;        /* a simulated server's answer is packed: for a client that decodes */
    uint64_t worker_ns;     /* it takes the worker up to so long */
    const char *dear_host;  /* those whose names begin so cost as much; null: none */
    uint64_t dear_worker_ns;
    uint32_t buffers;      /* so many receive buffers at most; 0: as asked for */
    uint64_t latency_ns;   /* one way, up to */
    uint64_t close_ns;     /* a close takes so long */
    bool without_min_wait; /* as kernels before 6.12 */
    /* As some up to 6.18: what completes after the min-wait lies there until `want` or the
     * deadline. The ring has found out, and does not wait so, unless it is deceived. */
    bool sleeps_over, deceived;
};

struct sim {
    uint64_t seed;
    uint64_t random;
    uint64_t now_ns;
    uint64_t began_ns;
    const char *name; /* of the scenario; null in runs by seed */
    bool trace;
    struct sim_faults faults;
    uint64_t paused_ns;    /* for so long the process has stood still up to now */
    const char *declining; /* an answer with this text in its body says that nothing was done; the
                              engine is told so by retry_if. Null: no answer does */
    uint32_t refusals;     /* so many 401s of a record are tries for free, and decline */

    bool accounts; /* the engine's memory is the client's, which sees to what is not given back */

    /* Torture: the fail_at-th operation that can fail does. 0: none. */
    uint32_t fallible, fail_at;
};
extern struct sim sim;

/* Starts a world: all counters zero, no faults, no peers, no records. */
void sim_begin(const char *name, uint64_t seed);
/* Ends it: nothing may be left open or in flight. */
void sim_end(void);

uint64_t sim_random(void);
/* 0 .. below - 1. */
uint64_t sim_below(uint64_t below);
/* from .. to, both included. */
uint64_t sim_between(uint64_t from, uint64_t to);
bool sim_chance(uint32_t per_mille);
/* Counts an operation that can fail; true: let it. */
bool sim_tortures(const char *what);

/* Calls fn(context, life, value) at the time. A context that may end before then carries `life`, by
 * which fn sees that it has. */
typedef void sim_event_fn(void *context, uint64_t life, uint64_t value);
void sim_at(uint64_t at_ns, sim_event_fn *fn, void *context, uint64_t life, uint64_t value);
/* When the next event is due; UINT64_MAX: none. */
uint64_t sim_next_ns(void);
/* Runs all events due now. */
void sim_run_due(void);
/* The process stands still for so long, as by SIGSTOP: what happens meanwhile it will find. */
void sim_pause(uint64_t ns);
/* By sim.faults.pauses. */
void sim_may_pause(void);

__attribute__((format(printf, 1, 2))) void sim_trace(const char *format, ...);
/* The run is wrong: tells how to repeat it and aborts. */
__attribute__((noreturn, format(printf, 1, 2))) void sim_fail(const char *format, ...);
#define SIM_CHECK(condition, ...)  \
    do {                           \
        if (!(condition))          \
            sim_fail(__VA_ARGS__); \
    } while (0)

/* A growing run of bytes. */
struct sim_text {
    char *data;
    size_t bytes, capacity;
};
void sim_text_add(struct sim_text *text, const void *data, size_t bytes);
__attribute__((format(printf, 2, 3))) void sim_text_print(struct sim_text *text, const char *format,
                                                          ...);
void sim_text_free(struct sim_text *text);

#endif
