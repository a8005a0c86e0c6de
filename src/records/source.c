/* Bytes come in blocks (input.h) and are split into records here. A record gathers in `partial`,
 * which is handed over whole, no copy. It never grows beyond the limit: too_long then throws bytes
 * away until its end. A record that is not wanted is split off in the same way, but never gathered.
 */
#include "records/source.h"

#include "base/check.h"
#include "base/limits.h"
#include "records/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SOURCE_BLOCK_BYTES = 64 << 10 };

/* The limit is for the JSON; one more byte for a CR. */
enum { PARTIAL_MAX = LIMIT_LINE_BYTES + 1 };

static int open_input(const char *path, int *fd)
{
    bool is_stdin = strcmp(path, "-") == 0;
    *fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    struct stat about;
    if (*fd < 0 || fstat(*fd, &about) != 0)
        return errno;
    return S_ISDIR(about.st_mode) ? EISDIR : 0;
}

int source_open(struct source *s, char *const *paths, size_t count, size_t *failed_input)
{
    *s = (struct source){.paths = paths, .jump_to = -1, .proven = true};
    *failed_input = 0;
    s->fds = calloc(count, sizeof *s->fds);
    s->layouts = calloc(count, sizeof *s->layouts);
    if (!s->fds || !s->layouts) {
        source_close(s);
        return ENOMEM;
    }
    for (; s->count < count; s->count++) {
        int error = open_input(paths[s->count], &s->fds[s->count]);
        if (error) {
            *failed_input = s->count;
            if (s->fds[s->count] > STDERR_FILENO)
                close(s->fds[s->count]);
            source_close(s);
            return error;
        }
    }
    return 0;
}

static enum format format_of(const struct source *s, size_t input)
{
    return s->format != FORMAT_GUESS ? s->format : format_of_name(s->paths[input]);
}

/* In a regular file that is not compressed: its first byte from `start` on that is neither white
 * space nor of a byte order mark; '\0' where one cannot jump, and where that byte is too far off.
 */
static char opening_of(int fd, off_t start)
{
    char bytes[4096];
    struct stat about;
    if (start < 0 || fstat(fd, &about) != 0 || !S_ISREG(about.st_mode))
        return '\0';
    ssize_t count = pread(fd, bytes, sizeof bytes, start);
    if (count <= 0)
        return '\0';
    enum decoder_kind kind = decoder_kind_of((struct ringsend_bytes){bytes, (size_t)count});
    if (kind != DECODER_NONE && kind != DECODER_UNKNOWN)
        return '\0';
    for (ssize_t at = 0; at < count; at++) {
        if (!memchr(" \t\r\n\x1e\xef\xbb\xbf", bytes[at], 8))
            return bytes[at];
    }
    return '\0';
}

void source_prove(struct source *s, uint64_t start, uint64_t records, uint64_t digest)
{
    CHECK(!s->begun && s->current == 0);
    s->proves = true;
    digest_init(&s->digest, start);
    s->input_digest = start;
    s->proof_records = records;
    s->proof_digest = digest;
    s->proven = records == 0;
}

bool source_is_proven(const struct source *s)
{
    return s->proven;
}

uint64_t source_digest(const struct source *s)
{
    return s->digest.value;
}

/* All records below next_number have gone into the digest. */
static void judge_proof(struct source *s)
{
    if (s->proven || s->next_number != s->proof_records)
        return;
    s->proven = s->digest.value == s->proof_digest;
    s->disproved = !s->proven;
}

/* From now on as if everything before the position had been read. */
static void be_at(struct source *s, const struct source_position *position)
{
    digest_init(&s->digest, position->digest);
    s->next_number = position->number;
    s->taken_bytes = position->offset;
    s->taken_lines = position->lines;
    s->mark_passed = s->mark_passed || position->offset > 0;
    s->resumed = position->index > 0;
    judge_proof(s);
}

void source_seek(struct source *s, const struct source_position *position)
{
    CHECK(!s->begun && position->input <= s->count);
    s->current = position->input;
    s->first_number = s->next_number = position->number - position->index;
    s->input_digest = position->input_digest;
    digest_init(&s->digest, s->input_digest);
    source_skip_to(s, position->number);
    if (s->current == s->count)
        return;
    /* Standard input may start anywhere in its file. */
    off_t start = lseek(s->fds[s->current], 0, SEEK_CUR);
    s->opening = opening_of(s->fds[s->current], start);
    if (s->opening == '\0')
        return;
    if (format_has_header(format_of(s, s->current))) {
        s->jump_to = position->index > 0 ? start + (off_t)position->offset : -1;
        s->position = *position;
    } else if (lseek(s->fds[s->current], (off_t)position->offset, SEEK_CUR) >= 0) {
        s->plain = true;
        be_at(s, position);
    }
}

bool source_start(struct source *s, struct ringsend *engine, struct buf_pool *pool)
{
    s->pool = pool;
    for (size_t i = 0; i < s->count; i++) {
        enum format format = format_of(s, i);
        s->layouts[i].format = format;
        s->layouts[i].dialect = (struct csv_dialect){
            .delimiter = s->delimiter ? s->delimiter : format_delimiter(format),
            .escapes = format == FORMAT_COPY,
            .encoding = s->encoding};
        s->layouts[i].echo = s->echo;
        if (s->echo && !format_has_header(format) &&
            !echo_columns_of(&s->layouts[i].echo_columns, s->echo, format, pool))
            return false;
    }
    source_skip_to(s, s->range.skip);
    return input_init(&s->bytes, engine, s->block_bytes > 0 ? s->block_bytes : SOURCE_BLOCK_BYTES);
}

void source_skip_to(struct source *s, uint64_t number)
{
    if (s->skip_to < number)
        s->skip_to = number;
}

const struct layout *source_layout(const struct source *s)
{
    return &s->layouts[s->current];
}

struct source_position source_position(const struct source *s)
{
    return (struct source_position){
        .input = s->current,
        .number = s->next_number,
        .index = s->next_number - s->first_number,
        .offset = s->taken_bytes,
        .lines = s->taken_lines,
        .digest = s->digest.value,
        .input_digest = s->input_digest,
    };
}

static bool is_wanted(const struct source *s, uint64_t number)
{
    return number >= s->skip_to &&
           (s->range.shards < 2 || number % s->range.shards == s->range.shard);
}

static bool range_is_used_up(const struct source *s)
{
    return s->range.limit > 0 && s->next_number >= s->range.skip &&
           s->next_number - s->range.skip >= s->range.limit;
}

static void drop_record(struct source *s)
{
    buf_release(s->pool, &s->partial);
    s->too_long = s->has_text = s->split_begun = false;
    s->split_bytes = s->split_lines = 0;
    s->undigested = (struct ringsend_bytes){0};
    digest_drop(&s->digest);
}

static void next_input(struct source *s)
{
    input_end(&s->bytes);
    drop_record(s);
    s->current++;
    s->begun = s->ended = s->mark_passed = s->resumed = s->plain = false;
    s->mark_at = 0;
    s->block = (struct ringsend_bytes){0};
    s->jump_to = -1;
    s->first_number = s->next_number;
    s->input_digest = s->digest.value;
    s->line = s->taken_bytes = s->taken_lines = 0;
}

/* The first one counts. */
static void keep_error(struct source *s, int error, const char *why)
{
    if (s->error)
        return;
    s->error = error;
    s->error_input = s->current;
    snprintf(s->error_text, sizeof s->error_text, "%s", why);
}

/* Ends the current input where it stands. */
static void input_failed(struct source *s, int error, const char *why)
{
    drop_record(s);
    s->block.bytes = 0;
    s->ended = true;
    keep_error(s, error, why);
}

/* The line that splitting has come to. */
static uint64_t line_at(const struct source *s)
{
    return s->taken_lines + s->split_lines + 1;
}

static void content_failed(struct source *s, uint64_t line, const char *why)
{
    char text[sizeof s->error_text];
    snprintf(text, sizeof text, "line %lu: %s", (unsigned long)line, why);
    input_failed(s, EBADMSG, text);
}

/* More bytes to split in `block`; false: SOURCE_WAIT. At the end of the input `ended` is set. */
static bool refill(struct source *s)
{
    if (!s->begun) {
        input_begin(&s->bytes, s->fds[s->current], s->plain);
        const struct layout *layout = source_layout(s);
        if (s->resumed)
            splitter_resume(&s->splitter, layout->format, layout->dialect.delimiter, s->opening);
        else
            splitter_begin(&s->splitter, layout->format, layout->dialect.delimiter);
        s->begun = true;
    }
    switch (input_next(&s->bytes, &s->block)) {
    case INPUT_BYTES:
        return true;
    case INPUT_WAIT:
        return false;
    case INPUT_FAILED:
        input_failed(s, s->bytes.error, input_error_text(&s->bytes));
        return true;
    case INPUT_END:
        s->ended = true;
        if (s->bytes.error)
            keep_error(s, s->bytes.error, input_error_text(&s->bytes));
        if (splitter_end(&s->splitter))
            content_failed(s, line_at(s), splitter_end(&s->splitter));
        return true;
    }
    UNREACHABLE("input next");
}

static bool awaits_header(const struct source *s)
{
    const struct layout *layout = source_layout(s);
    return format_has_header(layout->format) && !layout->places;
}

/* What was gathered last is no longer to be seen, or not the last. */
static void digest_pieces(struct source *s)
{
    if (s->undigested.bytes > 0)
        digest_add(&s->digest, s->undigested.data, s->undigested.bytes);
    s->undigested.bytes = 0;
}

/* Adds to the record being split off; out of memory counts as too long for us. */
static void gather(struct source *s, const char *data, size_t bytes)
{
    s->split_bytes += bytes;
    if (!s->has_text)
        s->has_text = !record_is_blank((struct ringsend_bytes){data, bytes});
    digest_pieces(s);
    if (s->proves)
        s->undigested = (struct ringsend_bytes){data, bytes};
    if (s->too_long || !(is_wanted(s, s->next_number) || awaits_header(s)))
        return;
    if (bytes > PARTIAL_MAX - s->partial.bytes || !buf_append(s->pool, &s->partial, data, bytes)) {
        s->too_long = true;
        buf_release(s->pool, &s->partial);
    }
}

/* The byte order mark may come byte by byte, and only a whole one is none of the record's. */
static void pass_mark(struct source *s)
{
    static const char mark[] = "\xef\xbb\xbf";
    while (s->mark_at < 3 && s->block.bytes > 0 && *s->block.data == mark[s->mark_at]) {
        s->mark_at++;
        s->block.data++;
        s->block.bytes--;
    }
    s->mark_passed = s->mark_at == 3 || s->block.bytes > 0 || s->ended;
    if (!s->mark_passed)
        return;
    if (s->mark_at == 3)
        s->taken_bytes = 3;
    else
        gather(s, mark, s->mark_at);
    s->split_begun = s->split_bytes > 0;
    s->split_line = 1;
}

static bool header_is_new(const struct source *s, struct ringsend_bytes row)
{
    const struct layout *first = &s->layouts[0];
    return s->same_headers && first->header &&
           !span_equal((struct ringsend_bytes){first->header, first->header_bytes}, row);
}

static void guess_delimiter(struct source *s, struct ringsend_bytes header)
{
    struct layout *layout = &s->layouts[s->current];
    if (s->delimiter || layout->format != FORMAT_CSV)
        return;
    char delimiter = layout_guess_delimiter(header);
    if (delimiter == layout->dialect.delimiter)
        return;
    layout->dialect.delimiter = s->splitter.delimiter = delimiter;
    if (!s->guessed) {
        s->guessed = delimiter;
        s->guessed_input = s->current;
    }
}

/* The row is the header; then it may go on somewhere else. */
static void read_header(struct source *s)
{
    static const struct template_names no_names;
    char why[LAYOUT_MESSAGE_BYTES];
    struct ringsend_bytes row = {s->partial.data, s->partial.bytes};
    guess_delimiter(s, row);
    if (s->too_long) {
        content_failed(s, s->split_line, "its header row has more than 16 MiB");
    } else if (header_is_new(s, row)) {
        content_failed(s, s->split_line,
                       "its header is not that of the first file, and rows of both go to one file "
                       "(--failed, or --csv with --echo all)");
    } else if (!layout_read_header(&s->layouts[s->current], row, s->names ? s->names : &no_names,
                                   s->pool, why)) {
        content_failed(s, s->split_line, why);
    } else {
        s->taken_bytes += s->split_bytes;
        s->taken_lines += s->split_lines;
        drop_record(s);
    }
    if (s->jump_to < 0 || s->ended)
        return;
    be_at(s, &s->position);
    input_jump(&s->bytes, s->jump_to);
    s->block = (struct ringsend_bytes){0};
    s->jump_to = -1;
}

/* What was gathered is complete: true when there is something to hand out. */
static bool finish_record(struct source *s, struct buf *record, enum source_next *next)
{
    if (s->has_text && s->proves)
        digest_end(&s->digest, s->undigested.data, s->undigested.bytes);
    if (s->has_text && awaits_header(s)) {
        read_header(s);
        return false;
    }
    bool too_long = s->too_long;
    bool handed_out = s->has_text && is_wanted(s, s->next_number);
    if (handed_out) {
        s->line = s->split_line;
        s->number = s->next_number;
        const struct buf *partial = &s->partial;
        too_long =
            too_long || (partial->bytes == PARTIAL_MAX && partial->data[PARTIAL_MAX - 1] != '\r');
        *next = too_long ? SOURCE_TOO_LONG : SOURCE_RECORD;
    }
    s->next_number += s->has_text;
    judge_proof(s);
    s->taken_bytes += s->split_bytes;
    s->taken_lines += s->split_lines;
    if (handed_out && !too_long && !s->disproved) {
        *record = s->partial;
        s->partial = (struct buf){0};
    }
    drop_record(s);
    return handed_out && !s->disproved;
}

/* Splits from the block: true when a record is complete. */
static bool split(struct source *s)
{
    struct split split;
    splitter_split(&s->splitter, s->block, &split);
    s->split_bytes += split.before;
    s->split_lines += split.before_lines;
    if (split.fault) {
        content_failed(s, line_at(s), split.fault);
        return false;
    }
    if (!s->split_begun) {
        s->split_line = line_at(s);
        s->split_begun = split.held.bytes + split.record > 0 || split.complete;
    }
    if (split.held.bytes > 0)
        gather(s, split.held.data, split.held.bytes);
    gather(s, s->block.data + split.before, split.record);
    if (!split.complete)
        digest_pieces(s);
    s->split_bytes += split.after;
    s->split_lines += split.lines;
    size_t bytes = split.before + split.record + split.after + split.kept_back;
    s->block.data += bytes;
    s->block.bytes -= bytes;
    return split.complete;
}

/* The inputs are not what they were, or at their end before it shows. */
static void disprove(struct source *s)
{
    uint64_t count = s->next_number, wanted = s->proof_records;
    s->disproved = true;
    if (s->error)
        return;
    s->error = ESTALE;
    s->error_input = s->current < s->count ? s->current : s->count - 1;
    if (count < wanted)
        snprintf(s->error_text, sizeof s->error_text,
                 "it has %lu record%s, and the run to go on with has read %lu",
                 (unsigned long)count, count == 1 ? "" : "s", (unsigned long)wanted);
    else
        snprintf(s->error_text, sizeof s->error_text,
                 "the first %lu record%s of the run to go on with", (unsigned long)wanted,
                 wanted == 1 ? " is not that" : "s are not those");
}

enum source_next source_next(struct source *s, struct buf *record)
{
    CHECK(record->capacity == 0);
    enum source_next next = SOURCE_END;
    while (!s->stopped && !s->disproved && s->current < s->count && !range_is_used_up(s)) {
        if (s->ended) {
            next_input(s);
            continue;
        }
        if (s->block.bytes == 0 && !refill(s))
            return SOURCE_WAIT;
        if (!s->mark_passed)
            pass_mark(s);
        struct ringsend_bytes rest = splitter_rest(&s->splitter);
        if (s->ended && s->split_begun && rest.bytes > 0)
            gather(s, rest.data, rest.bytes);
        /* At the end of its file a record needs no LF; `current` must name its input until then. */
        bool complete = s->ended ? s->split_begun : s->block.bytes > 0 && split(s);
        if (complete && finish_record(s, record, &next))
            return next;
    }
    if (!s->proven && !s->stopped)
        disprove(s);
    return SOURCE_END;
}

static bool is_compressed(const struct source *s)
{
    return s->bytes.coding == DECODER_GZIP || s->bytes.coding == DECODER_ZSTD;
}

uint64_t source_read_bytes(const struct source *s)
{
    return is_compressed(s) ? s->bytes.read_bytes - s->bytes.coded.bytes : s->taken_bytes;
}

size_t source_unread(const struct source *s, uint64_t *unread_bytes)
{
    *unread_bytes = 0;
    for (size_t i = s->current + s->ended; i < s->count; i++) {
        struct stat about;
        uint64_t taken_bytes = i == s->current ? s->taken_bytes : 0;
        if (i == s->current && is_compressed(s))
            return i;
        /* A size of 0 says nothing: files in /proc have it, whatever they hold. */
        if (fstat(s->fds[i], &about) != 0 || !S_ISREG(about.st_mode) || about.st_size == 0)
            return i;
        if ((uint64_t)about.st_size > taken_bytes) {
            *unread_bytes = (uint64_t)about.st_size - taken_bytes;
            return i;
        }
    }
    return s->count;
}

void source_stop(struct source *s)
{
    s->stopped = true;
    input_free(&s->bytes);
    if (s->pool)
        buf_release(s->pool, &s->partial);
    s->pool = NULL;
}

void source_close(struct source *s)
{
    source_stop(s);
    for (size_t i = 0; i < s->count; i++) {
        if (s->fds[i] != STDIN_FILENO)
            close(s->fds[i]);
    }
    for (size_t i = 0; s->layouts && i < s->count; i++)
        layout_free(&s->layouts[i]);
    free(s->layouts);
    free(s->fds);
    s->layouts = NULL;
    s->fds = NULL;
    s->count = 0;
}
