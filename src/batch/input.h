/* The bytes of one input after another, a block at a time. With an engine they are read ahead
 * through its ring, and a slow file, pipe or producer never holds the loop; without one read(2)
 * waits for them, as a command may that does nothing else. */
#ifndef RINGSEND_BATCH_INPUT_H
#define RINGSEND_BATCH_INPUT_H

#include "base/span.h"
#include "engine/file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum input_next {
    INPUT_BYTES, /* the next ones, at least one */
    INPUT_WAIT,  /* none until ringsend_run has finished the read under way; only with an engine */
    INPUT_END,
    INPUT_FAILED /* input->error says why */
};

struct input {
    struct ringsend *engine; /* null: read(2) */
    size_t block_bytes;
    char *blocks[2];   /* one is in the caller's hands, the other one is read into */
    unsigned filling;  /* the latter */
    int fd;            /* -1 exactly between input_end and input_begin */
    struct file *file; /* of fd; null without an engine, and before the first read */
    bool reading;      /* a read was started and not taken */
    int error;         /* errno of the read that failed */
};

/* False when memory is out; input_free is due in any case. */
bool input_init(struct input *in, struct ringsend *engine, size_t block_bytes);
/* From now on the bytes of `fd`, from its position on. Borrowed until input_end. */
void input_begin(struct input *in, int fd);
/* *bytes stay valid until the next call. */
enum input_next input_next(struct input *in, struct ringsend_bytes *bytes);
/* Cancels the read under way. Allowed at any time. */
void input_end(struct input *in);
void input_free(struct input *in);

#endif
