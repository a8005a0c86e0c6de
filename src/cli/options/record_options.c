#include "cli/options/record_options.h"

#include "base/key.h"
#include "base/limits.h"
#include "base/span.h"
#include "base/whole_file.h"
#include "cli/options/shard_option.h"
#include "cli/options/values.h"
#include "cli/descriptor.h"
#include "cli/read_files.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DATA_BYTES_MAX ((size_t)16 << 20) /* of a template: more is for --data-file */

/* A letter or a digit is a slip of somebody who meant a word. */
static char read_delimiter(const char *command, const char *text)
{
    bool is_tab = strcmp(text, "\\t") == 0 || strcmp(text, "\t") == 0;
    bool is_sign =
        text[0] && !text[1] && ispunct((unsigned char)text[0]) && !strchr("\"\\", text[0]);
    if (!is_tab && !is_sign)
        usage_error(command,
                    "--delimiter must be one sign, as ';' or '|', or \\t for a tab, not \"%s\"",
                    text);
    return is_tab ? '\t' : text[0];
}

void record_options_take(struct record_options *o, const struct options *given)
{
    *o = (struct record_options){.data = option_text(given, OPTION_DATA),
                                 .data_file = option_text(given, OPTION_DATA_FILE),
                                 .id = option_text(given, OPTION_ID),
                                 .id_from = option_text(given, OPTION_ID_FROM),
                                 .as_body = option_given(given, OPTION_AS_BODY),
                                 .types_text = option_text(given, OPTION_TYPES),
                                 .key_header = option_text(given, OPTION_IDEMPOTENCY_KEY)};
    o->range.skip = option_number(given, OPTION_SKIP);
    o->range.limit = option_number(given, OPTION_LIMIT);
    if (option_given(given, OPTION_FORMAT))
        o->format = format_of_word(option_text(given, OPTION_FORMAT));
    o->encoding = (enum encoding)option_number(given, OPTION_ENCODING);
    if (option_given(given, OPTION_DELIMITER))
        o->delimiter =
            read_delimiter(command_name(given->command), option_text(given, OPTION_DELIMITER));
    if (option_given(given, OPTION_SHARD))
        shard_option_read(given, &o->range, o->shard_text);
}

/* ---- together ---- */

enum format record_options_format(const struct record_options *o, const char *path)
{
    return o->format != FORMAT_GUESS ? o->format : format_of_name(path);
}

/* Records of JSON say themselves what to send, rows and lines do not: a run has to know which. */
static enum format one_format(const struct record_options *o, const char *command,
                              char *const *inputs, size_t count)
{
    enum format first = record_options_format(o, inputs[0]);
    for (size_t i = 1; i < count; i++) {
        enum format format = record_options_format(o, inputs[i]);
        if (format != first && !(format_is_json(format) && format_is_json(first)))
            usage_error(command,
                        "%s is %s by its name and %s is %s: they cannot go together (--format)",
                        inputs[0], format_word(first), inputs[i], format_word(format));
    }
    return first;
}

static void compile(struct template *template, const char *option, const char *text, bool *has,
                    enum template_use use, struct form *form, struct request_options *request)
{
    char message[TEMPLATE_MESSAGE_BYTES];
    if (!text)
        return;
    *has = true;
    if (!template_compile(template, text, use, &form->names, &request->secrets, message))
        usage_error(request->command, "%s: %s", option, message);
}

/* What --data is, by the Content-Type of all records if they have one. */
static enum template_use use_of_data(const struct request_options *request)
{
    for (size_t i = 0; i < request->defaults.headers_count; i++) {
        if (span_equal_nocase(request->headers[i].name, SPAN("content-type")) &&
            template_is_constant(&request->header_templates[i]))
            return template_use_of(request->headers[i].value);
    }
    return TEMPLATE_BODY;
}

/* curl's @FILE. One that begins so and has places is text when it has white space, too, and else
 * means what --data-file does: a file for each record. */
static void read_data_file(struct record_options *o, const char *command)
{
    const char *path = o->data && o->data[0] == '@' ? o->data + 1 : "";
    size_t bytes;
    if (!*path || (strstr(path, "{{") && path[strcspn(path, " \t\r\n")]))
        return;
    if (strstr(path, "{{"))
        usage_error(command,
                    "--data \"%s\": a file for each record is --data-file '%s' (text that begins "
                    "so has white space in it)",
                    o->data, path);
    read_files_add("--data", path);
    o->data_of_file = whole_file_read(path, DATA_BYTES_MAX, &bytes);
    if (!o->data_of_file)
        usage_error(command, "--data @%s: %s", path, whole_file_fault(errno));
    if (memchr(o->data_of_file, '\0', bytes))
        usage_error(command,
                    "--data @%s: it holds a NUL byte, which no template can: --data-file sends a "
                    "file as it stands",
                    path);
    if (bytes > 0 && o->data_of_file[bytes - 1] == '\n')
        o->data_of_file[bytes - 1] = '\0';
    o->data = o->data_of_file;
}

static void read_types(struct record_options *o, const struct request_options *request)
{
    char message[ROW_MESSAGE_BYTES];
    if (!o->types_text)
        return;
    if (!row_types_read(&o->types, o->types_text, message))
        usage_error(request->command, "--types: %s", message);
    if (template_names_find(&o->form.names, SPAN(ROW_JSON)) < 0)
        usage_error(request->command,
                    "--types is about the whole row, and no template has it: --data '{{*|json}}'");
    o->form.names.types = &o->types;
}

static const char *what_is(enum format format)
{
    return format == FORMAT_LINES ? "line" : format_has_header(format) ? "row" : "record";
}

/* Some methods have no use for a body. */
static bool is_bodiless(const struct request_options *request)
{
    static const char *const methods[] = {"GET", "HEAD", "DELETE", "OPTIONS", "TRACE"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (span_equal(request->defaults.method, span_of(methods[i])))
            return true;
    }
    return false;
}

/* Rows of which nothing would be sent are meant to be sent whole: as JSON, or as the form that the
 * Content-Type calls for. Anything else would send the same request for each of them. */
static void send_whole_rows(struct record_options *o, struct request_options *request,
                            enum format format)
{
    struct form *form = &o->form;
    enum template_use use = use_of_data(request);
    bool as_form = use == TEMPLATE_FORM;
    bool is_known = as_form || use == TEMPLATE_BODY || use == TEMPLATE_JSON;
    const char *what = what_is(format);
    const char *way = format == FORMAT_LINES      ? "{{line}}"
                      : format_has_header(format) ? "{{COLUMN}}, or {{*|json}} for all,"
                                                  : "{{.KEY}}, or {{*|json}} for all,";
    if (o->data || o->data_file || is_bodiless(request))
        usage_error(request->command,
                    "nothing of a %s would be in its request, which would be the same for each: "
                    "name what you want as %s in --url, --data or --header",
                    what, way);
    if (!is_known)
        usage_error(request->command,
                    "the Content-Type of --header says that bodies are neither JSON nor a form: "
                    "give --data with %s in it",
                    way);
    compile(&form->data, "--data", as_form ? "{{" ROW_FORM "}}" : "{{" ROW_JSON "}}",
            &form->has_data, use, form, request);
}

/* Of lines the line is the body, unless it is in the URL, as in a list of them; of records of JSON
 * it is, unless the method has no use for one. */
static bool sends_lines(const struct record_options *o, const struct request_options *request,
                        enum format format)
{
    if (o->data || o->data_file || format_has_header(format))
        return false;
    return format == FORMAT_LINES ? template_is_constant(&o->form.url) : !is_bodiless(request);
}

/* Nothing says what of them is meant, or headers alone do, which are beside a body: a row with its
 * id in a header is no GET. */
static bool are_rows_whole(const struct record_options *o, const struct request_options *request,
                           enum format format)
{
    const struct form *form = &o->form;
    if (form->names.count == 0)
        return !form->line_is_body;
    return format_has_header(format) && !o->data && !o->data_file && !is_bodiless(request) &&
           template_is_constant(&form->url) && template_is_constant(&form->method);
}

/* Only names that the format has. */
static void check_names(const struct form *form, const struct request_options *request,
                        enum format format)
{
    for (size_t i = 0; i < form->names.count; i++) {
        const char *name = form->names.names[i];
        if (format == FORMAT_LINES && strcmp(name, "line") != 0)
            usage_error(request->command, "{{%s}}: of lines there is only {{line}}", name);
        if (!format_is_json(format) || strcmp(name, ROW_JSON) == 0)
            continue;
        if (name[0] != '.' && name[0] != RAW_MARK)
            usage_error(request->command,
                        "{{%s}}: records of JSON have no columns: {{.KEY}} is the value of a key, "
                        "{{.KEY.KEY[0]}} of one further down, {{*|json}} all (--format says what "
                        "the files are; {{{{ stands for two braces)",
                        name);
    }
}

/* Where in records of JSON the names are. */
static void read_paths(struct form *form, const struct request_options *request)
{
    form->paths = calloc(form->names.count + 1, sizeof *form->paths);
    if (!form->paths)
        usage_error(request->command, "memory is out");
    for (size_t i = 0; i < form->names.count; i++) {
        const char *name = form->names.names[i];
        size_t column;
        if (strcmp(name, ROW_JSON) == 0)
            continue;
        name += name[0] == RAW_MARK;
        const char *fault = json_path_read(&form->paths[i], name, &column);
        if (fault)
            usage_error(request->command, "{{%s}}: column %zu: %s", name, column, fault);
    }
}

static void read_id_path(struct record_options *o, const struct request_options *request)
{
    size_t column;
    if (!o->id_from)
        return;
    if (o->id)
        usage_error(request->command, "give only one of --id and --id-from");
    const char *fault = json_path_read(&o->form.id_path, o->id_from, &column);
    if (fault)
        usage_error(request->command, "--id-from: column %zu: %s", column, fault);
}

static void take_templates(struct form *form, struct request_options *request)
{
    form->names = request->names;
    request->names.count = 0; /* they are the form's now */
    form->url = request->url_template;
    form->method = request->method_template;
    form->has_method = request->method != NULL;
    form->header_values = request->headers_vary ? request->header_templates : NULL;
}

static void make_form(struct record_options *o, struct request_options *request, enum format format)
{
    struct form *form = &o->form;
    if (!request->url && format_is_json(format))
        usage_error(request->command, "--data, --as-body and templates make requests of records "
                                      "that do not say themselves what is sent, nor where: give "
                                      "--url");
    if (!request->url)
        usage_error(request->command, "a %s says nothing of where to send it: give --url",
                    what_is(format));
    if (o->data && o->data_file)
        usage_error(request->command, "give only one of --data and --data-file");
    take_templates(form, request);
    read_data_file(o, request->command);
    compile(&form->data, "--data", o->data, &form->has_data, use_of_data(request), form, request);
    compile(&form->data_file, "--data-file", o->data_file, &form->has_data_file, TEMPLATE_FILE,
            form, request);
    form->line_is_body = sends_lines(o, request, format);
    if (are_rows_whole(o, request, format))
        send_whole_rows(o, request, format);
    form->body_is_json =
        form->has_data ? form->data.is_json : form->line_is_body && format_is_json(format);
    compile(&form->id, "--id", o->id, &form->has_id, TEMPLATE_TEXT, form, request);
    read_types(o, request);
    check_names(form, request, format);
    if (format_is_json(format)) {
        read_paths(form, request);
        read_id_path(o, request);
    }
    request->defaults.form = form;
}

/* Something says that records of JSON are data, and do not say themselves what is to be sent. */
static bool are_data(const struct record_options *o, const struct request_options *request)
{
    return o->as_body || o->id_from || o->id || o->data || o->data_file || request->names.count > 0;
}

/* A key in one of these would take the place of what a platform reads there. */
static bool has_other_meaning(struct ringsend_bytes name)
{
    static const char *const names[] = {"accept",     "accept-encoding", "authorization",
                                        "connection", "content-type",    "cookie",
                                        "host",       "range",           "user-agent"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (span_equal_nocase(span_of(names[i]), name))
            return true;
    }
    return false;
}

static void take_key_header(const struct record_options *o, struct request_options *request)
{
    struct ringsend_bytes name = {o->key_header, strlen(o->key_header)};
    const char *fault = request_options_header_fault(name);
    if (fault)
        usage_error(request->command, "--idempotency-key=%s: %s", o->key_header, fault);
    if (has_other_meaning(name))
        usage_error(request->command,
                    "--idempotency-key=%s: this header means something else already: name one "
                    "that the platform takes for a key (Idempotency-Key, X-Request-Id ...)",
                    o->key_header);
    for (size_t i = 0; i < request->defaults.headers_count; i++) {
        if (span_equal_nocase(request->headers[i].name, name))
            usage_error(request->command,
                        "--idempotency-key would add the header \"%s\", which --header gives to "
                        "all records: leave one of them out",
                        o->key_header);
    }
    request->defaults.key_header = name;
}

/* Of what may be a URL without its scheme, the bytes of host and port: localhost, an address, or
 * anything with a port; 0: it looks like the name of a file. */
static size_t host_bytes(const char *text)
{
    size_t bytes = text[0] == '[' ? strcspn(text, "]") + 1
                                  : strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW"
                                                 "XYZ0123456789-._");
    if (text[0] == '[' && (bytes > strlen(text) || !strchr(text, ':')))
        return 0;
    bool is_address = text[0] == '[' || strspn(text, "0123456789.") == bytes;
    bool is_local = bytes == 9 && strncasecmp(text, "localhost", bytes) == 0;
    size_t digits = text[bytes] == ':' ? strspn(text + bytes + 1, "0123456789") : 0;
    size_t end = bytes + (digits > 0 ? 1 + digits : 0);
    if (bytes == 0 || (text[end] && text[end] != '/' && text[end] != '?'))
        return 0;
    return digits > 0 || is_local || (is_address && strchr(text, '.')) || text[0] == '[' ? end : 0;
}

/* What stands behind host and port is not repeated: there may be a password in it. */
static void refuse_urls(const char *command, bool takes_url, char *const *inputs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *input = inputs[i];
        bool is_url = value_is_url(input);
        size_t host = is_url ? 0 : host_bytes(input);
        if ((!is_url && host == 0) || access(input, F_OK) == 0)
            continue;
        if (is_url)
            usage_error(command,
                        "argument %zu is a URL, and no file of that name is there: records come "
                        "from files, and --url says where they go (of one record: echo "
                        "'{\"url\": \"http://...\"}' | ringsend %s -)",
                        i + 1, command);
        usage_error(command,
                    "there is no file %.*s%s; if it is a server, http:// or https:// is missing: "
                    "ringsend %s %shttp://%.*s%s",
                    (int)host, input, input[host] ? "..." : "", command, takes_url ? "" : "--url ",
                    (int)host, input, takes_url ? "/" : " FILE");
    }
}

/* Whoever reads standard input first leaves nothing to the other one. */
static void refuse_second_reader(const struct request_options *request, const char *input)
{
    const char *paths[] = {request->engine.ca_file, request->engine.cert_file,
                           request->engine.key_file};
    if (strcmp(input, "-") != 0 && descriptor_named(input) != STDIN_FILENO)
        return;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        if (paths[i] && descriptor_named(paths[i]) == STDIN_FILENO)
            usage_error(request->command, "%s and %s are both standard input", input, paths[i]);
    }
}

void record_options_finish(struct record_options *o, struct request_options *request,
                           char *const *inputs, size_t inputs_count, bool takes_url)
{
    for (size_t i = 0; i < inputs_count; i++) {
        read_files_add(NULL, inputs[i]);
        refuse_second_reader(request, inputs[i]);
    }
    if (o->data_file)
        read_files_add("--data-file",
                       o->data_file); /* unless it names columns: there is none then */
    refuse_urls(request->command, takes_url, inputs, inputs_count);
    enum format format = one_format(o, request->command, inputs, inputs_count);
    bool is_json = format_is_json(format);
    request->rows = format != FORMAT_VEGETA;
    request->names.are_paths = is_json;
    request_options_finish(request);
    const char *of_rows = o->delimiter ? "--delimiter" : o->encoding ? "--encoding" : NULL;
    if (!format_has_header(format) && of_rows)
        usage_error(request->command,
                    "%s goes with tables (--format csv, tsv, copy), and these are %s", of_rows,
                    format_word(format));
    const char *of_json = o->as_body ? "--as-body" : o->id_from ? "--id-from" : NULL;
    if (!is_json && of_json)
        usage_error(request->command, "%s goes with records of JSON, and these are %s", of_json,
                    format_word(format));
    if (is_json && o->types_text)
        usage_error(request->command,
                    "--types goes with csv and tsv (--format): values of JSON have a type");
    if (format == FORMAT_VEGETA && are_data(o, request))
        usage_error(request->command, "vegeta's targets say themselves what is to be sent: "
                                      "--data, --data-file, --id and their like are for others");
    if (!is_json || are_data(o, request))
        make_form(o, request, format);
    if (o->key_header)
        take_key_header(o, request);
}

void record_options_refuse_one_key(const struct request_options *request)
{
    for (size_t i = 0; i < request->defaults.headers_count; i++) {
        if (span_equal_nocase(request->headers[i].name, KEY_HEADER) &&
            template_is_constant(&request->header_templates[i]))
            usage_error(
                request->command,
                "--header %.*s: this key is the same for all records: a platform that goes by "
                "keys does one of them, and answers the others with its answer. "
                "--idempotency-key gives each record its own, and so does a column in the "
                "header",
                (int)request->headers[i].name.bytes, request->headers[i].name.data);
    }
}

const char *record_options_note(const struct record_options *o, const struct source *source,
                                const char *command, unsigned *reported, char *text)
{
    if (o->notes.taken_for_record[0] && !(*reported & 1)) {
        *reported |= 1;
        snprintf(text, RECORD_NOTE_BYTES,
                 "ringsend %s: note: lines with the keys of a record alone (here %s) are taken for "
                 "records; --as-body sends them as they stand\n",
                 command, o->notes.taken_for_record);
        return text;
    }
    if (source->guessed && !(*reported & 2)) {
        const char *path = source->paths[source->guessed_input];
        const char sign[] = {source->guessed, '\0'};
        *reported |= 2;
        snprintf(
            text, RECORD_NOTE_BYTES,
            "ringsend %s: note: the header of %.100s has no comma: its columns are taken to be "
            "separated by '%s' (--delimiter says otherwise)\n",
            command, strcmp(path, "-") == 0 ? "standard input" : path,
            sign[0] == '\t' ? "\\t" : sign);
        return text;
    }
    return NULL;
}

void record_options_apply(const struct record_options *o, struct source *source)
{
    source->format = o->format;
    source->range = o->range;
    source->delimiter = o->delimiter;
    source->encoding = o->encoding;
    source->names = &o->form.names;
}

void record_options_free(struct record_options *o)
{
    template_free(&o->form.data);
    template_free(&o->form.data_file);
    template_free(&o->form.id);
    row_types_free(&o->types);
    free(o->form.paths);
    template_names_free(&o->form.names);
    free(o->data_of_file);
}
