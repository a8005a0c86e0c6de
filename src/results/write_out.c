/* The format becomes a list of pieces once; each result goes through the list.
 *
 * curl's times are points on the way of one transfer, each later than the one before, and so are
 * these, of the last try: looked up, connected, TLS established, first byte. time_total is the time
 * that the record was being worked on, over all its tries; time_queue what it waited for before and
 * between. */
#include "results/write_out.h"

#include "base/json.h"
#include "base/json_put.h"
#include "base/time.h"
#include "results/result_csv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum variable {
    LITERAL, /* text */
    HEADER,  /* text: its name */
    INPUT,   /* text: the name, with a NUL behind it */
    VARIABLE_AMBIGUOUS,
    VARIABLE_ATTEMPTS,
    VARIABLE_BODY,
    VARIABLE_CONTENT_TYPE,
    VARIABLE_ERROR,
    VARIABLE_ERRORMSG,
    VARIABLE_FILE,
    VARIABLE_FILENAME_EFFECTIVE,
    VARIABLE_HEADER_JSON,
    VARIABLE_HTTP_CODE,
    VARIABLE_ID,
    VARIABLE_INPUT,
    VARIABLE_LINE,
    VARIABLE_METHOD,
    VARIABLE_NUM_HEADERS,
    VARIABLE_NUM_RETRIES,
    VARIABLE_OK,
    VARIABLE_SCHEME,
    VARIABLE_SIZE_DOWNLOAD,
    VARIABLE_SIZE_HEADER,
    VARIABLE_SIZE_UPLOAD,
    VARIABLE_TIME_APPCONNECT,
    VARIABLE_TIME_CONNECT,
    VARIABLE_TIME_NAMELOOKUP,
    VARIABLE_TIME_PRETRANSFER,
    VARIABLE_TIME_QUEUE,
    VARIABLE_TIME_STARTTRANSFER,
    VARIABLE_TIME_TOTAL,
    VARIABLE_URL,
    VARIABLE_URLNUM
};

struct variable_name {
    const char *name;
    enum variable variable;
};

/* By name. */
static const struct variable_name variables[] = {
    {"ambiguous", VARIABLE_AMBIGUOUS},
    {"attempts", VARIABLE_ATTEMPTS},
    {"body", VARIABLE_BODY},
    {"content_type", VARIABLE_CONTENT_TYPE},
    {"error", VARIABLE_ERROR},
    {"errormsg", VARIABLE_ERRORMSG},
    {"file", VARIABLE_FILE},
    {"filename_effective", VARIABLE_FILENAME_EFFECTIVE},
    {"header_json", VARIABLE_HEADER_JSON},
    {"http_code", VARIABLE_HTTP_CODE},
    {"id", VARIABLE_ID},
    {"input", VARIABLE_INPUT},
    {"line", VARIABLE_LINE},
    {"method", VARIABLE_METHOD},
    {"num_headers", VARIABLE_NUM_HEADERS},
    {"num_retries", VARIABLE_NUM_RETRIES},
    {"ok", VARIABLE_OK},
    {"response_code", VARIABLE_HTTP_CODE},
    {"scheme", VARIABLE_SCHEME},
    {"size_download", VARIABLE_SIZE_DOWNLOAD},
    {"size_header", VARIABLE_SIZE_HEADER},
    {"size_upload", VARIABLE_SIZE_UPLOAD},
    {"time_appconnect", VARIABLE_TIME_APPCONNECT},
    {"time_connect", VARIABLE_TIME_CONNECT},
    {"time_namelookup", VARIABLE_TIME_NAMELOOKUP},
    {"time_pretransfer", VARIABLE_TIME_PRETRANSFER},
    {"time_queue", VARIABLE_TIME_QUEUE},
    {"time_starttransfer", VARIABLE_TIME_STARTTRANSFER},
    {"time_total", VARIABLE_TIME_TOTAL},
    {"url", VARIABLE_URL},
    {"url_effective", VARIABLE_URL},
    {"urlnum", VARIABLE_URLNUM},
};

struct piece {
    enum variable variable;
    bool as_field; /* of CSV */
    struct ringsend_bytes text;
};

struct write_out {
    struct piece *pieces;
    size_t count;
    char *text; /* what literals and names point into */
    bool wants_headers, wants_input;
    const struct secrets *secrets;
};

/* ---- Compiling ---- */

struct compiler {
    struct write_out *w;
    const char *at;
    char *text;        /* end of what was put into w->text */
    const char *fault; /* static; null exactly while all is well */
    struct ringsend_bytes about;
};

static void add_literal(struct compiler *c, char byte)
{
    struct write_out *w = c->w;
    if (w->count == 0 || w->pieces[w->count - 1].variable != LITERAL)
        w->pieces[w->count++] = (struct piece){.variable = LITERAL, .text = {c->text, 0}};
    *c->text++ = byte;
    w->pieces[w->count - 1].text.bytes++;
}

static void add_escape(struct compiler *c)
{
    static const char letters[] = "nrt\\", bytes[] = "\n\r\t\\";
    const char *letter = c->at[1] ? strchr(letters, c->at[1]) : NULL;
    add_literal(c, letter ? bytes[letter - letters] : '\\');
    c->at += letter ? 2 : 1;
}

/* The name between the braces, of which the first is `prefix` bytes behind the percent sign. */
static bool take_name(struct compiler *c, size_t prefix, struct ringsend_bytes *name)
{
    const char *start = c->at + prefix + 1, *end = strchr(start, '}');
    if (!end) {
        c->fault = "a closing brace is missing in";
        c->about = span_of(c->at);
        return false;
    }
    *name = (struct ringsend_bytes){start, (size_t)(end - start)};
    c->at = end + 1;
    return true;
}

static bool add_named(struct compiler *c, enum variable variable, struct ringsend_bytes name,
                      bool as_field)
{
    memcpy(c->text, name.data, name.bytes);
    c->w->pieces[c->w->count++] =
        (struct piece){.variable = variable, .as_field = as_field, .text = {c->text, name.bytes}};
    c->text += name.bytes;
    *c->text++ = '\0';
    c->w->wants_headers |= variable == HEADER;
    c->w->wants_input |= variable == INPUT;
    return true;
}

static bool add_variable(struct compiler *c, struct ringsend_bytes name, bool as_field)
{
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        enum variable variable = variables[i].variable;
        if (!span_equal(name, span_of(variables[i].name)))
            continue;
        c->w->pieces[c->w->count++] = (struct piece){.variable = variable, .as_field = as_field};
        c->w->wants_headers |= variable == VARIABLE_CONTENT_TYPE ||
                               variable == VARIABLE_HEADER_JSON || variable == VARIABLE_NUM_HEADERS;
        c->w->wants_input |= variable == VARIABLE_INPUT;
        return true;
    }
    c->fault = "there is no variable";
    c->about = name;
    return false;
}

/* What comes behind a prefix such as "header:". */
static bool takes_prefix(struct ringsend_bytes *name, struct ringsend_bytes prefix)
{
    if (name->bytes <= prefix.bytes || memcmp(name->data, prefix.data, prefix.bytes) != 0)
        return false;
    name->data += prefix.bytes;
    name->bytes -= prefix.bytes;
    return true;
}

/* %csv{NAME}, %csv{header:NAME}, or %csv{input:NAME}. */
static bool add_field(struct compiler *c, struct ringsend_bytes name)
{
    if (takes_prefix(&name, SPAN("header:")))
        return add_named(c, HEADER, name, true);
    if (takes_prefix(&name, SPAN("input:")))
        return add_named(c, INPUT, name, true);
    return add_variable(c, name, true);
}

static bool compile(struct compiler *c)
{
    struct ringsend_bytes name;
    while (*c->at) {
        if (*c->at == '\\') {
            add_escape(c);
        } else if (strncmp(c->at, "%{", 2) == 0) {
            if (!take_name(c, 1, &name) || !add_variable(c, name, false))
                return false;
        } else if (strncmp(c->at, "%header{", 8) == 0) {
            if (!take_name(c, 7, &name) || !add_named(c, HEADER, name, false))
                return false;
        } else if (strncmp(c->at, "%input{", 7) == 0) {
            if (!take_name(c, 6, &name) || !add_named(c, INPUT, name, false))
                return false;
        } else if (strncmp(c->at, "%csv{", 5) == 0) {
            if (!take_name(c, 4, &name) || !add_field(c, name))
                return false;
        } else {
            c->at += strncmp(c->at, "%%", 2) == 0;
            add_literal(c, *c->at++);
        }
    }
    return true;
}

enum ringsend_error write_out_compile(struct write_out **write_out, const char *format,
                                      char *message, size_t message_bytes)
{
    size_t bytes = strlen(format);
    struct write_out *w = calloc(1, sizeof *w);
    if (w) {
        w->pieces = calloc(bytes + 1, sizeof *w->pieces); /* a piece is a byte at least */
        w->text = malloc(bytes + 1);
    }
    if (!w || !w->pieces || !w->text) {
        write_out_free(w);
        return RINGSEND_E_NO_MEMORY;
    }
    struct compiler c = {.w = w, .at = format, .text = w->text};
    if (!compile(&c)) {
        snprintf(message, message_bytes, "%s \"%.*s\"", c.fault,
                 (int)(c.about.bytes < 40 ? c.about.bytes : 40), c.about.data);
        write_out_free(w);
        return RINGSEND_E_INVALID;
    }
    *write_out = w;
    return RINGSEND_OK;
}

void write_out_free(struct write_out *w)
{
    if (!w)
        return;
    free(w->pieces);
    free(w->text);
    free(w);
}

void write_out_hide(struct write_out *w, const struct secrets *secrets)
{
    w->secrets = secrets;
}

bool write_out_wants_headers(const struct write_out *w)
{
    return w->wants_headers;
}

bool write_out_wants_input(const struct write_out *w)
{
    return w->wants_input;
}

const char *write_out_input(const struct write_out *w, size_t index)
{
    for (size_t i = 0; i < w->count; i++) {
        if (w->pieces[i].variable == INPUT && index-- == 0)
            return w->pieces[i].text.data;
    }
    return NULL;
}

/* ---- Writing ---- */

struct writer {
    const struct secrets *secrets;
    const struct result_line *result;
    struct buf_pool *pool;
    struct buf *out;
};

static bool put_bytes(struct writer *w, struct ringsend_bytes text)
{
    return text.bytes == 0 || buf_append(w->pool, w->out, text.data, text.bytes);
}

static bool put_count(struct writer *w, uint64_t number)
{
    char digits[NUMBER_BYTES];
    char *end = put_number(digits, number);
    return buf_append(w->pool, w->out, digits, (size_t)(end - digits));
}

static bool put_seconds(struct writer *w, uint64_t ns)
{
    char text[40];
    int bytes = snprintf(text, sizeof text, "%llu.%06llu", (unsigned long long)(ns / NS_PER_S),
                         (unsigned long long)(ns / NS_PER_US % US_PER_S));
    return buf_append(w->pool, w->out, text, (size_t)bytes);
}

/* A string of JSON as its text, other JSON as it is. */
static bool put_json(struct writer *w, struct ringsend_bytes value)
{
    struct json j;
    struct json_string string;
    json_init(&j, value);
    if (value.bytes == 0 || json_peek(&j) != JSON_STRING || !json_string(&j, &string))
        return put_bytes(w, value);
    if (!buf_reserve(w->pool, w->out, string.raw.bytes))
        return false;
    w->out->bytes += json_decode(string, w->out->data + w->out->bytes);
    return true;
}

static bool put_header(struct writer *w, struct ringsend_bytes name)
{
    const struct result_line *r = w->result;
    for (size_t i = 0; i < r->headers_count; i++)
        if (span_equal_nocase(r->headers[i].name, name))
            return put_bytes(w, r->headers[i].value);
    return true;
}

static bool put_headers(struct writer *w)
{
    if (!buf_reserve(w->pool, w->out, result_line_headers_bytes(w->result)))
        return false;
    char *end = result_line_put_headers(w->out->data + w->out->bytes, w->result);
    w->out->bytes = (size_t)(end - w->out->data);
    return true;
}

static bool put_input_named(struct writer *w, struct ringsend_bytes name)
{
    const struct echoed *input = w->result->input;
    for (size_t i = 0; input && i < input->columns->count && i < input->count; i++) {
        const struct echo_column *column = &input->columns->all[i];
        if (span_equal((struct ringsend_bytes){column->name, column->name_bytes}, name))
            return put_json(w, input->values[i]);
    }
    return true;
}

static bool put_input(struct writer *w)
{
    if (!w->result->input)
        return true;
    if (!buf_reserve(w->pool, w->out, result_line_input_bytes(w->result)))
        return false;
    char *end = result_line_put_input(w->out->data + w->out->bytes, w->result);
    w->out->bytes = (size_t)(end - w->out->data);
    return true;
}

static bool put_code(struct writer *w)
{
    char text[16];
    int bytes = snprintf(text, sizeof text, "%03d", w->result->status);
    return buf_append(w->pool, w->out, text, (size_t)bytes);
}

static struct ringsend_bytes truth(bool is)
{
    return is ? SPAN("true") : SPAN("false");
}

static bool is_https(struct ringsend_bytes url)
{
    return url.bytes >= 6 &&
           span_equal_nocase((struct ringsend_bytes){url.data, 6}, SPAN("https:"));
}

/* What it says of itself when the record gave none. */
static struct ringsend_bytes method_of(const struct ringsend_request *request)
{
    bool has_body = request->body.bytes > 0 || (request->flags & RINGSEND_HAS_BODY);
    if (request->method.bytes > 0)
        return request->method;
    return has_body ? SPAN("POST") : SPAN("GET");
}

static bool put_time(struct writer *w, enum variable variable)
{
    const struct ringsend_times *t = &w->result->times;
    uint64_t ns = t->dns_ns;
    if (variable == VARIABLE_TIME_QUEUE)
        return put_seconds(w, t->queue_ns);
    if (variable == VARIABLE_TIME_TOTAL)
        return put_seconds(w, t->total_ns > t->queue_ns ? t->total_ns - t->queue_ns : 0);
    if (variable == VARIABLE_TIME_APPCONNECT && t->tls_ns == 0)
        return put_seconds(w, 0);
    if (variable == VARIABLE_TIME_STARTTRANSFER && t->first_byte_ns == 0)
        return put_seconds(w, 0);
    if (variable != VARIABLE_TIME_NAMELOOKUP)
        ns += t->connect_ns;
    if (variable != VARIABLE_TIME_NAMELOOKUP && variable != VARIABLE_TIME_CONNECT)
        ns += t->tls_ns;
    if (variable == VARIABLE_TIME_STARTTRANSFER)
        ns += t->first_byte_ns;
    return put_seconds(w, ns);
}

static bool put_error(struct writer *w)
{
    enum ringsend_error error = w->result->error;
    return error == RINGSEND_OK || put_bytes(w, span_of(ringsend_error_name(error)));
}

static bool put_variable(struct writer *w, enum variable variable)
{
    const struct result_line *r = w->result;
    switch (variable) {
    case LITERAL:
    case HEADER:
    case INPUT:
        return true;
    case VARIABLE_AMBIGUOUS:
        return put_bytes(w, truth(r->ambiguous));
    case VARIABLE_ATTEMPTS:
        return put_count(w, r->attempts);
    case VARIABLE_BODY:
        return put_bytes(w, r->body);
    case VARIABLE_CONTENT_TYPE:
        return put_header(w, SPAN("content-type"));
    case VARIABLE_ERROR:
        return put_error(w);
    case VARIABLE_ERRORMSG:
        return put_bytes(w, result_line_detail(r));
    case VARIABLE_FILE:
        return put_json(w, r->file);
    case VARIABLE_FILENAME_EFFECTIVE:
        return put_json(w, r->body_file);
    case VARIABLE_HEADER_JSON:
        return put_headers(w);
    case VARIABLE_HTTP_CODE:
        return put_code(w);
    case VARIABLE_ID:
        return r->id.bytes > 0 ? put_json(w, r->id) : put_count(w, r->line);
    case VARIABLE_INPUT:
        return put_input(w);
    case VARIABLE_LINE:
        return put_count(w, r->line);
    case VARIABLE_METHOD:
        return put_bytes(w, method_of(r->request));
    case VARIABLE_NUM_HEADERS:
        return put_count(w, r->headers_count);
    case VARIABLE_NUM_RETRIES:
        return put_count(w, r->attempts > 0 ? r->attempts - 1 : 0);
    case VARIABLE_OK:
        return put_bytes(w, truth(r->ok));
    case VARIABLE_SCHEME:
        return put_bytes(w, is_https(r->request->url) ? SPAN("https") : SPAN("http"));
    case VARIABLE_SIZE_DOWNLOAD:
        return put_count(w, r->packed_bytes);
    case VARIABLE_SIZE_HEADER:
        return put_count(w, r->head_bytes);
    case VARIABLE_SIZE_UPLOAD:
        return put_count(w, r->attempts > 0 ? r->request->body.bytes : 0);
    case VARIABLE_TIME_APPCONNECT:
    case VARIABLE_TIME_CONNECT:
    case VARIABLE_TIME_NAMELOOKUP:
    case VARIABLE_TIME_PRETRANSFER:
    case VARIABLE_TIME_QUEUE:
    case VARIABLE_TIME_STARTTRANSFER:
    case VARIABLE_TIME_TOTAL:
        return put_time(w, variable);
    case VARIABLE_URL:
        return secrets_mask(w->secrets, r->request->url, w->pool, w->out);
    case VARIABLE_URLNUM:
        return put_count(w, r->number);
    }
    return true;
}

bool write_out_put(const struct write_out *w, const struct result_line *result,
                   struct buf_pool *pool, struct buf *out)
{
    static const struct secrets none;
    struct writer writer = {w->secrets ? w->secrets : &none, result, pool, out};
    size_t before = out->bytes;
    for (size_t i = 0; i < w->count; i++) {
        const struct piece *piece = &w->pieces[i];
        size_t start = out->bytes;
        bool done = piece->variable == LITERAL  ? put_bytes(&writer, piece->text)
                    : piece->variable == HEADER ? put_header(&writer, piece->text)
                    : piece->variable == INPUT  ? put_input_named(&writer, piece->text)
                                                : put_variable(&writer, piece->variable);
        if (!done || (piece->as_field && !result_csv_quote(pool, out, start))) {
            out->bytes = before;
            return false;
        }
    }
    return true;
}
