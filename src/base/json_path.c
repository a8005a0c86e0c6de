#include "base/json_path.h"

#include <stdlib.h>
#include <string.h>

/* ---- reading ---- */

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

static const char *read_bracket(char **at, struct json_path_step *step)
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

static const char *read_step(char **at, bool first, struct json_path_step *step)
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

const char *json_path_read(struct json_path *path, const char *text, size_t *column)
{
    *path = (struct json_path){0};
    *column = 1;
    if (strlen(text) > JSON_PATH_BYTES_MAX)
        return "the path is longer than 256 bytes";
    memcpy(path->text, text, strlen(text));
    char *at = path->text;
    do {
        if (path->count == JSON_PATH_STEPS_MAX)
            return "the path has more than 16 steps";
        const char *fault = read_step(&at, path->count == 0, &path->steps[path->count]);
        *column = (size_t)(at - path->text) + 1;
        if (fault)
            return fault;
        path->count++;
    } while (*at);
    return NULL;
}

/* ---- finding ---- */

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
static bool descend(struct json *j, const struct json_path_step *step)
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

bool json_path_find(const struct json_path *path, struct ringsend_bytes text, struct json *json)
{
    if (text.bytes == 0)
        return false;
    json_init(json, text);
    for (size_t i = 0; i < path->count; i++) {
        if (!descend(json, &path->steps[i]))
            return false;
    }
    return json_peek(json) != JSON_NONE;
}
