/* The one reader of argv. getopt_long finds the options; this turns what it found into rows and
 * checked values, and what it did not into words that help. Those of files go the same way. */
#include "cli/options/options.h"

#include "base/check.h"
#include "base/span.h"
#include "cli/options/config.h"
#include "cli/options/unknown.h"
#include "cli/options/values.h"
#include "cli/shell.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LONG_CODE = 256, /* of getopt_long's answers: from here on a long option, below it a letter */
    LETTERS_BYTES = 256
};

static bool is_of(const struct option_row *row, enum command command)
{
    return row->commands & (unsigned)command;
}

/* ---- what is no option ---- */

__attribute__((noreturn)) static void refuse_long(const struct options *o, const char *word)
{
    char text[UNKNOWN_BYTES];
    unknown_option(o, word + 2, strcspn(word + 2, "="), text);
    usage_error(command_name(o->command), "%s", text);
}

/* getopt_long takes the beginning of a name for the name. But one that is the whole name of another
 * command's option means that one, and is refused as such: --id is no --idempotency-key. So is one
 * that other programs have for something else: --fail is no --failed. */
static bool is_others(const struct options *o, const char *word, enum option_id found)
{
    enum option_id meant = found;
    size_t bytes = strcspn(word, "=");
    if (bytes <= 2 || bytes == strlen(option_long(found)))
        return false;
    return (unknown_find_name(word + 2, bytes - 2, &meant) && meant != found &&
            strlen(option_long(meant)) == bytes) ||
           unknown_is_other(o, word + 2, bytes - 2, found);
}

/* About what getopt_long just answered with '?' or ':'. The word that it looked at: of a long
 * option, and where a value is missing, the last one it went past. */
__attribute__((noreturn)) static void refuse(const struct options *o, char *const *argv, int answer)
{
    const char *command = command_name(o->command), *word = argv[optind - 1];
    char text[UNKNOWN_BYTES];
    if (answer == ':' && optopt >= LONG_CODE &&
        is_others(o, word, (enum option_id)(optopt - LONG_CODE)))
        refuse_long(o, word);
    if (answer == ':' && strncmp(word, "--", 2) == 0)
        usage_error(command, "%s needs a value", word);
    if (answer == ':')
        usage_error(command, "-%c needs a value", optopt);
    if (optopt == 0)
        refuse_long(o, word);
    if (optopt >= LONG_CODE) /* it exists, and was given as --NAME=VALUE */
        usage_error(command, "%s takes no value",
                    option_long((enum option_id)(optopt - LONG_CODE)));
    unknown_letter(o, (char)optopt, text);
    usage_error(command, "%s", text);
}

/* ---- values ---- */

static uint64_t read_word(const char *command, const struct option_row *row, const char *text)
{
    char allowed[128] = "";
    uint64_t index = 0;
    size_t text_bytes = strlen(text);
    for (const char *at = row->words; *at; index++) {
        size_t bytes = strcspn(at, "|"), used = strlen(allowed);
        if (bytes == text_bytes && memcmp(at, text, bytes) == 0)
            return index;
        bool is_last = at[bytes] == '\0';
        snprintf(allowed + used, sizeof allowed - used, "%s%.*s",
                 index == 0 ? ""
                 : is_last  ? " or "
                            : ", ",
                 (int)bytes, at);
        at += bytes + !is_last;
    }
    usage_error(command, "%s must be %s, not \"%s\"%s", option_long(row->id), allowed, text,
                row->id == OPTION_BODY ? " (of requests it is --data)" : "");
}

static struct rate read_rate(const struct options *o, const struct option_row *row,
                             const char *text)
{
    const char *command = command_name(o->command), *name = option_long(row->id);
    if (strchr(text, ',') && o->rows[OPTION_STEPS])
        usage_error(command, "%s must be one rate, not \"%s\"; see --steps", name, text);
    return value_rate(command, name, span_of(text), row->max);
}

static void read_value(const struct options *o, struct option_use *use)
{
    const struct option_row *row = use->row;
    const char *command = command_name(o->command), *name = option_long(row->id);
    const char *text = use->text;
    if (!text) {
        use->number = row->kind == OPTION_IS_FLAG ? 1 : row->number;
        return;
    }
    switch (row->kind) {
    case OPTION_IS_FLAG:
    case OPTION_IS_TEXT:
        return;
    case OPTION_IS_COUNT:
        use->number = value_count(command, name, text, row->min, row->max);
        return;
    case OPTION_IS_BYTES:
        use->number = value_bytes(command, name, text, row->min, row->max);
        return;
    case OPTION_IS_TIME:
        use->number = value_duration_ns(command, name, text, row->min, row->max);
        return;
    case OPTION_IS_WORD:
        use->number = read_word(command, row, text);
        return;
    case OPTION_IS_RATE:
        use->rate = read_rate(o, row, text);
        return;
    case OPTION_IS_SHARE:
        use->share = value_share(command, name, text);
        return;
    case OPTION_IS_FILE:
        if (!*text)
            usage_error(command, "%s must be the name of a file", name);
        return;
    }
}

/* ---- argv ---- */

struct getopt_tables {
    struct option longs[OPTIONS_COUNT + 1];
    char letters[LETTERS_BYTES];
};

static int argument_of(const struct option_row *row)
{
    if (!row->argument)
        return no_argument;
    return row->traits & OPTION_OPTIONAL ? optional_argument : required_argument;
}

/* ':' first: a missing value is told from an unknown option, and nothing is printed. */
static void make_tables(struct options *o, struct getopt_tables *tables)
{
    struct option *next = tables->longs;
    char *letter = tables->letters;
    *letter++ = ':';
    for (size_t i = 0; i < option_rows_count; i++) {
        const struct option_row *row = &option_rows[i];
        if (!is_of(row, o->command))
            continue;
        CHECK(!o->rows[row->id]);
        o->rows[row->id] = row;
        *next++ =
            (struct option){option_name(row->id), argument_of(row), NULL, LONG_CODE + (int)row->id};
        if (!row->letter)
            continue;
        CHECK(letter + 2 < tables->letters + LETTERS_BYTES);
        *letter++ = row->letter;
        if (row->argument)
            *letter++ = ':';
    }
    *next = (struct option){0};
    *letter = '\0';
}

static const struct option_row *row_of(const struct options *o, int code)
{
    if (code >= LONG_CODE)
        return o->rows[code - LONG_CODE];
    for (int i = 0; i < OPTIONS_COUNT; i++) {
        if (o->rows[i] && o->rows[i]->letter == code)
            return o->rows[i];
    }
    UNREACHABLE("a letter that getopt_long was told of");
}

static void add_use(struct options *o, const struct option_use *use)
{
    struct option_use *grown = reallocarray(o->uses, o->uses_count + 1, sizeof *grown);
    if (!grown)
        usage_error(command_name(o->command), "memory is out");
    o->uses = grown;
    grown[o->uses_count++] = *use;
    o->last[use->row->id] = o->uses_count;
}

static void take_use(struct options *o, int code, const char *text)
{
    struct option_use use = {
        .row = row_of(o, code), .text = text, .shown = optarg, .by_letter = code < LONG_CODE};
    if (use.row->id == OPTION_HELP) {
        options_help(o->command);
        end_printed();
    }
    if (use.row->id == OPTION_VERSION)
        show_version();
    read_value(o, &use);
    add_use(o, &use);
}

static void refuse_others(const struct options *o, char *const *argv, enum option_id found)
{
    const char *word = argv[optind - 1];
    if (optarg && optarg == word)
        word = argv[optind - 2];
    if (is_others(o, word, found))
        refuse_long(o, word);
}

/* ---- files ---- */

/* Those of the command line, while files are read. */
struct given {
    struct option_use *uses;
    size_t count;
    bool verbose;
};

__attribute__((noreturn, format(printf, 3, 4))) static void
refuse_line(const struct options *o, const struct config *c, const char *format, ...)
{
    char text[UNKNOWN_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    usage_error(command_name(o->command), "%s, line %u: %s", c->path, c->line, text);
}

static bool is_named(const struct option_row *row, const struct config *c)
{
    if (c->is_letter)
        return row->letter && row->letter == c->name[0];
    return strcmp(option_name(row->id), c->name) == 0;
}

/* What another command takes may stand in a file for all of them. */
static const struct option_row *find_row(const struct options *o, const struct config *c)
{
    const struct option_row *others = NULL;
    for (size_t i = 0; i < option_rows_count; i++) {
        const struct option_row *row = &option_rows[i];
        if (is_named(row, c) && is_of(row, o->command))
            return row;
        others = is_named(row, c) ? row : others;
    }
    char text[UNKNOWN_BYTES];
    if (others && !c->section)
        return others;
    if (c->is_letter)
        unknown_letter(o, c->name[0], text);
    else
        unknown_option(o, c->name, strlen(c->name), text);
    refuse_line(o, c, "%s", text);
}

/* Up to the colon, which belongs to it; empty: a file of headers. */
static struct ringsend_bytes header_name(const char *text)
{
    const char *colon = text[0] == '@' ? NULL : strchr(text, ':');
    return (struct ringsend_bytes){text, colon ? (size_t)(colon + 1 - text) : 0};
}

static bool is_given(const struct given *given, enum option_id id)
{
    for (size_t i = 0; i < given->count; i++) {
        if (given->uses[i].row->id == id)
            return true;
    }
    return false;
}

static bool is_replaced(const struct given *given, const struct option_use *use)
{
    if (use->row->id != OPTION_HEADER || !use->text)
        return is_given(given, use->row->id);
    struct ringsend_bytes name = header_name(use->text);
    for (size_t i = 0; i < given->count; i++) {
        const struct option_use *other = &given->uses[i];
        if (other->row->id == OPTION_HEADER && name.bytes > 0 &&
            span_equal_nocase(name, header_name(other->text)))
            return true;
    }
    return false;
}

/* Of a header the name alone, of other secrets nothing. */
static void report_line(const struct options *o, const struct config *c,
                        const struct option_row *row, const char *more)
{
    const struct secrets none = {0};
    fprintf(stderr, "ringsend %s: %s, line %u: %s%s", command_name(o->command), c->path, c->line,
            c->is_letter ? "-" : "--", c->name);
    if (c->value && row->traits & OPTION_SECRET && c->value[0] != '@')
        fprintf(stderr, " '%.*s ...'",
                row->id == OPTION_HEADER ? (int)header_name(c->value).bytes : 0, c->value);
    else if (c->value)
        shell_print_masked(stderr, &none, c->value);
    fprintf(stderr, "%s\n", more);
}

static void take_line(struct options *o, const struct config *c, struct given *given)
{
    const struct option_row *row = find_row(o, c);
    if (!is_of(row, o->command)) {
        if (given->verbose)
            report_line(o, c, row, ": this command does not take it");
        return;
    }
    if (row->id == OPTION_CONFIG || row->id == OPTION_NO_CONFIG || row->id == OPTION_HELP ||
        row->id == OPTION_VERSION)
        refuse_line(o, c, "%s belongs on the command line", option_long(row->id));
    if (!row->argument && c->value)
        refuse_line(o, c,
                    "%s takes no value here (under [COMMAND] stands what is another "
                    "command's alone)",
                    option_long(row->id));
    if (row->argument && !c->value && !(row->traits & OPTION_OPTIONAL))
        refuse_line(o, c, "%s needs a value", option_long(row->id));
    struct option_use use = {.row = row, .text = c->value, .file = c->path, .line = c->line};
    bool replaced = is_replaced(given, &use);
    if (given->verbose)
        report_line(o, c, row, replaced ? ": the command line says otherwise" : "");
    if (replaced)
        return;
    if (!is_given(given, row->id))
        usage_error_origin(option_long(row->id), c->path, c->line);
    read_value(o, &use);
    add_use(o, &use);
    given->verbose |= row->id == OPTION_VERBOSE;
}

/* A slip in it would leave its lines out. */
static void check_section(const struct options *o, const struct config *c)
{
    for (const char *at = c->section; at && *at; at += strspn(at, " \t")) {
        size_t bytes = strcspn(at, " \t"), i = 0;
        while (i < commands_count && (strlen(commands_help[i].name) != bytes ||
                                      memcmp(commands_help[i].name, at, bytes) != 0))
            i++;
        if (i == commands_count)
            refuse_line(o, c, "there is no command \"%.*s\", whose section this would be",
                        (int)bytes, at);
        at += bytes;
    }
}

static void read_file(struct options *o, const char *path, const char *cure, struct given *given)
{
    struct config c;
    int error = config_open(&c, path);
    if (error)
        usage_error(command_name(o->command), "--config %s: %s%s", path,
                    error == EILSEQ ? "it holds a NUL byte" : strerror(error), cure);
    o->reads_files = true;
    while (config_next(&c)) {
        check_section(o, &c);
        if (config_is_for(&c, command_name(o->command)))
            take_line(o, &c, given);
    }
    if (c.fault[0])
        refuse_line(o, &c, "%s", c.fault);
}

/* In the order in which later ones win: the file of every run, those that were named, the command
 * line. */
static void read_all_files(struct options *o)
{
    o->reads_files = option_given(o, OPTION_NO_CONFIG);
    struct given given = {
        .uses = o->uses, .count = o->uses_count, .verbose = option_given(o, OPTION_VERBOSE)};
    const char *path = option_given(o, OPTION_NO_CONFIG) ? NULL : config_default_path();
    if (!path && !option_given(o, OPTION_CONFIG))
        return;
    o->uses = NULL;
    o->uses_count = 0;
    memset(o->last, 0, sizeof o->last);
    if (path)
        read_file(o, path, "; --no-config does without", &given);
    for (size_t i = 0; i < given.count; i++) {
        if (given.uses[i].row->id == OPTION_CONFIG)
            read_file(o, given.uses[i].text, "", &given);
    }
    for (size_t i = 0; i < given.count; i++)
        add_use(o, &given.uses[i]);
    free(given.uses);
}

/* ---- what others must not see ---- */

/* All users of the machine can read a command line: what is secret in it goes to a copy. As with
 * curl there is a moment before. */
static void hide(const struct options *o, struct option_use *use)
{
    char *shown = use->shown;
    bool is_header = use->row->id == OPTION_HEADER;
    struct ringsend_bytes name = is_header ? header_name(shown) : SPAN("");
    if (shown[0] == '@')
        return;
    if (is_header &&
        (name.bytes == 0 || !secret_is_header((struct ringsend_bytes){name.data, name.bytes - 1})))
        return;
    use->own = strdup(shown);
    if (!use->own)
        usage_error(command_name(o->command), "memory is out");
    use->text = use->own;
    memset(shown + name.bytes, '*', strlen(shown + name.bytes));
}

void options_parse(struct options *o, enum command command, int argc, char **argv)
{
    struct getopt_tables tables;
    *o = (struct options){.command = command};
    make_tables(o, &tables);
    opterr = 0;
    for (;;) {
        int code = getopt_long(argc, argv, tables.letters, tables.longs, NULL);
        if (code == -1)
            break;
        if (code == '?' || code == ':')
            refuse(o, argv, code);
        if (code >= LONG_CODE)
            refuse_others(o, argv, (enum option_id)(code - LONG_CODE));
        take_use(o, code, optarg);
    }
    o->arguments = argv + optind;
    o->arguments_count = (size_t)(argc - optind);
    read_all_files(o);
    for (size_t i = 0; i < o->uses_count; i++) {
        if (o->uses[i].shown && o->uses[i].row->traits & OPTION_SECRET)
            hide(o, &o->uses[i]);
    }
}

void options_free(struct options *o)
{
    for (size_t i = 0; i < o->uses_count; i++)
        free(o->uses[i].own);
    o->uses_count = 0;
    free(o->uses);
    o->uses = NULL;
}

/* ---- what was given ---- */

bool option_given(const struct options *o, enum option_id id)
{
    return o->last[id] > 0;
}

static const struct option_use *last_use(const struct options *o, enum option_id id)
{
    return o->last[id] > 0 ? &o->uses[o->last[id] - 1] : NULL;
}

uint64_t option_number(const struct options *o, enum option_id id)
{
    const struct option_use *use = last_use(o, id);
    const struct option_row *row = o->rows[id];
    if (use)
        return use->number;
    if (row && row->kind == OPTION_IS_WORD && row->text)
        return read_word(command_name(o->command), row, row->text);
    return row && !(row->traits & OPTION_OPTIONAL) ? row->number : 0;
}

double option_share(const struct options *o, enum option_id id)
{
    const struct option_use *use = last_use(o, id);
    return use ? use->share : o->rows[id] ? o->rows[id]->share : 0;
}

const char *option_text(const struct options *o, enum option_id id)
{
    const struct option_use *use = last_use(o, id);
    const struct option_row *row = o->rows[id];
    if (use && use->text)
        return use->text;
    return row && (use || !(row->traits & OPTION_OPTIONAL)) ? row->text : NULL;
}

const struct rate *option_rate(const struct options *o, enum option_id id)
{
    const struct option_use *use = last_use(o, id);
    return use ? &use->rate : NULL;
}

const struct option_use *option_next(const struct options *o, enum option_id id,
                                     const struct option_use *use)
{
    for (use = use ? use + 1 : o->uses; use < o->uses + o->uses_count; use++) {
        if (use->row->id == id)
            return use;
    }
    return NULL;
}
