/* The names are AWS's: a canonical request, whose hash stands in a string to sign, whose HMAC by a
 * key that is good for a day, a region and a service is the signature.
 *
 * What is signed is what is sent: a path's bytes are those of the request's target, encoded once
 * more, after dots and empty segments have gone, but for S3, which takes them as they stand. */
#include "http/sigv4.h"

#include "base/sha256.h"
#include "base/span.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ALGORITHM "AWS4-HMAC-SHA256"

enum { HEX_BYTES = 2 * SHA256_BYTES, DATE_BYTES = 8, TIME_BYTES = 16, FIELDS_MAX = 256 + 4 };

struct work {
    const struct sigv4 *keys;
    const struct head *head;
    struct buf_pool *pool;
    struct buf *out;
    char time[32]; /* 20150830T123600Z */
    char body_hash[HEX_BYTES];
    struct ringsend_bytes payload;             /* that hash, or what the user says in its place */
    struct ringsend_header fields[FIELDS_MAX]; /* to be signed, in the order of their names */
    size_t fields_count;
    struct buf canonical, names; /* the request; a;b;c */
    bool no_memory;
};

static void add(struct work *w, struct buf *to, struct ringsend_bytes text)
{
    if (text.bytes > 0 && !buf_append(w->pool, to, text.data, text.bytes))
        w->no_memory = true;
}

static void put_hex(const unsigned char digest[SHA256_BYTES], char *hex)
{
    static const char digits[] = "0123456789abcdef";
    for (unsigned i = 0; i < SHA256_BYTES; i++) {
        *hex++ = digits[digest[i] >> 4];
        *hex++ = digits[digest[i] & 15];
    }
}

static void hash(struct ringsend_bytes text, char hex[HEX_BYTES])
{
    struct sha256 s;
    unsigned char digest[SHA256_BYTES];
    sha256_init(&s);
    sha256_add(&s, text.data, text.bytes);
    sha256_end(&s, digest);
    put_hex(digest, hex);
}

/* RFC 2104. `mac` may be the key. */
static void hmac(struct ringsend_bytes key, struct ringsend_bytes text,
                 unsigned char mac[SHA256_BYTES])
{
    unsigned char block[SHA256_BLOCK_BYTES] = {0};
    struct sha256 s;
    sha256_init(&s);
    if (key.bytes > sizeof block) {
        sha256_add(&s, key.data, key.bytes);
        sha256_end(&s, block);
    } else if (key.bytes > 0) {
        memcpy(block, key.data, key.bytes);
    }
    for (unsigned i = 0; i < sizeof block; i++)
        block[i] ^= 0x36;
    sha256_init(&s);
    sha256_add(&s, block, sizeof block);
    sha256_add(&s, text.data, text.bytes);
    sha256_end(&s, mac);
    for (unsigned i = 0; i < sizeof block; i++)
        block[i] ^= 0x36 ^ 0x5c;
    sha256_init(&s);
    sha256_add(&s, block, sizeof block);
    sha256_add(&s, mac, SHA256_BYTES);
    sha256_end(&s, mac);
    explicit_bzero(block, sizeof block);
}

/* S3 and its kind. */
static bool is_s3(const struct sigv4 *keys)
{
    return keys->service.bytes >= 2 && memcmp(keys->service.data, "s3", 2) == 0;
}

/* ---- encoding ---- */

static void add_encoded(struct work *w, struct buf *to, struct ringsend_bytes text,
                        const char *kept)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.bytes; i++) {
        unsigned char c = (unsigned char)text.data[i];
        char code[] = {'%', digits[c >> 4], digits[c & 15]};
        bool plain = text_is_unreserved((char)c) || (c && strchr(kept, c));
        add(w, to,
            plain ? (struct ringsend_bytes){&text.data[i], 1}
                  : (struct ringsend_bytes){code, sizeof code});
    }
}

static int digit_of(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* As if it had been encoded anew. */
static void add_reencoded(struct work *w, struct buf *to, struct ringsend_bytes text)
{
    for (size_t i = 0; i < text.bytes; i++) {
        int high = -1, low = -1;
        if (text.data[i] == '%' && text.bytes - i > 2) {
            high = digit_of(text.data[i + 1]);
            low = digit_of(text.data[i + 2]);
        }
        char c = high >= 0 && low >= 0 ? (char)(high << 4 | low) : text.data[i];
        i += high >= 0 && low >= 0 ? 2 : 0;
        add_encoded(w, to, (struct ringsend_bytes){&c, 1}, "");
    }
}

/* ---- path and query ---- */

/* The end of the segment before, in a path that begins behind `from`. */
static void drop_segment(struct buf *path, size_t from)
{
    while (path->bytes > from && path->data[path->bytes - 1] != '/')
        path->bytes--;
    if (path->bytes > from)
        path->bytes--;
}

static void add_path(struct work *w, struct ringsend_bytes path)
{
    struct buf *to = &w->canonical;
    if (is_s3(w->keys)) {
        add_encoded(w, to, path.bytes > 0 ? path : SPAN("/"), "/%");
        return;
    }
    size_t from = to->bytes;
    bool ends_in_slash = true; /* also of a last dot */
    for (size_t at = 0; at < path.bytes && !w->no_memory;) {
        const char *slash = memchr(path.data + at, '/', path.bytes - at);
        size_t end = slash ? (size_t)(slash - path.data) : path.bytes;
        struct ringsend_bytes segment = {path.data + at, end - at};
        at = end + 1;
        ends_in_slash = slash != NULL || segment.bytes == 0;
        if (segment.bytes == 0 || span_equal(segment, SPAN(".")))
            continue;
        if (span_equal(segment, SPAN(".."))) {
            drop_segment(to, from);
            continue;
        }
        add(w, to, SPAN("/"));
        add_encoded(w, to, segment, "");
    }
    if (to->bytes == from || ends_in_slash)
        add(w, to, SPAN("/"));
}

/* Of encoded "name=value" texts: by name, then by value, so that no byte of a value stands against
 * one of a longer name. */
static int compare_pairs(const void *a, const void *b)
{
    const struct ringsend_header *x = a, *y = b;
    for (int part = 0; part < 2; part++) {
        struct ringsend_bytes p = part ? x->value : x->name, q = part ? y->value : y->name;
        size_t bytes = p.bytes < q.bytes ? p.bytes : q.bytes;
        int order = bytes > 0 ? memcmp(p.data, q.data, bytes) : 0;
        if (order == 0 && p.bytes != q.bytes)
            order = p.bytes < q.bytes ? -1 : 1;
        if (order != 0)
            return order;
    }
    return 0;
}

static size_t count_pairs(struct ringsend_bytes query)
{
    size_t count = 1;
    for (size_t i = 0; i < query.bytes; i++)
        count += query.data[i] == '&';
    return count;
}

/* Encodes all pairs into `texts`, which is reserved for them, and points at their parts. */
static size_t encode_pairs(struct work *w, struct ringsend_bytes query, struct buf *texts,
                           struct ringsend_header *pairs)
{
    size_t count = 0;
    for (size_t at = 0; at <= query.bytes; at++) {
        const char *end = memchr(query.data + at, '&', query.bytes - at);
        struct ringsend_bytes pair = {query.data + at,
                                      end ? (size_t)(end - query.data) - at : query.bytes - at};
        at += pair.bytes;
        const char *sign = pair.bytes > 0 ? memchr(pair.data, '=', pair.bytes) : NULL;
        size_t name_bytes = sign ? (size_t)(sign - pair.data) : pair.bytes;
        if (pair.bytes == 0)
            continue;
        size_t start = texts->bytes;
        add_reencoded(w, texts, (struct ringsend_bytes){pair.data, name_bytes});
        pairs[count].name = (struct ringsend_bytes){texts->data + start, texts->bytes - start};
        start = texts->bytes;
        if (sign)
            add_reencoded(w, texts, (struct ringsend_bytes){sign + 1, pair.bytes - name_bytes - 1});
        pairs[count++].value = (struct ringsend_bytes){texts->data + start, texts->bytes - start};
    }
    return count;
}

static void add_query(struct work *w, struct ringsend_bytes query)
{
    struct buf texts = {0};
    if (query.bytes == 0)
        return;
    struct ringsend_header *pairs = calloc(count_pairs(query), sizeof *pairs);
    if (pairs && buf_reserve(w->pool, &texts, 3 * query.bytes)) {
        size_t count = encode_pairs(w, query, &texts, pairs);
        qsort(pairs, count, sizeof *pairs, compare_pairs);
        for (size_t i = 0; i < count; i++) {
            add(w, &w->canonical, i > 0 ? SPAN("&") : SPAN(""));
            add(w, &w->canonical, pairs[i].name);
            add(w, &w->canonical, SPAN("="));
            add(w, &w->canonical, pairs[i].value);
        }
    } else {
        w->no_memory = true;
    }
    buf_release(w->pool, &texts);
    free(pairs);
}

/* ---- fields ---- */

/* What a proxy may change, and what is said in another way. */
static bool is_left_out(struct ringsend_bytes name)
{
    static const struct ringsend_bytes names[] = {
        {"connection", 10}, {"content-length", 14}, {"user-agent", 10}, {"expect", 6}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (span_equal_nocase(name, names[i]))
            return true;
    }
    return false;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static int compare_names(struct ringsend_bytes a, struct ringsend_bytes b)
{
    size_t bytes = a.bytes < b.bytes ? a.bytes : b.bytes;
    for (size_t i = 0; i < bytes; i++) {
        if (lower(a.data[i]) != lower(b.data[i]))
            return (unsigned char)lower(a.data[i]) < (unsigned char)lower(b.data[i]) ? -1 : 1;
    }
    return a.bytes == b.bytes ? 0 : a.bytes < b.bytes ? -1 : 1;
}

/* Behind those of the same name, whose order counts. */
static void take_field(struct work *w, struct ringsend_bytes name, struct ringsend_bytes value)
{
    size_t at = w->fields_count++;
    for (; at > 0 && compare_names(w->fields[at - 1].name, name) > 0; at--)
        w->fields[at] = w->fields[at - 1];
    w->fields[at] = (struct ringsend_header){name, value};
}

/* One that is sent beside the user's. */
static void make_field(struct work *w, struct ringsend_bytes name, struct ringsend_bytes value)
{
    take_field(w, name, value);
    add(w, w->out, name);
    add(w, w->out, SPAN(": "));
    add(w, w->out, value);
    add(w, w->out, SPAN("\r\n"));
}

static void take_fields(struct work *w)
{
    static const struct ringsend_bytes sha = {"X-Amz-Content-Sha256", 20};
    const struct head *head = w->head;
    bool has_sha = false;
    for (size_t i = 0; i < head->fields_count; i++) {
        const struct ringsend_header *field = &head->fields[i];
        if (is_left_out(field->name))
            continue;
        take_field(w, field->name, field->value);
        if (span_equal_nocase(field->name, sha)) {
            has_sha = true;
            w->payload = span_trim(field->value);
        }
    }
    if (!head->own_host)
        take_field(w, SPAN("Host"), head->url.authority);
    make_field(w, SPAN("X-Amz-Date"), (struct ringsend_bytes){w->time, TIME_BYTES});
    if (is_s3(w->keys) && !has_sha)
        make_field(w, sha, w->payload);
    if (w->keys->token.bytes > 0)
        make_field(w, SPAN("X-Amz-Security-Token"), w->keys->token);
}

/* Without spaces at its ends, and one in place of several. */
static void add_value(struct work *w, struct ringsend_bytes value)
{
    value = span_trim(value);
    for (size_t i = 0; i < value.bytes; i++) {
        bool is_more = value.data[i] == ' ' && i > 0 && value.data[i - 1] == ' ';
        if (!is_more)
            add(w, &w->canonical, (struct ringsend_bytes){&value.data[i], 1});
    }
}

static void add_fields(struct work *w)
{
    for (size_t i = 0; i < w->fields_count; i++) {
        const struct ringsend_header *field = &w->fields[i];
        bool goes_on = i > 0 && compare_names(field[-1].name, field->name) == 0;
        add(w, &w->canonical, goes_on ? SPAN(",") : i > 0 ? SPAN("\n") : SPAN(""));
        if (!goes_on) {
            add(w, &w->names, i > 0 ? SPAN(";") : SPAN(""));
            for (size_t k = 0; k < field->name.bytes; k++) {
                char c = lower(field->name.data[k]);
                add(w, &w->names, (struct ringsend_bytes){&c, 1});
                add(w, &w->canonical, (struct ringsend_bytes){&c, 1});
            }
            add(w, &w->canonical, SPAN(":"));
        }
        add_value(w, field->value);
    }
    add(w, &w->canonical, SPAN("\n"));
}

/* ---- the signature ---- */

static void make_canonical(struct work *w)
{
    const struct head *head = w->head;
    struct ringsend_bytes path = head->url.target, query = {0};
    const char *mark = path.bytes > 0 ? memchr(path.data, '?', path.bytes) : NULL;
    if (mark) {
        query = (struct ringsend_bytes){mark + 1, path.bytes - (size_t)(mark + 1 - path.data)};
        path.bytes = (size_t)(mark - path.data);
    }
    add(w, &w->canonical, head->method);
    add(w, &w->canonical, SPAN("\n"));
    add_path(w, path);
    add(w, &w->canonical, SPAN("\n"));
    add_query(w, query);
    add(w, &w->canonical, SPAN("\n"));
    add_fields(w);
    add(w, &w->canonical, SPAN("\n"));
    add(w, &w->canonical, (struct ringsend_bytes){w->names.data, w->names.bytes});
    add(w, &w->canonical, SPAN("\n"));
    add(w, &w->canonical, w->payload);
}

/* DATE/REGION/SERVICE/aws4_request */
static void add_scope(struct work *w, struct buf *to)
{
    add(w, to, (struct ringsend_bytes){w->time, DATE_BYTES});
    add(w, to, SPAN("/"));
    add(w, to, w->keys->region);
    add(w, to, SPAN("/"));
    add(w, to, w->keys->service);
    add(w, to, SPAN("/aws4_request"));
}

static void derive_key(struct work *w, unsigned char key[SHA256_BYTES])
{
    struct buf first = {0};
    const struct ringsend_bytes as_span = {(const char *)key, SHA256_BYTES};
    add(w, &first, SPAN("AWS4"));
    add(w, &first, w->keys->secret);
    hmac((struct ringsend_bytes){first.data, first.bytes},
         (struct ringsend_bytes){w->time, DATE_BYTES}, key);
    hmac(as_span, w->keys->region, key);
    hmac(as_span, w->keys->service, key);
    hmac(as_span, SPAN("aws4_request"), key);
    if (first.data)
        explicit_bzero(first.data, first.bytes);
    buf_release(w->pool, &first);
}

static void sign(struct work *w, char signature[HEX_BYTES])
{
    unsigned char key[SHA256_BYTES], mac[SHA256_BYTES];
    char hex[HEX_BYTES];
    struct buf text = {0};
    hash((struct ringsend_bytes){w->canonical.data, w->canonical.bytes}, hex);
    add(w, &text, SPAN(ALGORITHM "\n"));
    add(w, &text, (struct ringsend_bytes){w->time, TIME_BYTES});
    add(w, &text, SPAN("\n"));
    add_scope(w, &text);
    add(w, &text, SPAN("\n"));
    add(w, &text, (struct ringsend_bytes){hex, sizeof hex});
    derive_key(w, key);
    hmac((struct ringsend_bytes){(const char *)key, sizeof key},
         (struct ringsend_bytes){text.data, text.bytes}, mac);
    put_hex(mac, signature);
    explicit_bzero(key, sizeof key);
    buf_release(w->pool, &text);
}

bool sigv4_write(const struct sigv4 *keys, const struct head *head, struct ringsend_bytes body,
                 int64_t wall_s, struct buf_pool *pool, struct buf *out)
{
    struct work w = {.keys = keys, .head = head, .pool = pool, .out = out};
    char signature[HEX_BYTES];
    time_t now = (time_t)wall_s;
    struct tm utc = {0};
    gmtime_r(&now, &utc);
    strftime(w.time, sizeof w.time, "%Y%m%dT%H%M%SZ", &utc);
    hash(body, w.body_hash);
    w.payload = (struct ringsend_bytes){w.body_hash, sizeof w.body_hash};
    take_fields(&w);
    make_canonical(&w);
    sign(&w, signature);
    add(&w, out, SPAN("Authorization: " ALGORITHM " Credential="));
    add(&w, out, keys->key_id);
    add(&w, out, SPAN("/"));
    add_scope(&w, out);
    add(&w, out, SPAN(", SignedHeaders="));
    add(&w, out, (struct ringsend_bytes){w.names.data, w.names.bytes});
    add(&w, out, SPAN(", Signature="));
    add(&w, out, (struct ringsend_bytes){signature, sizeof signature});
    add(&w, out, SPAN("\r\n"));
    buf_release(pool, &w.canonical);
    buf_release(pool, &w.names);
    return !w.no_memory;
}
