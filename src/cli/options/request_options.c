/* Each value is checked as the engine will check it, so that what can never be sent is refused
 * before anything is opened; a template with columns in it only when a record has filled it. */
#include "cli/options/request_options.h"

#include "base/address.h"
#include "base/limits.h"
#include "base/span.h"
#include "cli/options/outcomes.h"
#include "cli/options/values.h"
#include "cli/options/way_options.h"
#include "cli/read_files.h"
#include "http/head.h"
#include "http/url.h"
#include "records/netrc.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

static struct ringsend_bytes bytes_of(const char *text)
{
    return (struct ringsend_bytes){text, strlen(text)};
}

/* ---- headers ---- */

/* Checks what the options say as the engine will check each request, so that what can never be sent
 * is refused before anything is. Null when it may be sent, else why not. */
static const char *head_fault(const struct ringsend_header *headers, size_t count,
                              struct ringsend_bytes method)
{
    struct head head = {.method = method, .fields = headers, .fields_count = count};
    const char *detail = NULL;
    for (size_t i = 0; i < count; i++) {
        if (span_equal_nocase(headers[i].name, SPAN("content-length")))
            return "Content-Length is that of each body, and not to be set";
    }
    return head_check(&head, &detail) == RINGSEND_OK ? NULL : detail;
}

static const char *header_fault(struct ringsend_bytes name, struct ringsend_bytes value)
{
    return head_fault(&(struct ringsend_header){name, value}, 1, SPAN("GET"));
}

/* The same of all together, which must not contradict each other. A template that is not known
 * yet is taken for a value that any header may have. */
static const char *headers_fault(const struct request_options *o)
{
    size_t count = o->defaults.headers_count;
    struct ringsend_header *all = calloc(count, sizeof *all);
    if (!all)
        return "memory is out";
    for (size_t i = 0; i < count; i++) {
        all[i] = o->headers[i];
        if (strstr(all[i].value.data, "{{"))
            all[i].value = SPAN("close");
    }
    const char *fault = head_fault(all, count, SPAN("GET"));
    free(all);
    return fault;
}

/* Grows by one at a time: there are at most LIMIT_HEADERS. The one place behind the headers is for
 * the content-type that record.h asks for. `place` names the option, and the line of its file. */
static void add_header(struct request_options *o, const char *line, const char *place)
{
    size_t count = o->defaults.headers_count;
    const char *colon = strchr(line, ':');
    if (!colon) /* not repeated: it may be a secret */
        usage_error(o->command, "%s: a header is NAME: VALUE, or @FILE", place);
    if (count == LIMIT_HEADERS)
        usage_error(o->command, "%s: at most %d headers can be given", place, LIMIT_HEADERS);
    char *text = strdup(line);
    char **texts = reallocarray(o->header_texts, count + 1, sizeof *texts);
    struct ringsend_header *headers = reallocarray(o->headers, count + 2, sizeof *headers);
    if (!text || !texts || !headers)
        usage_error(o->command, "memory is out");
    o->header_texts = texts;
    o->headers = headers;
    texts[o->header_texts_count++] = text;

    size_t name_bytes = (size_t)(colon - line);
    char *value = text + name_bytes + 1;
    value += strspn(value, " \t");
    size_t value_bytes = strlen(value);
    while (value_bytes > 0 && strchr(" \t", value[value_bytes - 1]))
        value_bytes--;
    value[value_bytes] = '\0';
    headers[count] = (struct ringsend_header){{text, name_bytes}, {value, value_bytes}};
    o->defaults.headers_count++;
    o->defaults.has_content_type |= span_equal_nocase(headers[count].name, SPAN("content-type"));
    const char *fault = headers_fault(o);
    if (fault && strncasecmp(fault, line, name_bytes) == 0)
        usage_error(o->command, "%s: %s", place, fault);
    if (fault)
        usage_error(o->command, "%s: \"%.*s\": %s", place, (int)name_bytes, line, fault);
}

static void add_headers_of_file(struct request_options *o, const char *path)
{
    FILE *file = fopen(path, "re");
    read_files_add("--header", path);
    if (!file)
        usage_error(o->command, "--header @%s: %s", path, strerror(errno));
    char *line = NULL, place[PATH_MAX + 64];
    size_t capacity = 0;
    ssize_t bytes;
    for (unsigned number = 1; (bytes = getline(&line, &capacity, file)) >= 0; number++) {
        snprintf(place, sizeof place, "--header @%s, line %u", path, number);
        if (memchr(line, '\0', (size_t)bytes))
            usage_error(o->command, "%s: it holds a NUL byte, which cannot be sent", place);
        while (bytes > 0 && strchr("\r\n", line[bytes - 1]))
            line[--bytes] = '\0';
        if (bytes == 0)
            continue;
        add_header(o, line, place);
        if (!secrets_add(&o->secrets, o->headers[o->defaults.headers_count - 1].value))
            usage_error(o->command, "memory is out");
    }
    if (ferror(file))
        usage_error(o->command, "--header @%s: %s", path, strerror(errno));
    free(line);
    fclose(file);
}

const char *request_options_header_fault(struct ringsend_bytes name)
{
    return header_fault(name, SPAN("value"));
}

const char *request_options_fault_of(const struct ringsend_header *header)
{
    return header_fault(header->name, header->value);
}

/* ---- templates ---- */

static void compile(struct request_options *o, struct template *template, const char *option,
                    const char *text, enum template_use use)
{
    char message[TEMPLATE_MESSAGE_BYTES];
    if (!template_compile(template, text, use, &o->names, &o->secrets, message))
        usage_error(o->command, "%s: %s", option, message);
}

static struct ringsend_bytes constant(const struct template *template)
{
    return (struct ringsend_bytes){template->text ? template->text : "", template->text_bytes};
}

static void take_url(struct request_options *o)
{
    struct url url;
    const char *detail = NULL;
    compile(o, &o->url_template, "--url", o->url, TEMPLATE_URL);
    struct ringsend_bytes literal = constant(&o->url_template);
    if (template_is_constant(&o->url_template))
        o->defaults.url = literal;
    else
        literal.bytes = o->url_template.parts[0].literal_bytes;
    bool is_known = literal.bytes > 0 || template_is_constant(&o->url_template);
    if (is_known && url_parse(&url, literal, &detail) != RINGSEND_OK)
        /* Not repeated: there may be a password in it. */
        usage_error(o->command, "--url must be http[s]://HOST[:PORT][/PATH]: %s", detail);
}

static void take_method(struct request_options *o)
{
    compile(o, &o->method_template, "--method", o->method, TEMPLATE_TEXT);
    if (!template_is_constant(&o->method_template))
        return;
    o->defaults.method = constant(&o->method_template);
    const char *fault = head_fault(NULL, 0, o->defaults.method);
    if (fault)
        usage_error(o->command, "--method must be a word such as GET or POST, not \"%s\": %s",
                    o->method, fault);
}

/* A variable of the shell or the environment that is not set is what an empty one comes from, and
 * all records would be refused for it. */
static void refuse_no_credential(const struct request_options *o,
                                 const struct ringsend_header *header)
{
    static const char *const schemes[] = {"", "basic", "bearer", "digest", "token"};
    struct ringsend_bytes value = span_trim(header->value);
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        if (secret_is_header(header->name) && span_equal_nocase(value, span_of(schemes[i])))
            usage_error(o->command,
                        "--header %.*s: its value is empty: is a variable of the shell or of the "
                        "environment not set?",
                        (int)header->name.bytes, header->name.data);
    }
}

static void take_header(struct request_options *o, size_t i)
{
    struct ringsend_header *header = &o->headers[i];
    struct template *template = &o->header_templates[i];
    char option[64];
    int shown = header->name.bytes < 40 ? (int)header->name.bytes : 40;
    snprintf(option, sizeof option, "--header %.*s", shown, header->name.data);
    bool is_cookie = span_equal_nocase(header->name, SPAN("cookie"));
    compile(o, template, option, header->value.data, is_cookie ? TEMPLATE_COOKIE : TEMPLATE_HEADER);
    if (!template_is_constant(template)) {
        if (span_equal_nocase(header->name, SPAN("host")))
            usage_error(o->command, "%s: {{%s}}: no value may say whom to talk to: write it out",
                        option, o->names.names[template->parts[0].name]);
        o->headers_vary = true;
        return;
    }
    header->value = constant(template);
    const char *fault = header_fault(header->name, header->value);
    if (fault)
        usage_error(o->command, "%s: %s", option, fault);
    refuse_no_credential(o, header);
}

static void compile_all(struct request_options *o)
{
    if (o->url)
        take_url(o);
    if (o->method)
        take_method(o);
    size_t count = o->defaults.headers_count;
    o->header_templates = calloc(count + 1, sizeof *o->header_templates);
    if (!o->header_templates)
        usage_error(o->command, "memory is out");
    for (size_t i = 0; i < count; i++)
        take_header(o, i);
    if (o->names.count > 0 && !o->rows)
        usage_error(o->command,
                    "{{%s}}: these records have no columns; rows of csv and tsv have, and lines "
                    "have {{line}} (--format). {{{{ stands for two braces",
                    o->names.names[0]);
}

static const char *read_predicate(const struct request_options *o, const char *option,
                                  const char *text)
{
    char why[256] = "memory is out";
    if (ringsend_check_predicate(text, why, sizeof why) != 0)
        usage_error(o->command, "%s '%s': %s", option, text, why);
    return text;
}

/* Where HOST ends in HOST:PORT:ADDRESS: brackets of IPv6 belong to it. Null: nowhere. */
static const char *host_end(const char *text)
{
    const char *end = text[0] == '[' ? strchr(text, ']') : text;
    return end ? strchr(end, ':') : NULL;
}

static uint16_t read_port(const struct request_options *o, const char *text, const char *end)
{
    char number[8] = "";
    if (end - text == 1 && *text == '*')
        return 0;
    snprintf(number, sizeof number, "%.*s", (int)(end - text), text);
    return (uint16_t)value_count(o->command, "--resolve, the port", number, 1, UINT16_MAX);
}

static void add_resolve(struct request_options *o, const char *text)
{
    struct address addresses[LIMIT_ADDRESSES_GIVEN];
    uint32_t addresses_count;
    size_t count = o->engine.resolve_count;
    const char *colon = host_end(text), *second = colon ? strchr(colon + 1, ':') : NULL;
    if (!second || colon == text)
        usage_error(o->command, "--resolve %s: it must be HOST:PORT:ADDRESS[,ADDRESS]", text);
    const char *fault =
        addresses_read(second + 1, addresses, LIMIT_ADDRESSES_GIVEN, &addresses_count);
    if (fault)
        usage_error(o->command, "--resolve %s: %s", text, fault);
    if (count == LIMIT_OVERRIDES)
        usage_error(o->command, "--resolve: at most %d can be given", LIMIT_OVERRIDES);
    bool in_brackets = text[0] == '[' && colon[-1] == ']';
    char *host = strndup(text + in_brackets, (size_t)(colon - text) - (in_brackets ? 2 : 0));
    struct ringsend_resolve *all = reallocarray(o->resolve, count + 1, sizeof *all);
    char **hosts = reallocarray(o->resolve_hosts, count + 1, sizeof *hosts);
    if (!host || !all || !hosts)
        usage_error(o->command, "memory is out");
    if (strcmp(host, "*") != 0 && url_check_host(span_of(host), &fault) != RINGSEND_OK)
        usage_error(o->command, "--resolve %s: %s", text, fault);
    all[count] = (struct ringsend_resolve){
        .host = host, .port = read_port(o, colon + 1, second), .addresses = second + 1};
    hosts[count] = host;
    o->resolve_hosts = hosts;
    o->resolve = all;
    o->engine.resolve = all;
    o->engine.resolve_count = count + 1;
}

/* ---- the options ---- */

/* Zero, which stands for the engine's own default, where a command has no such option. */
static void take_engine(struct ringsend_options *engine, const struct options *given)
{
    engine->connections_max = (uint32_t)option_number(given, OPTION_CONNECTIONS);
    engine->tries = (uint32_t)option_number(given, OPTION_TRIES);
    engine->connect_timeout_ns = option_number(given, OPTION_CONNECT_TIMEOUT);
    engine->handshake_timeout_ns = option_number(given, OPTION_HANDSHAKE_TIMEOUT);
    engine->first_byte_timeout_ns = option_number(given, OPTION_FIRST_BYTE_TIMEOUT);
    engine->attempt_timeout_ns = option_number(given, OPTION_TIMEOUT);
    engine->deadline_ns = option_number(given, OPTION_DEADLINE);
    engine->strict_http = option_given(given, OPTION_STRICT_HTTP);
    engine->decode = option_given(given, OPTION_COMPRESSED);
    /* Zero unless given: bench keeps no body that nobody asks for. */
    if (option_given(given, OPTION_MAX_BODY))
        engine->body_max_bytes = option_number(given, OPTION_MAX_BODY);
    engine->ca_file = option_text(given, OPTION_CACERT);
    engine->cert_file = option_text(given, OPTION_CERT);
    engine->key_file = option_text(given, OPTION_KEY);
    engine->insecure = option_given(given, OPTION_INSECURE);
    engine->tls_legacy_renegotiation = option_given(given, OPTION_TLS_LEGACY_RENEGOTIATION);
    if (option_given(given, OPTION_LOCATION))
        engine->redirects_max = (uint32_t)option_number(given, OPTION_MAX_REDIRS);
    engine->http = option_given(given, OPTION_HTTP1_1)                 ? RINGSEND_HTTP1
                   : option_given(given, OPTION_HTTP2_PRIOR_KNOWLEDGE) ? RINGSEND_HTTP2_KNOWN
                   : option_given(given, OPTION_HTTP2)                 ? RINGSEND_HTTP2
                                                                       : RINGSEND_HTTP1;
    engine->streams_max = (uint32_t)option_number(given, OPTION_STREAMS);
    engine->io = (enum ringsend_io)option_number(given, OPTION_IO);
    engine->tls_library = (enum ringsend_tls_library)option_number(given, OPTION_TLS);
    engine->tls_min = option_number(given, OPTION_TLS_MIN) == 1 ? 13 : 12;
}

void request_options_add_header(struct request_options *o, const char *line)
{
    add_header(o, line, "--header");
}

static void add_user_agent(struct request_options *o, const char *agent)
{
    char *line;
    for (size_t i = 0; i < o->defaults.headers_count; i++) {
        if (span_equal_nocase(o->headers[i].name, SPAN("user-agent")))
            usage_error(o->command, "--user-agent says what a User-Agent of --header does: give "
                                    "one of them");
    }
    if (asprintf(&line, "User-Agent: %s", agent) < 0)
        usage_error(o->command, "memory is out");
    add_header(o, line, "--user-agent");
    free(line);
}

void request_options_take(struct request_options *o, const struct options *given)
{
    *o = (struct request_options){.command = command_name(given->command),
                                  .engine = {.size = sizeof o->engine},
                                  .url = option_text(given, OPTION_URL),
                                  .method = option_text(given, OPTION_METHOD)};
    take_engine(&o->engine, given);
    way_options_take(&o->way, &o->engine, given);
    if (option_given(given, OPTION_AT_LEAST_ONCE))
        o->defaults.flags |= RINGSEND_AT_LEAST_ONCE;
    if (option_given(given, OPTION_OK_IF))
        o->engine.ok_if = read_predicate(o, "--ok-if", option_text(given, OPTION_OK_IF));
    if (option_given(given, OPTION_RETRY_IF))
        o->engine.retry_if = read_predicate(o, "--retry-if", option_text(given, OPTION_RETRY_IF));
    for (size_t i = 0; i < given->uses_count; i++) {
        const struct option_use *use = &given->uses[i];
        if (use->row->id == OPTION_HEADER && use->text[0] == '@')
            add_headers_of_file(o, use->text + 1);
        else if (use->row->id == OPTION_HEADER)
            request_options_add_header(o, use->text);
        else if (use->row->id == OPTION_RESOLVE)
            add_resolve(o, use->text);
        else if (use->row->id == OPTION_OK_STATUS)
            statuses_read(o->command, "--ok-status", use->text, &o->engine.ok_status);
    }
    if (option_given(given, OPTION_USER_AGENT))
        add_user_agent(o, option_text(given, OPTION_USER_AGENT));
}

static void name_tls_files(const struct ringsend_options *engine)
{
    const char *by_environment = getenv("SSL_CERT_FILE");
    if (engine->ca_file)
        read_files_add("--cacert", engine->ca_file);
    else if (by_environment)
        read_files_add("$SSL_CERT_FILE", by_environment);
    if (engine->cert_file)
        read_files_add("--cert", engine->cert_file);
    if (engine->key_file)
        read_files_add("--key", engine->key_file);
}

void request_options_finish(struct request_options *o)
{
    name_tls_files(&o->engine);
    for (size_t i = 0; i < sizeof o->engine.ok_status.bits / sizeof(uint64_t); i++)
        if (o->engine.ok_if && o->engine.ok_status.bits[i])
            usage_error(o->command, "--ok-if takes the place of --ok-status: give one of them");
    if (o->engine.key_file && !o->engine.cert_file)
        usage_error(o->command, "--key goes with --cert");
    compile_all(o);
    if (!o->headers)
        o->headers = malloc(sizeof *o->headers);
    if (!o->headers)
        usage_error(o->command, "memory is out");
    o->headers[o->defaults.headers_count] =
        (struct ringsend_header){bytes_of("content-type"), bytes_of("application/json")};
    o->defaults.headers = o->headers;
}

void request_options_free(struct request_options *o)
{
    for (size_t i = 0; i < o->header_texts_count; i++)
        free(o->header_texts[i]);
    for (size_t i = 0; o->header_templates && i < o->defaults.headers_count; i++)
        template_free(&o->header_templates[i]);
    for (size_t i = 0; i < o->engine.resolve_count; i++)
        free(o->resolve_hosts[i]);
    free(o->resolve_hosts);
    free(o->resolve);
    way_options_free(&o->way);
    free(o->proxy_headers);
    template_free(&o->url_template);
    template_free(&o->method_template);
    template_names_free(&o->names);
    netrc_free(o->netrc);
    free(o->netrc_path);
    free(o->key_pair);
    free(o->client_secret);
    secrets_free(&o->secrets);
    free(o->header_templates);
    free(o->header_texts);
    free(o->headers);
}
