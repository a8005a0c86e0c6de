/* Two blocks take turns: while the caller works on one, a read fills the other. A read starts in
 * the moment a block is handed out, so there is never more than one under way, and none at all once
 * the end of a file was seen.
 *
 * The first bytes are held back until they say whether the input is compressed; a decoder then
 * stands between the blocks and the caller. */
#include "records/input.h"

#include "base/check.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool input_init(struct input *in, struct ringsend *engine, size_t block_bytes)
{
    *in = (struct input){.engine = engine, .block_bytes = block_bytes, .fd = -1, .jump_to = -1};
    in->blocks[0] = malloc(block_bytes);
    in->blocks[1] = malloc(block_bytes);
    return in->blocks[0] && in->blocks[1];
}

void input_begin(struct input *in, int fd, bool plain)
{
    CHECK(in->fd < 0 && !in->file);
    in->fd = fd;
    in->error = 0;
    in->text = NULL;
    in->magic_bytes = in->inside_bytes = 0;
    in->coding = in->inner = plain ? DECODER_NONE : DECODER_UNKNOWN;
    in->coded = (struct ringsend_bytes){0};
    in->coded_ended = false;
    in->read_bytes = 0;
}

void input_jump(struct input *in, int64_t offset)
{
    CHECK(in->fd >= 0 && !in->decoder && offset >= 0);
    in->jump_to = offset;
    in->magic_bytes = 0;
    in->coded.bytes = 0;
    in->coded_ended = false;
}

const char *input_error_text(const struct input *in)
{
    return in->text ? in->text : strerror(in->error);
}

static enum input_next fail(struct input *in, int error)
{
    in->error = error;
    return INPUT_FAILED;
}

/* The position is the file's own, so a read under way must have ended before it is moved. */
static bool jump(struct input *in)
{
    if (in->jump_to < 0)
        return true;
    bool moved = lseek(in->fd, in->jump_to, SEEK_SET) >= 0;
    in->jump_to = -1;
    return moved;
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
    if (in->reading && file_busy(in->file))
        return INPUT_WAIT;
    int64_t result = in->reading ? file_take(in->file) : 0;
    if (!in->reading || in->jump_to >= 0) {
        in->reading = false;
        if (!jump(in))
            return fail(in, errno);
        read_ahead(in);
        return INPUT_WAIT;
    }
    in->reading = false;
    if (result <= 0)
        return result < 0 ? fail(in, (int)-result) : INPUT_END;
    *bytes = (struct ringsend_bytes){in->blocks[in->filling], (size_t)result};
    in->filling = !in->filling;
    read_ahead(in);
    return INPUT_BYTES;
}

static enum input_next next_of_read(struct input *in, struct ringsend_bytes *bytes)
{
    if (!jump(in))
        return fail(in, errno);
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

static enum input_next next_read(struct input *in, struct ringsend_bytes *bytes)
{
    enum input_next next = in->engine ? next_of_ring(in, bytes) : next_of_read(in, bytes);
    if (next == INPUT_BYTES)
        in->read_bytes += bytes->bytes;
    return next;
}

static bool start_decoder(struct input *in)
{
    if (!in->decoded)
        in->decoded = malloc(in->block_bytes);
    in->decoder = in->decoded ? decoder_new(in->coding) : NULL;
    return in->decoder != NULL;
}

/* Reads until the coding is known. INPUT_BYTES: it is, and the bytes held back are in `magic`, the
 * others in `coded`. */
static enum input_next find_coding(struct input *in)
{
    while (in->coding == DECODER_UNKNOWN && !in->coded_ended) {
        enum input_next next = next_read(in, &in->coded);
        if (next == INPUT_WAIT || next == INPUT_FAILED)
            return next;
        in->coded_ended = next == INPUT_END;
        while (in->coding == DECODER_UNKNOWN && next == INPUT_BYTES && in->coded.bytes > 0) {
            in->magic[in->magic_bytes++] = *in->coded.data++;
            in->coded.bytes--;
            in->coding = decoder_kind_of((struct ringsend_bytes){in->magic, in->magic_bytes});
        }
    }
    if (in->coding == DECODER_UNKNOWN) /* too short to be any */
        in->coding = DECODER_NONE;
    if (in->coding == DECODER_FOREIGN) {
        in->text = decoder_foreign_text((struct ringsend_bytes){in->magic, in->magic_bytes});
        return fail(in, EBADMSG);
    }
    if (in->coding != DECODER_NONE && !start_decoder(in))
        return fail(in, ENOMEM);
    return INPUT_BYTES;
}

/* The bytes of `from` as far as they fit one block: true when there were some. */
static bool decode(struct input *in, struct ringsend_bytes *from, struct ringsend_bytes *bytes)
{
    *bytes = (struct ringsend_bytes){in->decoded,
                                     decoder_run(in->decoder, from, in->decoded, in->block_bytes)};
    return bytes->bytes > 0;
}

/* What was packed is judged by its first bytes as well, as far as they have come. */
static bool is_good_inside(struct input *in, struct ringsend_bytes bytes)
{
    size_t at = 0;
    while (in->inner == DECODER_UNKNOWN && at < bytes.bytes) {
        in->inside[in->inside_bytes++] = bytes.data[at++];
        in->inner = decoder_kind_of((struct ringsend_bytes){in->inside, in->inside_bytes});
    }
    if (in->inner == DECODER_FOREIGN)
        in->text = decoder_foreign_text((struct ringsend_bytes){in->inside, in->inside_bytes});
    else if (in->inner == DECODER_GZIP || in->inner == DECODER_ZSTD)
        in->text = "it is packed twice: unpack it once, and send that";
    return !in->text;
}

static enum input_next next_decoded(struct input *in, struct ringsend_bytes *bytes)
{
    if (in->magic_bytes > 0) { /* no coding makes anything of so few */
        struct ringsend_bytes magic = {in->magic, in->magic_bytes};
        in->magic_bytes = 0;
        decode(in, &magic, bytes);
        CHECK(bytes->bytes == 0);
    }
    while (!decode(in, &in->coded, bytes)) {
        if (in->coded_ended)
            decoder_end(in->decoder);
        in->text = decoder_error(in->decoder);
        if (in->text) {
            fail(in, EBADMSG);
            return decoder_was_whole(in->decoder) ? INPUT_END : INPUT_FAILED;
        }
        if (in->coded_ended)
            return INPUT_END;
        enum input_next next = next_read(in, &in->coded);
        if (next == INPUT_WAIT || next == INPUT_FAILED)
            return next;
        in->coded_ended = next == INPUT_END;
        if (in->coded_ended)
            in->coded = (struct ringsend_bytes){0};
    }
    return is_good_inside(in, *bytes) ? INPUT_BYTES : fail(in, EBADMSG);
}

enum input_next input_next(struct input *in, struct ringsend_bytes *bytes)
{
    CHECK(in->fd >= 0);
    if (in->coding == DECODER_UNKNOWN) {
        enum input_next next = find_coding(in);
        if (next != INPUT_BYTES)
            return next;
    }
    if (in->coding != DECODER_NONE)
        return next_decoded(in, bytes);
    *bytes = (struct ringsend_bytes){in->magic, in->magic_bytes};
    in->magic_bytes = 0;
    if (bytes->bytes == 0) {
        *bytes = in->coded;
        in->coded.bytes = 0;
    }
    if (bytes->bytes > 0)
        return INPUT_BYTES;
    return in->coded_ended ? INPUT_END : next_read(in, bytes);
}

void input_end(struct input *in)
{
    if (in->file)
        file_close(&in->file);
    in->reading = false;
    in->jump_to = -1;
    in->fd = -1;
    decoder_free(in->decoder);
    in->decoder = NULL;
}

void input_free(struct input *in)
{
    input_end(in);
    for (unsigned i = 0; i < 2; i++) {
        free(in->blocks[i]);
        in->blocks[i] = NULL;
    }
    free(in->decoded);
    in->decoded = NULL;
}
