/* The journal of a job: what became of each record, in a file beside the results that outlives the
 * process, whatever ends it.
 *
 * Two bits a record: unsent, *sent* (it may have been processed), *done* (its result stands in the
 * results file); both: done, and not ok. They are stores to a shared memory map: no system call,
 * and SIGKILL takes nothing back. A loss of power may, unless the journal is told to sync: then
 * nothing that it says is ever more than what the disk holds.
 *
 * Numbers are those of records/source.h. One thread reads the source and calls the functions here;
 * the sent bits alone may be set and cleared by others. */
#ifndef RINGSEND_JOURNAL_JOURNAL_H
#define RINGSEND_JOURNAL_JOURNAL_H

#include "journal/fingerprint.h"
#include "records/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    /* Result lines of one append. */
    JOURNAL_BLOCK_MAX = 40960,
    /* Records between two places in the input from which a later run may start to read. */
    JOURNAL_STRIDE = 4096
};

/* Bytes that belong to no record: the head of a table. */
#define JOURNAL_NO_RECORD UINT64_MAX

/* A result that is about to be written: how many bytes it adds to each file. */
struct journal_entry {
    uint64_t record;
    uint64_t result_bytes : 63;
    uint64_t is_not_ok : 1;
    uint64_t failed_bytes; /* 0: it is ok, or there is no file of failed lines, or no line */
    uint64_t check;        /* journal_check of these bytes; 0: none, what is there is believed */
};

/* Sizes of the results file and of the file of failed lines. */
struct journal_sizes {
    uint64_t results, failed;
};

enum journal_state { JOURNAL_UNSENT, JOURNAL_SENT, JOURNAL_DONE };

enum journal_error {
    JOURNAL_OK,
    JOURNAL_FAILED,        /* errno */
    JOURNAL_HELD,          /* another process has it */
    JOURNAL_NONE,          /* there is no such file, or its run died before it did anything */
    JOURNAL_UNKNOWN,       /* what is there is no journal of ours */
    JOURNAL_OTHER_VERSION, /* of another version of the program */
    JOURNAL_DAMAGED,       /* it contradicts itself */
    JOURNAL_TOO_SHORT,     /* a file is shorter than the journal knows, or was changed */
    JOURNAL_TOO_LONG       /* a file was added to by others */
};

struct journal_counts {
    uint64_t done, in_doubt;
    uint64_t not_ok;        /* of the done */
    uint64_t left;          /* wanted, read, and neither of these */
    uint64_t waiting;       /* of the done: parked.h */
    bool input_ended;       /* else there may be more that was never read */
    uint64_t total;         /* of all wanted; 0: nobody can tell */
    bool total_is_estimate; /* by how much of the inputs' bytes gave the records read so far */
    int64_t written_s;      /* wall clock of the last change of results */
};

struct journal;

/* Of a run and its journal. */
struct journal_plan {
    const struct fingerprint *fingerprint;
    const struct source_range *range;
    bool has_failed; /* there is a file of failed lines */
    bool sync;       /* it holds through a loss of power */
};

/* Makes a new journal, for a new run with empty files. What stands under its name is never touched,
 * but for a journal that nobody holds, which with `replace` stays until the new one takes its
 * place: all that may fail, as for want of disk space, has been done by then. Else JOURNAL_FAILED
 * with EEXIST, or JOURNAL_UNKNOWN. With errors *journal is untouched. */
enum journal_error journal_create(struct journal **journal, const char *path,
                                  const struct journal_plan *plan, bool replace);
/* The last step of making one. 0 or an errno. */
int journal_take_place(struct journal *journal);
/* Takes up one that a run has left, and nothing that is not one. */
enum journal_error journal_open(struct journal **journal, const char *path, bool sync);
/* Only looks, perhaps while a run has it; *held tells. */
enum journal_error journal_look(struct journal **journal, const char *path, bool *held);
/* Null is allowed. The file stays. */
void journal_close(struct journal *journal);
/* Closes and removes it: every record has its result. */
void journal_remove(struct journal *journal);

const char *journal_path(const struct journal *journal);
int journal_fd(const struct journal *journal);
bool journal_has_failed(const struct journal *journal);
/* Valid while the journal is. */
const struct fingerprint *journal_fingerprint(const struct journal *journal);
struct journal_counts journal_count(const struct journal *journal);

/* ---- blocks of results ---- */

/* The check of a result's bytes and its failed line's. */
uint64_t journal_check(struct ringsend_bytes result, struct ringsend_bytes failed);
/* Of a block that may not have been finished: makes of the files' sizes those at which they are to
 * be cut, which journal_settle then makes true. The files are read to see whether lines are whole;
 * -1: the caller knows that what has been added to them is. */
enum journal_error journal_recover(struct journal *journal, int results_fd, int failed_fd,
                                   struct journal_sizes *sizes);
/* Up to where a run with sync has made the files durable: what goes beyond needs tail_sync. */
struct journal_sizes journal_synced(const struct journal *journal);
/* The files have the sizes that the last journal_recover gave, durably if it is to sync, and all
 * results in them belong to done records. 0 or an errno; then a later run does all of this again.
 */
int journal_settle(struct journal *journal, struct journal_sizes sizes);

/* Before a block of results is written behind `sizes`: at most JOURNAL_BLOCK_MAX entries. Then each
 * file is appended to, that of failed lines first; then journal_written, or, had the disk no room
 * for all of it, journal_recover. With sync the journal's file is to be synced before the first
 * append, and the files before journal_written. 0 or an errno: then there was no room for the list.
 */
int journal_intend(struct journal *journal, const struct journal_entry *entries, size_t count,
                   struct journal_sizes sizes);
void journal_written(struct journal *journal);

/* ---- states ---- */

/* Room for the states of all records up to this number; 0 or an errno. */
int journal_reserve(struct journal *journal, uint64_t number);
/* The record, for which there is room, has been read, as the last one so far: `digest` is that of
 * all records up to it. Before anything else is told of it. */
void journal_read(struct journal *journal, uint64_t number, uint64_t digest);
/* Then reading stood behind so many inputs and bytes of the next one, as they stand in its file. */
void journal_read_up_to(struct journal *journal, uint64_t inputs, uint64_t bytes);
/* Of all runs: no record from this number on was read; the digest of those below. */
uint64_t journal_records(const struct journal *journal);
uint64_t journal_digest(const struct journal *journal);
/* Where digests start. */
uint64_t journal_seed(const struct journal *journal);
void journal_input_ended(struct journal *journal);
enum journal_state journal_state(const struct journal *journal, uint64_t number);
void journal_set_sent(struct journal *journal, uint64_t number, bool sent);
/* Where the record's sent bit is, for ringsend_request.in_doubt. */
unsigned char *journal_sent(const struct journal *journal, uint64_t number, unsigned char *mask);

/* The first record from `number` on that is not done. */
uint64_t journal_next_open(const struct journal *journal, uint64_t number);
/* Keeps a place in the input, now and then. */
void journal_pass(struct journal *journal, const struct source_position *position);
/* The last kept place that is not behind the record; false when there is none. */
bool journal_place(const struct journal *journal, uint64_t number,
                   struct source_position *position);

#endif
