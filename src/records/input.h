/* The bytes of one input after another, a block at a time, decoded (decoder.h). With an engine they
 * are read ahead through its ring, and a slow file, pipe or producer never holds the loop; without
 * one read(2) waits for them, as a command may that does nothing else. */
#ifndef RINGSEND_RECORDS_INPUT_H
#define RINGSEND_RECORDS_INPUT_H

#include "base/span.h"
#include "engine/file.h"
#include "records/decoder.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum input_next {
    INPUT_BYTES, /* the next ones, at least one */
    INPUT_WAIT,  /* none until ringsend_run has finished the read under way; only with an engine */
    INPUT_END,   /* with an error as below: all is there, but something follows it */
    INPUT_FAILED /* input->error, input_error_text */
};

struct input {
    struct ringsend *engine; /* null: read(2) */
    size_t block_bytes;
    char *blocks[2];   /* one is in the caller's hands, the other one is read into */
    unsigned filling;  /* the latter */
    int fd;            /* -1 exactly between input_end and input_begin */
    struct file *file; /* of fd; null without an engine, and before the first read */
    bool reading;      /* a read was started and not taken */
    int64_t jump_to;   /* go on there; -1: where it stands */

    char magic[DECODER_MAGIC_BYTES]; /* the first bytes, while they may be those of a coding */
    size_t magic_bytes;
    enum decoder_kind coding;
    struct decoder *decoder;     /* with a coding */
    struct ringsend_bytes coded; /* not yet decoded */
    uint64_t read_bytes;         /* since input_begin, as they stand in the file */
    bool coded_ended;
    char *decoded;                    /* a block; null until the first compressed input */
    char inside[DECODER_MAGIC_BYTES]; /* the first bytes of what was packed, likewise */
    size_t inside_bytes;
    enum decoder_kind inner;
    const char *text; /* of what is wrong with the coding */
    int error;        /* errno of the read that failed; EBADMSG: what was read is damaged */
};

/* False when memory is out; input_free is due in any case. */
bool input_init(struct input *in, struct ringsend *engine, size_t block_bytes);
/* From now on the bytes of `fd`, from its position on. Borrowed until input_end. `plain`: they are
 * not compressed, whatever the first of them look like. */
void input_begin(struct input *in, int fd, bool plain);
/* What input_next gives next starts at this offset of the file, which must be a regular one that
 * is not compressed. */
void input_jump(struct input *in, int64_t offset);
/* *bytes stay valid until the next call. */
enum input_next input_next(struct input *in, struct ringsend_bytes *bytes);
/* With an error: why, for people. Until input_end. */
const char *input_error_text(const struct input *in);
/* Cancels the read under way. Allowed at any time. */
void input_end(struct input *in);
void input_free(struct input *in);

#endif
