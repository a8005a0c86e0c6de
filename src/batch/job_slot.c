/* Slots: each holds one record in hand. They stand in blocks that never move, as engines keep
 * pointers to them, and go back into a stack of free ones.
 *
 * step        waits for                              next
 * READING     nothing: the record is being read      DATA_FILE, QUEUED, or on its way
 * DATA_FILE   the read of it                         QUEUED, or on its way
 * QUEUED      those of the same value before it      RELEASED
 * RELEASED    the next turn                          on its way
 *   on its way:                                      ASIDE, COMMITTING, HELD, IN_FLIGHT
 * ASIDE       its host's part of the window          COMMITTING, HELD, IN_FLIGHT
 * COMMITTING  the journal's sync                     HELD, IN_FLIGHT
 * HELD        an engine with room                    IN_FLIGHT
 * IN_FLIGHT   the engine's result                    BODY_FILE
 * BODY_FILE   the write of it                        BODY_NAME
 * BODY_NAME   the sync of its directory              FREE
 * KEPT        results before it                      FREE
 * LEFT        the job's end                          FREE
 *
 * A result may end any of them: FREE, or KEPT where results before it are due. What is stopped
 * before its request is over is FREE, or LEFT where it holds a place in the order. */
#include "batch/job_internal.h"

#include <stdlib.h>

#ifdef RINGSEND_SLOW_CHECKS
static const char *const names[] = {SLOT_STEPS(STEP_NAMES)};
static const struct machine machine_slot = {"slot", names};
#endif

/* Nothing of the record before is left. */
static void check_empty(const struct slot *slot)
{
    CHECK(slot->bytes == 0 && list_empty(&slot->order));
    CHECK(!slot->data.data && !slot->kept_memory.data && !slot->result.data &&
          !slot->write_out.data);
}

/* What holds whenever a step is entered, and so as long as it lasts. What waits for others of its
 * value is not in a lane yet; what has left its lane is in no queue any more. */
static void check_entered(const struct job *job, const struct slot *slot)
{
    const struct lane_place *place = &slot->place;
    switch (slot->step) {
    case SLOT_FREE:
        CHECK(!slot->serial.entered && !place->lane);
        return;
    case SLOT_READING:
        check_empty(slot);
        return;
    case SLOT_DATA_FILE:
        CHECK(!slot->serial.entered && !place->lane);
        CHECK(slot->record.data_file.bytes > 0 && !slot->data.data);
        return;
    case SLOT_QUEUED:
    case SLOT_RELEASED:
        CHECK(job->options.serialize && slot->serial.entered && !place->lane);
        return;
    case SLOT_ASIDE:
        CHECK(place->lane && !list_empty(&place->aside));
        return;
    case SLOT_COMMITTING:
        CHECK(job->group_commit.file && slot->record.request.in_doubt == &slot->may_be_processed);
        CHECK(place->lane && list_empty(&place->aside));
        return;
    case SLOT_HELD:
    case SLOT_IN_FLIGHT:
        CHECK(place->lane && list_empty(&place->aside) && slot->record.request.user == slot);
        CHECK(!job->journal || slot->record.request.in_doubt);
        return;
    case SLOT_BODY_FILE:
        CHECK(job->options.output.bodies && slot->kept.body.bytes > 0 && !place->lane);
        CHECK(!slot->body_file.file);
        return;
    case SLOT_BODY_NAME:
        CHECK(job->body_names.file && !slot->body_file.file && !place->lane);
        return;
    case SLOT_LEFT:
        CHECK(job->journal && job->options.ordered);
        CHECK(!slot->serial.entered && !place->lane);
        return;
    case SLOT_KEPT:
        CHECK(!slot->serial.entered && !place->lane);
        return;
    }
    UNREACHABLE("slot step");
}

/* A slot counts in one of them at most, and only in use. */
static void check_counts(const struct job *job)
{
    uint32_t in_use = job->slots_count - job->free_count;
    CHECK(job->data_files + job->queued + (job->held != NULL) + job->in_flight <= in_use);
    CHECK(job->in_flight_here <= job->in_flight && job->lanes.aside <= in_use);
}

/* What follows from being in a step, taken up when it is entered and undone when it is left. */
static void follow(struct job *job, struct slot *slot, bool enters)
{
    uint32_t one = enters ? 1 : UINT32_MAX;
    switch (slot->step) {
    case SLOT_DATA_FILE:
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
        CHECK(job->held == (enters ? NULL : slot));
        job->held = enters ? slot : NULL;
        return;
    case SLOT_IN_FLIGHT:
        job->in_flight += one;
        job->in_flight_here += slot->thread ? 0 : one;
        return;
    case SLOT_BODY_FILE:
        if (enters)
            list_push_back(&job->body_files, &slot->body_files);
        else
            list_remove(&slot->body_files);
        return;
    case SLOT_FREE:
    case SLOT_READING:
    case SLOT_ASIDE:
    case SLOT_COMMITTING:
    case SLOT_BODY_NAME:
    case SLOT_KEPT:
    case SLOT_LEFT:
        return;
    }
}

void job_slot_goto(struct job *job, struct slot *slot, enum slot_step step)
{
    static const unsigned edges[] = {SLOT_STEPS(STEP_EDGES)};
    CHECK(edges[slot->step] >> step & 1);
    step_note(&machine_slot, job->now_ns, slot->slot, slot->generation, slot->step, step);
    follow(job, slot, false);
    slot->step = step;
    follow(job, slot, true);
    check_entered(job, slot);
}

/* Free ones are those in the stack and those never used. */
static void check_free(const struct job *job)
{
    CHECK(job->slots_mark <= job->slots_count);
    CHECK(job->free_count == job->free_slots_count + (job->slots_count - job->slots_mark));
}

bool job_slots_more(struct job *job)
{
    CHECK(job->free_count > 0);
    struct slot **block = &job->blocks[job->slots_mark / SLOTS_PER_BLOCK];
    if (job->free_slots_count == 0 && !*block)
        *block = malloc(SLOTS_PER_BLOCK * sizeof(struct slot));
    return job->free_slots_count > 0 || *block;
}

static struct slot *first_use(struct job *job)
{
    CHECK(job->slots_mark < job->slots_count);
    struct slot *slot = job_slot(job, job->slots_mark);
    *slot = (struct slot){.slot = job->slots_mark++};
    list_init(&slot->body_files);
    list_init(&slot->order);
    list_init(&slot->released);
    list_init(&slot->returned);
    list_init(&slot->place.aside);
    return slot;
}

struct slot *job_slot_take(struct job *job)
{
    CHECK(job->free_count > 0);
    bool again = job->free_slots_count > 0;
    struct slot *slot = again ? job->free_slots[--job->free_slots_count] : first_use(job);
    job->free_count--;
    check_counts(job);
    slot->generation++;
    job_slot_goto(job, slot, SLOT_READING);
    return slot;
}

void job_slot_free(struct job *job, struct slot *slot)
{
    CHECK(slot->step != SLOT_FREE && job->bytes >= slot->bytes);
    job->bytes -= slot->bytes;
    slot->bytes = 0;
    list_remove(&slot->order);
    record_release(&slot->record, &job->pool);
    buf_release(&job->pool, &slot->data);
    buf_release(&job->pool, &slot->kept_memory);
    buf_release(&job->pool, &slot->result);
    buf_release(&job->pool, &slot->write_out);
    job_slot_goto(job, slot, SLOT_FREE);
    job->free_slots[job->free_slots_count++] = slot;
    job->free_count++;
    check_free(job);
}

void job_slot_charge(struct job *job, struct slot *slot, size_t bytes)
{
    CHECK(slot->step != SLOT_FREE);
    slot->bytes += bytes;
    job->bytes += bytes;
    CHECK(job->bytes >= slot->bytes);
}
