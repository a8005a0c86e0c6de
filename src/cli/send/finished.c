/* A run that has come to its end removes its journal. Whoever resumes it, as a script or a unit
 * does that always resumes, has nothing left to do, and this is where that is found out: by what
 * the files hold, as nobody else knows.
 *
 * A result begins with what tells whose it is: id, line, and the file where there are several. The
 * starts of all results, and those that the records of the inputs would have, must be the same, in
 * whatever order they stand: the same count, and the same sum of digests. One that is missing,
 * doubled, torn or of another input changes that. */
#include "cli/send/finished.h"

#include "base/json.h"
#include "base/json_put.h"
#include "base/sha256.h"
#include "records/reader.h"
#include "results/output.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct sum {
    uint64_t count, low, high;
};

static void add(struct sum *sum, struct ringsend_bytes start)
{
    uint64_t digest[SHA256_BYTES / sizeof(uint64_t)];
    struct sha256 hash;
    sha256_init(&hash);
    sha256_add(&hash, start.data, start.bytes);
    sha256_end(&hash, (unsigned char *)digest);
    sum->count++;
    sum->low += digest[0];
    sum->high += digest[1];
}

/* Up to the third comma outside of quotes. */
static bool start_of_row(struct ringsend_bytes row, struct ringsend_bytes *start)
{
    unsigned commas = 0;
    bool quoted = false;
    for (size_t i = 0; i < row.bytes; i++) {
        quoted ^= row.data[i] == '"';
        commas += row.data[i] == ',' && !quoted;
        if (commas == 3) {
            *start = (struct ringsend_bytes){row.data, i};
            return true;
        }
    }
    return false;
}

/* {"id":...,"line":7,"file":"..." */
static bool start_of_line(struct ringsend_bytes line, struct ringsend_bytes *start)
{
    static const char ok[] = ",\"ok\":";
    struct json json;
    struct json_string key;
    struct ringsend_bytes id;
    json_init_lenient(&json, line);
    if (!json_object(&json) || !json_member(&json, &key) || !span_equal(key.raw, SPAN("id")) ||
        !json_skip(&json, &id))
        return false;
    /* A quote within the file's name would have a backslash before it. */
    const char *from = id.data + id.bytes;
    const char *end = memmem(from, (size_t)(line.data + line.bytes - from), ok, sizeof ok - 1);
    *start = (struct ringsend_bytes){line.data, end ? (size_t)(end - line.data) : 0};
    return end != NULL;
}

static bool add_result(struct sum *sum, bool csv, struct ringsend_bytes text)
{
    struct ringsend_bytes start;
    bool is_result = csv ? start_of_row(text, &start) : start_of_line(text, &start);
    if (is_result)
        add(sum, start);
    return is_result;
}

/* ---- the results ---- */

/* Of a row that goes over several lines these are put together. */
struct lines {
    FILE *file;
    char *line, *row;
    size_t line_capacity, row_capacity, row_bytes;
};

static bool has_open_quotes(const char *text, size_t bytes)
{
    bool open = false;
    for (size_t i = 0; i < bytes; i++)
        open ^= text[i] == '"';
    return open;
}

static bool keep(struct lines *l, size_t bytes)
{
    if (l->row_capacity - l->row_bytes < bytes) {
        size_t capacity = 2 * l->row_capacity + bytes;
        char *row = realloc(l->row, capacity);
        if (!row)
            return false;
        l->row = row;
        l->row_capacity = capacity;
    }
    memcpy(l->row + l->row_bytes, l->line, bytes);
    l->row_bytes += bytes;
    return true;
}

/* False at the end, and at a line that is not whole; then *whole is false. */
static bool next_line(struct lines *l, bool csv, struct ringsend_bytes *text, bool *whole)
{
    bool open = false;
    l->row_bytes = 0;
    do {
        ssize_t bytes = getline(&l->line, &l->line_capacity, l->file);
        *whole = bytes < 0 ? !open && !ferror(l->file) : l->line[bytes - 1] == '\n';
        if (bytes < 0 || !*whole)
            return false;
        *text = (struct ringsend_bytes){l->line, (size_t)bytes};
        open = csv && has_open_quotes(l->line, (size_t)bytes) != open;
        if (!open && l->row_bytes == 0)
            return true;
        *whole = keep(l, (size_t)bytes);
    } while (open && *whole);
    *text = (struct ringsend_bytes){l->row, l->row_bytes};
    return *whole;
}

static bool sum_results(struct sum *sum, const char *path, bool csv)
{
    struct lines lines = {.file = fopen(path, "re")};
    struct ringsend_bytes text;
    bool is_whole = lines.file != NULL, is_head = csv;
    while (is_whole && next_line(&lines, csv, &text, &is_whole)) {
        is_whole = is_head || add_result(sum, csv, text);
        is_head = false;
    }
    if (lines.file)
        fclose(lines.file);
    free(lines.line);
    free(lines.row);
    return is_whole;
}

/* ---- the records ---- */

/* What the result of the record begins with. */
static bool add_record(struct sum *sum, const struct record_reader *reader, bool csv,
                       struct buf_pool *pool)
{
    const struct output_options form = {.form = csv ? RESULT_CSV : RESULT_JSON, .write_out_fd = -1};
    const struct source *source = reader->source;
    struct buf file = {0}, text = {0}, unused = {0};
    struct result_line line = {.line = source->line};
    if (source_layout(source)->format == FORMAT_JSON)
        record_join_lines(reader->record);
    line.id = reader->record->id;
    bool done = source->count < 2 ||
                json_append_string(span_of(source->paths[source->current]), pool, &file);
    line.file = (struct ringsend_bytes){file.data, file.bytes};
    done = done && output_format(&form, pool, &line, &text, &unused) &&
           add_result(sum, csv, (struct ringsend_bytes){text.data, text.bytes});
    buf_release(pool, &file);
    buf_release(pool, &text);
    return done;
}

static bool sum_records(struct sum *sum, const struct send_options *options, bool csv)
{
    struct source source;
    struct record_reader reader;
    struct buf_pool pool;
    size_t failed;
    if (source_open(&source, options->inputs, options->inputs_count, &failed) != 0)
        return false;
    record_options_apply(&options->records, &source);
    buf_pool_init(&pool);
    bool done = record_reader_init(&reader, &source, &pool, &options->request.defaults);
    while (done && record_reader_next(&reader) != RECORD_READER_END)
        done = add_record(sum, &reader, csv, &pool);
    done = done && source.error == 0;
    record_reader_free(&reader);
    buf_pool_free(&pool);
    source_close(&source);
    return done;
}

static bool are_regular(char *const *paths, size_t count)
{
    struct stat about;
    for (size_t i = 0; i < count; i++) {
        if (stat(strcmp(paths[i], "-") == 0 ? "/dev/stdin" : paths[i], &about) != 0 ||
            !S_ISREG(about.st_mode))
            return false;
    }
    return true;
}

bool finished_is(const struct send_options *options)
{
    bool csv = send_given(options, OPTION_CSV);
    struct sum results = {0}, records = {0};
    return are_regular(options->inputs, options->inputs_count) &&
           sum_results(&results, options->output, csv) && results.count > 0 &&
           sum_records(&records, options, csv) && memcmp(&results, &records, sizeof results) == 0;
}
