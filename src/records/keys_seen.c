#include "records/keys_seen.h"

#include "base/key.h"
#include "base/span.h"
#include "records/record_internal.h"

#include <stdio.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { CAPACITY_LEAST = 1 << 10, NEIGHBOURS = 8 };

static uint64_t add(uint64_t digest, struct ringsend_bytes bytes)
{
    return XXH3_64bits_withSeed(bytes.data, bytes.bytes, digest ^ bytes.bytes);
}

static uint64_t digest_of(const struct record *record)
{
    const struct ringsend_request *r = &record->request;
    uint64_t digest = add(add(add(0, r->method), r->url), r->body);
    digest = add(add(digest, record->data_file), record->multipart);
    for (size_t i = 0; i < r->headers_count; i++)
        digest = add(add(digest, r->headers[i].name), span_trim(r->headers[i].value));
    return digest;
}

static struct ringsend_bytes key_of(const struct record *record, struct ringsend_bytes key_header)
{
    const struct ringsend_request *r = &record->request;
    for (size_t i = 0; i < r->headers_count; i++) {
        const struct ringsend_header *h = &r->headers[i];
        bool is_key = record_header_named(h, KEY_HEADER) ||
                      (key_header.bytes > 0 && record_header_named(h, key_header));
        if (is_key && !key_is_blank(h->value))
            return span_trim(h->value);
    }
    return (struct ringsend_bytes){0};
}

/* Where it is, or where it goes: a free place, or with a bound any of its neighbourhood. */
static struct key_seen *find(const struct keys_seen *keys, uint64_t key)
{
    size_t most = keys->bound ? NEIGHBOURS : keys->capacity, mask = keys->capacity - 1;
    for (size_t i = 0; i < most; i++) {
        struct key_seen *at = &keys->slots[(key + i) & mask];
        if (at->key == key || at->key == 0)
            return at;
    }
    return &keys->slots[(key + (key >> 60) % NEIGHBOURS) & mask];
}

/* At most three quarters are in use, so that a search comes to an end. */
static bool has_room(struct keys_seen *keys)
{
    if (keys->capacity > 0 && (keys->bound || keys->count < keys->capacity / 4 * 3))
        return true;
    struct keys_seen more = {.capacity = keys->bound      ? keys->bound
                                         : keys->capacity ? 2 * keys->capacity
                                                          : CAPACITY_LEAST};
    more.slots = calloc(more.capacity, sizeof *more.slots);
    if (!more.slots)
        return keys->capacity > 0 && keys->count < keys->capacity - 1;
    for (size_t i = 0; i < keys->capacity; i++) {
        if (keys->slots[i].key)
            *find(&more, keys->slots[i].key) = keys->slots[i];
    }
    free(keys->slots);
    keys->slots = more.slots;
    keys->capacity = more.capacity;
    return true;
}

/* What such a key is made of, and the headers are not in it. */
static struct key_seen made_key(const struct record *record)
{
    const struct ringsend_request *r = &record->request;
    uint64_t digest = add(add(add(2, record->id), r->method), r->url);
    return (struct key_seen){
        .key = add(add(add(digest, r->body), record->data_file), record->multipart) | 1};
}

static struct key_seen brought_key(const struct record *record, struct ringsend_bytes value)
{
    return (struct key_seen){.key = add(1, value) | 1, .request = digest_of(record)};
}

bool keys_seen_take(struct keys_seen *keys, const struct record *record, size_t input,
                    uint64_t line, struct ringsend_bytes key_header, char *const *names,
                    struct record_error *error)
{
    bool is_made = record->has_made_key;
    if (is_made ? record->id.bytes == 0 : !(record->request.flags & RINGSEND_KEYED))
        return true;
    if (!has_room(keys))
        return true;
    struct ringsend_bytes value = is_made ? record->id : key_of(record, key_header);
    struct key_seen seen = is_made ? made_key(record) : brought_key(record, value);
    seen.line = line;
    seen.input = input;
    struct key_seen *at = find(keys, seen.key);
    if (at->key != seen.key) {
        keys->count += at->key == 0;
        *at = seen;
        return true;
    }
    if (!is_made && at->request == seen.request)
        return true;
    error->error = RINGSEND_E_BAD_RECORD;
    error->at = RECORD_ALL;
    bool elsewhere = at->input != input;
    snprintf(error->detail, sizeof error->detail,
             is_made ? "id %.*s and request are those of line %llu%s%.60s too, and so is the "
                       "idempotency key: a platform would do one of the two"
                     : "the idempotency key \"%.*s\" is that of line %llu%s%.60s too, which is "
                       "another record: a platform would do one of the two",
             record_shown_bytes(value), value.data, (unsigned long long)at->line,
             elsewhere ? " of " : "", elsewhere ? names[at->input] : "");
    return false;
}

void keys_seen_free(struct keys_seen *keys)
{
    free(keys->slots);
    *keys = (struct keys_seen){.bound = keys->bound};
}
