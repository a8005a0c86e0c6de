/* Of records that say themselves what is to be sent: the URL, and their headers beside those of the
 * options. These are gathered in record->headers; a record that gives none uses the defaults' array
 * as it is. */
#include "records/record_internal.h"

#include "base/limits.h"
#include "base/span.h"

#include <string.h>

/* ---- URL ---- */

/* Two braces, of which nearly no URL has one. */
static bool has_place(struct ringsend_bytes text)
{
    const char *at = memchr(text.data, '{', text.bytes);
    return at && memmem(at, text.bytes - (size_t)(at - text.data), "{{", 2);
}

/* "//host/path" is not one, and refused as any URL without a scheme. */
static bool is_path(struct ringsend_bytes url)
{
    return url.data[0] == '/' && (url.bytes == 1 || url.data[1] != '/');
}

/* Scheme, host and port of the default. */
static size_t origin_bytes(struct ringsend_bytes base)
{
    const char *authority = memmem(base.data, base.bytes, "://", 3);
    size_t bytes = authority ? (size_t)(authority - base.data) + 3 : 0;
    while (bytes < base.bytes && !memchr("/?#", base.data[bytes], 3))
        bytes++;
    return bytes;
}

const char *record_take_url(struct record *record, struct buf_pool *pool,
                            const struct record_defaults *defaults, struct ringsend_bytes url,
                            enum ringsend_error *error)
{
    struct buf *whole = &record->url;
    *error = RINGSEND_E_BAD_URL;
    record->request.url = url;
    if (url.bytes == 0)
        return "\"url\" is empty";
    if (has_place(url))
        return "\"url\" holds \"{{\", and a record is sent as it stands: templates are texts of "
               "options, as --url; %7B%7B stands for two braces";
    if (!is_path(url))
        return NULL;
    if (defaults->url.bytes == 0)
        return "the URL is a path, and there is no --url whose server it could belong to";
    if (!buf_append(pool, whole, defaults->url.data, origin_bytes(defaults->url)) ||
        !buf_append(pool, whole, url.data, url.bytes)) {
        *error = RINGSEND_E_NO_MEMORY;
        return "while the record was read";
    }
    record->request.url = (struct ringsend_bytes){whole->data, whole->bytes};
    return NULL;
}

/* ---- headers ---- */

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
    for (size_t i = 0; i < own_count; i++)
        record->no_login |=
            !headers[i].value.data && record_header_named(&headers[i], SPAN("authorization"));
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
