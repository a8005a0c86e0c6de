/* Two blocks take turns: while the caller works on one, a read fills the other. A read starts in
 * the moment a block is handed out, so there is never more than one under way, and none at all once
 * the end of a file was seen. */
#include "batch/input.h"

#include "base/check.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

bool input_init(struct input *in, struct ringsend *engine, size_t block_bytes)
{
    *in = (struct input){.engine = engine, .block_bytes = block_bytes, .fd = -1};
    in->blocks[0] = malloc(block_bytes);
    in->blocks[1] = malloc(block_bytes);
    return in->blocks[0] && in->blocks[1];
}

void input_begin(struct input *in, int fd)
{
    CHECK(in->fd < 0 && !in->file);
    in->fd = fd;
    in->error = 0;
}

static enum input_next fail(struct input *in, int error)
{
    in->error = error;
    return INPUT_FAILED;
}

static void read_ahead(struct input *in)
{
    file_read(in->file, in->blocks[in->filling], in->block_bytes, -1);
    in->reading = true;
}

static enum input_next next_of_ring(struct input *in, struct ringsend_bytes *bytes)
{
    if (!in->file) {
        /* LIMIT_FILES is more than a job has open. */
        if (file_open(in->engine, in->fd, &in->file) != 0)
            return fail(in, ENOMEM);
    }
    if (!in->reading) {
        read_ahead(in);
        return INPUT_WAIT;
    }
    if (file_busy(in->file))
        return INPUT_WAIT;
    in->reading = false;
    int64_t result = file_take(in->file);
    if (result <= 0)
        return result < 0 ? fail(in, (int)-result) : INPUT_END;
    *bytes = (struct ringsend_bytes){in->blocks[in->filling], (size_t)result};
    in->filling = !in->filling;
    read_ahead(in);
    return INPUT_BYTES;
}

static enum input_next next_of_read(struct input *in, struct ringsend_bytes *bytes)
{
    for (;;) {
        ssize_t result = read(in->fd, in->blocks[0], in->block_bytes);
        *bytes = (struct ringsend_bytes){in->blocks[0], result > 0 ? (size_t)result : 0};
        if (result >= 0)
            return result > 0 ? INPUT_BYTES : INPUT_END;
        if (errno == EAGAIN) {
            struct pollfd readable = {.fd = in->fd, .events = POLLIN};
            poll(&readable, 1, -1);
        } else if (errno != EINTR) {
            return fail(in, errno);
        }
    }
}

enum input_next input_next(struct input *in, struct ringsend_bytes *bytes)
{
    CHECK(in->fd >= 0);
    return in->engine ? next_of_ring(in, bytes) : next_of_read(in, bytes);
}

void input_end(struct input *in)
{
    if (in->file)
        file_close(&in->file);
    in->reading = false;
    in->fd = -1;
}

void input_free(struct input *in)
{
    input_end(in);
    for (unsigned i = 0; i < 2; i++) {
        free(in->blocks[i]);
        in->blocks[i] = NULL;
    }
}
