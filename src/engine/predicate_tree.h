/* A compiled predicate, as predicate_compile.c makes it and predicate.c reads it.
 *
 * The expression is a tree of nodes. The paths of it are merged into a second tree, whose root is
 * the body: so one pass over the body finds the values of all of them. What a path is asked for
 * lands in the slot of its last step. */
#ifndef RINGSEND_ENGINE_PREDICATE_TREE_H
#define RINGSEND_ENGINE_PREDICATE_TREE_H

#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    PREDICATE_BYTES_MAX = 4096, /* of the text */
    PREDICATE_NODES_MAX = 128,
    PREDICATE_DEPTH_MAX = 32, /* parentheses and '!' inside each other */
    PREDICATE_STEPS_MAX = 128,
    PREDICATE_SLOTS_MAX = 32, /* different paths */
    PREDICATE_NONE = -1
};

enum predicate_kind {
    NODE_OR,
    NODE_AND,
    NODE_NOT,
    NODE_EQUAL,
    NODE_UNEQUAL,
    NODE_LESS,
    NODE_LESS_EQUAL,
    NODE_GREATER,
    NODE_GREATER_EQUAL,
    NODE_CONTAINS, /* right is a string */
    NODE_EXISTS,   /* left is a path */
    /* Operands */
    NODE_NULL,
    NODE_FALSE,
    NODE_TRUE,
    NODE_NUMBER, /* text */
    NODE_STRING, /* text, decoded */
    NODE_STATUS,
    NODE_BODY,
    NODE_HEADER, /* text: its name */
    NODE_PATH    /* slot */
};

struct predicate_node {
    enum predicate_kind kind;
    int16_t left, right; /* nodes; of a unary one only left */
    int16_t slot;
    struct ringsend_bytes text;
};

/* A member of an object, or an element of an array; the first one of all is the body itself. */
struct predicate_step {
    bool is_index;
    struct ringsend_bytes key; /* decoded */
    uint32_t index;
    int16_t child, sibling; /* the first step behind it; the next beside it; or PREDICATE_NONE */
    int16_t slot;           /* or PREDICATE_NONE: only passed through */
};

struct predicate {
    struct memory *memory; /* of this and of what its pointers lead to, in one piece */
    size_t bytes;          /* of that piece */
    struct predicate_node nodes[PREDICATE_NODES_MAX];
    struct predicate_step steps[PREDICATE_STEPS_MAX];
    int nodes_count, steps_count, slots_count;
    int root;
    bool wants_headers, wants_body;
    char *text;        /* what numbers point into */
    char *decoded;     /* what strings and keys point into */
    uint16_t *matches; /* by byte of `decoded`, for each string that is looked for: see CONTAINS in
                          predicate.c */
};

#endif
