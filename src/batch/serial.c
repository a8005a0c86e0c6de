#include "batch/serial.h"

#include "base/check.h"
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* ---- the path ---- */

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

/* The text in the quotes that begin at *at, without escapes. */
static const char *read_quoted(char **at, struct ringsend_bytes *key)
{
    char *end = strchr(*at + 1, '"');
    if (!end)
        return "the quote is not closed";
    *key = (struct ringsend_bytes){*at + 1, (size_t)(end - *at - 1)};
    if (memchr(key->data, '\\', key->bytes))
        return "keys are written without escapes";
    *at = end + 1;
    return NULL;
}

static const char *read_bracket(char **at, struct serial_step *step)
{
    const char *fault = NULL;
    ++*at;
    if (**at == '"') {
        fault = read_quoted(at, &step->key);
    } else {
        char *end;
        if (**at < '0' || **at > '9')
            return "expected a number or a \"key\"";
        step->index = strtoull(*at, &end, 10);
        *at = end;
    }
    if (!fault && **at != ']')
        fault = "expected ]";
    *at += fault == NULL;
    return fault;
}

static const char *read_step(char **at, bool first, struct serial_step *step)
{
    if (**at == '[' && !first)
        return read_bracket(at, step);
    if (**at != '.')
        return first ? "a path begins with a dot, as .user.id" : "expected a dot or [";
    ++*at;
    if (first && **at == '[')
        return read_bracket(at, step);
    if (**at == '"')
        return read_quoted(at, &step->key);
    step->key.data = *at;
    while (is_plain(**at))
        ++*at;
    step->key.bytes = (size_t)(*at - step->key.data);
    return step->key.bytes > 0 ? NULL : "expected a key; odd ones stand in double quotes";
}

const char *serial_path_read(struct serial_path *path, const char *text, size_t *column)
{
    *path = (struct serial_path){0};
    *column = 1;
    if (strlen(text) > SERIAL_TEXT_MAX)
        return "the path is longer than 256 bytes";
    memcpy(path->text, text, strlen(text));
    char *at = path->text;
    do {
        if (path->count == SERIAL_STEPS_MAX)
            return "the path has more than 16 steps";
        const char *fault = read_step(&at, path->count == 0, &path->steps[path->count]);
        *column = (size_t)(at - path->text) + 1;
        if (fault)
            return fault;
        path->count++;
    } while (*at);
    return NULL;
}

enum { KEY_TEXT_MAX = 4096 };

/* ---- the key ---- */

static bool text_is(struct json_string string, struct ringsend_bytes key)
{
    struct json_text text = json_text_of(string);
    struct ringsend_bytes piece;
    if (!string.escaped)
        return span_equal(string.raw, key);
    while (json_text_next(&text, &piece)) {
        if (piece.bytes > key.bytes || memcmp(piece.data, key.data, piece.bytes) != 0)
            return false;
        key.data += piece.bytes;
        key.bytes -= piece.bytes;
    }
    return key.bytes == 0;
}

/* To the value that the step leads to. */
static bool descend(struct json *j, const struct serial_step *step)
{
    struct json_string key;
    uint64_t index = 0;
    if (!step->key.data) {
        if (json_peek(j) != JSON_ARRAY || !json_array(j))
            return false;
        while (json_element(j)) {
            if (index++ == step->index)
                return true;
            json_skip(j, NULL);
        }
        return false;
    }
    if (json_peek(j) != JSON_OBJECT || !json_object(j))
        return false;
    while (json_member(j, &key)) {
        if (text_is(key, step->key))
            return true;
        json_skip(j, NULL);
    }
    return false;
}

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

bool serial_key_of(const struct serial_path *path, struct ringsend_bytes text,
                   struct serial_key *key)
{
    struct json j;
    struct ringsend_bytes raw;
    if (text.bytes == 0)
        return false;
    json_init(&j, text);
    for (size_t i = 0; i < path->count; i++) {
        if (!descend(&j, &path->steps[i]))
            return false;
    }
    enum json_kind kind = json_peek(&j);
    if (kind == JSON_NULL || kind == JSON_NONE)
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
