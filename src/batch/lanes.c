#include "batch/lanes.h"

#include "base/check.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

bool lanes_init(struct lanes *l, uint32_t records, uint32_t window, uint32_t going_max,
                uint32_t aside_max)
{
    CHECK(window >= 1 && going_max >= window);
    *l = (struct lanes){.window = window, .going_max = going_max, .aside_max = aside_max};
    l->aside_now = LANES_ASIDE_MIN < aside_max ? LANES_ASIDE_MIN : aside_max;
    list_init(&l->in_use);
    list_init(&l->unused);
    list_init(&l->full);
    size_t size = 16;
    while (size < records)
        size *= 2;
    l->hash_mask = size - 1;
    l->all = malloc(records * sizeof *l->all); /* each is filled in when it is taken first */
    l->hash = calloc(size, sizeof *l->hash);
    return l->all && l->hash;
}

void lanes_start(struct lanes *l, uint32_t connections, uint64_t now_ns)
{
    l->started_ns = l->moved_ns = now_ns;
    l->starting_max = (connections + 1) / 2;
}

uint64_t lanes_starting(struct lanes *l, bool all_read, uint64_t now_ns)
{
    uint64_t at_ns = l->started_ns + LANES_START_NS;
    if (all_read || now_ns >= at_ns)
        l->starting_max = 0;
    return l->starting_max > 0 ? at_ns - now_ns : RINGSEND_NEVER;
}

void lanes_free(struct lanes *l)
{
    free(l->all);
    free(l->hash);
    *l = (struct lanes){0};
}

/* ---- which lane ---- */

/* Scheme, host and port as they are written. */
static struct ringsend_bytes host_part(struct ringsend_bytes url)
{
    size_t slashes = 0, i = 0;
    for (; i < url.bytes; i++) {
        char c = url.data[i];
        if (c == '?' || c == '#' || (c == '/' && ++slashes == 3))
            break;
    }
    return (struct ringsend_bytes){url.data, i};
}

static struct lane **slot_of(const struct lanes *l, const uint64_t key[2])
{
    struct lane **at = &l->hash[key[0] & l->hash_mask];
    while (*at && ((*at)->key[0] != key[0] || (*at)->key[1] != key[1]))
        at = &(*at)->hash_next;
    return at;
}

static struct lane *find(struct lanes *l, struct ringsend_bytes url)
{
    struct ringsend_bytes host = host_part(url);
    XXH128_hash_t hash = XXH3_128bits(host.data, host.bytes);
    uint64_t key[2] = {hash.low64, hash.high64};
    struct lane **at = slot_of(l, key);
    if (*at)
        return *at;
    struct list *node = list_pop_front(&l->unused);
    /* There is one for each record. */
    struct lane *lane = node ? LIST_OWNER(node, struct lane, in_use) : &l->all[l->mark++];
    *lane = (struct lane){.key = {key[0], key[1]}, .quiet = true};
    list_init(&lane->aside);
    list_init(&lane->full);
    list_push_back(&l->in_use, &lane->in_use);
    return *at = lane;
}

static void give_back(struct lanes *l, struct lane *lane)
{
    *slot_of(l, lane->key) = lane->hash_next;
    list_remove(&lane->in_use);
    list_push_front(&l->unused, &lane->in_use);
}

/* ---- what it may have ---- */

static bool counts(const struct lane *lane)
{
    return !lane->quiet && list_empty(&lane->full);
}

/* How many of a lane may go: all lanes that want more have equal parts of two windows, and one part
 * is left to those that are not here yet. */
static uint32_t part(const struct lanes *l)
{
    if (l->full_count <= 1)
        return l->window;
    uint32_t equal = 2 * l->window / (l->full_count + 1);
    return equal > 2 ? equal : 2;
}

static bool may_go(const struct lanes *l, const struct lane *lane)
{
    if (l->starting_max > 0 && lane->quiet && l->going_quiet >= l->starting_max)
        return false;
    return lane->going < part(l) && l->going < l->going_max;
}

static void go(struct lanes *l, struct lane *lane)
{
    lane->going++;
    l->going++;
    l->going_quiet += lane->quiet;
    l->counted += counts(lane);
}

static void set_full(struct lanes *l, struct lane *lane, bool full)
{
    uint32_t before = counts(lane) ? lane->going : 0;
    if (full)
        list_push_back(&l->full, &lane->full);
    else
        list_remove(&lane->full);
    l->full_count += full ? 1u : -1u;
    l->counted += (counts(lane) ? lane->going : 0) - before;
    if (l->behind == lane && !full)
        l->behind = NULL;
}

static void set_quiet(struct lanes *l, struct lane *lane, bool quiet)
{
    uint32_t before = counts(lane) ? lane->going : 0;
    l->going_quiet += (quiet ? lane->going : 0) - (lane->quiet ? lane->going : 0);
    lane->quiet = quiet;
    l->counted += (counts(lane) ? lane->going : 0) - before;
}

bool lanes_enter(struct lanes *l, struct lane_place *place, struct ringsend_bytes url)
{
    struct lane *lane = find(l, url);
    CHECK(!place->lane);
    place->lane = lane;
    lane->records++;
    if (!lane->quiet && list_empty(&lane->aside) && may_go(l, lane)) {
        go(l, lane);
        return true;
    }
    if (list_empty(&lane->aside))
        set_full(l, lane, true);
    list_push_back(&lane->aside, &place->aside);
    l->aside++;
    if (!lane->quiet)
        l->behind = lane;
    return false;
}

static void leave_aside(struct lanes *l, struct lane_place *place)
{
    list_remove(&place->aside);
    l->aside--;
    if (list_empty(&place->lane->aside))
        set_full(l, place->lane, false);
}

/* One of each lane in turn. */
struct lane_place *lanes_next(struct lanes *l)
{
    for (uint32_t i = l->full_count; i > 0; i--) {
        struct lane *lane = LIST_OWNER(l->full.next, struct lane, full);
        list_remove(&lane->full);
        list_push_back(&l->full, &lane->full);
        if (!may_go(l, lane))
            continue;
        struct lane_place *place = LIST_OWNER(lane->aside.next, struct lane_place, aside);
        leave_aside(l, place);
        go(l, lane);
        return place;
    }
    return NULL;
}

void lanes_leave(struct lanes *l, struct lane_place *place)
{
    struct lane *lane = place->lane;
    if (!lane)
        return;
    if (!list_empty(&place->aside)) {
        leave_aside(l, place);
    } else {
        CHECK(lane->going > 0);
        l->counted -= counts(lane);
        l->going_quiet -= lane->quiet;
        lane->going--;
        l->going--;
    }
    place->lane = NULL;
    if (--lane->records == 0)
        give_back(l, lane);
}

void lanes_answered(struct lanes *l, const struct lane_place *place, uint64_t now_ns)
{
    l->moved_ns = now_ns;
    set_quiet(l, place->lane, false);
}

bool lanes_have_room(const struct lanes *l)
{
    return l->counted < l->window && l->going < l->going_max && l->aside < l->aside_now &&
           !l->behind;
}

uint64_t lanes_stall(struct lanes *l, uint64_t now_ns)
{
    bool more = l->aside >= l->aside_now && l->aside_now < l->aside_max;
    if (l->counted < l->window && !l->behind && !more)
        return RINGSEND_NEVER;
    uint64_t at_ns = l->moved_ns + LANES_STALL_NS;
    if (now_ns < at_ns)
        return at_ns - now_ns;
    l->moved_ns = now_ns;
    for (struct list *node = l->in_use.next; node != &l->in_use; node = node->next)
        set_quiet(l, LIST_OWNER(node, struct lane, in_use), true);
    l->behind = NULL;
    if (more)
        l->aside_now = l->aside_now < l->aside_max / 2 ? 2 * l->aside_now : l->aside_max;
    return RINGSEND_NEVER;
}
