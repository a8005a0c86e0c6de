#include "cli/options/options_hint.h"

#include "base/span.h"
#include "cli/shell.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void options_hint_print_argument(struct options_hint *hint, const char *argument)
{
    char *shown = shell_masked(hint->secrets, argument);
    hint->masked |= !shown || strcmp(shown, argument) != 0;
    shell_print_word(hint->out, shown ? shown : "***");
    free(shown);
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

static void print_use(struct options_hint *hint, const struct option_use *use)
{
    const char letter[] = {'-', use->row->letter, '\0'};
    const char *name = use->by_letter ? letter : option_long(use->row->id);
    if (use->text && use->row->traits & OPTION_OPTIONAL) {
        print_in_one(hint, name, use->text);
        return;
    }
    shell_print_word(hint->out, name);
    if (use->text)
        options_hint_print_argument(hint, use->text);
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
    if (!(use->row->traits & OPTION_SECRET) || !use->text || use->text[0] == '@')
        return false;
    const char *colon = use->row->id == OPTION_HEADER ? strchr(use->text, ':') : NULL;
    if (!colon)
        return true;
    struct ringsend_bytes name = {use->text, (size_t)(colon - use->text)};
    return !is_plain_name(name) && !is_all_template(colon + 1 + strspn(colon + 1, " \t"));
}

void options_hint_print(struct options_hint *hint, bool (*is_wanted)(const struct option_row *row))
{
    const struct options *given = hint->given;
    if (given->reads_files)
        shell_print_word(hint->out, option_long(OPTION_NO_CONFIG));
    for (size_t i = 0; i < given->uses_count; i++) {
        const struct option_use *use = &given->uses[i];
        if (use->row->id == OPTION_CONFIG || use->row->id == OPTION_NO_CONFIG ||
            !is_wanted(use->row))
            continue;
        if (is_secret(use))
            hint->left_out[use->row->id] = true;
        else
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
    for (int i = 0; i < OPTIONS_COUNT; i++) {
        const struct option_row *row = hint->given->rows[i];
        if (hint->left_out[i] && row->letter)
            fprintf(hint->out, "  with the same -%c\n", row->letter);
        else if (hint->left_out[i])
            fprintf(hint->out, "  with the same %s\n", option_long(row->id));
    }
    if (hint->masked)
        fputs("  with what is secret in place of ***\n", hint->out);
}
