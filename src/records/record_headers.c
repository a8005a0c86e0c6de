/* Headers of records that say themselves which they want, beside those of the options. They are
 * gathered in record->headers; a record that gives none uses the defaults' array as it is. */
#include "records/record_internal.h"

#include "base/limits.h"

static struct ringsend_header *own_headers(const struct record *record, size_t *count)
{
    *count = record->headers.bytes / sizeof(struct ringsend_header);
    return (struct ringsend_header *)(void *)record->headers.data;
}

enum ringsend_error record_add_header(struct record *record, struct buf_pool *pool,
                                      struct ringsend_bytes name, struct ringsend_bytes value)
{
    struct ringsend_header header = {name, value};
    if (record->headers.bytes == LIMIT_HEADERS * sizeof header)
        return RINGSEND_E_BAD_HEADER;
    return buf_append(pool, &record->headers, &header, sizeof header) ? RINGSEND_OK
                                                                      : RINGSEND_E_NO_MEMORY;
}

bool record_has_header(const struct record *record, struct ringsend_bytes name)
{
    size_t count;
    const struct ringsend_header *own = own_headers(record, &count);
    for (size_t i = 0; i < count; i++) {
        if (record_header_named(&own[i], name))
            return true;
    }
    return false;
}

/* The record's own headers, then the defaults whose names are not among them; at last the own ones
 * without a value go. */
bool record_merge_headers(struct record *record, struct buf_pool *pool,
                          const struct record_defaults *defaults)
{
    struct ringsend_request *request = &record->request;
    bool add_type = record->body_is_json && !defaults->has_content_type;
    size_t default_count = defaults->headers_count + add_type;
    request->headers = defaults->headers;
    request->headers_count = default_count;
    if (record->headers.bytes == 0)
        return true;

    size_t own_count, count, kept = 0;
    own_headers(record, &own_count);
    if (!buf_reserve(pool, &record->headers, default_count * sizeof(struct ringsend_header)))
        return false;
    struct ringsend_header *headers = own_headers(record, &count);
    for (size_t i = 0; i < default_count; i++) {
        if (!record_has_header(record, defaults->headers[i].name))
            headers[count++] = defaults->headers[i];
    }
    for (size_t i = 0; i < count; i++) {
        if (i >= own_count || headers[i].value.data)
            headers[kept++] = headers[i];
    }
    request->headers = headers;
    request->headers_count = kept;
    return true;
}
