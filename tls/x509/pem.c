/* Reads PEM in one pass: a boundary that begins a block, and all up to the one that ends it. Files
 * are put together by hand and by cat, cut off and pasted: a block that is broken costs none but
 * itself.
 *
 * The base64 loop takes four characters at a time by a table, because a system's certificate store
 * is 200 KB of them and is read before the first https record can go out. */
#include "tls/x509/pem.h"

enum { BASE64_BAD = -1, BASE64_SPACE = -2, BASE64_PAD = -3 };

/* clang-format off */
static const int8_t base64_value[256] = {
#define BAD16 -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1
    /* 00 */ -1, -1, -1, -1, -1, -1, -1, -1, -1, -2, -2, -1, -1, -2, -1, -1,
    /* 10 */ BAD16,
    /* 20 */ -2, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 62, -1, -1, -1, 63,
    /* 30 */ 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, -1, -1, -1, -3, -1, -1,
    /* 40 */ -1,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14,
    /* 50 */ 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, -1, -1, -1, -1, -1,
    /* 60 */ -1, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
    /* 70 */ 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, -1, -1, -1, -1, -1,
    BAD16, BAD16, BAD16, BAD16, BAD16, BAD16, BAD16, BAD16,
#undef BAD16
};
/* clang-format on */

static int value_of(char c)
{
    return base64_value[(uint8_t)c];
}

static const char *find(const char *at, const char *end, struct ringsend_bytes what)
{
    return memmem(at, (size_t)(end - at), what.data, what.bytes);
}

enum { LABEL_BYTES_MAX = 80 }; /* with the dashes behind it */

struct boundary {
    struct ringsend_bytes label; /* "CERTIFICATE" */
    const char *behind;
};

/* Does a boundary begin at `at`, with prefix "-----BEGIN " or "-----END "? Its label and its last
 * dashes stand on the same line. */
static bool read_boundary(const char *at, const char *end, struct ringsend_bytes prefix,
                          struct boundary *b)
{
    const struct ringsend_bytes dashes = SPAN("-----");
    if ((size_t)(end - at) < prefix.bytes || memcmp(at, prefix.data, prefix.bytes) != 0)
        return false;
    at += prefix.bytes;
    size_t room = (size_t)(end - at) < LABEL_BYTES_MAX ? (size_t)(end - at) : LABEL_BYTES_MAX;
    const char *line_end = memchr(at, '\n', room);
    const char *label_end = find(at, line_end ? line_end : at + room, dashes);
    if (!label_end)
        return false;
    b->label = (struct ringsend_bytes){at, (size_t)(label_end - at)};
    b->behind = label_end + dashes.bytes;
    return true;
}

/* A boundary begins its line, but for spaces; or it stands right behind something, which is what
 * becomes of two files when the first one's last line has no end. Behind a space it is talked
 * about. */
static bool may_begin(const char *start, const char *at)
{
    if (at == start || value_of(at[-1]) != BASE64_SPACE)
        return true;
    while (at > start && value_of(at[-1]) == BASE64_SPACE && at[-1] != '\n')
        at--;
    return at == start || at[-1] == '\n';
}

static bool find_begin(struct pem *p, struct boundary *b)
{
    const struct ringsend_bytes prefix = SPAN("-----BEGIN ");
    for (const char *at = p->at; (at = find(at, p->end, prefix)); at++) {
        if (may_begin(p->at, at) && read_boundary(at, p->end, prefix, b))
            return true;
    }
    return false;
}

enum pem_next pem_next(struct pem *p, struct pem_block *block)
{
    struct boundary begin, other;
    if (!find_begin(p, &begin)) {
        p->at = p->end;
        return PEM_NONE;
    }
    const char *body = begin.behind, *at = body;
    block->label = begin.label;
    while ((at = find(at, p->end, SPAN("-----")))) {
        /* The next one begins: its own turn comes. */
        if (read_boundary(at, p->end, SPAN("-----BEGIN "), &other)) {
            p->at = at;
            return PEM_BROKEN;
        }
        if (read_boundary(at, p->end, SPAN("-----END "), &other)) {
            p->at = other.behind;
            block->body = (struct ringsend_bytes){body, (size_t)(at - body)};
            block->encrypted = find(body, at, SPAN("Proc-Type:"));
            return span_equal(other.label, block->label) ? PEM_BLOCK : PEM_BROKEN;
        }
        at++;
    }
    p->at = p->end;
    return PEM_BROKEN;
}

bool pem_decode(struct ringsend_bytes body, uint8_t *out, size_t *bytes)
{
    const char *at = body.data, *end = body.data + body.bytes;
    const uint8_t *start = out;
    uint32_t bits = 0;
    unsigned count = 0, pads = 0; /* characters of the group begun */
    while (at < end) {
        if (count == 0 && pads == 0 && end - at >= 4) {
            int a = value_of(at[0]), b = value_of(at[1]);
            int c = value_of(at[2]), d = value_of(at[3]);
            if ((a | b | c | d) >= 0) {
                *out++ = (uint8_t)(a << 2 | b >> 4);
                *out++ = (uint8_t)(b << 4 | c >> 2);
                *out++ = (uint8_t)(c << 6 | d);
                at += 4;
                continue;
            }
        }
        int v = value_of(*at++);
        if (v == BASE64_SPACE)
            continue;
        if (v == BASE64_PAD) {
            pads++;
            continue;
        }
        if (v == BASE64_BAD || pads > 0)
            return false;
        bits = bits << 6 | (uint32_t)v;
        if (++count == 4) {
            *out++ = (uint8_t)(bits >> 16);
            *out++ = (uint8_t)(bits >> 8);
            *out++ = (uint8_t)bits;
            bits = count = 0;
        }
    }
    /* The last group: 2 characters and "==", 3 and "=", or none. */
    if ((count == 0 && pads != 0) || count == 1 || (count > 1 && count + pads != 4))
        return false;
    if (count == 2)
        *out++ = (uint8_t)(bits >> 4);
    if (count == 3) {
        *out++ = (uint8_t)(bits >> 10);
        *out++ = (uint8_t)(bits >> 2);
    }
    *bytes = (size_t)(out - start);
    return true;
}
