/* Reads PEM in one pass: a line that begins a block, the lines up to the one that ends it.
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

/* The next line without its end. False: there is none. */
static bool take_line(struct pem *p, struct ringsend_bytes *line)
{
    if (p->at == p->end)
        return false;
    const char *lf = memchr(p->at, '\n', (size_t)(p->end - p->at));
    const char *end = lf ? lf : p->end;
    *line = (struct ringsend_bytes){p->at, (size_t)(end - p->at)};
    p->at = lf ? lf + 1 : p->end;
    while (line->bytes > 0 && value_of(line->data[line->bytes - 1]) == BASE64_SPACE)
        line->bytes--;
    return true;
}

/* "-----BEGIN CERTIFICATE-----" with prefix "-----BEGIN " gives "CERTIFICATE". */
static bool is_boundary(struct ringsend_bytes line, struct ringsend_bytes prefix,
                        struct ringsend_bytes *label)
{
    const size_t dashes = 5;
    if (line.bytes < prefix.bytes + dashes || memcmp(line.data, prefix.data, prefix.bytes) != 0 ||
        memcmp(line.data + line.bytes - dashes, "-----", dashes) != 0)
        return false;
    *label = (struct ringsend_bytes){line.data + prefix.bytes, line.bytes - prefix.bytes - dashes};
    return true;
}

enum pem_next pem_next(struct pem *p, struct pem_block *block)
{
    struct ringsend_bytes line, label;
    do {
        if (!take_line(p, &line))
            return PEM_NONE;
    } while (!is_boundary(line, SPAN("-----BEGIN "), &block->label));
    const char *body = p->at;
    block->encrypted = false;
    while (take_line(p, &line)) {
        if (is_boundary(line, SPAN("-----BEGIN "), &label))
            return PEM_BROKEN;
        if (is_boundary(line, SPAN("-----END "), &label)) {
            block->body = (struct ringsend_bytes){body, (size_t)(line.data - body)};
            return span_equal(label, block->label) ? PEM_BLOCK : PEM_BROKEN;
        }
        if (line.bytes > 10 && memcmp(line.data, "Proc-Type:", 10) == 0)
            block->encrypted = true;
    }
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
