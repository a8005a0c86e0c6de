/* Paths into JSON, as --ok-if writes them: .user.id, .items[0].sku, ."odd key", .["odd key"]. */
#ifndef RINGSEND_BASE_JSON_PATH_H
#define RINGSEND_BASE_JSON_PATH_H

#include "base/json.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JSON_PATH_STEPS_MAX = 16, JSON_PATH_BYTES_MAX = 256 };

struct json_path_step {
    struct ringsend_bytes key; /* null: an index */
    uint64_t index;
};

/* Not to be copied. */
struct json_path {
    char text[JSON_PATH_BYTES_MAX + 1]; /* steps point into it */
    struct json_path_step steps[JSON_PATH_STEPS_MAX];
    size_t count; /* 0: no path */
};

/* Null, or what is wrong; *column then counts from 1. */
const char *json_path_read(struct json_path *path, const char *text, size_t *column);

/* False when there is no value at the path, or the text before it is no JSON; else *json stands
 * before the value, which has yet to be read. */
bool json_path_find(const struct json_path *path, struct ringsend_bytes text, struct json *json);

#endif
