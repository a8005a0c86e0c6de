#include "journal/group_commit.h"

#include "base/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool group_commit_open(struct group_commit *g, struct ringsend *engine, int fd, uint32_t capacity)
{
    struct stat about;
    *g = (struct group_commit){.capacity = capacity,
                               .is_directory = fstat(fd, &about) == 0 && S_ISDIR(about.st_mode)};
    g->items = calloc(capacity, sizeof *g->items);
    return g->items && file_open(engine, fd, &g->file) == 0;
}

void group_commit_close(struct group_commit *g)
{
    file_close(&g->file);
    free(g->items);
    *g = (struct group_commit){0};
}

void group_commit_put(struct group_commit *g, void *item)
{
    uint32_t count = g->passed + g->syncing + g->waiting;
    CHECK(count < g->capacity);
    g->items[count] = item;
    g->waiting++;
}

void group_commit_turn(struct group_commit *g)
{
    if (!g->file || file_busy(g->file))
        return;
    if (g->syncing > 0) {
        int64_t result = file_take(g->file);
        /* Where directories cannot be synced there is nothing to wait for. */
        if (result == -EINVAL && g->is_directory)
            result = 0;
        if (result < 0 && g->error == 0)
            g->error = (int)-result;
        if (g->error == 0)
            g->passed += g->syncing;
        else
            g->waiting += g->syncing;
        g->syncing = 0;
    }
    if (g->waiting == 0 || g->error)
        return;
    g->syncing = g->waiting;
    g->waiting = 0;
    if (g->is_directory)
        file_sync_whole(g->file);
    else
        file_sync(g->file);
}

static void *take_first(struct group_commit *g)
{
    void *item = g->items[0];
    uint32_t rest = g->passed + g->syncing + g->waiting - 1;
    memmove(g->items, g->items + 1, rest * sizeof *g->items);
    return item;
}

void *group_commit_take(struct group_commit *g)
{
    if (g->passed == 0)
        return NULL;
    void *item = take_first(g);
    g->passed--;
    return item;
}

void *group_commit_take_refused(struct group_commit *g)
{
    if (g->error == 0 || g->passed > 0 || g->waiting == 0)
        return NULL;
    void *item = take_first(g);
    g->waiting--;
    return item;
}

bool group_commit_is_empty(const struct group_commit *g)
{
    return g->passed + g->syncing + g->waiting == 0;
}

void group_commit_clear(struct group_commit *g)
{
    g->passed = g->syncing = g->waiting = 0;
}
