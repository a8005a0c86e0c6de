/* Slots: each holds one record in hand. They stand in blocks that never move, as engines keep pointers to
 * them, and go back into a stack of free ones. */
#include "batch/job_internal.h"

#include <stdlib.h>

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
    if (job->free_slots_count > 0)
        return job->free_slots[--job->free_slots_count];
    struct slot *slot = job_slot(job, job->slots_mark++);
    list_init(&slot->saving);
    list_init(&slot->order);
    list_init(&slot->released);
    list_init(&slot->returned);
    list_init(&slot->place.aside);
    return slot;
}

void job_slot_free(struct job *job, struct slot *slot)
{
    CHECK(job->bytes >= slot->bytes);
    job->bytes -= slot->bytes;
    slot->bytes = 0;
    slot->step = SLOT_FREE;
    CHECK(!slot->serial.entered);
    list_remove(&slot->order);
    list_remove(&slot->released);
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
