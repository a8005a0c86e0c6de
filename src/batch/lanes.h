/* Lanes: the records in hand by the host they are for, so that a host that does not answer holds up
 * its own records alone.
 *
 * The window, so many records handed to the engine, is what keeps all connections busy. Were it
 * simply counted, a dead host's records would fill it, and nobody behind them would be read. So
 * each host has a lane:
 *
 *   going   handed to the engine; so many at most as its part of the window, see lanes_part
 *   aside   read, and waiting in the lane until one of those going has its result
 *   quiet   gives no answers: none has come yet, or none came from anybody since the last stall
 *   full    has records aside
 *
 * Reading goes on while those going in lanes that are neither quiet nor full are fewer than the
 * window. A quiet lane may set records aside; one that answers may not, for what it does not take
 * it will take soon: reading waits for it (lanes.behind), and so a run with one host that answers
 * reads no further ahead than its window. When reading waits and no answer has come for
 * LANES_STALL_NS, all lanes are called quiet until they answer.
 *
 * What a quiet lane has goes on when the reading pauses, one of each lane in turn: nobody knows yet
 * who of them answers. At the start, for LANES_START_NS and as long as there is more to read, quiet
 * lanes have no more going than half of the connections together: else the first hosts of the
 * input, were they dead, would have them all until their clocks run out, before the others are
 * read.
 *
 * All this is bounded: going in all lanes, quiet and full ones included, by going_max, records
 * aside by LANES_ASIDE_MIN at first and twice as many after each stall, up to aside_max. At these
 * bounds reading waits, whoever is behind. */
#ifndef RINGSEND_BATCH_LANES_H
#define RINGSEND_BATCH_LANES_H

#include "base/list.h"
#include "base/time.h"
#include "ringsend.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LANES_STALL_NS (20 * NS_PER_MS)
#define LANES_START_NS (100 * NS_PER_MS)
enum { LANES_ASIDE_MIN = 256 };

struct lane {
    uint64_t key[2];
    uint32_t records; /* that are in it: it is in use while there are any */
    uint32_t going;
    bool quiet;
    struct list aside;  /* lane_place.aside, in order */
    struct list in_use; /* in lanes.in_use; else in lanes.unused */
    struct list full;   /* in lanes.full exactly when it has records aside */
    struct lane *hash_next;
};

/* A record's; zeroed, but for an initialised list, before its first use. */
struct lane_place {
    struct lane *lane; /* null: in none */
    struct list aside; /* in lane.aside exactly when it waits there */
};

struct lanes {
    struct lane *all, **hash;
    uint32_t mark; /* lanes never used lie above it */
    uint64_t hash_mask;
    struct list in_use, unused, full;
    uint32_t full_count;
    uint32_t window, going_max, aside_max;
    uint32_t aside_now;    /* so many may be aside for now */
    uint32_t going, aside; /* in all lanes */
    uint32_t going_quiet;  /* in quiet ones */
    uint32_t starting_max; /* of those, at the start; 0: it is over */
    uint64_t started_ns;
    uint32_t counted;    /* going in lanes that are neither quiet nor full */
    struct lane *behind; /* answers, and has more than it may have: reading waits for it */
    uint64_t moved_ns;   /* when an answer came last, or a stall ended */
};

/* For at most `records` records at a time. False when memory is out. */
bool lanes_init(struct lanes *l, uint32_t records, uint32_t window, uint32_t going_max,
                uint32_t aside_max);
/* The first records are about to be read: the start, with so many connections. */
void lanes_start(struct lanes *l, uint32_t connections, uint64_t now_ns);
/* Ends the start when it is time, or all is read; returns how long until then, RINGSEND_NEVER: it
 * is over. */
uint64_t lanes_starting(struct lanes *l, bool all_read, uint64_t now_ns);
void lanes_free(struct lanes *l);

/* True: the record for that URL goes on now. False: it is set aside until lanes_next gives it. */
bool lanes_enter(struct lanes *l, struct lane_place *place, struct ringsend_bytes url);
/* The next one of those aside that may go, and does; null: none. */
struct lane_place *lanes_next(struct lanes *l);
/* It has its result, or is given up; harmless if it is in no lane. */
void lanes_leave(struct lanes *l, struct lane_place *place);
/* Before it leaves: its host has answered. */
void lanes_answered(struct lanes *l, const struct lane_place *place, uint64_t now_ns);

/* More may be read. */
bool lanes_have_room(const struct lanes *l);
/* Ends a stall if it is time; returns how long until then, RINGSEND_NEVER: that would change
 * nothing. To be called when there is no room. */
uint64_t lanes_stall(struct lanes *l, uint64_t now_ns);

#endif
