#include "cli/bench_requests.h"

#include "base/span.h"
#include "batch/source.h"
#include "cli/summary.h"
#include "cli/values.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of records and their data files. More would not fit the caches of what is measured anyway. */
#define BYTES_MAX ((size_t)1 << 30)
enum { READ_BYTES = 64 << 10 };

__attribute__((format(printf, 3, 4))) static int refuse(const struct bench_requests *b, int status,
                                                        const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "ringsend %s: ", b->command);
    vfprintf(stderr, format, arguments);
    fputs("\n", stderr);
    va_end(arguments);
    return status;
}

static int refuse_memory(const struct bench_requests *b)
{
    return refuse(b, EXIT_NOT_STARTED, "memory is out");
}

static int refuse_size(const struct bench_requests *b)
{
    return refuse(b, EXIT_INPUT,
                  "the records and their data take more than 1 GiB; this command holds "
                  "them in memory: give it fewer");
}

/* A whole file. */
static int read_file(struct bench_requests *b, const char *path, struct buf *body)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t bytes = fd < 0 ? -1 : 1;
    int error = errno;
    while (bytes > 0) {
        if (!buf_reserve(&b->pool, body, READ_BYTES)) {
            close(fd);
            return refuse_memory(b);
        }
        bytes = read(fd, body->data + body->bytes, READ_BYTES);
        error = errno;
        if (bytes > 0)
            body->bytes += (size_t)bytes;
        if (b->pool.used_bytes > BYTES_MAX) {
            close(fd);
            return refuse_size(b);
        }
    }
    if (fd >= 0)
        close(fd);
    return bytes < 0 ? refuse(b, EXIT_INPUT, "cannot read %s: %s", path, strerror(error)) : EXIT_OK;
}

/* Room for one more; what is there may move. */
static bool grow(struct bench_requests *b)
{
    if (b->count < b->capacity)
        return true;
    size_t capacity = b->capacity ? 2 * b->capacity : 16;
    struct record *records = reallocarray(b->records, capacity, sizeof *records);
    if (records)
        b->records = records;
    struct buf *bodies = reallocarray(b->bodies, capacity, sizeof *bodies);
    if (bodies)
        b->bodies = bodies;
    if (!records || !bodies)
        return false;
    b->capacity = capacity;
    return true;
}

static int read_url(struct bench_requests *b, const struct bench_options *o)
{
    if (!grow(b))
        return refuse_memory(b);
    const struct record_defaults *defaults = &o->request.defaults;
    b->records[0] = (struct record){.request = {.size = sizeof(struct ringsend_request),
                                                .method = defaults->method,
                                                .url = span_of(o->url),
                                                .headers = defaults->headers,
                                                .headers_count = defaults->headers_count}};
    b->bodies[0] = (struct buf){0};
    b->count = 1;
    struct ringsend_request *request = &b->records[0].request;
    if (!o->data)
        return EXIT_OK;
    request->flags |= RINGSEND_HAS_BODY;
    request->body = span_of(o->data);
    if (o->data[0] != '@')
        return EXIT_OK;
    int status = read_file(b, o->data + 1, &b->bodies[0]);
    request->body = (struct ringsend_bytes){b->bodies[0].data, b->bodies[0].bytes};
    return status;
}

static int read_data_file(struct bench_requests *b, struct record *record, struct buf *body)
{
    char path[PATH_MAX];
    if (record->data_file.bytes >= sizeof path)
        return refuse(b, EXIT_INPUT, "the path of a data_file is longer than %d bytes",
                      PATH_MAX - 1);
    memcpy(path, record->data_file.data, record->data_file.bytes);
    path[record->data_file.bytes] = '\0';
    int status = read_file(b, path, body);
    record->request.body = (struct ringsend_bytes){body->data, body->bytes};
    return status;
}

static int read_record(struct bench_requests *b, const struct bench_options *o,
                       const struct source *source, struct buf *line)
{
    if (!grow(b)) {
        buf_release(&b->pool, line);
        return refuse_memory(b);
    }
    struct record *record = &b->records[b->count];
    struct record_error error;
    *record = (struct record){.line = *line};
    b->bodies[b->count] = (struct buf){0};
    record_read(record, &b->pool, &o->request.defaults, source_layout(source), &error);
    b->count++;
    if (error.error != RINGSEND_OK)
        return refuse(b, EXIT_INPUT, "%s, line %llu: %s",
                      summary_input_name(o->inputs[source->current]),
                      (unsigned long long)source->line, error.detail);
    if (record->data_file.bytes > 0)
        return read_data_file(b, record, &b->bodies[b->count - 1]);
    return b->pool.used_bytes > BYTES_MAX ? refuse_size(b) : EXIT_OK;
}

static int read_source(struct bench_requests *b, const struct bench_options *o,
                       struct source *source)
{
    for (int status = EXIT_OK; status == EXIT_OK;) {
        struct buf line = {0};
        switch (source_next(source, &line)) {
        case SOURCE_RECORD:
            status = read_record(b, o, source, &line);
            if (status != EXIT_OK)
                return status;
            break;
        case SOURCE_TOO_LONG:
            return refuse(b, EXIT_INPUT, "%s, line %llu: lines may have 16 MiB",
                          summary_input_name(o->inputs[source->current]),
                          (unsigned long long)source->line);
        case SOURCE_WAIT: /* not without an engine */
            break;
        case SOURCE_END:
            if (source->error)
                return refuse(b, EXIT_INPUT, "cannot read %s: %s",
                              summary_input_name(o->inputs[source->error_input]),
                              strerror(source->error));
            return EXIT_OK;
        }
    }
    return EXIT_OK;
}

static int read_files(struct bench_requests *b, const struct bench_options *o)
{
    struct source source = {0};
    size_t failed;
    int error = source_open(&source, o->inputs, o->inputs_count, &failed);
    if (error)
        return refuse(b, EXIT_INPUT, "cannot read %s: %s", summary_input_name(o->inputs[failed]),
                      strerror(error));
    int status =
        source_start(&source, NULL, &b->pool) ? read_source(b, o, &source) : refuse_memory(b);
    source_close(&source);
    return status;
}

int bench_requests_read(struct bench_requests *b, const struct bench_options *o)
{
    *b = (struct bench_requests){.command = o->request.command};
    buf_pool_init(&b->pool);
    int status = o->url ? read_url(b, o) : read_files(b, o);
    if (status != EXIT_OK)
        return status;
    if (b->count == 0)
        return refuse(b, EXIT_INPUT, "there is no record in the input");
    b->requests = calloc(b->count, sizeof *b->requests);
    if (!b->requests)
        return refuse_memory(b);
    for (size_t i = 0; i < b->count; i++)
        b->requests[i] = b->records[i].request;
    return EXIT_OK;
}

void bench_requests_free(struct bench_requests *b)
{
    for (size_t i = 0; i < b->count; i++) {
        record_release(&b->records[i], &b->pool);
        buf_release(&b->pool, &b->bodies[i]);
    }
    free(b->requests);
    free(b->records);
    free(b->bodies);
    buf_pool_free(&b->pool);
}
