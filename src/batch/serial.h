/* Records with the same value at a path of their JSON body go one after another, in the order in
 * which they came; those without one go as they please.
 *
 * Equal are values of the same bytes, strings of the same text (with escapes, of at most 4 KiB).
 * Each record in hand has a node here: nothing is allocated for it, and nothing is remembered of
 * records that are done. */
#ifndef RINGSEND_BATCH_SERIAL_H
#define RINGSEND_BATCH_SERIAL_H

#include "base/span.h"
#include "base/json_path.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct serial_key {
    uint64_t low, high;
};

/* False when there is no value at the path, it is null, or the text is no JSON. */
bool serial_key_of(const struct json_path *path, struct ringsend_bytes text,
                   struct serial_key *key);

/* Of a record; zeroed before its first use. */
struct serial_node {
    struct serial_key key;
    bool entered;
    struct serial_node *same;      /* the next one of the same key */
    struct serial_node *last;      /* of the first one: the last */
    struct serial_node *hash_next; /* of the first one */
};

struct serial {
    struct serial_node **hash;
    size_t mask;
};

/* For at most `count` nodes at a time. False when memory is out. */
bool serial_init(struct serial *s, size_t count);
void serial_free(struct serial *s);
/* True: it is the first of its key and may go. False: it waits until serial_leave gives it. */
bool serial_enter(struct serial *s, struct serial_node *node, struct serial_key key);
/* It is done, or gives up waiting; harmless if it has not entered. Returns the one that may go now,
 * or null. */
struct serial_node *serial_leave(struct serial *s, struct serial_node *node);

#endif
