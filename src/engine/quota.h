/* A quota: how much may begin, by weight, as a rate and a burst. Pure: time in, decision out.
 *
 * Two bounds that hold together, of what is known when an attempt begins:
 *
 *   bucket   over any stretch of time at most rate x stretch + burst
 *   window   in any period of the rate (a minute, of 10000 a minute) at most count + burst
 *
 * Without a burst the bucket holds a twentieth of the count, which smooths, and the window is what
 * is exact: it is longer by what the way to the platform may squeeze starts together (1.4 % of it,
 * at most 50 ms), and is kept in sixtieths, each of which goes as a whole.
 *
 * What is heavier than the bucket begins when that is full, and leaves a debt; what is heavier than
 * the window begins in an empty one, and counts as much as fills it.
 *
 * Corrections. An attempt counts as much as was guessed until somebody knows better. Then it counts
 * that, from its own begin on: what it counted too little is owed by those who come; what it
 * counted too much is given back, but only as much of it as would not have run over since: the
 * peaks of the bucket's level tell that, each with the time since which it is the highest one.
 *
 * A turn. Whoever is refused first is waited for, or light ones would for ever go before a heavy
 * one: nobody else is let through until it has begun, has left, or is late. */
#ifndef RINGSEND_ENGINE_QUOTA_H
#define RINGSEND_ENGINE_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

enum { QUOTA_SLOTS = 64, QUOTA_PARTS = 60 };

__extension__ typedef __int128 quota_level; /* in parts of a weight of 1: per_ns of them make one */

/* The highest level since then, less what was given back up to its moment. */
struct quota_peak {
    uint64_t since_ns;
    quota_level level;
};

struct quota {
    uint64_t count, per_ns; /* count 0: there is no quota */
    uint64_t most;          /* in a window */
    uint64_t window_ns, slot_ns;
    quota_level level, capacity, given_back;
    bool begun;
    uint64_t began_ns, last_ns;
    uint64_t first_slot, slots_end;       /* numbers of those kept */
    uint64_t sum;                         /* of these */
    uint64_t slots[QUOTA_SLOTS];          /* what began in each */
    struct quota_peak peaks[QUOTA_SLOTS]; /* later ones are lower */
    uint32_t peaks_count;
    const void *awaited; /* whose turn it is; null: anybody's */
    uint64_t awaited_until_ns;
};

/* count and burst at most COST_MAX, per_ns at most an hour. */
void quota_init(struct quota *q, uint64_t count, uint64_t per_ns, uint64_t burst);
/* 0: so much may begin now. Else when to ask again. Who asks for himself is waited for then. */
uint64_t quota_ask(struct quota *q, uint64_t weight, uint64_t now_ns, const void *who);
/* It begins: only after quota_ask has said yes. */
void quota_take(struct quota *q, uint64_t weight, uint64_t now_ns, const void *who);
/* Of what began then, and was guessed. */
void quota_correct(struct quota *q, uint64_t began_ns, uint64_t guessed, uint64_t known,
                   uint64_t now_ns);
/* He does not want it any more. */
void quota_leave(struct quota *q, const void *who);

#endif
