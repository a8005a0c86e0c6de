/* The head is written by the engine's own writer, so that what is shown is what would be sent; the
 * curl command is made of the lines of that head. */
#include "cli/send/dry_run.h"

#include "base/address.h"
#include "base/base64.h"
#include "cli/options/values.h"
#include "cli/send/summary.h"
#include "http/head.h"
#include "records/reader.h"
#include "records/secret.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARGUMENT_BYTES_MAX = 100 * 1024 };

struct dry_run {
    const struct request_options *options;
    struct record_defaults defaults;
    struct secrets row_secrets; /* of the record that is shown */
    struct record_reader reader;
    struct buf_pool pool;
    struct buf head; /* of the request shown */
    struct buf body; /* of its data file */
    struct buf shown;
    bool no_memory;
};

static struct ringsend_bytes bytes_of(const struct buf *b)
{
    return (struct ringsend_bytes){b->data, b->bytes};
}

/* ---- the request ---- */

/* As the engine would for this request, which was checked. */
static bool write_head(struct dry_run *d, const struct ringsend_request *request, struct head *head)
{
    const char *detail;
    bool has_body = request->body.bytes > 0 || (request->flags & RINGSEND_HAS_BODY);
    *head = (struct head){.method = request->method,
                          .fields = request->headers,
                          .fields_count = request->headers_count,
                          .has_body = has_body,
                          .body_bytes = request->body.bytes,
                          .accepts_codings = d->options->engine.decode};
    if (head->method.bytes == 0)
        head->method = has_body ? SPAN("POST") : SPAN("GET");
    if (url_parse(&head->url, request->url, &detail) != RINGSEND_OK ||
        head_check(head, &detail) != RINGSEND_OK || !buf_reserve(&d->pool, &d->head, head->bytes))
        return false;
    head_write(head, d->head.data);
    d->head.bytes = head->bytes;
    return true;
}

/* ---- masked ---- */

static struct ringsend_bytes masked(struct dry_run *d, struct ringsend_bytes text)
{
    struct buf without_row = {0};
    d->shown.bytes = 0;
    if (!secrets_mask(&d->row_secrets, text, &d->pool, &without_row) ||
        !secrets_mask(&d->options->secrets, bytes_of(&without_row), &d->pool, &d->shown))
        d->no_memory = true;
    buf_release(&d->pool, &without_row);
    return bytes_of(&d->shown);
}

/* A line of the head without its end. */
static struct ringsend_bytes masked_line(struct dry_run *d, struct ringsend_bytes line)
{
    const char *colon = memchr(line.data, ':', line.bytes);
    size_t name_bytes = colon ? (size_t)(colon - line.data) : line.bytes;
    if (!colon || !secret_is_header((struct ringsend_bytes){line.data, name_bytes}))
        return masked(d, line);
    d->shown.bytes = 0;
    if (!buf_append(&d->pool, &d->shown, line.data, name_bytes) ||
        !buf_append(&d->pool, &d->shown, ": ***", 5))
        d->no_memory = true;
    return bytes_of(&d->shown);
}

static void print(struct ringsend_bytes text)
{
    fwrite(text.data, 1, text.bytes, stdout);
}

/* The next line of the head: false at the empty one behind them all. */
static bool next_line(struct ringsend_bytes *rest, struct ringsend_bytes *line)
{
    const char *end = memmem(rest->data, rest->bytes, "\r\n", 2);
    *line = (struct ringsend_bytes){rest->data, end ? (size_t)(end - rest->data) : rest->bytes};
    size_t bytes = line->bytes + (end ? 2 : 0);
    rest->data += bytes;
    rest->bytes -= bytes;
    return line->bytes > 0;
}

static void print_request(struct dry_run *d, struct ringsend_bytes body)
{
    struct ringsend_bytes rest = bytes_of(&d->head), line;
    while (next_line(&rest, &line)) {
        print(masked_line(d, line));
        print(SPAN("\r\n"));
    }
    print(SPAN("\r\n"));
    print(masked(d, body));
    if (body.bytes > 0)
        print(SPAN("\n"));
}

/* ---- curl ---- */

/* One word for a POSIX shell. */
static void print_quoted(struct ringsend_bytes text)
{
    putchar('\'');
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.data[i] == '\'')
            print(SPAN("'\\''"));
        else
            putchar((unsigned char)text.data[i]);
    }
    putchar('\'');
}

static bool is_field(struct ringsend_bytes line, struct ringsend_bytes name)
{
    return line.bytes > name.bytes && line.data[name.bytes] == ':' &&
           span_equal_nocase((struct ringsend_bytes){line.data, name.bytes}, name);
}

/* What curl says by itself is left to it; a header without a value it wants with a semicolon. */
static void print_fields(struct dry_run *d, const struct head *head)
{
    struct ringsend_bytes rest = bytes_of(&d->head), line;
    bool has_type = false;
    next_line(&rest, &line);
    while (next_line(&rest, &line)) {
        if (is_field(line, SPAN("content-length")) ||
            (is_field(line, SPAN("host")) && !head->own_host))
            continue;
        has_type |= is_field(line, SPAN("content-type"));
        struct ringsend_bytes shown = masked_line(d, line);
        const char *colon = memchr(shown.data, ':', shown.bytes);
        size_t name_bytes = colon ? (size_t)(colon - shown.data) : 0;
        printf(" %s ", option_curl(OPTION_HEADER));
        if (colon &&
            record_is_blank((struct ringsend_bytes){colon + 1, shown.bytes - name_bytes - 1})) {
            d->shown.data[name_bytes] = ';';
            shown.bytes = name_bytes + 1;
        }
        print_quoted(shown);
    }
    if (!has_type)
        print(SPAN(" -H 'Content-Type:'"));
    if (head->body_bytes > 0)
        print(SPAN(" -H 'Expect:'"));
}

/* What no argument can hold comes through a pipe: Linux takes words of 128 KiB (MAX_ARG_STRLEN),
 * and none with a NUL. echo is the shell's own and has no such bound. */
static bool needs_pipe(struct ringsend_bytes body)
{
    return body.bytes > ARGUMENT_BYTES_MAX ||
           (body.bytes > 0 && memchr(body.data, '\0', body.bytes));
}

static void print_pipe(struct dry_run *d, struct ringsend_bytes body)
{
    struct buf text = {0};
    struct buf_pool *pool = &d->pool;
    if (buf_reserve(pool, &text, base64_bytes(body.bytes))) {
        text.bytes = (size_t)(base64_encode(body, text.data) - text.data);
        printf("echo %.*s | base64 -d | ", (int)text.bytes, text.data);
    } else {
        d->no_memory = true;
    }
    buf_release(pool, &text);
}

static void print_file_option(enum option_id id, const char *path)
{
    if (!path)
        return;
    printf(" %s ", option_curl(id));
    print_quoted(span_of(path));
}

/* The first that fits, as the engine takes it. curl knows no wild ports, and --resolve not for a
 * host that is an IPv6 address: there it gets the first address in another way. */
static void print_resolve(const struct ringsend_options *engine, const struct url *url)
{
    for (size_t i = 0; i < engine->resolve_count; i++) {
        const struct ringsend_resolve *r = &engine->resolve[i];
        if (!address_is_for(r->host, r->port, url->host, url->port))
            continue;
        if (url->host_is_ipv6) {
            int first_bytes = (int)strcspn(r->addresses, ",");
            bool bare = r->addresses[0] != '[' && memchr(r->addresses, ':', (size_t)first_bytes);
            printf(bare ? " --connect-to '[%.*s]:%u:[%.*s]:%u'"
                        : " --connect-to '[%.*s]:%u:%.*s:%u'",
                   (int)url->host.bytes, url->host.data, url->port, first_bytes, r->addresses,
                   url->port);
            return;
        }
        printf(" %s %.*s:%u:%s", option_curl(OPTION_RESOLVE), (int)url->host.bytes, url->host.data,
               url->port, r->addresses);
        return;
    }
}

static void print_host(const char *host, uint16_t port, const char *behind)
{
    bool bare = host && strchr(host, ':');
    printf(bare ? "[%s]:" : "%s:", host ? host : "");
    if (port > 0)
        printf("%u", port);
    printf("%s", behind);
}

/* The other ways. */
static void print_ways(const struct ringsend_options *engine)
{
    print_file_option(engine->unix_abstract ? OPTION_ABSTRACT_UNIX_SOCKET : OPTION_UNIX_SOCKET,
                      engine->unix_socket);
    for (size_t i = 0; i < engine->connect_to_count; i++) {
        const struct ringsend_connect_to *to = &engine->connect_to[i];
        printf(" %s '", option_curl(OPTION_CONNECT_TO));
        print_host(to->host, to->port, ":");
        print_host(to->to_host, to->to_port, "'");
    }
    print_file_option(OPTION_INTERFACE,
                      engine->local_device ? engine->local_device : engine->local_address);
    if (engine->ip_version != 0)
        printf(" %s", option_curl(engine->ip_version == 4 ? OPTION_IPV4 : OPTION_IPV6));
}

static bool sends_length(const struct dry_run *d)
{
    return memmem(d->head.data, d->head.bytes, "\r\nContent-Length: ", 18);
}

/* -I takes no body along. Without it curl waits for one behind the answer, which never comes. */
static void print_method(const struct dry_run *d, const struct head *head)
{
    bool is_head = span_equal(head->method, SPAN("HEAD"));
    if (is_head && !sends_length(d)) {
        print(SPAN(" -I"));
        return;
    }
    printf("%s %s ", is_head ? " -m 5" : "", option_curl(OPTION_METHOD));
    print_quoted(head->method);
}

static void print_curl(struct dry_run *d, const struct ringsend_request *request,
                       const struct head *head)
{
    const struct ringsend_options *engine = &d->options->engine;
    struct ringsend_bytes body = request->body, path = d->reader.record->data_file;
    bool piped = path.bytes == 0 && needs_pipe(masked(d, body));
    if (piped)
        print_pipe(d, masked(d, body));
    print(SPAN("curl -sS -g --http1.1 --path-as-is"));
    if (engine->insecure)
        printf(" %s", option_curl(OPTION_INSECURE));
    print_file_option(OPTION_CACERT, engine->ca_file);
    print_file_option(OPTION_CERT, engine->cert_file);
    print_file_option(OPTION_KEY, engine->key_file);
    print_resolve(engine, &head->url);
    print_ways(engine);
    if (engine->redirects_max > 0)
        printf(" %s %s %u", option_curl(OPTION_LOCATION), option_curl(OPTION_MAX_REDIRS),
               engine->redirects_max);
    print_method(d, head);
    print_fields(d, head);
    if (path.bytes > 0) {
        print(SPAN(" --data-binary @"));
        print_quoted(span_equal(path, SPAN("-")) ? SPAN("./-") : path); /* - is standard input */
    } else if (piped) {
        print(SPAN(" --data-binary @-"));
    } else if (sends_length(d)) {
        print(SPAN(" --data-raw "));
        print_quoted(masked(d, body));
    }
    putchar(' ');
    print_quoted(masked(d, request->url));
    putchar('\n');
}

/* ---- all ---- */

static void print_place(const struct dry_run *d, bool bad)
{
    const struct source *source = d->reader.source;
    printf("# %s, line %" PRIu64 ", record %" PRIu64,
           summary_input_name(source->paths[source->current]), source->line, source->number);
    if (!bad) {
        putchar('\n');
        return;
    }
    const struct ringsend_bytes line = {d->reader.record->line.data, d->reader.record->line.bytes};
    char text[RECORD_MESSAGE_BYTES];
    fputs(" cannot be sent: ", stdout);
    summary_print_plain(stdout, record_error_message(&d->reader.error, line, text, sizeof text));
    putchar('\n');
}

static bool show(struct dry_run *d)
{
    struct record *record = d->reader.record;
    struct ringsend_request *request = &record->request;
    struct head head;
    bool good = record_reader_load(&d->reader, &d->body);
    if (!good)
        print_place(d, true);
    if (good && record->needs_key)
        record_make_key(record, d->reader.source->number);
    good = good && write_head(d, request, &head);
    if (good) {
        print_place(d, false);
        print_request(d, request->body);
        print_curl(d, request, &head);
    }
    buf_release(&d->pool, &d->head);
    buf_release(&d->pool, &d->body);
    return good && !d->no_memory;
}

int dry_run(const struct request_options *options, struct source *source, uint64_t count)
{
    struct dry_run d = {.options = options, .defaults = options->defaults};
    int status = EXIT_OK;
    d.defaults.row_secrets = &d.row_secrets;
    buf_pool_init(&d.pool);
    bool ready = record_reader_init(&d.reader, source, &d.pool, &d.defaults);
    if (!ready)
        status = EXIT_INPUT;
    while (ready && d.reader.records < count) {
        secrets_free(&d.row_secrets);
        enum record_reader_next next = record_reader_next(&d.reader);
        if (next == RECORD_READER_END)
            break;
        if (d.reader.records > 1)
            putchar('\n');
        if (next == RECORD_READER_BAD)
            print_place(&d, true);
        if (next == RECORD_READER_BAD || !show(&d))
            status = EXIT_INPUT;
    }
    if (source->error) {
        fprintf(stderr, "ringsend send: cannot read %s: %s\n",
                summary_input_name(source->paths[source->error_input]), source->error_text);
        status = EXIT_INPUT;
    }
    if (d.no_memory || !ready)
        fputs("ringsend send: memory is out\n", stderr);
    buf_release(&d.pool, &d.shown);
    secrets_free(&d.row_secrets);
    record_reader_free(&d.reader);
    buf_pool_free(&d.pool);
    return status;
}
