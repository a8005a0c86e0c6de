/* The one reader of argv. getopt_long finds the options; this turns what it found into rows and
 * checked values, and what it did not into words that help. */
#include "cli/options/options.h"

#include "base/check.h"
#include "base/span.h"
#include "cli/options/unknown.h"
#include "cli/options/values.h"

#include <getopt.h>
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
 * that other programs have for something else: --user is no --user-agent, nor --fail --failed. */
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
    usage_error(command, "%s must be %s, not \"%s\"", option_long(row->id), allowed, text);
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

static void add_use(struct options *o, int code, const char *text)
{
    struct option_use *grown = reallocarray(o->uses, o->uses_count + 1, sizeof *grown);
    if (!grown)
        usage_error(command_name(o->command), "memory is out");
    o->uses = grown;
    struct option_use *use = &grown[o->uses_count++];
    *use = (struct option_use){.row = row_of(o, code), .text = text, .by_letter = code < LONG_CODE};
    if (use->row->id == OPTION_HELP) {
        options_help(o->command);
        exit(EXIT_OK);
    }
    if (use->row->id == OPTION_VERSION)
        show_version();
    read_value(o, use);
    o->last[use->row->id] = o->uses_count;
}

static void refuse_others(const struct options *o, char *const *argv, enum option_id found)
{
    const char *word = argv[optind - 1];
    if (optarg && optarg == word)
        word = argv[optind - 2];
    if (is_others(o, word, found))
        refuse_long(o, word);
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
        add_use(o, code, optarg);
    }
    o->arguments = argv + optind;
    o->arguments_count = (size_t)(argc - optind);
}

void options_free(struct options *o)
{
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
