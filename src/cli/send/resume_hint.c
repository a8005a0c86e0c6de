#include "cli/send/resume_hint.h"

#include "cli/shell.h"

#include <stdbool.h>
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

enum word { WORD_KEPT, WORD_DROPPED, WORD_DROPPED_WITH_VALUE };

/* Of --name or an abbreviation of it, of at least `least` letters; *has_value: it holds a "=". */
static bool is_option(const char *word, const char *name, size_t least, bool *has_value)
{
    size_t bytes = strcspn(word, "=");
    *has_value = word[bytes] == '=';
    return bytes >= least && bytes <= strlen(name) && strncmp(word, name, bytes) == 0;
}

/* Headers whose text stands on the command line, and what --resume stands for or against. */
static enum word judge(const char *word, const char *next)
{
    bool has_value;
    if (is_option(word, "--force", 5, &has_value) || is_option(word, "--resume", 5, &has_value))
        return WORD_DROPPED;
    if (is_option(word, "--header", 6, &has_value)) {
        if (has_value)
            return strchr(word, '=')[1] == '@' ? WORD_KEPT : WORD_DROPPED;
        return next && next[0] == '@' ? WORD_KEPT : WORD_DROPPED_WITH_VALUE;
    }
    if (strncmp(word, "-H", 2) != 0)
        return WORD_KEPT;
    if (word[2])
        return word[2] == '@' ? WORD_KEPT : WORD_DROPPED;
    return next && next[0] == '@' ? WORD_KEPT : WORD_DROPPED_WITH_VALUE;
}

void resume_hint_print(FILE *out, const struct journal_counts *counts,
                       const struct send_options *options)
{
    bool headers = false;
    fputs("ringsend: not finished: ", out);
    resume_hint_print_counts(out, counts);
    fputs(". To go on:\n  ringsend send --resume", out);
    for (int i = 1; i < options->argc; i++) {
        const char *next = i + 1 < options->argc ? options->argv[i + 1] : NULL;
        enum word word = judge(options->argv[i], next);
        if (word == WORD_KEPT)
            shell_print_masked(out, &options->request.secrets, options->argv[i]);
        headers |= word != WORD_KEPT && strncmp(options->argv[i], "-H", 2) == 0;
        headers |= word != WORD_KEPT && strncmp(options->argv[i], "--he", 4) == 0;
        i += word == WORD_DROPPED_WITH_VALUE;
    }
    fputs(headers ? "\n  with the same -H\n" : "\n", out);
    if (counts->in_doubt > 0)
        fputs("  What is in doubt may have been processed: it is sent again only where that is "
              "harmless\n  (GET, PUT, an idempotency key ...) or with --at-least-once; the others "
              "get the result in_doubt\n",
              out);
}
