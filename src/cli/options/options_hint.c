#include "cli/options/options_hint.h"

#include "base/check.h"
#include "base/span.h"
#include "cli/shell.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/* A shell does not run the command as long as the variable is not set, and says which. */
static void print_gap(struct options_hint *hint, const char *name)
{
    size_t used = strlen(hint->gaps);
    fprintf(hint->out, "\"${%s:?is secret and not shown}\"", name);
    snprintf(hint->gaps + used, sizeof hint->gaps - used, "%s%s", used > 0 ? ", " : "", name);
}

/* With a gap for each "***" that something secret has become. */
static void print_masked(struct options_hint *hint, const char *shown)
{
    static const char mask[] = "***";
    fputc(' ', hint->out);
    for (const char *next; (next = strstr(shown, mask)); shown = next + sizeof mask - 1) {
        char name[32];
        if (next > shown)
            shell_print_quoted(hint->out, (struct ringsend_bytes){shown, (size_t)(next - shown)});
        snprintf(name, sizeof name, "SECRET_%u", ++hint->masks);
        print_gap(hint, name);
    }
    if (*shown)
        shell_print_quoted(hint->out, span_of(shown));
}

void options_hint_print_argument(struct options_hint *hint, const char *argument)
{
    char *shown = shell_masked(hint->secrets, argument);
    if (shown && strcmp(shown, argument) == 0)
        shell_print_word(hint->out, argument);
    else
        print_masked(hint, shown ? shown : "***");
    free(shown);
}

/* The name of a header as it was given, and a gap for its value: SECRET_X_API_KEY. */
static void print_header(struct options_hint *hint, const char *header)
{
    struct ringsend_bytes name = {header, strcspn(header, ":")};
    char variable[64];
    size_t at = (size_t)snprintf(variable, sizeof variable, "SECRET_");
    for (size_t i = 0; i < name.bytes && at + 1 < sizeof variable; i++)
        variable[at++] =
            isalnum((unsigned char)name.data[i]) ? (char)toupper((unsigned char)name.data[i]) : '_';
    variable[at] = '\0';
    fputc(' ', hint->out);
    name.bytes += strspn(header + name.bytes, ": \t");
    shell_print_quoted(hint->out, name);
    print_gap(hint, variable);
}

/* SECRET_USER in place of what --user was given. */
static void print_secret(struct options_hint *hint, const struct option_row *row)
{
    char variable[64];
    snprintf(variable, sizeof variable, "SECRET_%s", option_word(row->id));
    fputc(' ', hint->out);
    print_gap(hint, variable);
}

/* A value that may be absent stands in the word of its option. */
static void print_in_one(struct options_hint *hint, const char *name, const char *value)
{
    char *word = NULL;
    if (asprintf(&word, "%s=%s", name, value) < 0)
        word = NULL;
    options_hint_print_argument(hint, word ? word : name);
    free(word);
}

/* Headers that tell who asks are many, and those that never do are few. */
static bool is_plain_name(struct ringsend_bytes name)
{
    static const char *const names[] = {"accept",           "accept-encoding", "accept-language",
                                        "cache-control",    "content-type",    "content-encoding",
                                        "content-language", "user-agent"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (span_equal_nocase(name, span_of(names[i])))
            return true;
    }
    return false;
}

/* Nothing but places of a template, behind a scheme of authorization or not: what is secret is in
 * the environment, or in the records. */
static bool is_all_template(const char *value)
{
    static const char *const schemes[] = {"Basic", "Bearer", "Token"};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        if (strncasecmp(value, schemes[i], strlen(schemes[i])) == 0)
            value += strlen(schemes[i]);
    }
    for (value += strspn(value, " \t"); *value; value += strspn(value, " \t")) {
        const char *end = strncmp(value, "{{", 2) == 0 ? strstr(value, "}}") : NULL;
        if (!end || value[2] == '{')
            return false;
        value = end + 2;
    }
    return true;
}

/* The name of a file that holds a secret is none. */
static bool is_secret(const struct option_use *use)
{
    if (!(use->row->traits & OPTION_SECRET) || use->text[0] == '@')
        return false;
    const char *colon = strchr(use->text, ':');
    if (use->row->id != OPTION_HEADER)
        return !is_all_template(use->text);
    CHECK(colon);
    struct ringsend_bytes name = {use->text, (size_t)(colon - use->text)};
    return !is_plain_name(name) && !is_all_template(colon + 1 + strspn(colon + 1, " \t"));
}

static void print_use(struct options_hint *hint, const struct option_use *use)
{
    const char letter[] = {'-', use->row->letter, '\0'};
    const char *name = use->by_letter ? letter : option_long(use->row->id);
    if (use->text && use->row->traits & OPTION_OPTIONAL) {
        print_in_one(hint, name, use->text);
        return;
    }
    shell_print_word(hint->out, name);
    if (!use->text)
        return;
    if (is_secret(use) && use->row->id == OPTION_HEADER)
        print_header(hint, use->text);
    else if (is_secret(use))
        print_secret(hint, use->row);
    else
        options_hint_print_argument(hint, use->text);
}

/* What files gave needs no words where it is all wanted again, and the files stay there. */
static bool files_do(const struct options *given, bool (*is_wanted)(const struct option_row *row))
{
    struct stat about;
    for (size_t i = 0; i < given->uses_count; i++) {
        const struct option_use *use = &given->uses[i];
        if (use->file &&
            (!is_wanted(use->row) || stat(use->file, &about) != 0 || !S_ISREG(about.st_mode)))
            return false;
    }
    return true;
}

void options_hint_print(struct options_hint *hint, bool (*is_wanted)(const struct option_row *row))
{
    const struct options *given = hint->given;
    bool by_files = files_do(given, is_wanted);
    if (given->reads_files && !by_files)
        shell_print_word(hint->out, option_long(OPTION_NO_CONFIG));
    for (size_t i = 0; i < given->uses_count; i++) {
        const struct option_use *use = &given->uses[i];
        bool names_files = use->row->id == OPTION_CONFIG || use->row->id == OPTION_NO_CONFIG;
        if (names_files ? by_files : is_wanted(use->row) && !(use->file && by_files))
            print_use(hint, use);
    }
}

/* A file by the name of an option. */
static bool looks_like_option(const char *argument)
{
    return argument[0] == '-' && argument[1] != '\0';
}

void options_hint_print_inputs(struct options_hint *hint)
{
    const struct options *given = hint->given;
    bool parted = false;
    for (size_t i = 0; i < given->arguments_count; i++)
        parted |= looks_like_option(given->arguments[i]);
    if (parted)
        fputs(" --", hint->out);
    for (size_t i = 0; i < given->arguments_count; i++)
        options_hint_print_argument(hint, given->arguments[i]);
}

void options_hint_end(struct options_hint *hint)
{
    fputc('\n', hint->out);
    if (hint->gaps[0])
        fprintf(hint->out, "  What is secret is not shown: set %s first\n", hint->gaps);
}
