#include "http/coding.h"

#include "base/check.h"
#include "http/fields.h"

/* A body is unpacked into a buffer that grows by doubling, whose growth the limit for bodies cuts
 * off, after each coding that is taken off: so a bomb costs at most the memory and time of a body
 * that may come, and how well something is packed is no fault. That time is taken in stretches,
 * each bounded by an allowance of bytes; what is read counts as much as what is made, for there are
 * streams that make nothing out of much. */

enum {
    FIRST_BYTES = 4096,
    STEP_BYTES = 64, /* what a step costs besides: a stream of no bytes is some work, too */
};

static void add_text(struct codings *c, struct ringsend_bytes text)
{
    size_t room = CODING_TEXT_BYTES - c->text_bytes;
    size_t bytes = text.bytes < room ? text.bytes : room;
    memcpy(c->text + c->text_bytes, text.data, bytes);
    c->text_bytes = (uint8_t)(c->text_bytes + bytes);
}

static void add_one(struct codings *c, struct ringsend_bytes name)
{
    static const struct {
        struct ringsend_bytes name;
        enum coding coding;
    } known[] = {
        {{"gzip", 4}, CODING_GZIP}, {{"x-gzip", 6}, CODING_GZIP}, {{"deflate", 7}, CODING_DEFLATE},
        {{"br", 2}, CODING_BROTLI}, {{"zstd", 4}, CODING_ZSTD},
    };
    if (name.bytes == 0 || span_equal_nocase(name, SPAN("identity")))
        return;
    add_text(c, c->text_bytes > 0 ? SPAN(", ") : SPAN(""));
    add_text(c, name);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!span_equal_nocase(name, known[i].name))
            continue;
        if (c->count < CODING_MAX)
            c->of[c->count] = (uint8_t)known[i].coding;
        c->count += c->count <= CODING_MAX;
        return;
    }
    c->unknown = true;
}

void codings_add(struct codings *codings, struct ringsend_bytes value)
{
    struct ringsend_bytes name;
    while (list_next(&value, &name))
        add_one(codings, name);
}

/* A zlib header (RFC 1950 2.2): method 8, and a multiple of 31 as a whole. Raw deflate begins so
 * only when it stores its first bytes and fills up with ones, which no packer does. */
static bool has_zlib_header(const struct buf *body)
{
    if (body->bytes < 2)
        return false;
    unsigned first = (unsigned char)body->data[0], second = (unsigned char)body->data[1];
    return (first & 0x0f) == 8 && (first << 8 | second) % 31 == 0;
}

static enum unpack_kind kind_of(enum coding coding, const struct buf *body)
{
    switch (coding) {
    case CODING_GZIP:
        return UNPACK_GZIP;
    case CODING_DEFLATE:
        return has_zlib_header(body) ? UNPACK_ZLIB : UNPACK_DEFLATE;
    case CODING_BROTLI:
        return UNPACK_BROTLI;
    case CODING_ZSTD:
        return UNPACK_ZSTD;
    }
    UNREACHABLE("coding");
}

/* ---- Taking them off ---- */

void decoding_begin(struct decoding *d, const struct codings *codings, struct unpack *unpack,
                    struct buf_pool *pool, struct buf *body, uint64_t bytes_max)
{
    CHECK(!codings->unknown);
    *d = (struct decoding){
        .codings = *codings, .unpack = unpack, .pool = pool, .bytes_max = bytes_max, .body = *body};
    d->bytes_max -= bytes_max == UINT64_MAX; /* its successor is reckoned with */
    *body = (struct buf){0};
}

void decoding_end(struct decoding *d)
{
    buf_release(d->pool, &d->body);
    buf_release(d->pool, &d->out);
}

static bool fail(struct decoding *d, enum ringsend_error error, const char *detail)
{
    d->error = error;
    d->detail = detail;
    return false;
}

/* Room for at least one byte beyond what is there, so that a step can tell the end from the limit.
 */
static bool make_room(struct decoding *d)
{
    size_t more = d->out.bytes > FIRST_BYTES ? d->out.bytes : FIRST_BYTES;
    if (more > d->bytes_max + 1 - d->out.bytes)
        more = (size_t)(d->bytes_max + 1 - d->out.bytes);
    return d->out.capacity > d->out.bytes || buf_reserve(d->pool, &d->out, more);
}

static bool is_within_limits(struct decoding *d)
{
    if (d->out.bytes > d->bytes_max)
        return fail(d, RINGSEND_E_BODY_TOO_LARGE,
                    "unpacked, the body is larger than the limit for bodies");
    return true;
}

/* The stream of the coding applied last, or one behind it. */
static bool begin_stream(struct decoding *d)
{
    return unpack_begin(d->unpack, d->kind) || fail(d, RINGSEND_E_NO_MEMORY, NULL);
}

static bool begin_coding(struct decoding *d)
{
    if (d->codings.count > CODING_MAX)
        return fail(d, RINGSEND_E_BAD_ENCODING, "more than two content codings upon each other");
    d->kind = kind_of((enum coding)d->codings.of[d->codings.count - 1], &d->body);
    d->in = (struct ringsend_bytes){d->body.data, d->body.bytes};
    d->inside = true;
    return begin_stream(d);
}

/* A stream has ended: another one follows, as gzip and zstd allow, or this coding is off. */
static bool end_stream(struct decoding *d)
{
    if (d->in.bytes > 0 && (d->kind == UNPACK_GZIP || d->kind == UNPACK_ZSTD))
        return begin_stream(d);
    if (d->in.bytes > 0)
        return fail(d, RINGSEND_E_BAD_ENCODING, "bytes follow behind the packed body");
    buf_release(d->pool, &d->body);
    d->body = d->out;
    d->out = (struct buf){0};
    d->codings.count--;
    d->inside = false;
    return true;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* One step of the unpacker, within the allowance. */
static bool unpack_some(struct decoding *d, size_t *allowance)
{
    if (!make_room(d))
        return fail(d, RINGSEND_E_NO_MEMORY, NULL);
    size_t room = least(d->out.capacity - d->out.bytes, *allowance);
    size_t offered = least(d->in.bytes, *allowance), made;
    struct ringsend_bytes in = {d->in.data, offered};
    enum unpack_next next = unpack_step(d->unpack, &in, d->out.data + d->out.bytes, room, &made);
    size_t used = offered - in.bytes;
    d->in.data += used;
    d->in.bytes -= used;
    d->out.bytes += made;
    *allowance -= least(*allowance, used + made + STEP_BYTES);
    if (!is_within_limits(d))
        return false;
    switch (next) {
    case UNPACK_MORE:
        if (d->in.bytes > 0 ? used + made > 0 : made == room)
            return true;
        return fail(d, RINGSEND_E_BAD_ENCODING, "the packed body ends too early");
    case UNPACK_END:
        return end_stream(d);
    case UNPACK_BAD:
        return fail(d, RINGSEND_E_BAD_ENCODING, unpack_fault(d->unpack));
    case UNPACK_NO_MEMORY:
        return fail(d, RINGSEND_E_NO_MEMORY, NULL);
    }
    UNREACHABLE("unpack next");
}

enum decoding_next decoding_step(struct decoding *d, size_t *allowance)
{
    while (d->codings.count > 0 && d->body.bytes > 0) {
        if (*allowance == 0)
            return DECODING_MORE;
        if (!(d->inside || begin_coding(d)) || !unpack_some(d, allowance))
            return DECODING_FAILED;
    }
    return DECODING_DONE;
}
