#include "engine/quota.h"

#include "base/check.h"
#include "base/time.h"

#include <string.h>

#define SQUEEZE_PER_MILLE 14
#define SQUEEZE_NS (50 * NS_PER_MS)
#define SHARED_TURN_NS NS_PER_MS
#define LATE_NS (20 * NS_PER_MS) /* who has not come so long after his time is late */

enum { SMOOTH_SHARE = 20 };

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t most_of(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

void quota_init(struct quota *q, uint64_t count, uint64_t per_ns, uint64_t burst)
{
    uint64_t bucket = burst > 0 ? burst : count / SMOOTH_SHARE;
    *q = (struct quota){.count = count, .per_ns = per_ns, .most = count + burst};
    q->window_ns = per_ns;
    if (burst == 0)
        q->window_ns += least(per_ns / 1000 * SQUEEZE_PER_MILLE, SQUEEZE_NS);
    q->slot_ns = q->window_ns / QUOTA_PARTS + 1;
    q->capacity = (quota_level)most_of(bucket, 1) * per_ns;
    q->level = q->capacity;
}

/* ---- time ---- */

static uint64_t slot_at(const struct quota *q, uint64_t at_ns)
{
    return at_ns > q->began_ns ? (at_ns - q->began_ns) / q->slot_ns : 0;
}

static uint64_t *slot(struct quota *q, uint64_t number)
{
    return &q->slots[number % QUOTA_SLOTS];
}

/* From then on nothing of it counts: its last moment is a window ago. */
static uint64_t slot_goes_ns(const struct quota *q, uint64_t number)
{
    return q->began_ns + (number + 1) * q->slot_ns + q->window_ns;
}

static void drop_first(struct quota *q)
{
    q->sum -= *slot(q, q->first_slot);
    q->first_slot++;
}

/* Those of now are there, and those that are over are not. */
static void turn_slots(struct quota *q, uint64_t now_ns)
{
    uint64_t end = slot_at(q, now_ns) + 1;
    while (q->first_slot < q->slots_end && slot_goes_ns(q, q->first_slot) <= now_ns)
        drop_first(q);
    if (q->first_slot == q->slots_end && end > q->slots_end)
        q->first_slot = q->slots_end = end - 1;
    for (; q->slots_end < end; q->slots_end++) {
        CHECK(q->slots_end - q->first_slot < QUOTA_SLOTS);
        *slot(q, q->slots_end) = 0;
    }
}

/* ---- peaks ---- */

/* Lower ones before it are none any more. */
static void note_peak(struct quota *q)
{
    quota_level level = q->level - q->given_back;
    uint32_t n = q->peaks_count;
    while (n > 0 && q->peaks[n - 1].level <= level)
        n--;
    if (n == q->peaks_count)
        return;
    q->peaks[n].level = level;
    q->peaks_count = n + 1;
}

/* Something begins, for which what was before does not count. Without room for another one the two
 * first become one, by which less is given back than might be. */
static void begin_peak(struct quota *q)
{
    uint32_t n = q->peaks_count;
    if (n > 0 && q->peaks[n - 1].since_ns == q->last_ns)
        n--;
    if (n == QUOTA_SLOTS) {
        memmove(&q->peaks[1], &q->peaks[2], (QUOTA_SLOTS - 2) * sizeof q->peaks[0]);
        n--;
    }
    q->peaks[n] = (struct quota_peak){q->last_ns, q->level - q->given_back};
    q->peaks_count = n + 1;
}

/* As much of it as the bucket had room for at all times since. */
static quota_level room_since(const struct quota *q, uint64_t since_ns, quota_level wanted)
{
    uint32_t n = q->peaks_count;
    while (n > 1 && q->peaks[n - 1].since_ns > since_ns)
        n--;
    quota_level room = n > 0 ? q->capacity - q->given_back - q->peaks[n - 1].level : 0;
    room = room < wanted ? room : wanted;
    return room > 0 ? room : 0;
}

/* ---- begins ---- */

/* Several threads' times differ by a turn of the loop: what is past stays so. */
static uint64_t update(struct quota *q, uint64_t now_ns)
{
    if (!q->begun) {
        q->begun = true;
        q->began_ns = q->last_ns = now_ns;
    }
    now_ns = most_of(now_ns, q->last_ns);
    q->level += (quota_level)q->count * (now_ns - q->last_ns);
    q->level = q->level < q->capacity ? q->level : q->capacity;
    q->last_ns = now_ns;
    turn_slots(q, now_ns);
    note_peak(q);
    return now_ns;
}

static quota_level needed(const struct quota *q, uint64_t weight)
{
    quota_level level = (quota_level)weight * q->per_ns;
    return level < q->capacity ? level : q->capacity;
}

static bool fits(const struct quota *q, uint64_t weight)
{
    return q->sum == 0 || (q->sum <= q->most && weight <= q->most - q->sum);
}

static uint64_t bucket_ns(const struct quota *q, uint64_t weight)
{
    quota_level missing = needed(q, weight) - q->level;
    if (missing <= 0)
        return q->last_ns;
    quota_level wait_ns = (missing + q->count - 1) / q->count;
    return q->last_ns + (wait_ns < NS_PER_DAY ? (uint64_t)wait_ns : NS_PER_DAY);
}

static uint64_t window_goes_ns(struct quota *q, uint64_t weight)
{
    uint64_t number = q->first_slot, left = q->sum;
    while (number < q->slots_end && left > 0 && (left > q->most || weight > q->most - left))
        left -= *slot(q, number++);
    return number > q->first_slot ? slot_goes_ns(q, number - 1) : q->last_ns;
}

/* Half of the burst is left for wake-ups that come late. */
static uint64_t shared_turn_ns(const struct quota *q)
{
    quota_level half_ns = q->capacity / q->count / 2;
    return half_ns < (quota_level)SHARED_TURN_NS ? (uint64_t)half_ns : SHARED_TURN_NS;
}

uint64_t quota_ask(struct quota *q, uint64_t weight, uint64_t now_ns, const void *who)
{
    if (q->count == 0 || weight == 0)
        return 0;
    weight = least(weight, q->most);
    now_ns = update(q, now_ns);
    bool is_others = q->awaited && q->awaited != who && now_ns < q->awaited_until_ns;
    if (is_others)
        return q->awaited_until_ns;
    if (q->level >= needed(q, weight) && fits(q, weight))
        return 0;
    uint64_t at_ns = most_of(bucket_ns(q, weight), window_goes_ns(q, weight));
    at_ns = most_of(at_ns, now_ns + shared_turn_ns(q));
    q->awaited = who;
    q->awaited_until_ns = at_ns + LATE_NS;
    return at_ns > now_ns ? at_ns : now_ns + 1;
}

void quota_take(struct quota *q, uint64_t weight, uint64_t now_ns, const void *who)
{
    if (q->count == 0 || weight == 0)
        return;
    weight = least(weight, q->most);
    CHECK(q->begun && q->level >= needed(q, weight) && fits(q, weight));
    uint64_t number = most_of(slot_at(q, now_ns), q->first_slot);
    *slot(q, number) += weight;
    q->sum += weight;
    q->level -= (quota_level)weight * q->per_ns;
    begin_peak(q);
    quota_leave(q, who);
}

void quota_leave(struct quota *q, const void *who)
{
    if (q->awaited == who)
        q->awaited = NULL;
}

/* ---- corrections ---- */

void quota_correct(struct quota *q, uint64_t began_ns, uint64_t guessed, uint64_t known,
                   uint64_t now_ns)
{
    if (q->count == 0 || !q->begun)
        return;
    guessed = least(guessed, q->most);
    known = least(known, q->most);
    update(q, now_ns);
    uint64_t number = slot_at(q, began_ns), less = guessed > known ? guessed - known : 0;
    uint64_t more = known > guessed ? known - guessed : 0;
    if (number >= q->first_slot && number < q->slots_end) {
        uint64_t *sum = slot(q, number), before = *sum;
        *sum = *sum + more - least(less, *sum + more);
        q->sum = q->sum - before + *sum;
    }
    quota_level room = room_since(q, began_ns, (quota_level)less * q->per_ns);
    q->level += room - (quota_level)more * q->per_ns;
    q->given_back += room;
    note_peak(q);
}
