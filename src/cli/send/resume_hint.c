#include "cli/send/resume_hint.h"

#include "cli/options/options_hint.h"

#include <stdbool.h>

struct journal_counts resume_hint_count(const struct journal *journal, const char *parked_path)
{
    struct journal_counts counts = journal_count(journal);
    struct parked *parked = NULL;
    if (parked_path && parked_read(&parked, parked_path, journal_fingerprint(journal)) == PARKED_OK)
        parked_count(parked, journal, &counts);
    parked_free(parked);
    return counts;
}

/* What was never read as well, where it can be told. */
static uint64_t left_of_all(const struct journal_counts *counts)
{
    uint64_t known = counts->done + counts->in_doubt;
    return counts->total > known + counts->left ? counts->total - known : counts->left;
}

void resume_hint_print_counts(FILE *out, const struct journal_counts *counts)
{
    fprintf(out, "%llu done", (unsigned long long)counts->done);
    if (counts->not_ok > 0)
        fprintf(out, ", %llu of them not ok", (unsigned long long)counts->not_ok);
    if (counts->waiting > 0)
        fprintf(out, " (%llu of them to be written in their turn)",
                (unsigned long long)counts->waiting);
    fprintf(out, ", %llu in doubt, %s%llu left", (unsigned long long)counts->in_doubt,
            counts->input_ended         ? ""
            : counts->total_is_estimate ? "about "
                                        : "at least ",
            (unsigned long long)left_of_all(counts));
}

static bool is_kept(const struct option_row *row)
{
    return row->id != OPTION_RESUME && row->id != OPTION_FORCE;
}

static bool is_any(const struct option_row *row)
{
    return row != NULL;
}

void resume_hint_print_command(FILE *out, const struct send_options *options, bool resume)
{
    struct options_hint hint = {
        .out = out, .given = &options->given, .secrets = &options->request.secrets};
    fprintf(out, "ringsend send%s", resume ? " --resume" : "");
    options_hint_print(&hint, resume ? is_kept : is_any);
    options_hint_print_inputs(&hint);
}

void resume_hint_print(FILE *out, const struct journal_counts *counts,
                       const struct send_options *options)
{
    struct options_hint hint = {
        .out = out, .given = &options->given, .secrets = &options->request.secrets};
    fputs("ringsend: not finished: ", out);
    resume_hint_print_counts(out, counts);
    fputs(". To go on:\n  ringsend send --resume", out);
    options_hint_print(&hint, is_kept);
    options_hint_print_inputs(&hint);
    options_hint_end(&hint);
    if (counts->in_doubt > 0)
        fputs("  What is in doubt may have been processed: it is sent again only where that is "
              "harmless\n  (GET, PUT, an idempotency key ...) or with --at-least-once; the others "
              "get the result in_doubt\n",
              out);
}
