/* Where records end: cuts the bytes of one input into records as they come, in pieces of any size.
 * It looks for no more than that; whether a record is any good is found out by its reader.
 *
 *   jsonl, vegeta, lines   up to a LF
 *   csv, tsv               up to a LF that does not stand in a quoted field
 *   json                   an element of the array that the input is, or else values one after
 *                          another, with anything up to the bracket that closes them */
#ifndef RINGSEND_RECORDS_SPLITTER_H
#define RINGSEND_RECORDS_SPLITTER_H

#include "base/span.h"
#include "records/format.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cutter_step {
    /* csv, tsv: inside a row */
    CUTTER_FIELD_START, /* a quote here opens a quoted field; also the start of every record */
    CUTTER_PLAIN,
    CUTTER_QUOTED,
    CUTTER_QUOTE, /* behind a quote in a quoted field: its end, or half of a doubled one */
    /* json */
    CUTTER_OPENING, /* before anything */
    CUTTER_FIRST,   /* in the array, before its first element or its end */
    CUTTER_ELEMENT, /* behind a comma */
    CUTTER_COMMA,   /* behind an element */
    CUTTER_VALUES,  /* no array: between two values */
    CUTTER_VALUE,   /* inside an array, object or string */
    CUTTER_SCALAR,  /* inside anything else */
    CUTTER_CLOSED   /* behind the array */
};

struct cutter {
    enum format format;
    enum cutter_step step;
    bool in_array;  /* json: the input is one */
    bool in_string; /* json, CUTTER_VALUE */
    bool escaped;   /* behind a backslash in a string */
    uint32_t depth; /* open brackets in CUTTER_VALUE */
};

/* What became of a piece: `before` bytes belong to no record, then come `record` bytes of the one
 * being cut, then `after` bytes that belong to none. They may be fewer than the piece. */
struct cut {
    size_t before, record, after;
    size_t before_lines, lines; /* LFs among the first, among the two others */
    bool complete;              /* the record ends here */
    const char *fault;          /* the input makes no sense from here on: static words, else null */
};

/* At the start of an input. */
void cutter_begin(struct cutter *c, enum format format);
/* Behind a record; `opening`: the first byte of the input that is no white space. */
void cutter_resume(struct cutter *c, enum format format, char opening);
void cutter_cut(struct cutter *c, struct ringsend_bytes piece, struct cut *cut);
/* At the end of the input: what is missing, or null. */
const char *cutter_end(const struct cutter *c);

#endif
