/* libFuzzer target: any bytes as a record, and the same bytes as a response body in a result line.
 *
 * Beyond not crashing: an id is one JSON value, a record that is taken has a URL and no more
 * headers than allowed, and a result line is JSON that gives the body back. */
#include "base/check.h"
#include "base/json.h"
#include "base/limits.h"
#include "records/record.h"
#include "results/result_line.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check_is_json(struct ringsend_bytes text)
{
    struct json j;
    json_init(&j, text);
    CHECK(json_skip(&j, NULL) && json_end(&j));
}

static void try_record(struct ringsend_bytes line, const struct record_defaults *defaults,
                       enum format format)
{
    struct layout layout = {.format = format};
    struct buf_pool pool;
    struct record record = {0};
    struct record_error error;
    buf_pool_init(&pool);
    CHECK(buf_append(&pool, &record.line, line.data, line.bytes));
    record_read(&record, &pool, defaults, &layout, &error);
    if (record.id.bytes > 0)
        check_is_json(record.id);
    if (error.error == RINGSEND_OK) {
        CHECK(record.request.url.bytes > 0);
        CHECK(record.request.headers_count <= LIMIT_HEADERS);
        CHECK(record.request.body.bytes == 0 || record.request.flags & RINGSEND_HAS_BODY);
    } else {
        CHECK(error.detail[0] != '\0');
        CHECK(error.at == RECORD_ALL || error.at <= line.bytes);
    }
    struct result_line result = {
        .id = record.id, .line = 1, .error = error.error, .detail = error.detail};
    struct buf out = {0};
    CHECK(result_line_write(&result, &pool, &out));
    check_is_json((struct ringsend_bytes){out.data, out.bytes - 1});
    buf_release(&pool, &out);
    record_release(&record, &pool);
    buf_pool_free(&pool);
}

static void try_body(struct ringsend_bytes body)
{
    struct buf_pool pool;
    struct buf out = {0};
    struct result_line result = {
        .line = 1, .ok = true, .status = 200, .body = {body.data, body.bytes}};
    buf_pool_init(&pool);
    CHECK(result_line_write(&result, &pool, &out));
    CHECK(out.data[out.bytes - 1] == '\n');
    CHECK(memchr(out.data, '\n', out.bytes - 1) == NULL);
    struct json j;
    struct json_string key, text = {0};
    json_init(&j, (struct ringsend_bytes){out.data, out.bytes - 1});
    CHECK(json_object(&j));
    while (json_member(&j, &key)) {
        if (span_equal(key.raw, SPAN("body")))
            CHECK(json_string(&j, &text));
        else
            CHECK(json_skip(&j, NULL));
    }
    CHECK(json_end(&j));
    if (text.raw.data) {
        char *decoded = malloc(text.raw.bytes + 1);
        CHECK(decoded);
        CHECK(span_equal((struct ringsend_bytes){decoded, json_decode(text, decoded)}, body));
        free(decoded);
    }
    buf_release(&pool, &out);
    buf_pool_free(&pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static const struct ringsend_header headers[] = {
        {{"Accept", 6}, {"*/*", 3}},
        {{"content-type", 12}, {"application/json", 16}},
    };
    static const struct record_defaults none = {.headers = headers + 1};
    static const struct record_defaults some = {
        .url = {"http://h/", 9}, .headers = headers, .headers_count = 1};
    struct ringsend_bytes line = {(const char *)data, bytes};
    if (!record_is_blank(line)) {
        try_record(line, &none, FORMAT_JSONL);
        try_record(line, &some, FORMAT_JSONL);
        try_record(line, &none, FORMAT_VEGETA);
    }
    try_body(line);
    return 0;
}
