/* The quota: its bounds hold over every window, of what is known at each begin, whatever the clock
 * and the corrections do; what is below them is not held back; and nobody starves. */
#include "engine/quota.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define MS 1000000ull
#define S 1000000000ull

enum { STARTS_MAX = 1500 };

static uint64_t seed;

static uint64_t draw(uint64_t below)
{
    uint64_t z = seed += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % (below ? below : 1);
}

static uint64_t draw_size(uint64_t max)
{
    return 1 + draw(max >> draw(64 - (unsigned)__builtin_clzll(max)));
}

struct start {
    uint64_t at_ns, guessed, known; /* what it counts as now */
    bool corrected;
};

struct run {
    struct quota quota;
    uint64_t count, per_ns, burst;
    struct start starts[STARTS_MAX];
    size_t starts_count;
};

/* Of all windows that end with the last start. */
static void assert_bounds(const struct run *r)
{
    const struct start *last = &r->starts[r->starts_count - 1];
    uint64_t bucket = r->burst ? r->burst : r->count / 20 ? r->count / 20 : 1;
    uint64_t most = r->count + r->burst;
    bucket = bucket > last->guessed ? bucket : last->guessed;
    quota_level sum = 0;
    for (size_t i = r->starts_count; i-- > 0;) {
        const struct start *s = &r->starts[i];
        sum += s->known;
        uint64_t window_ns = last->at_ns - s->at_ns;
        quota_level allowed = (quota_level)r->count * window_ns + (quota_level)bucket * r->per_ns;
        if (sum * r->per_ns > allowed)
            fail_msg("seed %llu: %llu in %llu ns", (unsigned long long)seed,
                     (unsigned long long)sum, (unsigned long long)window_ns);
        if (window_ns <= r->per_ns && sum > most && sum > last->known)
            fail_msg("seed %llu: %llu in a period, of %llu", (unsigned long long)seed,
                     (unsigned long long)sum, (unsigned long long)most);
    }
}

static void begin(struct run *r, uint64_t weight, uint64_t now_ns)
{
    uint64_t most = r->count + r->burst;
    quota_take(&r->quota, weight, now_ns, r);
    weight = weight < most ? weight : most;
    r->starts[r->starts_count++] = (struct start){now_ns, weight, weight, false};
    assert_bounds(r);
}

static void correct_one(struct run *r, uint64_t now_ns)
{
    struct start *s = &r->starts[draw(r->starts_count)];
    uint64_t known = draw(3) ? draw(s->guessed + 1) : draw(2 * s->guessed + 2);
    uint64_t most = r->count + r->burst;
    if (s->corrected)
        return;
    s->corrected = true;
    quota_correct(&r->quota, s->at_ns, s->guessed, known, now_ns);
    s->known = known < most ? known : most;
}

static void holds_over_any_window(void **state)
{
    static struct run r;
    (void)state;
    for (uint64_t round = 1; round <= 1500; round++) {
        seed = round * 1000003;
        r.count = draw_size(draw(2) ? 1000000 : UINT64_C(1) << 40);
        r.burst = draw(2) ? draw_size(r.count) : 0;
        r.per_ns = draw_size(3600 * S);
        r.starts_count = 0;
        quota_init(&r.quota, r.count, r.per_ns, r.burst);
        uint64_t now_ns = draw_size(UINT64_MAX / 4), heaviest = 1 + r.count / draw_size(400);
        bool corrects = draw(3) > 0;
        for (unsigned turn = 0; turn < 400 && r.starts_count < STARTS_MAX; turn++) {
            uint64_t weight = draw(20) ? draw(heaviest) + 1 : draw_size(3 * r.count);
            uint64_t again_ns = quota_ask(&r.quota, weight, now_ns, &r);
            if (again_ns == 0)
                begin(&r, weight, now_ns);
            else
                assert_true(again_ns > now_ns);
            if (corrects && r.starts_count > 0 && draw(2))
                correct_one(&r, now_ns);
            if (again_ns > 0)
                now_ns = draw(4) ? again_ns : now_ns + draw_size(r.per_ns);
            else if (draw(3) == 0)
                now_ns += draw_size(r.per_ns);
        }
    }
}

/* As much as the rate says comes through, of light ones and heavy ones; the sixtieths cost 1.7 %,
 * and the squeeze 1.4. */
static void rate_is_reached(void **state)
{
    (void)state;
    static const struct {
        uint64_t count, per_ns, burst, weight;
        double share;
    } rows[] = {
        {10000, 60 * S, 0, 10, 0.96},
        {10000, 60 * S, 0, 499, 0.93},
        {10000, 60 * S, 0, 3000, 0.85},
        {10000, 60 * S, 1000, 10, 0.999},
        {10000, 60 * S, 1000, 999, 0.999},
        {1000000, S, 0, 100, 0.96},
        {7, S, 0, 1, 0.96},
        {7, S, 3, 1, 0.999},
        {100, S, 0, 1000, 0.9}, /* as heavy as the window: one in each */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct quota q;
        quota_init(&q, rows[i].count, rows[i].per_ns, rows[i].burst);
        uint64_t now_ns = S, begun = 0, end_ns = S + 20 * rows[i].per_ns, again_ns;
        uint64_t weight = rows[i].weight < q.most ? rows[i].weight : q.most;
        while (now_ns < end_ns) {
            if ((again_ns = quota_ask(&q, rows[i].weight, now_ns, &q))) {
                now_ns = again_ns;
                continue;
            }
            quota_take(&q, rows[i].weight, now_ns, &q);
            begun += weight;
        }
        double share = (double)begun / (double)(20 * rows[i].count);
        if (share < rows[i].share || share > 1.06)
            fail_msg("row %zu: %.3f", i, share);
    }
}

/* Guessed four times too much, and told within a second: what is known is what is used. */
static void what_is_given_back_is_used(void **state)
{
    (void)state;
    struct quota q;
    quota_init(&q, 60000, 60 * S, 0);
    uint64_t now_ns = S, begun = 0, at_ns[8];
    unsigned in_flight = 0;
    while (now_ns < 121 * S) {
        if (in_flight < 8 && quota_ask(&q, 400, now_ns, &q) == 0) {
            quota_take(&q, 400, now_ns, &q);
            at_ns[in_flight++] = now_ns;
            continue;
        }
        for (now_ns += 500 * MS; in_flight > 0; begun += 100)
            quota_correct(&q, at_ns[--in_flight], 400, 100, now_ns);
    }
    if (begun < 2 * 60000 * 9 / 10 || begun > 2 * 60000 * 106 / 100)
        fail_msg("%llu", (unsigned long long)begun);
}

static void the_first_who_waits_is_waited_for(void **state)
{
    (void)state;
    struct quota q;
    int heavy, light;
    quota_init(&q, 1000, S, 500);
    uint64_t now_ns = S;
    assert_int_equal(quota_ask(&q, 100, now_ns, &light), 0);
    quota_take(&q, 100, now_ns, &light);
    uint64_t heavy_ns = quota_ask(&q, 500, now_ns, &heavy);
    assert_int_equal(heavy_ns, now_ns + 100 * MS);
    assert_true(quota_ask(&q, 1, now_ns, &light) >= heavy_ns);
    assert_int_equal(quota_ask(&q, 0, now_ns, &light), 0); /* is no matter of it */
    assert_int_equal(quota_ask(&q, 500, heavy_ns, &heavy), 0);
    quota_take(&q, 500, heavy_ns, &heavy);
    /* One that leaves, and one that does not come. */
    assert_true(quota_ask(&q, 500, heavy_ns, &heavy) > 0);
    quota_leave(&q, &heavy);
    assert_int_equal(quota_ask(&q, 1, heavy_ns + 2 * MS, &light), 0);
    now_ns = quota_ask(&q, 500, heavy_ns + 2 * MS, &heavy);
    assert_true(quota_ask(&q, 1, now_ns, &light) > now_ns);
    assert_int_equal(quota_ask(&q, 1, now_ns + 20 * MS, &light), 0);
}

/* Answers that tell of more than can be: a debt that is paid, and no more than a window each. */
static void usage_beyond_all_measure_is_paid(void **state)
{
    (void)state;
    struct quota q;
    quota_init(&q, 1000, S, 0);
    assert_int_equal(quota_ask(&q, 10, S, &q), 0);
    quota_take(&q, 10, S, &q);
    quota_correct(&q, S, 10, UINT64_MAX, S);
    uint64_t again_ns = quota_ask(&q, 10, S, &q);
    assert_true(again_ns >= 2 * S && again_ns < 3 * S);
    assert_int_equal(quota_ask(&q, 10, again_ns, &q), 0);
    /* Of what nobody remembers, and with a clock that goes back. */
    quota_correct(&q, 0, 10, 0, 10 * S);
    quota_correct(&q, 9 * S, 10, 0, 2 * S);
    assert_int_equal(quota_ask(&q, 50, 1, &q), 0);
    quota_take(&q, 50, 1, &q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_over_any_window),
        cmocka_unit_test(rate_is_reached),
        cmocka_unit_test(what_is_given_back_is_used),
        cmocka_unit_test(the_first_who_waits_is_waited_for),
        cmocka_unit_test(usage_beyond_all_measure_is_paid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
