/* Copies of lines that outlive the engine's results: arrays first, as they must be aligned, then
 * the bytes, all in one buffer that is reserved before anything points into it. */
#include "results/result_line.h"

#include "base/check.h"

#include <string.h>

struct keeper {
    char *at, *end;
};

static struct ringsend_bytes keep(struct keeper *k, struct ringsend_bytes bytes)
{
    char *to = k->at;
    CHECK((size_t)(k->end - to) >= bytes.bytes);
    if (bytes.bytes > 0)
        memcpy(to, bytes.data, bytes.bytes);
    k->at += bytes.bytes;
    return (struct ringsend_bytes){to, bytes.bytes};
}

static size_t headers_bytes(const struct result_line *line)
{
    size_t bytes = line->headers_count * sizeof *line->headers;
    for (size_t i = 0; i < line->headers_count; i++)
        bytes += line->headers[i].name.bytes + line->headers[i].value.bytes;
    return bytes;
}

bool result_line_keep(const struct result_line *line, struct buf_pool *pool, struct buf *memory,
                      struct result_line *kept)
{
    size_t trace_bytes = line->trace_count * sizeof *line->trace;
    size_t detail_bytes = line->detail ? strlen(line->detail) + 1 : 0;
    size_t bytes = trace_bytes + headers_bytes(line) + line->body.bytes + line->encoding.bytes +
                   line->location.bytes + line->redirect_urls.bytes + detail_bytes + 1;
    if (!buf_reserve(pool, memory, bytes))
        return false;
    struct keeper k = {memory->data, memory->data + bytes};
    memory->bytes = bytes;
    *kept = *line;
    if (line->trace)
        kept->trace =
            (const void *)keep(&k, (struct ringsend_bytes){(const char *)line->trace, trace_bytes})
                .data;
    if (line->headers) {
        struct ringsend_header *headers =
            (void *)(uintptr_t)keep(
                &k, (struct ringsend_bytes){(const char *)line->headers,
                                            line->headers_count * sizeof *line->headers})
                .data;
        for (size_t i = 0; i < line->headers_count; i++) {
            headers[i].name = keep(&k, line->headers[i].name);
            headers[i].value = keep(&k, line->headers[i].value);
        }
        kept->headers = headers;
    }
    kept->body = keep(&k, line->body);
    kept->encoding = keep(&k, line->encoding);
    kept->location = keep(&k, line->location);
    kept->redirect_urls = keep(&k, line->redirect_urls);
    if (line->detail)
        kept->detail = keep(&k, (struct ringsend_bytes){line->detail, detail_bytes}).data;
    return true;
}
