#include "http/response.h"

#include "base/check.h"
#include "base/status.h"
#include "http/fields.h"
#include "http/protocol.h"

#include <llhttp.h>

/* llhttp reads the grammar; this file decides what of it is a response we can trust.
 *
 *   HEAD      lines are found here, then fed to llhttp: so the limits hold, bare LFs can be mended,
 *             and both agree on where the head ends
 *   BODY      everything is fed to llhttp as it came, to the end of the message, trailers included;
 *             but for chunk extensions, which are left out: see chunks.h
 *   COMPLETE  llhttp was paused behind the last byte of the message; nothing is read any more
 *
 * After an interim response (1xx) a fresh parser begins with HEAD again: what a 100 says about the
 * connection ("close") must not keep the final response from being read.
 *
 * Failures are told by fail(), the first one sticks. Whatever the cut of the input into feeds, the
 * outcome is the same: limits are counted by position, never by feed.
 *
 * Framing. Content-Length and Transfer-Encoding are read here, and llhttp, for which they are
 * headers like others, is told what they said when the head is complete: it takes no tab around
 * their values, which may stand there (RFC 9110 5.5), and no second Content-Length. One that says
 * the same is taken for the first, in a line of its own as servers behind a gateway that counts as
 * well send it, or behind a comma as proxies join the two (RFC 9110 8.6 lets us): there is no doubt
 * about the length. One that says something else is an error, where curl believes the first or the
 * last; so is what is no number of digits alone (a sign, 0x, nothing at all, an empty member of a
 * list), what 64 bits do not hold, and a Transfer-Encoding beside it.
 *
 * Works with llhttp 8.1 in strict mode, and 9. Of the parser's fields only header_state, flags
 * (F_CHUNKED, F_CONTENT_LENGTH) and content_length, which counts down, are touched, which have no
 * functions; they mean the same in both. Known difference, on the safe side: folded header lines
 * are joined by 8.1 and refused by 9.2.1 and later. */

_Static_assert(sizeof(llhttp_t) <= RESPONSE_PARSER_BYTES, "RESPONSE_PARSER_BYTES is too small");
_Static_assert(_Alignof(llhttp_t) <= 8, "the parser's place is aligned to 8");

enum {
    QUIET_BYTES_MAX = 64 << 10,  /* chunk framing between two bytes of body: extensions */
    BODY_RESERVE_MAX = 64 << 10, /* a larger Content-Length is believed as its bytes come */
    TOO_LONG = UINT8_MAX,        /* of name_bytes and value_bytes */
};

enum header_kind {
    HEADER_OTHER,
    HEADER_CODING,
    HEADER_LENGTH,
    HEADER_CONTENT_CODING,
    HEADER_CONNECTION,
    HEADER_LOCATION,
    HEADER_HINT /* see response_hints.h */
};

static const char too_quiet[] =
    "64 KiB of chunk framing and extensions came without a byte of body";

static llhttp_t *parser_of(struct response *r)
{
    return (llhttp_t *)(void *)r->parser;
}

static struct response *response_of(llhttp_t *parser)
{
    return (struct response *)(void *)((char *)parser - offsetof(struct response, parser));
}

/* Returns -1, by which llhttp's callbacks stop the parser. */
static int fail(struct response *r, enum ringsend_error error, const char *detail)
{
    if (r->error == RINGSEND_OK) {
        r->error = error;
        r->detail = detail;
    }
    return -1;
}

/* ---- Headers ------------------------------------------------------------------------------- */

static enum header_kind kind_of(struct response *r, struct ringsend_bytes name)
{
    if (name.bytes == 10 && span_equal_nocase(name, SPAN("connection")))
        return HEADER_CONNECTION;
    if (name.bytes == 17 && span_equal_nocase(name, SPAN("transfer-encoding")))
        return HEADER_CODING;
    if (name.bytes == 8 && span_equal_nocase(name, SPAN("location")))
        return HEADER_LOCATION;
    if (name.bytes == 14 && span_equal_nocase(name, SPAN("content-length")))
        return HEADER_LENGTH;
    if (name.bytes == 16 && span_equal_nocase(name, SPAN("content-encoding")))
        return HEADER_CONTENT_CODING;
    r->hint = hint_of(name);
    return r->hint.kind == HINT_NONE ? HEADER_OTHER : HEADER_HINT;
}

/* llhttp looks for "close" too, but 8.1 misses it before a tab. */
static void take_connection(struct response *r, struct ringsend_bytes value)
{
    struct ringsend_bytes option;
    while (list_next(&value, &option)) {
        r->connection_close |= span_equal_nocase(option, SPAN("close"));
        r->connection_keep_alive |= span_equal_nocase(option, SPAN("keep-alive"));
    }
}

static bool read_length(struct ringsend_bytes digits, uint64_t *length)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < digits.bytes; i++) {
        if (!is_digit(digits.data[i]) || __builtin_mul_overflow(sum, 10u, &sum) ||
            __builtin_add_overflow(sum, (unsigned)(digits.data[i] - '0'), &sum))
            return false;
    }
    *length = sum;
    return digits.bytes > 0;
}

static int take_length(struct response *r, struct ringsend_bytes value)
{
    struct ringsend_bytes member;
    bool is_good = value.bytes > 0 && value.data[value.bytes - 1] != ',';
    while (is_good && list_next(&value, &member)) {
        uint64_t length = 0;
        is_good = read_length(member, &length);
        if (is_good && r->has_length && length != r->length)
            return fail(r, RINGSEND_E_BAD_FRAMING, "two Content-Length that differ");
        r->has_length = true;
        r->length = length;
    }
    return is_good ? 0 : fail(r, RINGSEND_E_BAD_FRAMING, "the Content-Length is not a length");
}

static int put_framing(struct response *r)
{
    llhttp_t *parser = parser_of(r);
    if (r->has_length && r->coding_chunked)
        return fail(r, RINGSEND_E_BAD_FRAMING, "Content-Length and Transfer-Encoding together");
    if (r->has_length) {
        parser->content_length = r->length;
        parser->flags |= F_CONTENT_LENGTH;
    } else if (r->coding_chunked && !r->coding_other) {
        parser->flags |= F_CHUNKED;
    }
    return 0;
}

/* White space in front stays, and is taken off with that behind: it is rare. */
static void take_location(struct response *r)
{
    struct ringsend_bytes value =
        span_trim((struct ringsend_bytes){r->location.data, r->location.bytes});
    r->has_location = true;
    if (value.bytes > 0)
        memmove(r->location.data, value.data, value.bytes);
    r->location.bytes = value.bytes;
}

/* Of two of them the first counts, as with curl. */
static bool wants_location(struct response *r)
{
    int status = llhttp_get_status_code(parser_of(r));
    return r->header_kind == HEADER_LOCATION && !r->has_location && status >= 300 && status < 400;
}

/* A header of interest is complete. One that is too long to be kept is taken at its worst. */
static int take_header(struct response *r)
{
    bool too_long = r->value_bytes == TOO_LONG;
    struct ringsend_bytes value =
        span_trim((struct ringsend_bytes){r->value, too_long ? 0 : r->value_bytes});
    switch ((enum header_kind)r->header_kind) {
    case HEADER_OTHER:
        return 0;
    case HEADER_LENGTH:
        return take_length(r, value);
    case HEADER_LOCATION:
        take_location(r);
        return 0;
    case HEADER_CODING:
        /* A second Transfer-Encoding field would continue the list of the first. */
        if (r->coding_chunked || !span_equal_nocase(value, SPAN("chunked")))
            r->coding_other = true;
        r->coding_chunked = true;
        return 0;
    case HEADER_CONTENT_CODING:
        codings_add(&r->codings, too_long ? SPAN("unreadable") : value);
        return 0;
    case HEADER_CONNECTION:
        r->connection_close |= too_long;
        take_connection(r, value);
        return 0;
    case HEADER_HINT:
        response_hints_read(&r->hints, r->hint, value);
        return 0;
    }
    UNREACHABLE("header kind");
}

/* The header's name and value are in `headers`; takes white space off the value and notes where
 * they stand. Trimming at the front is rare (a folded first line), and leaves a gap. */
static int store_header(struct response *r)
{
    struct response_header *h = &r->stored;
    struct ringsend_bytes value = span_trim(
        (struct ringsend_bytes){r->headers.data + h->value_at, r->headers.bytes - h->value_at});
    h->value_at = (uint32_t)(value.data - r->headers.data);
    h->value_bytes = (uint32_t)value.bytes;
    r->headers.bytes = h->value_at + h->value_bytes;
    if (!buf_append(r->pool, &r->header_index, h, sizeof *h))
        return fail(r, RINGSEND_E_NO_MEMORY, "no memory for the headers");
    h->name_at = (uint32_t)r->headers.bytes;
    return 0;
}

/* Appends to one of the small buffers; fills it and marks it as too long when there is more. */
static void collect(char *into, size_t capacity, uint8_t *filled, const char *at, size_t bytes)
{
    if (*filled == TOO_LONG)
        return;
    size_t room = capacity - *filled;
    memcpy(into + *filled, at, bytes < room ? bytes : room);
    *filled = bytes > room ? TOO_LONG : (uint8_t)(*filled + bytes);
}

/* ---- Callbacks of llhttp --------------------------------------------------------------------
 *
 * Names, values and bodies come in as many pieces as the input was cut into, or more. */

/* The reason, which nobody wants. llhttp looks at its line ends alone. */
static int on_reason(llhttp_t *parser, const char *at, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (((unsigned char)at[i] < ' ' && at[i] != '\t') || at[i] == 0x7f)
            return fail(response_of(parser), RINGSEND_E_BAD_RESPONSE,
                        "the status line holds a control character");
    return 0;
}

/* Counts the framing bytes of the body between the last position counted and this one. */
static int count_framing(struct response *r, const char *at)
{
    size_t bytes = (size_t)(at - r->mark);
    r->mark = at;
    if (r->in_trailer) {
        r->trailer_bytes += bytes;
        if (r->trailer_bytes > r->limits->head_bytes)
            return fail(r, RINGSEND_E_HEAD_TOO_LARGE, "the trailer has more bytes than allowed");
    } else {
        r->quiet_bytes += bytes;
        if (r->quiet_bytes > QUIET_BYTES_MAX)
            return fail(r, RINGSEND_E_HEAD_TOO_LARGE, too_quiet);
    }
    return 0;
}

static int on_name(llhttp_t *parser, const char *at, size_t bytes)
{
    struct response *r = response_of(parser);
    collect(r->name, sizeof r->name, &r->name_bytes, at, bytes);
    if (r->phase == RESPONSE_BODY) {
        if (!r->in_trailer && count_framing(r, at))
            return -1;
        r->in_trailer = true;
        return count_framing(r, at + bytes);
    }
    if (r->limits->store_headers && !buf_append(r->pool, &r->headers, at, bytes))
        return fail(r, RINGSEND_E_NO_MEMORY, "no memory for the headers");
    return 0;
}

static int on_name_complete(llhttp_t *parser)
{
    struct response *r = response_of(parser);
    struct ringsend_bytes name = {r->name, r->name_bytes};
    bool in_body = r->phase == RESPONSE_BODY;
    r->name_bytes = r->value_bytes = 0;
    /* llhttp 8.1 takes a line that begins with its colon. */
    if (name.bytes == 0)
        return fail(r, in_body ? RINGSEND_E_BAD_BODY : RINGSEND_E_BAD_RESPONSE,
                    "a header has no name");
    if (in_body) {
        if (++r->trailer_lines > r->limits->head_lines)
            return fail(r, RINGSEND_E_HEAD_TOO_LARGE, "the trailer has more lines than allowed");
        return 0;
    }
    r->header_kind = (uint8_t)(name.bytes == TOO_LONG ? HEADER_OTHER : kind_of(r, name));
    if (r->header_kind == HEADER_LENGTH || r->header_kind == HEADER_CODING)
        parser->header_state = 0; /* one like others */
    r->stored.value_at = (uint32_t)r->headers.bytes;
    r->stored.name_bytes = r->stored.value_at - r->stored.name_at;
    return 0;
}

static int on_value(llhttp_t *parser, const char *at, size_t bytes)
{
    struct response *r = response_of(parser);
    if (r->phase == RESPONSE_BODY)
        return count_framing(r, at + bytes);
    if (wants_location(r) && !buf_append(r->pool, &r->location, at, bytes))
        return fail(r, RINGSEND_E_NO_MEMORY, "no memory for the Location");
    if (r->header_kind != HEADER_OTHER)
        collect(r->value, sizeof r->value, &r->value_bytes, at, bytes);
    if (r->limits->store_headers && !buf_append(r->pool, &r->headers, at, bytes))
        return fail(r, RINGSEND_E_NO_MEMORY, "no memory for the headers");
    return 0;
}

static int on_value_complete(llhttp_t *parser)
{
    struct response *r = response_of(parser);
    if (r->phase == RESPONSE_BODY)
        return 0;
    if (take_header(r))
        return -1;
    return r->limits->store_headers ? store_header(r) : 0;
}

static int on_interim_head(struct response *r, int status)
{
    if (status == 101) {
        r->status = status;
        return fail(r, RINGSEND_E_UNEXPECTED_UPGRADE, "a 101 came, but no upgrade was asked for");
    }
    r->interim_count++;
    r->interim_bytes += r->head_bytes;
    if (r->interim_bytes > r->limits->head_bytes)
        return fail(r, RINGSEND_E_TOO_MANY_INTERIM,
                    "the heads of 1xx responses together have more bytes than a head may have");
    r->interim = true;
    return 1;
}

/* Returns 1 when no body follows whatever the head says (RFC 9112 6.3), else 0. llhttp up to 8
 * would wait for the body that a 304 or 204 announces. */
static int on_head_complete(llhttp_t *parser)
{
    struct response *r = response_of(parser);
    int status = llhttp_get_status_code(parser);
    if (llhttp_get_http_major(parser) != 1)
        return fail(r, RINGSEND_E_BAD_RESPONSE, "the HTTP version is neither 1.1 nor 1.0");
    if (status < 100)
        return fail(r, RINGSEND_E_BAD_STATUS, "the status is below 100");
    if (put_framing(r))
        return -1;
    if (status < 200) {
        r->phase = RESPONSE_BODY;
        return on_interim_head(r, status);
    }

    /* Whatever is refused from here on has a status that can be told. */
    r->status = status;
    r->phase = RESPONSE_BODY;
    r->streams = r->streamed && status_is_in(r->streamed, status);
    if (r->method_is_head || status == 204 || status == 304) {
        /* Some send what they announce all the same, at least the last chunk's line. */
        r->connection_close |= r->coding_chunked || (status == 204 && r->length > 0);
        return 1;
    }
    if (r->coding_other)
        return fail(r, RINGSEND_E_UNSUPPORTED_CODING,
                    "the Transfer-Encoding is not exactly \"chunked\"");
    if (r->streams)
        return 0;
    if (parser->content_length > r->limits->body_bytes)
        return fail(r, RINGSEND_E_BODY_TOO_LARGE,
                    "the Content-Length is larger than the limit for bodies");
    if (parser->content_length > 0 && parser->content_length <= BODY_RESERVE_MAX &&
        !buf_reserve(r->pool, &r->body, parser->content_length))
        return fail(r, RINGSEND_E_NO_MEMORY, "no memory for the body");
    return 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t bytes)
{
    struct response *r = response_of(parser);
    if (count_framing(r, at))
        return -1;
    r->mark = at + bytes;
    r->quiet_bytes = 0;
    if (r->streams)
        r->streamed_bytes += bytes;
    if (r->streams && r->discards)
        return 0;
    if (!r->streams && bytes > r->limits->body_bytes - r->body.bytes)
        return fail(r, RINGSEND_E_BODY_TOO_LARGE, "more bytes of body came than the limit allows");
    if (!buf_append(r->pool, &r->body, at, bytes))
        return fail(r, RINGSEND_E_NO_MEMORY, "no memory for the body");
    return 0;
}

/* HTTP/1.0 keeps a connection only when told to, and not with a Transfer-Encoding, which it does
 * not know (RFC 9112 6.1 and 9.3). */
static int on_complete(llhttp_t *parser)
{
    struct response *r = response_of(parser);
    bool by_version =
        llhttp_get_http_minor(parser) > 0 || (r->connection_keep_alive && !r->coding_chunked);
    r->keep_alive = llhttp_should_keep_alive(parser) && by_version && !r->connection_close;
    r->message_done = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_status = on_reason,
    .on_header_field = on_name,
    .on_header_field_complete = on_name_complete,
    .on_header_value = on_value,
    .on_header_value_complete = on_value_complete,
    .on_headers_complete = on_head_complete,
    .on_body = on_body,
    .on_message_complete = on_complete,
};

/* ---- Feeding ------------------------------------------------------------------------------- */

/* Says in our words what llhttp found. */
static void explain(struct response *r, llhttp_errno_t code)
{
    static const struct {
        llhttp_errno_t code;
        enum ringsend_error error;
        const char *detail;
    } in_head[] = {
        {HPE_INVALID_STATUS, RINGSEND_E_BAD_STATUS, "the status is not a number of three digits"},
        {HPE_INVALID_VERSION, RINGSEND_E_BAD_RESPONSE, "the HTTP version is neither 1.1 nor 1.0"},
        {HPE_INVALID_CONSTANT, RINGSEND_E_BAD_RESPONSE, "the answer does not begin with \"HTTP/\""},
        {HPE_INVALID_HEADER_TOKEN, RINGSEND_E_BAD_RESPONSE,
         "a header holds a character that is not allowed there"},
    };
    if (r->phase == RESPONSE_BODY) {
        const char *detail = code == HPE_INVALID_CHUNK_SIZE ? "a chunk's size cannot be read"
                             : r->in_trailer                ? "a line of the trailer is malformed"
                                             : "a chunk or its line end is malformed";
        fail(r, RINGSEND_E_BAD_BODY, detail);
        return;
    }
    r->no_head = code == HPE_INVALID_CONSTANT && r->interim_count == 0;
    for (size_t i = 0; i < sizeof in_head / sizeof in_head[0]; i++) {
        if (in_head[i].code == code) {
            fail(r, in_head[i].error, in_head[i].detail);
            return;
        }
    }
    fail(r, RINGSEND_E_BAD_RESPONSE, "a line of the head is malformed");
}

/* llhttp 8.1 takes a bare LF for the blank line behind the last chunk and the trailer. [from, stop)
 * was just taken. */
static void check_last_line(struct response *r, const char *from, const char *stop)
{
    bool cr_before_last = stop - from >= 2 ? stop[-2] == '\r' : r->line_has_cr;
    r->line_has_cr = stop > from && stop[-1] == '\r';
    if (r->message_done && !cr_before_last)
        fail(r, RINGSEND_E_BAD_BODY, "the trailer ends in a bare LF");
}

/* Gives [from, to) to llhttp. Returns the first byte not taken, which is before `to` only when the
 * message has ended or failed. */
static const char *parse(struct response *r, const char *from, const char *to)
{
    if (from == to || r->error != RINGSEND_OK)
        return from;
    llhttp_t *parser = parser_of(r);
    bool in_body = r->phase == RESPONSE_BODY;
    r->mark = from;
    llhttp_errno_t code = llhttp_execute(parser, from, (size_t)(to - from));
    const char *stop = code == HPE_OK ? to : llhttp_get_error_pos(parser);
    if (in_body && r->error == RINGSEND_OK)
        count_framing(r, stop);
    if (code != HPE_OK && !r->message_done)
        explain(r, code);
    if (in_body && r->coding_chunked)
        check_last_line(r, from, stop);
    return stop;
}

/* ---- Chunks ---- */

/* What is left out counts as framing. */
static const char *leave_out(struct response *r, const char *at, const char *stop)
{
    size_t bytes = (size_t)(stop - at), room = (size_t)(QUIET_BYTES_MAX - r->quiet_bytes);
    r->quiet_bytes += bytes;
    if (bytes <= room)
        return stop;
    fail(r, RINGSEND_E_HEAD_TOO_LARGE, too_quiet);
    return at + room;
}

/* Gives llhttp the bytes of a chunked body in runs, cut where an extension is left out. */
static const char *feed_chunks(struct response *r, const char *at, const char *end)
{
    while (at < end && r->error == RINGSEND_OK && !r->message_done) {
        enum chunk_run kind;
        const char *stop = chunks_run(&r->chunks, at, end, &kind);
        if (kind == CHUNK_RUN_BAD)
            fail(r, RINGSEND_E_BAD_BODY, "behind a chunk's size stands what is no extension");
        else
            at = kind == CHUNK_RUN_TAKEN ? parse(r, at, stop) : leave_out(r, at, stop);
    }
    return at;
}

/* ---- Heads ---- */

/* Feeds the head up to `stop`, then fails, unless llhttp finds fault with what comes before. */
static const char *refuse_head(struct response *r, const char *run, const char *stop,
                               enum ringsend_error error, const char *detail)
{
    parse(r, run, stop);
    fail(r, error, detail);
    return stop;
}

/* Takes head bytes up to the end of the head or of the data. Lines that end in CRLF are fed in one
 * run, as they came; at a bare LF the run is cut, and CRLF fed in its place. */
static const char *feed_head(struct response *r, const char *data, const char *end)
{
    const char *run = data;  /* first byte that llhttp has not seen */
    const char *line = data; /* first byte of the line, or of what is here of it */
    bool blank = false;
    /* llhttp would skip empty lines and a CR here. */
    if (r->head_bytes == 0 && *data != 'H') {
        r->no_head = r->interim_count == 0;
        protocol_message((struct ringsend_bytes){data, (size_t)(end - data)}, r->said,
                         sizeof r->said);
        return refuse_head(r, run, run, RINGSEND_E_BAD_RESPONSE, r->said);
    }
    while (line < end && !blank) {
        const char *lf = memchr(line, '\n', (size_t)(end - line));
        const char *stop = lf ? lf : end;
        const char *next = lf ? lf + 1 : end;
        size_t room = r->limits->head_bytes - r->head_bytes;
        if ((size_t)(next - line) > room)
            return refuse_head(r, run, line + room, RINGSEND_E_HEAD_TOO_LARGE,
                               "the head has more bytes than allowed");
        r->head_bytes += (uint32_t)(next - line);
        r->line_bytes += (uint32_t)(stop - line);
        if (stop > line)
            r->line_has_cr = stop[-1] == '\r';
        line = next;
        if (!lf)
            break;
        blank = r->line_bytes == (r->line_has_cr ? 1 : 0);
        if (!blank && ++r->head_lines > r->limits->head_lines)
            return refuse_head(r, run, lf, RINGSEND_E_HEAD_TOO_LARGE,
                               "the head has more lines than allowed");
        if (!r->line_has_cr) {
            if (r->limits->strict)
                return refuse_head(r, run, lf, RINGSEND_E_BAD_RESPONSE,
                                   "a line of the head ends in a bare LF");
            static const char crlf[] = "\r\n";
            parse(r, run, lf);
            parse(r, crlf, crlf + 2);
            run = next;
            if (r->error != RINGSEND_OK)
                return next;
        }
        r->line_bytes = 0;
        r->line_has_cr = false;
    }
    parse(r, run, line);
    if (blank && r->phase == RESPONSE_HEAD)
        fail(r, RINGSEND_E_BAD_RESPONSE, "the head ends too early");
    return line;
}

static bool reads_chunks(const struct response *r)
{
    return r->coding_chunked && !r->interim && !r->method_is_head && r->status != 204 &&
           r->status != 304;
}

/* Makes ready for the first byte of an interim or the final message. */
static void message_begin(struct response *r)
{
    r->phase = RESPONSE_HEAD;
    r->interim = r->message_done = r->in_trailer = r->line_has_cr = false;
    r->coding_chunked = r->coding_other = r->has_length = false;
    r->length = 0;
    r->location.bytes = 0;
    r->has_location = false;
    r->chunks = (struct chunks){0};
    r->connection_close = r->connection_keep_alive = r->keep_alive = false;
    r->hints = (struct response_hints){0};
    r->head_bytes = r->head_lines = r->line_bytes = r->trailer_lines = 0;
    r->trailer_bytes = r->quiet_bytes = 0;
    r->header_kind = HEADER_OTHER;
    r->name_bytes = r->value_bytes = 0;
    r->stored = (struct response_header){0};
    r->codings = (struct codings){0};
    r->headers.bytes = r->header_index.bytes = 0;
    llhttp_init(parser_of(r), HTTP_RESPONSE, &settings);
}

static enum response_next outcome(const struct response *r)
{
    if (r->error != RINGSEND_OK)
        return RESPONSE_FAILED;
    return r->phase == RESPONSE_COMPLETE ? RESPONSE_DONE : RESPONSE_MORE;
}

void response_init(struct response *r, const struct response_limits *limits, struct buf_pool *pool,
                   bool method_is_head)
{
    memset(r, 0, offsetof(struct response, parser));
    r->limits = limits;
    r->pool = pool;
    r->method_is_head = method_is_head;
    message_begin(r);
}

void response_stream(struct response *r, const struct ringsend_status_set *streamed, bool discards)
{
    CHECK(!r->started);
    r->streamed = streamed;
    r->discards = discards;
}

enum response_next response_feed(struct response *r, const char *data, size_t bytes, size_t *used)
{
    CHECK(outcome(r) == RESPONSE_MORE);
    size_t at = 0;
    r->started |= bytes > 0;
    while (at < bytes && outcome(r) == RESPONSE_MORE) {
        const char *from = data + at, *to = data + bytes;
        const char *stop = r->phase == RESPONSE_HEAD ? feed_head(r, from, to)
                           : reads_chunks(r)         ? feed_chunks(r, from, to)
                                                     : parse(r, from, to);
        at = (size_t)(stop - data);
        if (r->message_done && r->interim)
            message_begin(r);
        else if (r->message_done && r->error == RINGSEND_OK)
            r->phase = RESPONSE_COMPLETE;
    }
    r->wire_bytes += at;
    *used = at;
    return outcome(r);
}

enum response_next response_eof(struct response *r)
{
    CHECK(outcome(r) == RESPONSE_MORE);
    if (!r->started) {
        fail(r, RINGSEND_E_CLOSED_NO_RESPONSE, "the stream ended before the first byte");
    } else if (r->phase == RESPONSE_HEAD) {
        fail(r, RINGSEND_E_TRUNCATED_HEAD,
             r->head_bytes > 0 ? "the stream ended before the blank line behind the head"
                               : "only an interim response (1xx) came, not the final one");
    } else {
        /* Calls on_complete for a body that ends with the stream. */
        llhttp_finish(parser_of(r));
        if (r->message_done)
            r->phase = RESPONSE_COMPLETE;
        else
            fail(r, RINGSEND_E_TRUNCATED_BODY,
                 r->coding_chunked ? "the last chunk did not come"
                                   : "fewer bytes came than the Content-Length says");
    }
    return outcome(r);
}

void response_release(struct response *r)
{
    buf_release(r->pool, &r->body);
    buf_release(r->pool, &r->headers);
    buf_release(r->pool, &r->header_index);
    buf_release(r->pool, &r->location);
}

uint64_t response_bytes_left(const struct response *r)
{
    const llhttp_t *parser = (const llhttp_t *)(const void *)r->parser;
    bool is_known = (parser->flags & F_CONTENT_LENGTH) && !(parser->flags & F_CHUNKED);
    return is_known ? parser->content_length : UINT64_MAX;
}
