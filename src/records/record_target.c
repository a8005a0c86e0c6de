/* vegeta's targets as text:
 *
 *   METHOD URL
 *   NAME: VALUE      as many as are wanted
 *   @FILE            the body, at the end
 *
 * Blank lines and comments, which begin with #, mean nothing here; where a target ends is the
 * splitter's business. */
#include "records/record_internal.h"

#include "base/limits.h"
#include "base/span.h"

#include <string.h>

struct target {
    struct record *record;
    struct buf_pool *pool;
    const struct record_defaults *defaults;
    struct record_error *error;
    bool has_url;
};

__attribute__((format(printf, 4, 5))) static void
fail(struct target *t, const char *at, enum ringsend_error code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    record_refuse(t->error, code, format, arguments);
    va_end(arguments);
    t->error->at = (size_t)(at - t->record->line.data);
}

static void take_first(struct target *t, struct ringsend_bytes line)
{
    struct ringsend_request *request = &t->record->request;
    size_t bytes = 0;
    enum ringsend_error code;
    while (bytes < line.bytes && line.data[bytes] >= 'A' && line.data[bytes] <= 'Z')
        bytes++;
    struct ringsend_bytes rest =
        span_trim((struct ringsend_bytes){line.data + bytes, line.bytes - bytes});
    t->has_url = true;
    if (bytes == 0 || bytes == line.bytes || rest.data == line.data + bytes) {
        fail(t, line.data, RINGSEND_E_BAD_RECORD,
             "a target begins with a method and a URL, as GET http://host/path");
        return;
    }
    request->method = (struct ringsend_bytes){line.data, bytes};
    const char *fault = record_take_url(t->record, t->pool, t->defaults, rest, &code);
    if (fault)
        fail(t, rest.data, code, "%s", fault);
}

static void take_header(struct target *t, struct ringsend_bytes line)
{
    const char *colon = memchr(line.data, ':', line.bytes);
    size_t name_bytes = colon ? (size_t)(colon - line.data) : 0;
    struct ringsend_bytes name = span_trim((struct ringsend_bytes){line.data, name_bytes});
    struct ringsend_bytes value = {0};
    if (colon)
        value = span_trim((struct ringsend_bytes){colon + 1, line.bytes - name_bytes - 1});
    if (name.bytes == 0 || value.bytes == 0) {
        fail(t, line.data, RINGSEND_E_BAD_RECORD,
             "behind its first line a target has headers, NAME: VALUE, and then perhaps @FILE, its "
             "body");
        return;
    }
    enum ringsend_error error = record_add_header(t->record, t->pool, name, value);
    if (error == RINGSEND_E_BAD_HEADER)
        fail(t, line.data, error, "more than %d headers", LIMIT_HEADERS);
    else if (error != RINGSEND_OK)
        fail(t, line.data, error, "while the record was read");
}

static void take_body(struct target *t, struct ringsend_bytes line)
{
    struct ringsend_bytes path = span_trim((struct ringsend_bytes){line.data + 1, line.bytes - 1});
    if (path.bytes == 0 || memchr(path.data, '\0', path.bytes)) {
        fail(t, line.data, RINGSEND_E_BAD_RECORD, "@ is not followed by the path of a file");
        return;
    }
    t->record->data_file = path;
    t->record->request.flags |= RINGSEND_HAS_BODY;
}

static void take_line(struct target *t, struct ringsend_bytes line)
{
    if (line.bytes == 0 || line.data[0] == '#')
        return;
    if (!t->has_url)
        take_first(t, line);
    else if (line.data[0] == '@')
        take_body(t, line);
    else
        take_header(t, line);
}

/* Without white space at its ends, line ends of Windows too. */
static struct ringsend_bytes trimmed(const char *at, const char *end)
{
    if (end > at && end[-1] == '\r')
        end--;
    return span_trim((struct ringsend_bytes){at, (size_t)(end - at)});
}

void record_read_target(struct record *record, struct buf_pool *pool,
                        const struct record_defaults *defaults, struct record_error *error)
{
    struct target t = {.record = record, .pool = pool, .defaults = defaults, .error = error};
    const char *at = record->line.data, *end = at + record->line.bytes;
    while (at < end && error->error == RINGSEND_OK) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        take_line(&t, trimmed(at, line_end ? line_end : end));
        at = line_end ? line_end + 1 : end;
    }
    if (error->error == RINGSEND_OK && !record_merge_headers(record, pool, defaults))
        fail(&t, record->line.data, RINGSEND_E_NO_MEMORY, "while the record was read");
}
