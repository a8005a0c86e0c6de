/* The places that several engines have together: those of the run, and those of an origin in it.
 * See run_places.c; what an engine does with its part is places.c's. */
#ifndef RINGSEND_ENGINE_RUN_PLACES_H
#define RINGSEND_ENGINE_RUN_PLACES_H

#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

struct pool;
struct ringsend;
struct ringsend_limits;

/* Written under the limits' lock, but for `leaving` and `idle`; read without it. */
struct run_places {
    uint32_t limit, taken, peak;
    uint32_t leaving;        /* of those taken: about to be given back */
    uint32_t wants;          /* of all seats */
    uint32_t fewest;         /* that one in line holds; UINT32_MAX: nobody is in line */
    uint64_t first_since_ns; /* then: since when the first of these waits */
    uint32_t idle;           /* seats with idle connections */
    struct list seats;       /* seat.in_places */
    uint64_t joined;         /* so many up to now */
};

/* An engine's part of the run's places, or one of its pools' part of that origin's. */
struct seat {
    struct ringsend *engine;
    struct run_places *places; /* null: there are none of several engines */
    struct pool *pool;         /* null: the seat is the engine's */
    struct list in_places;
    struct list in_called; /* in engine.called exactly when it is to look again */
    uint32_t held;
    uint32_t wants;    /* in line exactly when not 0: would take so many more */
    uint64_t number;   /* of those that joined */
    uint64_t since_ns; /* when it took, gave back, or came into the line last */
    bool waits;        /* wants none, but may when others have given some back: */
    bool waits_mute;   /* some for origins that are mute */
    uint32_t mute;     /* of those held: silent ones of mute pools; the engine's seat alone */
    bool idle;         /* has connections that nobody uses */
};

void run_places_init(struct run_places *p, uint32_t limit);
void seat_join(struct ringsend_limits *l, struct seat *s, struct run_places *p);
/* Gives back what it still holds, of which so many are counted as leaving. Harmless without places.
 */
void seat_leave(struct ringsend_limits *l, struct seat *s, uint32_t leaving);

/* It could take one now: asked without the lock, unless others are in line. */
bool seat_may_take(struct ringsend_limits *l, const struct seat *s);
/* A mute pool of its may have one: there may be half of these in silence, and those who hold
 * fewer go first. */
bool seat_may_be_mute(const struct ringsend_limits *l, const struct seat *run);
/* Takes a place of the run and, where there are such, one of the origin: both or none. `is_first`:
 * ahead of all who are in line. `is_mute`: for a mute pool. */
bool seats_take(struct ringsend_limits *l, struct seat *run, struct seat *origin, bool is_first,
                bool is_mute);
/* `has_left`: it was counted as leaving. */
void seats_give(struct ringsend_limits *l, struct seat *run, struct seat *origin, bool has_left,
                bool is_mute);
void seats_leaving(struct seat *run, struct seat *origin);

/* Would take so many, at least; those who hold what they do not use are called. */
void seat_wish(struct ringsend_limits *l, struct seat *s, uint32_t wants, bool waits,
               bool waits_mute);
void seat_has_idle(struct seat *s, bool idle);
/* Others want more than is about to be given back. */
bool seat_is_asked(const struct seat *s);
/* The same, and they have more right to a place than a request here that waits since then;
 * TIMER_NEVER: none does. */
bool seat_is_outdone(const struct seat *s, uint64_t since_ns);
bool run_places_are_over(const struct run_places *p);
/* So many more of the engine's pools are proven, and of its connections silent mute ones'. */
void seats_standing(struct ringsend_limits *l, struct seat *run, int32_t proven, int32_t mute);
/* `by`: the engine that runs now. */
void run_places_limit(struct ringsend_limits *l, uint32_t limit, const struct ringsend *by);
/* Takes the next seat of the engine that is to look again; null: none. */
struct seat *seat_called(struct ringsend *e);

#endif
