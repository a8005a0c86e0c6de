#include "http/coding.h"

#include "base/check.h"
#include "http/fields.h"

/* Bodies are unpacked in one go, behind their last byte: into a buffer that grows by doubling, whose
 * growth the limits cut off. So a bomb costs at most the limit's memory and time. */

enum { FIRST_BYTES = 4096 };

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

/* A zlib header (RFC 1950 2.2): method 8, and a multiple of 31 as a whole. Raw deflate begins so only
 * when it stores its first bytes and fills up with ones, which no packer does. */
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

/* One coding's way from `in` to `out`. */
struct unpacking {
    struct unpack *unpack;
    enum unpack_kind kind;
    struct buf_pool *pool;
    struct ringsend_bytes in;
    size_t in_bytes; /* of all of it */
    struct buf out;
    uint64_t bytes_max;
};

/* Room for at least one byte beyond what is there, so that a step can tell the end from the limit. */
static bool make_room(struct unpacking *u)
{
    size_t more = u->out.bytes > FIRST_BYTES ? u->out.bytes : FIRST_BYTES;
    if (more > u->bytes_max + 1 - u->out.bytes)
        more = (size_t)(u->bytes_max + 1 - u->out.bytes);
    return u->out.capacity > u->out.bytes || buf_reserve(u->pool, &u->out, more);
}

static enum ringsend_error too_large(const struct unpacking *u, const char **detail)
{
    if (u->out.bytes > u->bytes_max)
        *detail = "unpacked, the body is larger than the limit for bodies";
    else if (u->out.bytes > CODING_RATIO_FROM_BYTES &&
             u->out.bytes / CODING_RATIO_MAX > u->in_bytes)
        *detail = "unpacked, the body is more than a thousand times as long as packed";
    else
        return RINGSEND_OK;
    return RINGSEND_E_BODY_TOO_LARGE;
}

/* A stream has ended: true when another one follows, as gzip and zstd allow. */
static bool another_follows(struct unpacking *u)
{
    return u->in.bytes > 0 && (u->kind == UNPACK_GZIP || u->kind == UNPACK_ZSTD);
}

static enum ringsend_error unpack_all(struct unpacking *u, const char **detail)
{
    if (!unpack_begin(u->unpack, u->kind))
        return RINGSEND_E_NO_MEMORY;
    for (;;) {
        size_t made;
        if (!make_room(u))
            return RINGSEND_E_NO_MEMORY;
        size_t room = u->out.capacity - u->out.bytes;
        enum unpack_next next =
            unpack_step(u->unpack, &u->in, u->out.data + u->out.bytes, room, &made);
        u->out.bytes += made;
        enum ringsend_error error = too_large(u, detail);
        if (error != RINGSEND_OK)
            return error;
        switch (next) {
        case UNPACK_MORE:
            if (u->in.bytes > 0 || made == room)
                continue;
            *detail = "the packed body ends too early";
            return RINGSEND_E_BAD_ENCODING;
        case UNPACK_END:
            if (u->in.bytes == 0)
                return RINGSEND_OK;
            if (another_follows(u)) {
                if (!unpack_begin(u->unpack, u->kind))
                    return RINGSEND_E_NO_MEMORY;
                continue;
            }
            *detail = "bytes follow behind the packed body";
            return RINGSEND_E_BAD_ENCODING;
        case UNPACK_BAD:
            *detail = unpack_fault(u->unpack);
            return RINGSEND_E_BAD_ENCODING;
        case UNPACK_NO_MEMORY:
            return RINGSEND_E_NO_MEMORY;
        }
    }
}

enum ringsend_error codings_remove(const struct codings *codings, struct unpack *unpack,
                                   struct buf_pool *pool, struct buf *body, uint64_t bytes_max,
                                   const char **detail)
{
    CHECK(!codings->unknown);
    if (body->bytes == 0 || codings->count == 0)
        return RINGSEND_OK;
    if (codings->count > CODING_MAX) {
        *detail = "more than two content codings upon each other";
        return RINGSEND_E_BAD_ENCODING;
    }
    struct buf from = *body; /* borrowed at first */
    if (bytes_max == UINT64_MAX)
        bytes_max--; /* its successor is reckoned with */
    for (unsigned i = codings->count; i > 0 && from.bytes > 0; i--) {
        struct unpacking u = {.unpack = unpack,
                              .kind = kind_of((enum coding)codings->of[i - 1], &from),
                              .pool = pool,
                              .in = {from.data, from.bytes},
                              .in_bytes = from.bytes,
                              .bytes_max = bytes_max};
        enum ringsend_error error = unpack_all(&u, detail);
        if (from.data != body->data)
            buf_release(pool, &from);
        if (error != RINGSEND_OK) {
            buf_release(pool, &u.out);
            return error;
        }
        from = u.out;
    }
    buf_release(pool, body);
    *body = from;
    return RINGSEND_OK;
}
