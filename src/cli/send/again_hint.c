/* The command is that of the run, but for three things. The failed lines are its input; what was
 * written stays, so that its files have new names; and which of the records were meant, of how many
 * files, is past. */
#include "cli/send/again_hint.h"

#include "cli/descriptor.h"
#include "cli/options/options_hint.h"
#include "cli/shell.h"
#include "cli/units.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool is_kept(const struct option_row *row)
{
    static const enum option_id others[] = {OPTION_OUTPUT, OPTION_FAILED, OPTION_BODIES,
                                            OPTION_FORCE,  OPTION_RESUME, OPTION_SKIP,
                                            OPTION_LIMIT,  OPTION_SHARD};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (row->id == others[i])
            return false;
    }
    return true;
}

/* Of this run or one before it; of a record that was too long nothing is kept. */
static bool has_lines(const char *path)
{
    struct stat about;
    return descriptor_named(path) < 0 && stat(path, &about) == 0 && S_ISREG(about.st_mode) &&
           about.st_size > 0;
}

/* Neither it nor what would stand beside it. */
static bool is_free(const char *path)
{
    struct stat about;
    char *journal;
    bool is = lstat(path, &about) != 0;
    if (asprintf(&journal, "%s.journal", path) < 0)
        return is;
    is = is && lstat(journal, &about) != 0;
    free(journal);
    return is;
}

/* "again-" before the last part of the path, as often as it takes, so that the end, which tells the
 * format, stays. Null: memory is out. */
static char *new_name(const char *path)
{
    size_t bytes = strlen(path);
    while (bytes > 1 && path[bytes - 1] == '/')
        bytes--;
    const char *last = memrchr(path, '/', bytes);
    size_t at = last ? (size_t)(last + 1 - path) : 0;
    char *name = strndup(path, bytes), *longer;
    do {
        bool is_made = name && asprintf(&longer, "%.*sagain-%s", (int)at, path, name + at) >= 0;
        free(name);
        name = is_made ? longer : NULL;
    } while (name && !is_free(name));
    return name;
}

/* What is no file of that name, as a pipe or /dev/fd/3, is written to as before. */
static void print_output(struct options_hint *hint, enum option_id id, const char *path)
{
    if (!path)
        return;
    struct stat about;
    bool is_file = descriptor_named(path) < 0 && stat(path, &about) == 0 &&
                   (S_ISREG(about.st_mode) || S_ISDIR(about.st_mode));
    char *name = is_file ? new_name(path) : NULL;
    shell_print_word(hint->out, id == OPTION_OUTPUT ? "-o" : option_long(id));
    options_hint_print_argument(hint, name ? name : path);
    free(name);
}

static void print_outputs(struct options_hint *hint, const struct send_options *options)
{
    if (options->output && strcmp(options->output, "-") != 0)
        print_output(hint, OPTION_OUTPUT, options->output);
    print_output(hint, OPTION_FAILED, options->failed);
    print_output(hint, OPTION_BODIES, options->bodies);
}

/* Failed lines stand as they did in the inputs, but for JSON, of which each has a line now. */
static void print_format(FILE *out, const struct send_options *options)
{
    enum format was = format_of_name(options->inputs[0]);
    enum format is = format_of_name(options->failed);
    if (send_given(options, OPTION_FORMAT) || was == is ||
        (format_is_json(was) && format_is_json(is)))
        return;
    fprintf(out, " %s %s", option_long(OPTION_FORMAT),
            format_word(format_is_json(was) ? FORMAT_JSONL : was));
}

/* Which of the failed ones of earlier runs are ambiguous, only their results know; with keys none
 * is. */
static void print_earlier(FILE *out, const struct job_report *report,
                          const struct send_options *options, const struct journal_counts *whole)
{
    uint64_t failed = report->records - report->ok;
    uint64_t earlier = whole->not_ok > failed ? whole->not_ok - failed : 0;
    if (earlier > 0 && !send_given(options, OPTION_IDEMPOTENCY_KEY))
        fprintf(out,
                "  %llu of them failed in earlier runs: whether %s may have been processed, %s "
                "(\"ambiguous\")\n",
                (unsigned long long)earlier, earlier == 1 ? "it" : "they",
                earlier == 1 ? "its result tells" : "their results tell");
}

static void print_cautions(FILE *out, const struct job_report *report,
                           const struct send_options *options, const struct journal_counts *whole)
{
    uint64_t places = report->keys_of_places;
    if (places > 0)
        fprintf(out,
                "  with other idempotency keys for %llu of them: without an id (\"id\", --id) the "
                "key goes by the place in the file\n",
                (unsigned long long)places);
    uint64_t ambiguous = report->ambiguous, skipped = report->by_error[RINGSEND_E_RECORD_TOO_LONG];
    if (ambiguous > 0)
        fprintf(out,
                "  %llu of them may have been processed already: sending %s again may double %s "
                "effect\n",
                (unsigned long long)ambiguous, ambiguous == 1 ? "it" : "them",
                ambiguous == 1 ? "its" : "their");
    print_earlier(out, report, options, whole);
    if (skipped > 0)
        fprintf(out, "  without the %llu line%s that %s too long: %s skipped\n",
                (unsigned long long)skipped, plural(skipped), skipped == 1 ? "was" : "were",
                skipped == 1 ? "it was" : "those were");
}

void again_hint_print(FILE *out, const struct job_report *report,
                      const struct send_options *options, const struct journal_counts *whole)
{
    struct options_hint hint = {
        .out = out, .given = &options->given, .secrets = &options->request.secrets};
    if (!options->failed || !has_lines(options->failed))
        return;
    fputs("ringsend: to send the failed ones again:\n  ringsend send", out);
    print_outputs(&hint, options);
    options_hint_print(&hint, is_kept);
    print_format(out, options);
    shell_print_path(out, options->failed);
    options_hint_end(&hint);
    print_cautions(out, report, options, whole);
}

static bool is_kept_for_rest(const struct option_row *row)
{
    return row->id == OPTION_SHARD || is_kept(row);
}

void again_hint_print_rest(FILE *out, const struct job_report *report,
                           const struct send_options *options)
{
    struct options_hint hint = {
        .out = out, .given = &options->given, .secrets = &options->request.secrets};
    const struct source_range *range = &options->records.range;
    uint64_t number = report->unread_number > range->skip ? report->unread_number : range->skip;
    uint64_t passed = number - range->skip;
    if (range->limit > 0 && passed >= range->limit)
        return;
    fprintf(out, "  the rest: ringsend send --skip %llu", (unsigned long long)number);
    if (range->limit > 0)
        fprintf(out, " --limit %llu", (unsigned long long)(range->limit - passed));
    print_outputs(&hint, options);
    options_hint_print(&hint, is_kept_for_rest);
    options_hint_print_inputs(&hint);
    options_hint_end(&hint);
}
