#include "cli/send/resume_hint.h"

#include "cli/shell.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct journal_counts resume_hint_count(const struct journal *journal, const char *parked_path)
{
    struct journal_counts counts = journal_count(journal);
    struct parked *parked = NULL;
    if (parked_path && parked_read(&parked, parked_path, journal_fingerprint(journal)) == PARKED_OK)
        parked_count(parked, journal, &counts);
    parked_free(parked);
    return counts;
}

void resume_hint_print_counts(FILE *out, const struct journal_counts *counts)
{
    fprintf(out, "%llu done", (unsigned long long)counts->done);
    if (counts->waiting > 0)
        fprintf(out, " (%llu of them to be written in their turn)",
                (unsigned long long)counts->waiting);
    fprintf(out, ", %llu in doubt, %s%llu left", (unsigned long long)counts->in_doubt,
            counts->input_ended ? "" : "at least ", (unsigned long long)counts->left);
}

/* One option as the user spelt it, with what is secret in its value masked. */
static void print_use(FILE *out, const struct secrets *secrets, const struct option_use *use)
{
    const char letter[] = {'-', use->row->letter, '\0'};
    const char *name = use->by_letter ? letter : option_long(use->row->id);
    if (!use->text || !(use->row->traits & OPTION_OPTIONAL)) {
        shell_print_word(out, name);
        if (use->text)
            shell_print_masked(out, secrets, use->text);
        return;
    }
    /* A value that may be absent stands in the word of its option. */
    char *value = shell_masked(secrets, use->text), *word = NULL;
    if (asprintf(&word, "%s=%s", name, value ? value : "***") < 0)
        word = NULL;
    shell_print_word(out, word ? word : name);
    free(word);
    free(value);
}

/* The name of a file that holds a secret is none. */
static bool is_secret(const struct option_use *use)
{
    return use->row->traits & OPTION_SECRET && use->text && use->text[0] != '@';
}

/* A file by the name of an option. */
static bool looks_like_option(const char *argument)
{
    return argument[0] == '-' && argument[1] != '\0';
}

static void print_arguments(FILE *out, const struct send_options *options)
{
    const struct options *given = &options->given;
    bool parted = false;
    for (size_t i = 0; i < given->arguments_count && !parted; i++)
        parted = looks_like_option(given->arguments[i]);
    if (parted)
        shell_print_word(out, "--");
    for (size_t i = 0; i < given->arguments_count; i++)
        shell_print_masked(out, &options->request.secrets, given->arguments[i]);
}

void resume_hint_print(FILE *out, const struct journal_counts *counts,
                       const struct send_options *options)
{
    const struct options *given = &options->given;
    unsigned left_out[OPTIONS_COUNT] = {0};
    fputs("ringsend: not finished: ", out);
    resume_hint_print_counts(out, counts);
    fputs(". To go on:\n  ringsend send --resume", out);
    for (size_t i = 0; i < given->uses_count; i++) {
        const struct option_use *use = &given->uses[i];
        if (use->row->id == OPTION_RESUME || use->row->id == OPTION_FORCE)
            continue;
        if (is_secret(use))
            left_out[use->row->id]++;
        else
            print_use(out, &options->request.secrets, use);
    }
    print_arguments(out, options);
    for (int i = 0; i < OPTIONS_COUNT; i++) {
        if (left_out[i] > 0)
            fprintf(out, "\n  with the same %s",
                    given->rows[i]->letter ? (char[]){'-', given->rows[i]->letter, '\0'}
                                           : option_long((enum option_id)i));
    }
    fputc('\n', out);
    if (counts->in_doubt > 0)
        fputs("  What is in doubt may have been processed: it is sent again only where that is "
              "harmless\n  (GET, PUT, an idempotency key ...) or with --at-least-once; the others "
              "get the result in_doubt\n",
              out);
}
