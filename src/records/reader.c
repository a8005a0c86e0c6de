#include "records/reader.h"

#include "records/data_file.h"
#include "records/form_body.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool record_reader_init(struct record_reader *reader, struct source *source, struct buf_pool *pool,
                        const struct record_defaults *defaults)
{
    *reader = (struct record_reader){.source = source, .pool = pool, .defaults = defaults};
    reader->record = calloc(1, sizeof *reader->record);
    return reader->record && source_start(source, NULL, pool);
}

/* All that its body is to be made of. */
static void look_at_files(struct record *record, struct record_error *error)
{
    struct ringsend_bytes path = record->data_file;
    bool good = true;
    while (path.bytes > 0 && good) {
        good = data_file_look(path, error);
        if (!good)
            record_file_failed(record, error);
        path = record->form_kind == RECORD_MULTIPART && good
                   ? multipart_file(record, ++record->files_loaded)
                   : (struct ringsend_bytes){0};
    }
    record->files_loaded = 0;
}

static void look(struct record_reader *reader)
{
    struct record *record = reader->record;
    const char *words;
    record_read(record, reader->pool, reader->defaults, source_layout(reader->source),
                &reader->error);
    if (reader->error.error != RINGSEND_OK)
        return;
    if (record->needs_key && record->data_file.bytes == 0)
        record_make_key(record, reader->source->number);
    else if (record->needs_key) /* that of its content is not known; any will do to be checked */
        memset(record->key, '0', sizeof record->key);
    int error = -ringsend_check(&record->request, &words);
    if (error != RINGSEND_OK) {
        reader->error.error = (enum ringsend_error)error;
        record_explain(record, words, &reader->error);
    } else {
        look_at_files(record, &reader->error);
    }
    if (reader->keys && reader->error.error == RINGSEND_OK)
        keys_seen_take(reader->keys, record, reader->source->current, reader->source->line,
                       reader->defaults->key_header, reader->source->paths, &reader->error);
}

enum record_reader_next record_reader_next(struct record_reader *reader)
{
    struct record *record = reader->record;
    record_release(record, reader->pool);
    switch (source_next(reader->source, &record->line)) {
    case SOURCE_RECORD:
        look(reader);
        break;
    case SOURCE_TOO_LONG:
        reader->error.error = RINGSEND_E_RECORD_TOO_LONG;
        reader->error.at = RECORD_ALL;
        snprintf(reader->error.detail, sizeof reader->error.detail, "more than 16 MiB");
        break;
    case SOURCE_WAIT: /* only with an engine */
    case SOURCE_END:
        return RECORD_READER_END;
    }
    reader->records++;
    reader->place = record_error_place(
        &reader->error, (struct ringsend_bytes){record->line.data, record->line.bytes});
    reader->place.line += reader->source->line;
    if (reader->error.error == RINGSEND_OK)
        return RECORD_READER_GOOD;
    reader->bad++;
    return RECORD_READER_BAD;
}

bool record_reader_load(struct record_reader *reader, struct buf *data)
{
    struct record *record = reader->record;
    enum record_file_next next = record->data_file.bytes > 0 ? RECORD_FILE_MORE : RECORD_FILE_DONE;
    while (next == RECORD_FILE_MORE) {
        if (!data_file_now(record->data_file, reader->pool, data, &reader->error)) {
            record_file_failed(record, &reader->error);
            return false;
        }
        next = record_file_loaded(record, reader->pool, data, &reader->error);
    }
    return next == RECORD_FILE_DONE;
}

struct record *record_reader_take(struct record_reader *reader)
{
    struct record *taken = reader->record, *next = calloc(1, sizeof *next);
    if (!next)
        return NULL;
    reader->record = next;
    return taken;
}

void record_reader_free(struct record_reader *reader)
{
    if (reader->record)
        record_release(reader->record, reader->pool);
    free(reader->record);
    source_stop(reader->source);
}
