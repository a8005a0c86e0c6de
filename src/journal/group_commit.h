/* Holds records back until a file is durable, for --sync: one sync for all that came while the last one
 * was under way. The journal says then that they may have been sent; a directory has their bodies. */
#ifndef RINGSEND_JOURNAL_GROUP_COMMIT_H
#define RINGSEND_JOURNAL_GROUP_COMMIT_H

#include "engine/file.h"

#include <stdbool.h>
#include <stdint.h>

struct gate {
    struct file *file; /* null: the gate stands open, nothing is ever put */
    bool is_directory;
    void **items; /* of the caller: `passed`, then `syncing`, then `waiting` ones */
    uint32_t capacity;
    uint32_t passed, syncing, waiting;
    int error; /* errno of the first sync that failed: nothing passes from then on */
};

/* For at most `capacity` items at a time. False when memory is out. */
bool gate_open(struct gate *g, struct ringsend *engine, int fd, uint32_t capacity);
void gate_close(struct gate *g);
/* What was stored for the item before this is durable when it passes. */
void gate_put(struct gate *g, void *item);
/* Starts and ends syncs; call it each turn. */
void gate_turn(struct gate *g);
/* The next item that passed, null: none. */
void *gate_take(struct gate *g);
/* After an error: the next one that never will. */
void *gate_take_refused(struct gate *g);
bool gate_is_empty(const struct gate *g);
/* Takes all out, passed or not. */
void gate_clear(struct gate *g);

#endif
