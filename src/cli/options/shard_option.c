/* Engines number their tasks from 0 or from 1, from anything (a Slurm array "5-20:5"), and only
 * some say how many there are. Several may be around each other, as GNU parallel within a task of
 * Slurm's: then it is for people to say which one is meant, unless all say the same. */
#include "cli/options/shard_option.h"

#include "cli/options/values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What says which task this is, the least of these numbers, the distance between two, and how many
 * there are; null: nothing does. */
static const struct engine {
    const char *number, *first, *step, *count;
    uint64_t base; /* the least number where nothing says it */
} engines[] = {
    {"SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_STEP",
     "SLURM_ARRAY_TASK_COUNT", 0},
    {"JOB_COMPLETION_INDEX", NULL, NULL, NULL, 0}, /* an Indexed Job of Kubernetes */
    {"AWS_BATCH_JOB_ARRAY_INDEX", NULL, NULL, "AWS_BATCH_JOB_ARRAY_SIZE", 0},
    {"PARALLEL_SEQ", NULL, NULL, NULL, 1}, /* GNU parallel */
};

struct share {
    const struct engine *by;
    uint64_t shard, shards;
};

/* A number of the environment, or what stands for one that is not there. */
static uint64_t number_of(const char *command, const char *name, uint64_t otherwise)
{
    const char *text = name ? getenv(name) : NULL;
    return text && text[0] ? value_count(command, name, text, 0, UINT32_MAX) : otherwise;
}

/* `asked`: N of auto/N; 0: it is for the engine to say. */
static struct share share_by(const char *command, const struct engine *by, uint64_t asked)
{
    uint64_t number = number_of(command, by->number, 0);
    uint64_t first = number_of(command, by->first, by->base);
    uint64_t step = number_of(command, by->step, 1);
    uint64_t count = number_of(command, by->count, 0);
    if (asked == 0 && count == 0)
        usage_error(command,
                    "--shard auto: %s says which share this is, and nothing of how many: "
                    "--shard auto/N",
                    by->number);
    if (asked > 0 && count > 0 && asked != count)
        usage_error(command, "--shard auto/%llu: %s says %llu", (unsigned long long)asked,
                    by->count, (unsigned long long)count);
    struct share share = {.by = by, .shards = count > 0 ? count : asked};
    if (step == 0 || number < first || (number - first) % step != 0 ||
        (number - first) / step >= share.shards)
        usage_error(command, "--shard auto: %s=%llu is none of %llu shares from %llu on",
                    by->number, (unsigned long long)number, (unsigned long long)share.shards,
                    (unsigned long long)first);
    share.shard = (number - first) / step;
    return share;
}

static struct share share_of_engines(const char *command, uint64_t asked)
{
    struct share found = {0};
    for (size_t i = 0; i < sizeof engines / sizeof *engines; i++) {
        const char *number = getenv(engines[i].number);
        if (!number || !number[0])
            continue;
        struct share share = share_by(command, &engines[i], asked);
        if (found.by && (found.shard != share.shard || found.shards != share.shards))
            usage_error(command,
                        "--shard auto: by %s this is %llu/%llu, by %s %llu/%llu: say which",
                        found.by->number, (unsigned long long)found.shard,
                        (unsigned long long)found.shards, share.by->number,
                        (unsigned long long)share.shard, (unsigned long long)share.shards);
        if (!found.by)
            found = share;
    }
    if (!found.by)
        usage_error(command, "--shard auto: none of SLURM_ARRAY_TASK_ID, JOB_COMPLETION_INDEX, "
                             "AWS_BATCH_JOB_ARRAY_INDEX and PARALLEL_SEQ is set");
    return found;
}

static struct share share_of_text(const char *command, const char *text)
{
    const char *slash = strchr(text, '/');
    char first[32];
    if (!slash || (size_t)(slash - text) >= sizeof first)
        usage_error(command, "--shard must be I/N, such as 0/4, or auto, not \"%s\"", text);
    memcpy(first, text, (size_t)(slash - text));
    first[slash - text] = '\0';
    struct share share = {.shards =
                              value_count(command, "--shard I/N: N", slash + 1, 1, UINT32_MAX)};
    if (strcmp(first, "auto") == 0)
        return share_of_engines(command, share.shards);
    share.shard = value_count(command, "--shard I/N: I", first, 0, share.shards - 1);
    return share;
}

void shard_option_read(const struct options *given, struct source_range *range,
                       char text[SHARD_TEXT_BYTES])
{
    const char *command = command_name(given->command);
    struct option_use *use = &given->uses[given->last[OPTION_SHARD] - 1];
    struct share share = strcmp(use->text, "auto") == 0 ? share_of_engines(command, 0)
                                                        : share_of_text(command, use->text);
    range->shards = share.shards;
    range->shard = share.shard;
    if (!share.by)
        return;
    snprintf(text, SHARD_TEXT_BYTES, "%llu/%llu", (unsigned long long)share.shard,
             (unsigned long long)share.shards);
    use->text = text;
    if (!option_given(given, OPTION_QUIET))
        fprintf(stderr, "ringsend %s: --shard %s, by %s=%s\n", command, text, share.by->number,
                getenv(share.by->number));
}
