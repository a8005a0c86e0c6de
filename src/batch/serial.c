#include "batch/serial.h"

#include "base/check.h"
#include "base/json.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { KEY_TEXT_MAX = 4096 };

/* ---- the key ---- */

static struct serial_key digest(struct ringsend_bytes bytes, uint64_t seed)
{
    XXH128_hash_t hash = XXH3_128bits_withSeed(bytes.data, bytes.bytes, seed);
    return (struct serial_key){hash.low64, hash.high64};
}

/* Keys with escapes are rare, and longer ones are none. */
static bool key_of_text(struct json_string string, struct serial_key *key)
{
    char text[KEY_TEXT_MAX];
    if (!string.escaped) {
        *key = digest(string.raw, 1);
        return true;
    }
    if (string.raw.bytes > sizeof text)
        return false;
    *key = digest((struct ringsend_bytes){text, json_decode(string, text)}, 1);
    return true;
}

bool serial_key_of(const struct json_path *path, struct ringsend_bytes text, struct serial_key *key)
{
    struct json j;
    struct ringsend_bytes raw;
    if (!json_path_find(path, text, &j))
        return false;
    enum json_kind kind = json_peek(&j);
    if (kind == JSON_NULL)
        return false;
    if (kind == JSON_STRING) {
        struct json_string string;
        return json_string(&j, &string) && key_of_text(string, key);
    }
    if (!json_skip(&j, &raw))
        return false;
    *key = digest(raw, 0);
    return true;
}

/* ---- who goes, who waits ---- */

bool serial_init(struct serial *s, size_t count)
{
    size_t size = 16;
    while (size < count)
        size *= 2;
    s->mask = size - 1;
    s->hash = calloc(size, sizeof *s->hash);
    return s->hash != NULL;
}

void serial_free(struct serial *s)
{
    free(s->hash);
    s->hash = NULL;
}

/* Where the first node of the key hangs, or would. */
static struct serial_node **place_of(const struct serial *s, struct serial_key key)
{
    struct serial_node **place = &s->hash[key.low & s->mask];
    while (*place && ((*place)->key.low != key.low || (*place)->key.high != key.high))
        place = &(*place)->hash_next;
    return place;
}

bool serial_enter(struct serial *s, struct serial_node *node, struct serial_key key)
{
    CHECK(!node->entered);
    struct serial_node **place = place_of(s, key), *first = *place;
    *node = (struct serial_node){.key = key, .entered = true, .last = node};
    if (first) {
        first->last->same = node;
        first->last = node;
        return false;
    }
    *place = node;
    return true;
}

struct serial_node *serial_leave(struct serial *s, struct serial_node *node)
{
    if (!node->entered)
        return NULL;
    struct serial_node **place = place_of(s, node->key), *first = *place, *next = NULL;
    CHECK(first);
    if (first == node) {
        next = node->same;
        if (next) {
            next->last = first->last;
            next->hash_next = first->hash_next;
        }
        *place = next ? next : first->hash_next;
    } else {
        struct serial_node *before = first;
        while (before->same != node)
            before = before->same;
        before->same = node->same;
        if (first->last == node)
            first->last = before;
    }
    *node = (struct serial_node){0};
    return next;
}
