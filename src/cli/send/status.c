/* `ringsend status`: what the journal beside a results file knows. Only looks; a run may be at
 * work. */
#include "base/json_put.h"
#include "cli/commands.h"
#include "cli/options/options.h"
#include "cli/options/values.h"
#include "cli/send/resume_hint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char command[] = "status";

static void print_json(const char *path, const struct journal_counts *counts, bool held)
{
    struct buf_pool pool;
    struct buf name = {0};
    buf_pool_init(&pool);
    if (json_append_string(span_of(path), &pool, &name)) {
        printf("{\"file\":%.*s,\"running\":%s,\"done\":%llu,\"not_ok\":%llu,\"in_doubt\":%llu,"
               "\"left\":%llu,"
               "\"input_ended\":%s,\"written_at\":%lld",
               (int)name.bytes, name.data, held ? "true" : "false",
               (unsigned long long)counts->done, (unsigned long long)counts->not_ok,
               (unsigned long long)counts->in_doubt, (unsigned long long)counts->left,
               counts->input_ended ? "true" : "false", (long long)counts->written_s);
        if (counts->total > 0)
            printf(",\"total\":%llu,\"total_is_estimate\":%s", (unsigned long long)counts->total,
                   counts->total_is_estimate ? "true" : "false");
        if (counts->waiting > 0)
            printf(",\"waiting\":%llu", (unsigned long long)counts->waiting);
        puts("}");
    }
    buf_release(&pool, &name);
    buf_pool_free(&pool);
}

static void print_text(const char *path, const struct journal_counts *counts, bool held)
{
    char when[64] = "";
    struct tm local;
    time_t at = (time_t)counts->written_s;
    if (localtime_r(&at, &local))
        strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &local);
    printf("%s: ", path);
    resume_hint_print_counts(stdout, counts);
    printf("; last results %s; %s\n", when,
           held ? "a run is at work" : "no run is at work: --resume goes on");
}

static const char *why_not(enum journal_error error, const char *path)
{
    switch (error) {
    case JOURNAL_NONE:
        return access(path, F_OK) == 0 ? "no journal: its run has come to its end, or kept none"
                                       : "no such results, and no journal";
    case JOURNAL_FAILED:
        return strerror(errno);
    case JOURNAL_UNKNOWN:
        return "the file beside it is no journal of ringsend";
    case JOURNAL_OTHER_VERSION:
        return "the file beside it is no journal of this version of ringsend";
    case JOURNAL_OK:
    case JOURNAL_HELD:
    case JOURNAL_DAMAGED:
    case JOURNAL_TOO_SHORT:
    case JOURNAL_TOO_LONG:
        break;
    }
    return "the journal is damaged";
}

static int report(const char *path, bool json)
{
    char *name;
    char *parked = NULL;
    if (asprintf(&name, "%s.journal", path) < 0 || asprintf(&parked, "%s.parked", path) < 0) {
        fputs("ringsend status: memory is out\n", stderr);
        return EXIT_INPUT;
    }
    struct journal *journal;
    bool held;
    enum journal_error error = journal_look(&journal, name, &held);
    free(name);
    if (error != JOURNAL_OK) {
        fprintf(stderr, "ringsend status: %s: %s\n", path, why_not(error, path));
        free(parked);
        return EXIT_INPUT;
    }
    struct journal_counts counts = resume_hint_count(journal, parked);
    free(parked);
    if (json)
        print_json(path, &counts, held);
    else
        print_text(path, &counts, held);
    journal_close(journal);
    return EXIT_OK;
}

int command_status(int argc, char **argv)
{
    struct options given;
    options_parse(&given, COMMAND_STATUS, argc, argv);
    if (given.arguments_count == 0)
        usage_error(command, "name the results file of a run");
    int status = EXIT_OK;
    for (size_t i = 0; i < given.arguments_count; i++) {
        int one = report(given.arguments[i], option_given(&given, OPTION_JSON));
        status = one == EXIT_OK ? status : one;
    }
    options_free(&given);
    return status;
}
