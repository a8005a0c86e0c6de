/* Where records end: cuts the bytes of one input into records as they come, in pieces of any size.
 * It looks for no more than that; whether a record is any good is found out by its reader.
 *
 *   jsonl, lines           up to a LF
 *   csv, tsv               up to a LF that does not stand in a quoted field
 *   copy                   up to a LF without a backslash in front
 *   vegeta                 up to a LF, if it begins with a brace; else up to the line of a body
 *                          (@FILE), a blank one, or one that begins another target
 *   json                   an element of the array that the input is, or else values one after
 *                          another, with anything up to the bracket that closes them */
#ifndef RINGSEND_RECORDS_SPLITTER_H
#define RINGSEND_RECORDS_SPLITTER_H

#include "base/span.h"
#include "records/format.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum splitter_step {
    /* csv, tsv: inside a row */
    SPLITTER_FIELD_START, /* a quote here opens a quoted field; also the start of every record */
    SPLITTER_PLAIN,
    SPLITTER_QUOTED,
    SPLITTER_QUOTE, /* behind a quote in a quoted field: its end, or half of a doubled one */
    /* json */
    SPLITTER_OPENING, /* before anything */
    SPLITTER_FIRST,   /* in the array, before its first element or its end */
    SPLITTER_ELEMENT, /* behind a comma */
    SPLITTER_COMMA,   /* behind an element */
    SPLITTER_VALUES,  /* no array: between two values */
    SPLITTER_VALUE,   /* inside an array, object or string */
    SPLITTER_SCALAR,  /* inside anything else */
    SPLITTER_CLOSED,  /* behind the array */
    /* vegeta */
    SPLITTER_BETWEEN,    /* before a target */
    SPLITTER_COMMENT,    /* in a comment there */
    SPLITTER_LAST_LINE,  /* the target ends with this line */
    SPLITTER_LINE,       /* in another line of it */
    SPLITTER_LINE_START, /* behind one: what begins here may be another target's */
};

enum { SPLITTER_HELD_MAX = 32 };

struct splitter {
    enum format format;
    char delimiter; /* of rows */
    enum splitter_step step;
    bool in_array;  /* json: the input is one */
    bool in_string; /* json, SPLITTER_VALUE */
    bool escaped;   /* behind a backslash in a string, or in a row of copy */
    uint32_t depth; /* open brackets in SPLITTER_VALUE */
    /* vegeta: the start of a line that came at the end of a piece, too short to tell whose it is;
     * no method is as long. */
    char held[SPLITTER_HELD_MAX];
    size_t held_bytes;
};

/* What became of a piece: `before` bytes belong to no record, then come those of the one being
 * split off, `held` out of earlier pieces and `record` of this one, then `after` bytes that belong
 * to none. They may be fewer than the piece. */
struct split {
    size_t before, record, after;
    struct ringsend_bytes held; /* until the next call */
    size_t kept_back;           /* bytes at the end of the piece, to be held */
    size_t before_lines, lines; /* LFs among the first, among the two others */
    bool complete;              /* the record ends here */
    const char *fault;          /* the input makes no sense from here on: static words, else null */
};

/* At the start of an input. */
void splitter_begin(struct splitter *c, enum format format, char delimiter);
/* Behind a record; `opening`: the first byte of the input that is no white space. */
void splitter_resume(struct splitter *c, enum format format, char delimiter, char opening);
void splitter_split(struct splitter *c, struct ringsend_bytes piece, struct split *split);
/* At the end of the input: what is missing, or null; and what of earlier pieces belongs to the last
 * record. */
const char *splitter_end(const struct splitter *c);
struct ringsend_bytes splitter_rest(const struct splitter *c);

#endif
