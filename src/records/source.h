/* The input: records out of files and standard input, one file after another.
 *
 * Where a record ends is the splitter's business; mostly it is a line: everything up to a LF, or up
 * to the end of its file; a CR at its end belongs to it, so that it can be written back byte for
 * byte. A UTF-8 byte order mark at the start of a file is passed over, and so are blank lines.
 *
 * An input that cannot be read on, because of the disk, of its compression, or because its array or
 * its header makes no sense, ends there, and the first such error is kept. What was split off of a
 * record is dropped then: it may look whole and not be.
 *
 * Numbers. Every record has one, from 0 on over all inputs in their order, whether it is handed
 * out, passed over, broken or too long: the same inputs give each record the same number, on every
 * machine and after every restart.
 *
 * Proof. That the inputs are the same is for them to show where nobody can look twice, as with a
 * pipe: source_prove says how many records an earlier run has read, and their digest. */
#ifndef RINGSEND_RECORDS_SOURCE_H
#define RINGSEND_RECORDS_SOURCE_H

#include "base/buf.h"
#include "records/digest.h"
#include "records/input.h"
#include "records/layout.h"
#include "records/splitter.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum source_next {
    SOURCE_RECORD,   /* *record holds one, without the LF behind it */
    SOURCE_TOO_LONG, /* one of more than LIMIT_LINE_BYTES was skipped */
    SOURCE_WAIT,     /* nothing until ringsend_run has finished the read under way */
    SOURCE_END       /* all inputs, or the range, are used up, or the source was stopped */
};

/* Which records are handed out; the others are passed over at the cost of finding their ends. Of
 * the `limit` records from number `skip` on, those whose number mod `shards` is `shard`. */
struct source_range {
    uint64_t skip, limit;   /* limit 0: all */
    uint64_t shard, shards; /* shards 0: all of them */
};

/* A place between two records, good for the same inputs in every later run. */
struct source_position {
    uint64_t input;
    uint64_t number;       /* of the record behind it */
    uint64_t index;        /* how many records of this input are before it */
    uint64_t offset;       /* how many bytes of this input are before it, decoded */
    uint64_t lines;        /* how many lines of this input are before it */
    uint64_t digest;       /* of all records and header rows before it */
    uint64_t input_digest; /* of those before this input */
};

struct source {
    char *const *paths; /* "-" is standard input */
    int *fds;
    size_t count;
    /* Zero, or as the caller sets it before source_start. */
    enum format format;     /* of all inputs */
    char delimiter;         /* of rows; 0: by the format, or a header without a comma */
    enum encoding encoding; /* of rows */
    struct source_range range;
    bool same_headers; /* all files of rows must have the header of the first one */
    const struct template_names *names; /* of the columns that rows must have; null: none */
    const struct echo *echo;            /* what results tell of records; null: nothing */
    size_t block_bytes;                 /* of a read; 0: the default */

    struct buf_pool *pool;
    struct input bytes;
    size_t current;         /* input being read; `count` exactly at the end of all */
    struct layout *layouts; /* one for each input */
    struct splitter splitter;
    struct ringsend_bytes block; /* what is left of the bytes to be split */
    bool begun;                  /* input_begin was said of the current input */
    bool resumed;                /* it was not read from its start */
    bool plain;                  /* nor has to be looked at for being compressed, then */
    char opening;                /* then: its first byte that is no white space */
    bool ended;                  /* the end of the current input was seen */
    bool stopped;                /* by source_stop */
    char guessed;                /* the delimiter that the first header without a comma was taken to
                                    have; 0: none was */
    size_t guessed_input;

    /* Of the record being split off. */
    struct buf partial; /* its bytes, empty while it is not wanted or too long */
    bool too_long;
    bool has_text;        /* it has more than white space */
    uint64_t split_bytes; /* of it, so far, and of what stands before it */
    uint64_t split_lines; /* the same for LFs */
    uint64_t split_line;  /* where it starts, once it has begun */
    bool split_begun;
    unsigned mark_at; /* how much of a byte order mark was seen at the start of the input */
    bool mark_passed;

    /* Of the records before it. */
    uint64_t line;         /* where the one handed out last starts, from 1 in each input */
    uint64_t number;       /* of that one */
    uint64_t next_number;  /* of the one being split off */
    uint64_t first_number; /* of the current input's first record */
    uint64_t skip_to;      /* records below are not wanted */
    uint64_t taken_bytes, taken_lines; /* of the current input */

    struct digest digest;             /* of all records and header rows before it, with `proves` */
    struct ringsend_bytes undigested; /* of the record, the last piece, until another one comes */
    uint64_t input_digest;            /* of those before the current input */
    bool proves;
    uint64_t proof_records, proof_digest;
    bool proven;    /* the first proof_records gave proof_digest */
    bool disproved; /* they did not, or there are fewer: nothing is handed out any more */

    /* Where to go on after the header row; -1: behind it. */
    int64_t jump_to;
    struct source_position position; /* that belongs to it */

    int error; /* of the first input that could not be read on: an errno, EBADMSG for its content,
                  ESTALE when the inputs are others than those of the proof */
    size_t error_input;
    char error_text[LAYOUT_MESSAGE_BYTES + 40]; /* why */
};

/* Opens all inputs, before anything else happens: 0, or an errno and the input it is about. */
int source_open(struct source *s, char *const *paths, size_t count, size_t *failed_input);
/* Starts an opened source at a position that source_position gave, perhaps in another run over the
 * same inputs. At once in regular files that are not compressed; others are read up to it. Before
 * source_start. */
void source_seek(struct source *s, const struct source_position *position);
/* From now on a digest is kept of all records, whether they are handed out or not, from this start
 * on. The first `records` of them are to give `digest`: else the source ends with an error, having
 * handed out perhaps some of them. After source_open, before anything else. */
void source_prove(struct source *s, uint64_t start, uint64_t records, uint64_t digest);
/* Whether they did. */
bool source_is_proven(const struct source *s);
/* Readies an opened source for source_next; engine null: read(2). False when memory is out. */
bool source_start(struct source *s, struct ringsend *engine, struct buf_pool *pool);

/* The next record into *record, an empty buffer that becomes the caller's. Its number, line and
 * input are s->number, s->line and s->current until the next call. */
enum source_next source_next(struct source *s, struct buf *record);
/* No record below `number` is wanted any more. At any time after source_open. */
void source_skip_to(struct source *s, uint64_t number);
/* How the records of the current input stand in it; of use until source_close. */
const struct layout *source_layout(const struct source *s);
/* The place behind the record handed out last. */
struct source_position source_position(const struct source *s);
/* The digest of all records up to it. */
uint64_t source_digest(const struct source *s);

/* How many bytes of the current input, as they stand in its file, have come to use; of one that is
 * compressed about that, and never all before its end. */
uint64_t source_read_bytes(const struct source *s);
/* Where reading stands: the first input of which something was, or may have been, not handed out;
 * `count` when there is none. Of its bytes *unread_bytes were not; 0: unknown, as with pipes and in
 * the middle of what is compressed. */
size_t source_unread(const struct source *s, uint64_t *unread_bytes);
/* Gives up all memory and the engine's file, cancelling the read under way. Allowed at any time
 * after source_open; `current`, `line`, `number` and the descriptors stay. */
void source_stop(struct source *s);
/* Stops, and closes the descriptors. */
void source_close(struct source *s);

#endif
