#include "cli/send/options_hint.h"

#include "cli/shell.h"

#include <stdlib.h>
#include <string.h>

void options_hint_print_argument(struct options_hint *hint, const char *argument)
{
    char *shown = shell_masked(&hint->options->request.secrets, argument);
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

/* The name of a file that holds a secret is none. */
static bool is_secret(const struct option_use *use)
{
    return use->row->traits & OPTION_SECRET && use->text && use->text[0] != '@';
}

void options_hint_print(struct options_hint *hint, bool (*is_wanted)(const struct option_row *row))
{
    const struct options *given = &hint->options->given;
    for (size_t i = 0; i < given->uses_count; i++) {
        const struct option_use *use = &given->uses[i];
        if (!is_wanted(use->row))
            continue;
        if (is_secret(use))
            hint->left_out[use->row->id] = true;
        else
            print_use(hint, use);
    }
}

void options_hint_end(struct options_hint *hint)
{
    fputc('\n', hint->out);
    for (int i = 0; i < OPTIONS_COUNT; i++) {
        const struct option_row *row = hint->options->given.rows[i];
        if (hint->left_out[i] && row->letter)
            fprintf(hint->out, "  with the same -%c\n", row->letter);
        else if (hint->left_out[i])
            fprintf(hint->out, "  with the same %s\n", option_long(row->id));
    }
    if (hint->masked)
        fputs("  with what is secret in place of ***\n", hint->out);
}
