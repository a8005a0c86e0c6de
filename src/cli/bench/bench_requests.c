#include "cli/bench/bench_requests.h"

#include "base/span.h"
#include "base/whole_file.h"
#include "cli/options/values.h"
#include "cli/send/summary.h"
#include "records/reader.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of records and their data files. More would not fit the caches of what is measured anyway. */
#define BYTES_MAX ((size_t)1 << 30)

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

/* ---- a URL ---- */

/* The netrc's for that URL. */
static int add_login(struct bench_requests *b, const struct record_defaults *defaults,
                     struct ringsend_request *request)
{
    struct ringsend_header login;
    struct record_error error = {0};
    if (!defaults->netrc)
        return EXIT_OK;
    bool is_found = record_login(defaults, request->url, request->headers, request->headers_count,
                                 &login, &error);
    if (error.error != RINGSEND_OK)
        return refuse(b, EXIT_USAGE, "%s", error.detail);
    if (!is_found)
        return EXIT_OK;
    b->headers = calloc(request->headers_count + 1, sizeof *b->headers);
    if (!b->headers)
        return refuse_memory(b);
    for (size_t i = 0; i < request->headers_count; i++)
        b->headers[i] = request->headers[i];
    b->headers[request->headers_count++] = login;
    request->headers = b->headers;
    return EXIT_OK;
}

static int read_url(struct bench_requests *b, const struct target_options *o)
{
    const struct record_defaults *defaults = &o->request.defaults;
    const char *data = o->records.data;
    struct ringsend_request *request = calloc(1, sizeof *request);
    if (!request)
        return refuse_memory(b);
    b->requests = request;
    b->count = 1;
    *request = (struct ringsend_request){.size = sizeof *request,
                                         .method = defaults->method,
                                         .url = span_of(o->url),
                                         .headers = defaults->headers,
                                         .headers_count = defaults->headers_count};
    int status = add_login(b, defaults, request);
    if (status != EXIT_OK || !data)
        return status;
    request->flags |= RINGSEND_HAS_BODY;
    request->body = span_of(data);
    if (data[0] != '@')
        return EXIT_OK;
    b->data = whole_file_read(data + 1, BYTES_MAX, &request->body.bytes);
    request->body.data = b->data;
    return b->data ? EXIT_OK
                   : refuse(b, EXIT_INPUT, "cannot read %s: %s", data + 1, whole_file_fault(errno));
}

/* ---- records ---- */

static bool grow(struct bench_requests *b)
{
    if (b->count < b->capacity)
        return true;
    size_t capacity = b->capacity ? 2 * b->capacity : 16;
    struct bench_record *records = reallocarray(b->records, capacity, sizeof *records);
    if (!records)
        return false;
    b->records = records;
    b->capacity = capacity;
    return true;
}

static int refuse_record(const struct bench_requests *b, const struct record_reader *reader)
{
    const struct source *source = reader->source;
    return refuse(b, EXIT_INPUT, "%s, line %zu, column %zu: %s",
                  summary_input_name(source->paths[source->current]), reader->place.line,
                  reader->place.column,
                  reader->error.detail[0] ? reader->error.detail
                                          : ringsend_error_text(reader->error.error));
}

/* Takes the record that the reader has, with its data file and its key. */
static int take_record(struct bench_requests *b, struct record_reader *reader)
{
    struct buf body = {0};
    if (!record_reader_load(reader, &body)) {
        buf_release(&b->pool, &body);
        return refuse_record(b, reader);
    }
    struct record *record = grow(b) ? record_reader_take(reader) : NULL;
    if (!record) {
        buf_release(&b->pool, &body);
        return refuse_memory(b);
    }
    struct bench_record *held = &b->records[b->count++];
    *held = (struct bench_record){.record = record, .body = body};
    if (record->needs_key)
        record_make_key(record, reader->source->number);
    if (b->pool.used_bytes > BYTES_MAX)
        return refuse(b, EXIT_INPUT,
                      "the records and their data take more than 1 GiB; this command holds them in "
                      "memory: give it fewer (--limit)");
    return EXIT_OK;
}

static int take_records(struct bench_requests *b, struct record_reader *reader)
{
    const struct source *source = reader->source;
    int status = EXIT_OK;
    enum record_reader_next next = RECORD_READER_GOOD;
    while (status == EXIT_OK && (next = record_reader_next(reader)) == RECORD_READER_GOOD)
        status = take_record(b, reader);
    if (next == RECORD_READER_BAD)
        status = refuse_record(b, reader);
    if (status == EXIT_OK && source->error)
        status = refuse(b, EXIT_INPUT, "cannot read %s: %s",
                        summary_input_name(source->paths[source->error_input]), source->error_text);
    return status;
}

static void print_notes(const struct target_options *o, const struct source *source)
{
    char text[RECORD_NOTE_BYTES];
    unsigned reported = 0;
    while (record_options_note(&o->records, source, o->request.command, &reported, text))
        fputs(text, stderr);
}

static int read_files(struct bench_requests *b, const struct target_options *o)
{
    struct source source;
    struct record_reader reader;
    size_t failed;
    int error = source_open(&source, o->inputs, o->inputs_count, &failed);
    if (error)
        return refuse(b, EXIT_INPUT, "cannot read %s: %s", summary_input_name(o->inputs[failed]),
                      strerror(error));
    record_options_apply(&o->records, &source);
    int status = record_reader_init(&reader, &source, &b->pool, &o->request.defaults)
                     ? take_records(b, &reader)
                     : refuse_memory(b);
    record_reader_free(&reader);
    print_notes(o, &source);
    source_close(&source);
    if (status != EXIT_OK)
        return status;
    if (b->count == 0)
        return refuse(b, EXIT_INPUT, "there is no record in the input");
    b->requests = calloc(b->count, sizeof *b->requests);
    if (!b->requests)
        return refuse_memory(b);
    for (size_t i = 0; i < b->count; i++)
        b->requests[i] = b->records[i].record->request;
    return EXIT_OK;
}

/* ---- both ---- */

int bench_requests_read(struct bench_requests *b, const struct target_options *o)
{
    *b = (struct bench_requests){.command = o->request.command};
    buf_pool_init(&b->pool);
    return o->url ? read_url(b, o) : read_files(b, o);
}

void bench_requests_free(struct bench_requests *b)
{
    for (size_t i = 0; b->records && i < b->count; i++) {
        record_release(b->records[i].record, &b->pool);
        free(b->records[i].record);
        buf_release(&b->pool, &b->records[i].body);
    }
    free(b->requests);
    free(b->records);
    free(b->data);
    free(b->headers);
    buf_pool_free(&b->pool);
}
