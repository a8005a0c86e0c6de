/* What the files of the job share.
 *
 *   job.c          the turn, beginning and end
 *   job_slot.c     the slots that hold records in hand
 *   job_admit.c    records in: from the source to the engine
 *   job_results.c  results out: from the engine to the outputs, and bodies to files
 *   job_mistakes.c mistakes of the run, told once
 *   job_stop.c     reasons to stop, and stopping */
#ifndef RINGSEND_BATCH_JOB_INTERNAL_H
#define RINGSEND_BATCH_JOB_INTERNAL_H

#include "base/check.h"
#include "base/list.h"
#include "base/machine.h"
#include "base/time.h"
#include "batch/engine_threads.h"
#include "batch/job.h"
#include "batch/lanes.h"
#include "batch/serial.h"
#include "journal/group_commit.h"
#include "journal/journal.h"
#include "records/keys_seen.h"
#include "records/data_file.h"
#include "records/form_body.h"
#include "results/body_file.h"
#include "results/output.h"

/* From RELEASED on a record is on its way to an engine, from IN_FLIGHT on to its end. */
#define SLOT_STEPS(STEP)                                                                      \
    STEP(SLOT_FREE, STEP_TO(SLOT_READING))                                                    \
    /* taken for a record that is being read */                                               \
    STEP(SLOT_READING, STEP_TO(SLOT_DATA_FILE) | STEP_TO(SLOT_QUEUED) | STEP_TO(SLOT_ASIDE) | \
                           SLOT_TO_AN_ENGINE | SLOT_STOPS)                                    \
    /* its data file is */                                                                    \
    STEP(SLOT_DATA_FILE,                                                                      \
         STEP_TO(SLOT_QUEUED) | STEP_TO(SLOT_ASIDE) | SLOT_TO_AN_ENGINE | SLOT_STOPS)         \
    /* serialize: others with the same value go before it */                                  \
    STEP(SLOT_QUEUED, STEP_TO(SLOT_RELEASED) | SLOT_STOPS)                                    \
    /* they have gone */                                                                      \
    STEP(SLOT_RELEASED, STEP_TO(SLOT_ASIDE) | SLOT_TO_AN_ENGINE | SLOT_STOPS)                 \
    /* its host has enough of the window */                                                   \
    STEP(SLOT_ASIDE, SLOT_TO_AN_ENGINE | SLOT_STOPS)                                          \
    /* sync: its sent bit is being made durable */                                            \
    STEP(SLOT_COMMITTING, STEP_TO(SLOT_HELD) | STEP_TO(SLOT_IN_FLIGHT) | SLOT_STOPS)          \
    /* no engine has room */                                                                  \
    STEP(SLOT_HELD, STEP_TO(SLOT_IN_FLIGHT) | SLOT_STOPS)                                     \
    /* an engine has it */                                                                    \
    STEP(SLOT_IN_FLIGHT, STEP_TO(SLOT_BODY_FILE) | SLOT_STOPS)                                \
    /* the body of its response is being written */                                           \
    STEP(SLOT_BODY_FILE, STEP_TO(SLOT_BODY_NAME) | SLOT_TO_ITS_END)                           \
    /* sync: the name of that file is being made durable */                                   \
    STEP(SLOT_BODY_NAME, SLOT_TO_ITS_END)                                                     \
    /* ordered: its result waits for others before it */                                      \
    STEP(SLOT_KEPT, STEP_TO(SLOT_FREE))                                                       \
    /* ordered: stopped without a result; holds its place until the end */                    \
    STEP(SLOT_LEFT, STEP_TO(SLOT_FREE))

#define SLOT_TO_AN_ENGINE (STEP_TO(SLOT_COMMITTING) | STEP_TO(SLOT_HELD) | STEP_TO(SLOT_IN_FLIGHT))
#define SLOT_TO_ITS_END (STEP_TO(SLOT_KEPT) | STEP_TO(SLOT_FREE))
#define SLOT_STOPS (SLOT_TO_ITS_END | STEP_TO(SLOT_LEFT))

enum slot_step { SLOT_STEPS(STEP_ENUM) };

struct slot {
    struct record record;
    struct buf data; /* content of the data file */
    struct data_file data_file;
    struct body_file body_file;
    struct result_line kept; /* of the body being saved, with what it points to */
    struct buf kept_memory;
    struct list body_files; /* in job.body_files exactly while BODY_FILE: see job_slot_goto */
    struct list order; /* ordered: in job.order from when it is read until its result is put out */
    struct serial_node serial;
    struct list released;         /* in job.released exactly while RELEASED */
    struct lane_place place;      /* by the host that it is for */
    struct engine_thread *thread; /* whose thread has the request; null: the job's own engine */
    struct list returned;         /* on its way back from there */
    bool cut_short, kept_whole;   /* then: of its result; `kept` is all of it */
    struct buf result, write_out; /* KEPT: what is to be put out */
    bool failed;                  /* KEPT: its line, too */
    uint64_t line, number;
    uint32_t input;
    enum slot_step step;
    uint32_t slot, generation;      /* where it stands; how many records it has held */
    bool was_sent;                  /* by an earlier run, says the journal */
    unsigned char may_be_processed; /* with sync, what else the journal's sent bit says */
    size_t bytes;                   /* its part of job.bytes */
};

/* A record that was read before the inputs were proven to be those of the run to go on with. */
struct early {
    struct buf record;
    uint64_t line, number;
    uint32_t input;
    enum source_next kind;
};

enum { SLOTS_PER_BLOCK = 256, KEYS_SEEN = 1 << 16 };

struct job {
    struct job_options options;
    struct ringsend *engine;
    struct source *source;
    struct journal *journal;          /* null: none */
    struct group_commit group_commit; /* open without sync */
    struct group_commit body_names;   /* of bodies that have been saved; likewise */
    int bodies_fd;                    /* the directory, with that group commit; else -1 */
    struct job_report report;
    struct buf_pool pool;
    struct output output;
    struct buf names;             /* of the inputs as JSON, one after another */
    struct ringsend_bytes *files; /* their parts in `names`, null with a single input */

    struct slot **blocks;             /* of SLOTS_PER_BLOCK slots; null: not needed yet */
    uint32_t slots_count, slots_mark; /* those never used lie above the mark */
    struct slot **free_slots;         /* a stack of those below it that are free */
    uint32_t free_slots_count;
    uint32_t free_count;     /* above it, too */
    uint32_t data_files;     /* slots in DATA_FILE; this and the like: job_slot_goto counts */
    uint32_t in_flight;      /* slots in IN_FLIGHT */
    uint32_t in_flight_here; /* of these, at the job's own engine */
    struct engine_threads *threads; /* null: one thread */
    int body_error;                 /* errno of the first body that could not be saved, else 0 */
    struct slot *held;              /* null, or the slot in HELD */
    struct list body_files;         /* slots in BODY_FILE; the first ones' files are open */
    struct list order;    /* ordered: slots in use, in the order in which they were read */
    struct serial serial; /* with serialize */
    struct list released; /* slots in RELEASED, in the order in which they came there */
    uint32_t queued;      /* slots in QUEUED */
    struct lanes lanes;
    struct keys_seen keys; /* of the records before */
    size_t bytes;          /* of all slots in use */

    struct early *early; /* a queue of them, from early_at on */
    size_t early_at, early_count, early_capacity;
    size_t early_bytes;
    uint64_t next_pass; /* the first record number whose place in the input is worth keeping */

    bool source_ended;
    bool source_waits;    /* the last source_next said so */
    bool memory_is_out;   /* a result could not be kept for its turn */
    bool unreaped;        /* results stayed with the engines for lack of room */
    enum job_end give_up; /* what the results are a reason for; JOB_FINISHED: to go on */
    bool reached;         /* there was a connection */
    bool dialed;          /* or one was tried, or names can be looked up */
    uint64_t looked_ns;   /* when that was looked for last; 0: never */
    bool stopping;
    bool cancelled;
    uint64_t cancel_at_ns;      /* valid while stopping */
    uint64_t abort_at_ns;       /* 0: no second signal yet */
    uint64_t started_ns;        /* the first turn; 0: there was none */
    uint64_t now_ns;            /* at the start of this turn */
    uint64_t second, second_ok; /* so many were ok in that second */
};

static inline struct slot *job_slot(const struct job *job, uint32_t i)
{
    return &job->blocks[i / SLOTS_PER_BLOCK][i % SLOTS_PER_BLOCK];
}

static inline void job_journal_failed(struct job *job, int error)
{
    job->report.output_error = error;
    job->report.output_is_journal = true;
}

/* job_slot.c */
bool job_slots_more(struct job *job); /* makes sure of a free slot; false: memory is out */
struct slot *job_slot_take(struct job *job);
void job_slot_free(struct job *job, struct slot *slot);
/* Alone writes the step, and what is counted by it. */
void job_slot_goto(struct job *job, struct slot *slot, enum slot_step step);
void job_slot_charge(struct job *job, struct slot *slot, size_t bytes);

/* job_results.c */
void job_finish(struct job *job, struct slot *slot, struct result_line *line);
void job_finish_with_error(struct job *job, struct slot *slot, enum ringsend_error error,
                           const char *detail);
void job_leave(struct job *job, struct slot *slot);
void job_take_parked(struct job *job, struct slot *slot, const struct parked_item *item);
void job_park(struct job *job);
void job_refuse(struct job *job, struct slot *slot, const struct record_error *error);
void job_write_bodies(struct job *job);
void job_reap(struct job *job);
bool job_has_room(const struct job *job);

/* job_admit.c */
void job_turn_group_commit(struct job *job);
void job_read_data_files(struct job *job);
bool job_may_admit(const struct job *job);
/* When reading is to go on past hosts that do not answer; RINGSEND_NEVER: it does not wait for
 * them. */
uint64_t job_stall_ns(struct job *job);
void job_drop_early(struct job *job);
void job_admit(struct job *job);

/* job_mistakes.c */
#define REACH_TICK_NS NS_PER_S
/* A result, or a refusal, that is the run's mistake: the job gives up, and the record is to be left
 * for a later run, if there may be one. */
bool job_is_mistake(struct job *job, const struct result_line *line);
void job_watch_reach(struct job *job);
/* How long until it has to be called. */
uint64_t job_reach_wait_ns(const struct job *job);

/* job_stop.c */
void job_note_unread(struct job *job);
void job_note_broken_output(struct job *job);
bool job_output_broke(struct job *job);
void job_watch(struct job *job);

#endif
