/* Slots: each holds one record in hand. They stand in blocks that never move, as engines keep
 * pointers to them, and go back into a stack of free ones.
 *
 * step        waits for                              next
 * READING     nothing: the record is being read      LOADING, QUEUED, or on its way
 * LOADING     its data file                          QUEUED, or on its way
 * QUEUED      those of the same value before it      RELEASED
 * RELEASED    the next turn                          on its way
 *   on its way:                                      ASIDE, COMMITTING, HELD, IN_FLIGHT
 * ASIDE       its host's part of the window          COMMITTING, HELD, IN_FLIGHT
 * COMMITTING  the journal's sync                     HELD, IN_FLIGHT
 * HELD        an engine with room                    IN_FLIGHT
 * IN_FLIGHT   the engine's result                    SAVING
 * SAVING      the body's file                        NAMING
 * NAMING      the sync of its directory              FREE
 * KEPT        results before it                      FREE
 * LEFT        the job's end                          FREE
 *
 * A result may end any of them: FREE, or KEPT where results before it are due. What is stopped
 * before its request is over is FREE, or LEFT where it holds a place in the order. */
#include "batch/job_internal.h"

#include <stdlib.h>

#define TO(step) (1u << SLOT_##step)
#define TO_AN_ENGINE (TO(COMMITTING) | TO(HELD) | TO(IN_FLIGHT))
#define TO_ITS_END (TO(KEPT) | TO(FREE))
#define STOPS (TO_ITS_END | TO(LEFT))

static const unsigned edges[SLOT_STEPS] = {
    [SLOT_FREE] = TO(READING),
    [SLOT_READING] = TO(LOADING) | TO(QUEUED) | TO(ASIDE) | TO_AN_ENGINE | STOPS,
    [SLOT_LOADING] = TO(QUEUED) | TO(ASIDE) | TO_AN_ENGINE | STOPS,
    [SLOT_QUEUED] = TO(RELEASED) | STOPS,
    [SLOT_RELEASED] = TO(ASIDE) | TO_AN_ENGINE | STOPS,
    [SLOT_ASIDE] = TO_AN_ENGINE | STOPS,
    [SLOT_COMMITTING] = TO(HELD) | TO(IN_FLIGHT) | STOPS,
    [SLOT_HELD] = TO(IN_FLIGHT) | STOPS,
    [SLOT_IN_FLIGHT] = TO(SAVING) | STOPS,
    [SLOT_SAVING] = TO(NAMING) | TO_ITS_END,
    [SLOT_NAMING] = TO_ITS_END,
    [SLOT_KEPT] = TO(FREE),
    [SLOT_LEFT] = TO(FREE),
};

/* What follows from being in a step, taken up when it is entered and undone when it is left. */
static void follow(struct job *job, struct slot *slot, bool enters)
{
    uint32_t one = enters ? 1 : UINT32_MAX;
    switch (slot->step) {
    case SLOT_LOADING:
        job->data_files += one;
        return;
    case SLOT_QUEUED:
        job->queued += one;
        return;
    case SLOT_RELEASED:
        if (enters)
            list_push_back(&job->released, &slot->released);
        else
            list_remove(&slot->released);
        return;
    case SLOT_HELD:
        job->held = enters ? slot : NULL;
        return;
    case SLOT_IN_FLIGHT:
        job->in_flight += one;
        job->in_flight_here += slot->mate ? 0 : one;
        return;
    case SLOT_SAVING:
        if (enters)
            list_push_back(&job->saving, &slot->saving);
        else
            list_remove(&slot->saving);
        return;
    case SLOT_FREE:
    case SLOT_READING:
    case SLOT_ASIDE:
    case SLOT_COMMITTING:
    case SLOT_NAMING:
    case SLOT_KEPT:
    case SLOT_LEFT:
    case SLOT_STEPS:
        return;
    }
}

void job_slot_goto(struct job *job, struct slot *slot, enum slot_step step)
{
    CHECK(edges[slot->step] >> step & 1);
    follow(job, slot, false);
    slot->step = step;
    follow(job, slot, true);
}

bool job_slots_more(struct job *job)
{
    struct slot **block = &job->blocks[job->slots_mark / SLOTS_PER_BLOCK];
    if (job->free_slots_count == 0 && !*block)
        *block = calloc(SLOTS_PER_BLOCK, sizeof(struct slot));
    return job->free_slots_count > 0 || *block;
}

struct slot *job_slot_take(struct job *job)
{
    CHECK(job->free_count > 0);
    job->free_count--;
    if (job->free_slots_count > 0) {
        struct slot *again = job->free_slots[--job->free_slots_count];
        job_slot_goto(job, again, SLOT_READING);
        return again;
    }
    struct slot *slot = job_slot(job, job->slots_mark++);
    list_init(&slot->saving);
    list_init(&slot->order);
    list_init(&slot->released);
    list_init(&slot->returned);
    list_init(&slot->place.aside);
    job_slot_goto(job, slot, SLOT_READING);
    return slot;
}

void job_slot_free(struct job *job, struct slot *slot)
{
    CHECK(job->bytes >= slot->bytes);
    job->bytes -= slot->bytes;
    slot->bytes = 0;
    job_slot_goto(job, slot, SLOT_FREE);
    CHECK(!slot->serial.entered);
    list_remove(&slot->order);
    record_release(&slot->record, &job->pool);
    buf_release(&job->pool, &slot->data);
    buf_release(&job->pool, &slot->kept_memory);
    buf_release(&job->pool, &slot->result);
    buf_release(&job->pool, &slot->words);
    job->free_slots[job->free_slots_count++] = slot;
    job->free_count++;
}

void job_slot_charge(struct job *job, struct slot *slot, size_t bytes)
{
    slot->bytes += bytes;
    job->bytes += bytes;
}
