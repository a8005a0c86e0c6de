/* Holds records back until a file is durable, for --sync: one sync for all that came while the last
 * one was under way. The journal says then that they may have been sent; a directory has their
 * bodies. */
#ifndef RINGSEND_JOURNAL_GROUP_COMMIT_H
#define RINGSEND_JOURNAL_GROUP_COMMIT_H

#include "engine/file.h"

#include <stdbool.h>
#include <stdint.h>

struct group_commit {
    struct file *file; /* null: all pass, nothing is ever put */
    bool is_directory;
    void **items; /* of the caller: `passed`, then `syncing`, then `waiting` ones */
    uint32_t capacity;
    uint32_t passed, syncing, waiting;
    int error; /* errno of the first sync that failed: nothing passes from then on */
};

/* For at most `capacity` items at a time. False when memory is out. */
bool group_commit_open(struct group_commit *g, struct ringsend *engine, int fd, uint32_t capacity);
void group_commit_close(struct group_commit *g);
/* What was stored for the item before this is durable when it passes. */
void group_commit_put(struct group_commit *g, void *item);
/* Starts and ends syncs; call it each turn. */
void group_commit_turn(struct group_commit *g);
/* The next item that passed, null: none. */
void *group_commit_take(struct group_commit *g);
/* After an error: the next one that never will. */
void *group_commit_take_refused(struct group_commit *g);
bool group_commit_is_empty(const struct group_commit *g);
/* Takes all out, passed or not. */
void group_commit_clear(struct group_commit *g);

#endif
