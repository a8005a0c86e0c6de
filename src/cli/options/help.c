/* What is made of the table for people, --help, and for programs: one walk over a command's
 * text, which hands out lines with their marks, and rows where a line "@SECTION" stands for
 * them. */
#include "cli/json_out.h"
#include "cli/options/options.h"
#include "cli/options/values.h"
#include "cli/terminal.h"

#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const section_names[SECTIONS_COUNT] = {
#define X(name) [SECTION_##name] = #name,
    OPTION_SECTIONS(X)
#undef X
};

static const char *const kind_names[] = {
    [OPTION_IS_FLAG] = "flag",   [OPTION_IS_COUNT] = "count", [OPTION_IS_BYTES] = "bytes",
    [OPTION_IS_TIME] = "time",   [OPTION_IS_WORD] = "word",   [OPTION_IS_RATE] = "rate",
    [OPTION_IS_SHARE] = "share", [OPTION_IS_FILE] = "file",   [OPTION_IS_TEXT] = "text"};

static const struct command_help *help_of(enum command command)
{
    for (size_t i = 0; i < commands_count; i++) {
        if (commands_help[i].command == command)
            return &commands_help[i];
    }
    UNREACHABLE("command");
}

/* ---- sentences ---- */

static void print_number(FILE *out, enum option_kind kind, uint64_t number)
{
    char text[VALUE_TEXT_BYTES];
    if (kind == OPTION_IS_TIME)
        value_print_duration(text, number);
    else if (kind == OPTION_IS_BYTES)
        value_print_bytes(text, number);
    else
        snprintf(text, sizeof text, "%llu", (unsigned long long)number);
    fputs(text, out);
}

static void print_default(FILE *out, const struct option_row *row)
{
    if (row->text)
        fputs(row->text, out);
    else if (row->kind == OPTION_IS_SHARE)
        fprintf(out, "%g%%", row->share * 100);
    else
        print_number(out, row->kind, row->number);
}

/* A word in braces is one of these; other braces are text. */
static size_t print_placeholder(FILE *out, const struct option_row *row, const char *at)
{
    static const char least[] = "{min}", most[] = "{max}", usual[] = "{default}";
    if (strncmp(at, least, sizeof least - 1) == 0) {
        print_number(out, row->kind, row->min);
        return sizeof least - 1;
    }
    if (strncmp(at, most, sizeof most - 1) == 0) {
        print_number(out, row->kind, row->max);
        return sizeof most - 1;
    }
    if (strncmp(at, usual, sizeof usual - 1) == 0) {
        print_default(out, row);
        return sizeof usual - 1;
    }
    return 0;
}

/* With its numbers, for free; null: memory is out. */
static char *sentence_of(const struct option_row *row)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    if (!out)
        return NULL;
    for (const char *at = row->sentence; *at;) {
        size_t taken = *at == '{' ? print_placeholder(out, row, at) : 0;
        if (taken == 0)
            fputc(*at, out);
        at += taken > 0 ? taken : 1;
    }
    bool written = !ferror(out);
    written &= fclose(out) == 0;
    if (!written) {
        free(text);
        return NULL;
    }
    return text;
}

static struct ringsend_bytes next_line(const char **at)
{
    struct ringsend_bytes line = {*at, strcspn(*at, "\n")};
    *at += line.bytes + ((*at)[line.bytes] == '\n');
    return line;
}

/* ---- the walk ---- */

struct walk {
    /* `mark`: one of "$#>", or 0 */
    void (*line)(struct walk *w, char mark, struct ringsend_bytes line);
    void (*option)(struct walk *w, const struct option_row *row, const char *sentence);
    const struct command_help *help;
    struct json_out *json;
    size_t options; /* handed out */
    /* For people with a terminal: the lines, and of the text's last one its blanks and columns. */
    struct wrapped wrapped;
    size_t blanks, before;
};

static enum option_section section_of(struct ringsend_bytes name)
{
    for (int i = 0; i < SECTIONS_COUNT; i++) {
        if (span_equal(span_of(section_names[i]), name))
            return (enum option_section)i;
    }
    UNREACHABLE("a section that a command's text names");
}

static void walk_section(struct walk *w, enum option_section section)
{
    for (size_t i = 0; i < option_rows_count; i++) {
        const struct option_row *row = &option_rows[i];
        if (row->section != section || !(row->commands & (unsigned)w->help->command))
            continue;
        char *sentence = sentence_of(row);
        w->option(w, row, sentence ? sentence : row->sentence);
        w->options++;
        free(sentence);
    }
}

static size_t options_of(const struct command_help *help)
{
    size_t count = 0;
    for (size_t i = 0; i < option_rows_count; i++)
        count += (option_rows[i].commands & (unsigned)help->command) != 0;
    return count;
}

static void walk(struct walk *w)
{
    for (const char *at = w->help->text; *at;) {
        char mark = *at && strchr("@$#>", *at) ? *at++ : '\0';
        struct ringsend_bytes line = next_line(&at);
        if (mark == '@')
            walk_section(w, section_of(line));
        else
            w->line(w, mark, line);
    }
    CHECK(w->options == options_of(w->help)); /* the text names each of its sections once */
}

/* ---- for people ---- */

static size_t before_tab(struct ringsend_bytes line)
{
    const char *tab = memchr(line.data, '\t', line.bytes);
    return tab ? (size_t)(tab - line.data) : line.bytes;
}

static void print_line(struct walk *w, char mark, struct ringsend_bytes line)
{
    (void)w, (void)mark;
    int before = (int)before_tab(line), tab = before < (int)line.bytes;
    printf("%.*s%.*s\n", before, line.data, (int)line.bytes - before - tab,
           line.data + before + tab);
}

/* "  -o, --output FILE"; returns its columns. */
static int print_names(const struct option_row *row)
{
    int column = printf(row->letter ? "  -%c, " : "      ", row->letter);
    column += printf("%s", option_long(row->id));
    if (row->argument)
        column += printf(row->traits & OPTION_OPTIONAL ? "[=%s]" : " %s", row->argument);
    return column;
}

/* Its sentence stands from the text's column on, or two spaces behind what reaches into it. */
static void print_option(struct walk *w, const struct option_row *row, const char *sentence)
{
    int column = print_names(row);
    int least = column < (int)w->help->column ? 1 : 2, wanted = (int)w->help->column - column;
    printf("%*s", wanted > least ? wanted : least, "");
    for (const char *at = sentence; *at;) {
        struct ringsend_bytes line = next_line(&at);
        printf("%*s%.*s\n", at - line.bytes - 1 > sentence ? (int)w->help->column : 0, "",
               (int)line.bytes, line.data);
    }
}

/* ---- on a terminal of another width than the texts' own ---- */

enum { COLUMNS_OWN = 80, COLUMNS_MAX = 100, COLUMNS_NARROW = 60, INDENT_NARROW = 8 };

static size_t blanks_of(struct ringsend_bytes line)
{
    size_t blanks = 0;
    while (blanks < line.bytes && line.data[blanks] == ' ')
        blanks++;
    return blanks;
}

/* Where its author broke a line because the next word had no more room in it, it goes on. */
static bool goes_on(const struct walk *w, struct ringsend_bytes line)
{
    size_t blanks = blanks_of(line), word = blanks;
    while (word < line.bytes && line.data[word] != ' ')
        word++;
    return w->wrapped.at > 0 && blanks == w->blanks && w->before + 1 + word - blanks >= COLUMNS_OWN;
}

/* Prose, or a term and its explanation, beside which that goes on. */
static void wrap_words(struct walk *w, struct ringsend_bytes line)
{
    size_t before = before_tab(line), blanks = blanks_of(line);
    bool has_tab = before < line.bytes, has_term = has_tab && blanks < before;
    if (has_tab ? has_term || w->wrapped.at == 0 : !goes_on(w, line)) {
        wrapped_end(&w->wrapped);
        w->wrapped.indent = (unsigned)(has_tab ? before : blanks);
        w->wrapped.at = w->wrapped.indent;
        printf("%.*s", (int)(has_tab ? before : blanks), line.data);
        if (has_term && 2 * before > w->wrapped.columns) {
            w->wrapped.indent = w->wrapped.at = INDENT_NARROW;
            printf("\n%*s", INDENT_NARROW, "");
        }
    }
    if (has_tab && w->wrapped.at == w->wrapped.indent && before < w->wrapped.indent) {
        w->wrapped.indent = w->wrapped.at = (unsigned)before; /* below a term that is too long */
        printf("\n%*s", (int)before, "");
    }
    size_t from = has_tab ? before + 1 : blanks;
    wrapped_print(&w->wrapped, (struct ringsend_bytes){line.data + from, line.bytes - from});
    w->blanks = blanks;
    w->before = line.bytes - has_tab;
}

static void wrap_line(struct walk *w, char mark, struct ringsend_bytes line)
{
    if (mark == '\0' && line.bytes > 0) {
        wrap_words(w, line);
        return;
    }
    wrapped_end(&w->wrapped);
    if (mark != '#') {
        print_line(w, mark, line);
        return;
    }
    w->wrapped.indent = 0;
    fputs(terminal_style(STDOUT_FILENO, TERMINAL_BOLD), stdout);
    wrapped_print(&w->wrapped, line);
    fputs(terminal_style(STDOUT_FILENO, TERMINAL_PLAIN), stdout);
    wrapped_end(&w->wrapped);
}

static void wrap_option(struct walk *w, const struct option_row *row, const char *sentence)
{
    bool narrow = w->wrapped.columns < COLUMNS_NARROW;
    wrapped_end(&w->wrapped);
    w->wrapped.indent = narrow ? INDENT_NARROW : w->help->column;
    int wanted = (int)w->wrapped.indent - print_names(row);
    if (wanted > 0 && !narrow)
        printf("%*s", wanted, "");
    else
        printf("\n%*s", (int)w->wrapped.indent, "");
    w->wrapped.at = w->wrapped.indent;
    wrapped_print(&w->wrapped, span_of(sentence));
    wrapped_end(&w->wrapped);
}

void options_help(enum command command)
{
    struct walk w = {.line = print_line, .option = print_option, .help = help_of(command)};
    unsigned columns = terminal_columns(STDOUT_FILENO);
    if (columns > 0) {
        w.line = wrap_line;
        w.option = wrap_option;
        w.wrapped = (struct wrapped){.out = stdout,
                                     .columns = columns < COLUMNS_MAX ? columns : COLUMNS_MAX};
    }
    walk(&w);
    wrapped_end(&w.wrapped);
}

/* ---- for programs ---- */

static void put_text(struct json_out *j, const char *key, const char *text, size_t bytes)
{
    char *copy = strndup(text, bytes);
    json_words(j, key, copy);
    free(copy);
}

static const char *key_of(char mark)
{
    return mark == '$' ? "usage" : mark == '#' ? "heading" : mark == '>' ? "verbatim" : "term";
}

/* Prose is its text; anything else an object, by whose first key it is known. */
static void put_line(struct walk *w, char mark, struct ringsend_bytes line)
{
    size_t before = before_tab(line), behind = before + 1;
    if (mark == '\0' && before == line.bytes) {
        put_text(w->json, NULL, line.data, line.bytes);
        return;
    }
    json_begin(w->json, NULL, '{');
    put_text(w->json, key_of(mark), line.data, before);
    if (before < line.bytes)
        put_text(w->json, mark == '#' ? "note" : "explanation", line.data + behind,
                 line.bytes - behind);
    json_end_with(w->json, '}');
}

static void put_lines(struct json_out *j, const char *text)
{
    json_begin(j, "text", '[');
    for (text += strspn(text, " "); *text;) {
        struct ringsend_bytes line = next_line(&text);
        put_text(j, NULL, line.data, line.bytes);
    }
    json_end_with(j, ']');
}

static void put_option(struct walk *w, const struct option_row *row, const char *sentence)
{
    struct json_out *j = w->json;
    const char letter[] = {row->letter, '\0'};
    json_begin(j, NULL, '{');
    json_words(j, "id", option_word(row->id));
    json_words(j, "name", option_name(row->id));
    json_words(j, "letter", row->letter ? letter : NULL);
    json_words(j, "argument", row->argument);
    json_words(j, "kind", kind_names[row->kind]);
    json_words(j, "section", section_names[row->section]);
    json_words(j, "words", row->words);
    json_words(j, "curl", row->curl);
    json_words(j, "others", row->others);
    json_count(j, "min", row->min);
    json_count(j, "max", row->max);
    json_flag(j, "optional", row->traits & OPTION_OPTIONAL);
    json_flag(j, "repeats", row->traits & OPTION_REPEATS);
    json_flag(j, "shapes", row->traits & OPTION_SHAPES);
    json_flag(j, "secret", row->traits & OPTION_SECRET);
    put_lines(j, sentence);
    json_end_with(j, '}');
}

void options_print_json(void)
{
    struct json_out json = {.out = stdout};
    json_begin(&json, NULL, '[');
    for (size_t i = 0; i < commands_count; i++) {
        struct walk w = {
            .line = put_line, .option = put_option, .help = &commands_help[i], .json = &json};
        json_begin(&json, NULL, '{');
        json_words(&json, "name", w.help->name);
        json_words(&json, "summary", w.help->summary);
        json_begin(&json, "help", '[');
        walk(&w);
        json_end_with(&json, ']');
        json_end_with(&json, '}');
    }
    json_end_with(&json, ']');
    putchar('\n');
}
