/* What a record weighs, by its own data, as --cost has it: an expression over numbers, values at
 * paths of a body of JSON, columns of a row, and bytes of the body.
 *
 *   .max_tokens
 *   len(.prompt) / 4 + max(.max_tokens, 256)
 *   column("tokens") * 1.5
 *
 * Numbers are decimal: 12, 0.25. A path is json_path.h's; a minus behind one stands apart, as keys
 * may hold one. Signs: + - * / ( ), in their usual order, and - before a value. Functions: min and
 * max of two values or more; len of a path or column: the characters of a text, of anything else
 * the bytes that stand there. `bytes` are those of the whole body.
 *
 * A value is a number, or a text that is one; true is 1. All else, and what is absent, is 0. What
 * comes out is rounded up; below 0, and what is no number (0 / 0), is 0, above COST_MAX that. */
#ifndef RINGSEND_BASE_COST_H
#define RINGSEND_BASE_COST_H

#include "base/json_path.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COST_MAX (UINT64_C(1) << 40)

enum {
    COST_BYTES_MAX = 1024, /* of the text */
    COST_NODES_MAX = 64,
    COST_DEPTH_MAX = 16,  /* of parentheses in each other */
    COST_SOURCES_MAX = 8, /* paths and columns */
};

enum cost_kind {
    COST_NUMBER,
    COST_BYTES, /* of the body */
    COST_VALUE, /* of a path or column */
    COST_LEN,
    COST_NEGATE,
    COST_ADD,
    COST_SUBTRACT,
    COST_MULTIPLY,
    COST_DIVIDE,
    COST_LEAST,
    COST_MOST
};

/* Of a program that is run from left to right, over a stack. */
struct cost_node {
    enum cost_kind kind;
    uint32_t source;
    double number;
};

struct cost_source {
    struct json_path path; /* of no steps: */
    char column[JSON_PATH_BYTES_MAX + 1];
};

/* Not to be copied. */
struct cost {
    struct cost_node nodes[COST_NODES_MAX];
    struct cost_source sources[COST_SOURCES_MAX];
    uint32_t nodes_count, sources_count;
};

/* Null, or what is wrong, in static words; *column then counts from 1. */
const char *cost_read(struct cost *cost, const char *text, size_t *column);
/* A name that has_column and the data's own columns are asked for; null: there is none. */
const char *cost_column(const struct cost *cost, size_t number);

/* Finds a column's text; false: there is none of that name. */
typedef bool cost_field(void *context, const char *column, struct ringsend_bytes *text);

/* What it weighs, by its body, and by its columns where `field` is not null. *found counts the
 * values that were there. */
uint64_t cost_of(const struct cost *cost, struct ringsend_bytes body, cost_field *field,
                 void *context, uint32_t *found);

#endif
