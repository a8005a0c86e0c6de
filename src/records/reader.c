#include "records/reader.h"

#include "records/data_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool record_reader_init(struct record_reader *c, struct source *source, struct buf_pool *pool,
                        const struct record_defaults *defaults)
{
    *c = (struct record_reader){.source = source, .pool = pool, .defaults = defaults};
    c->record = calloc(1, sizeof *c->record);
    return c->record && source_start(source, NULL, pool);
}

static void look(struct record_reader *c)
{
    struct record *record = c->record;
    const char *words;
    record_read(record, c->pool, c->defaults, source_layout(c->source), &c->error);
    if (c->error.error != RINGSEND_OK)
        return;
    if (record->needs_key && record->data_file.bytes == 0)
        record_make_key(record, c->source->number);
    else if (record->needs_key) /* that of its content is not known; any will do to be checked */
        memset(record->key, '0', sizeof record->key);
    int error = -ringsend_check(&record->request, &words);
    if (error != RINGSEND_OK) {
        c->error.error = (enum ringsend_error)error;
        record_explain(record, words, &c->error);
    } else if (record->data_file.bytes > 0) {
        data_file_look(record->data_file, &c->error);
    }
    if (c->keys && c->error.error == RINGSEND_OK)
        keys_seen_take(c->keys, record, c->source->current, c->source->line,
                       c->defaults->key_header, c->source->paths, &c->error);
}

enum record_reader_next record_reader_next(struct record_reader *c)
{
    struct record *record = c->record;
    record_release(record, c->pool);
    switch (source_next(c->source, &record->line)) {
    case SOURCE_RECORD:
        look(c);
        break;
    case SOURCE_TOO_LONG:
        c->error.error = RINGSEND_E_RECORD_TOO_LONG;
        c->error.at = RECORD_ALL;
        snprintf(c->error.detail, sizeof c->error.detail, "more than 16 MiB");
        break;
    case SOURCE_WAIT: /* only with an engine */
    case SOURCE_END:
        return RECORD_READER_END;
    }
    c->records++;
    c->place = record_error_place(&c->error,
                                  (struct ringsend_bytes){record->line.data, record->line.bytes});
    c->place.line += c->source->line;
    if (c->error.error == RINGSEND_OK)
        return RECORD_READER_GOOD;
    c->bad++;
    return RECORD_READER_BAD;
}

struct record *record_reader_take(struct record_reader *c)
{
    struct record *taken = c->record, *next = calloc(1, sizeof *next);
    if (!next)
        return NULL;
    c->record = next;
    return taken;
}

void record_reader_free(struct record_reader *c)
{
    if (c->record)
        record_release(c->record, c->pool);
    free(c->record);
    source_stop(c->source);
}
