/* libFuzzer target: any bytes as an input, of the format that the first byte chooses. Beyond not
 * crashing: the records are the same however the bytes come in, and every position behind a record
 * leads to the rest of them. Rows and lines also fill a template each. */
#include "base/check.h"
#include "records/record.h"
#include "records/source.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static const enum format formats[] = {FORMAT_JSONL, FORMAT_JSON, FORMAT_CSV,   FORMAT_TSV,
                                      FORMAT_LINES, FORMAT_COPY, FORMAT_VEGETA};

struct reading {
    uint64_t hash; /* FNV-1a over all that was told */
    uint64_t records;
    int error;
    struct source_position second; /* behind the second record */
};

static void add(struct reading *r, const void *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        r->hash = (r->hash ^ ((const unsigned char *)data)[i]) * 1099511628211u;
}

static void add_number(struct reading *r, uint64_t number)
{
    add(r, &number, sizeof number);
}

static void try_record(const struct source *s, struct buf *line, struct buf_pool *pool,
                       const struct form *form)
{
    static const struct ringsend_header header = {{"content-type", 12}, {"application/json", 16}};
    bool is_json = format_is_json(source_layout(s)->format);
    struct record_defaults defaults = {.url = {"http://h/", 9},
                                       .headers = &header,
                                       .form = is_json ? NULL : form,
                                       .key_header = {"k", 1}};
    struct record record = {.line = *line};
    struct record_error error;
    *line = (struct buf){0};
    record_read(&record, pool, &defaults, source_layout(s), &error);
    if (record.needs_key)
        record_make_key(&record, s->number);
    CHECK(error.error == RINGSEND_OK || error.detail[0]);
    CHECK(error.at == RECORD_ALL || error.at <= record.line.bytes);
    record_release(&record, pool);
}

static struct reading read_all(int fd, enum format format, size_t block_bytes,
                               const struct form *form, const struct source_position *from)
{
    struct reading r = {.hash = 14695981039346656037u};
    struct source s;
    struct buf_pool pool;
    char path[32];
    char *const paths[] = {path};
    size_t failed;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    buf_pool_init(&pool);
    CHECK(source_open(&s, paths, 1, &failed) == 0);
    s.format = format;
    s.block_bytes = block_bytes;
    s.names = &form->names;
    if (from)
        source_seek(&s, from);
    CHECK(source_start(&s, NULL, &pool));
    struct buf line = {0};
    for (enum source_next next; (next = source_next(&s, &line)) != SOURCE_END;) {
        CHECK(next == SOURCE_RECORD);
        add_number(&r, s.number);
        add_number(&r, s.line);
        add_number(&r, line.bytes);
        add(&r, line.data, line.bytes);
        if (++r.records == 2)
            r.second = source_position(&s);
        try_record(&s, &line, &pool, form);
    }
    r.error = s.error;
    source_close(&s);
    CHECK(pool.used_bytes == 0);
    buf_pool_free(&pool);
    return r;
}

static void compile(struct template *t, const char *text, enum template_use use, struct form *form)
{
    struct secrets secrets = {0};
    char message[TEMPLATE_MESSAGE_BYTES];
    CHECK(template_compile(t, text, use, &form->names, &secrets, message));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (bytes == 0)
        return 0;
    enum format format = formats[data[0] % (sizeof formats / sizeof *formats)];
    struct form form = {.has_data = true, .has_id = true};
    const char *column = format == FORMAT_LINES ? "{{line|json}}" : "{{a|json}}{{b|trim|b64}}";
    compile(&form.url, "http://h/", TEMPLATE_URL, &form);
    compile(&form.data, column, TEMPLATE_BODY, &form);
    compile(&form.id, column, TEMPLATE_TEXT, &form);
    int fd = memfd_create("input", MFD_CLOEXEC);
    CHECK(fd >= 0 && write(fd, data + 1, bytes - 1) == (ssize_t)bytes - 1);
    struct reading whole = read_all(fd, format, 1 << 16, &form, NULL);
    struct reading pieces = read_all(fd, format, 1 + bytes % 7, &form, NULL);
    /* How much comes out of damaged data before it is found to be damaged is the library's choice.
     */
    bool damaged =
        whole.error &&
        decoder_kind_of((struct ringsend_bytes){(const char *)data + 1, bytes - 1}) != DECODER_NONE;
    CHECK(whole.error == pieces.error && (damaged || whole.hash == pieces.hash));
    if (whole.records >= 2 && !damaged) {
        struct reading rest = read_all(fd, format, 1 << 16, &form, &whole.second);
        CHECK(rest.records == whole.records - 2 && rest.error == whole.error);
    }
    close(fd);
    template_free(&form.url);
    template_free(&form.data);
    template_free(&form.id);
    template_names_free(&form.names);
    return 0;
}
