/* Whose handshake is next: with a worker in place of engine/handshake_worker.c that is done with
 * one when the test says so, and has taken as long as it says. */
#include "base/time.h"
#include "engine/handshake_worker.h"
#include "engine/handshaker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { MANY = 64, HOSTILE_MS = 40, GOOD_MS = 5 };

/* ---- The worker ---- */

static struct handshake *doing, *next, *done;

struct handshake_worker *handshake_worker_new(struct ring *ring)
{
    doing = next = done = NULL;
    return (struct handshake_worker *)ring;
}

void handshake_worker_free(struct handshake_worker *worker)
{
    (void)worker;
    assert_null(next);
}

bool handshake_worker_give(struct handshake_worker *worker, struct handshake *handshake)
{
    bool is_idle = !doing;
    (void)worker;
    assert_null(next);
    if (is_idle)
        doing = handshake;
    else
        next = handshake;
    return is_idle;
}

bool handshake_worker_has_next(const struct handshake_worker *worker)
{
    (void)worker;
    return next != NULL;
}

bool handshake_worker_take_back(struct handshake_worker *worker)
{
    bool got = next != NULL;
    (void)worker;
    next = NULL;
    return got;
}

struct handshake *handshake_worker_next(struct handshake_worker *worker)
{
    struct handshake *h = done;
    (void)worker;
    done = NULL;
    return h;
}

/* ---- What is tried ---- */

struct turns {
    struct handshaker *handshaker;
    struct lane good, other, hostile;
    struct handshake goods[MANY], others[MANY], hostiles[MANY];
};

static struct ring *no_ring(void)
{
    static char ring;
    return (struct ring *)(void *)&ring;
}

static struct turns *turns_begin(void)
{
    static struct turns t;
    t = (struct turns){.handshaker = handshaker_new(no_ring())};
    lane_init(&t.good);
    lane_init(&t.other);
    lane_init(&t.hostile);
    return &t;
}

static void start(struct turns *t, struct lane *lane, struct handshake *handshakes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        handshaker_start(t->handshaker, &handshakes[i], lane);
}

/* The worker ends what it does, and begins the next one before anybody hears of it. */
static struct handshake *finish(struct turns *t, unsigned ms)
{
    assert_non_null(doing);
    doing->took_ns = ms * NS_PER_MS;
    done = doing;
    doing = next;
    next = NULL;
    struct handshake *h = handshaker_next(t->handshaker);
    assert_int_equal(h->step, HANDSHAKE_IDLE);
    assert_null(handshaker_next(t->handshaker));
    return h;
}

static unsigned cost(const struct turns *t, const struct handshake *h)
{
    return h->lane == &t->hostile ? HOSTILE_MS : GOOD_MS;
}

/* How many of the hostile lane are done until so many of the good one's are. */
static unsigned hostile_until(struct turns *t, unsigned goods)
{
    unsigned hostile = 0;
    while (goods > 0) {
        const struct handshake *h = finish(t, cost(t, doing));
        hostile += h->lane == &t->hostile;
        goods -= h->lane == &t->good;
    }
    return hostile;
}

static void turns_end(struct turns *t)
{
    while (doing)
        finish(t, cost(t, doing));
    handshaker_free(t->handshaker);
}

/* A good one waits for the hostile one that is being done, and for no other; whether these have
 * been met before or not. */
static void test_behind_one(void **state)
{
    (void)state;
    for (unsigned met = 0; met < 10; met++) {
        struct turns *t = turns_begin();
        start(t, &t->hostile, t->hostiles, MANY);
        for (unsigned i = 0; i < met; i++)
            finish(t, HOSTILE_MS);
        start(t, &t->good, t->goods, 1);
        assert_int_equal(hostile_until(t, 1), 1);
        turns_end(t);
    }
}

/* One that comes when the worker has just begun the next hostile one, before it was told. */
static void test_behind_one_that_has_begun(void **state)
{
    struct turns *t = turns_begin();
    (void)state;
    start(t, &t->hostile, t->hostiles, MANY);
    doing->took_ns = HOSTILE_MS * NS_PER_MS;
    done = doing;
    doing = next;
    next = NULL;
    start(t, &t->good, t->goods, 1);
    assert_ptr_equal(handshaker_next(t->handshaker)->lane, &t->hostile);
    assert_int_equal(hostile_until(t, 1), 1);
    turns_end(t);
}

/* Shares of time, not of numbers: 40 good ones take as long as 5 of the others. */
static void test_shares(void **state)
{
    struct turns *t = turns_begin();
    (void)state;
    start(t, &t->hostile, t->hostiles, MANY);
    start(t, &t->good, t->goods, 40);
    assert_in_range(hostile_until(t, 40), 4, 7);
    turns_end(t);
}

/* Equal ones take turns, in the order of coming. */
static void test_equals(void **state)
{
    struct turns *t = turns_begin();
    (void)state;
    start(t, &t->good, t->goods, 20);
    start(t, &t->other, t->others, 20);
    for (size_t i = 0; i < 20; i++) {
        /* The first two of the first lane had nobody beside them. */
        assert_ptr_equal(finish(t, GOOD_MS)->lane, &t->good);
        assert_ptr_equal(finish(t, GOOD_MS)->lane, &t->other);
    }
    assert_null(doing);
    turns_end(t);
}

/* Who was away is not ahead of those who waited meanwhile for longer than his own turn. */
static void test_no_credit(void **state)
{
    struct turns *t = turns_begin();
    (void)state;
    start(t, &t->other, t->others, MANY);
    for (int i = 0; i < 40; i++)
        finish(t, GOOD_MS);
    start(t, &t->good, t->goods, 20);
    for (int i = 0; i < 10; i++) {
        finish(t, GOOD_MS);
        finish(t, GOOD_MS);
    }
    assert_int_equal(t->others[47].step, HANDSHAKE_IDLE);
    assert_int_equal(t->goods[12].step, HANDSHAKE_WAITS);
    turns_end(t);
}

static void test_withdrawn(void **state)
{
    struct turns *t = turns_begin();
    (void)state;
    start(t, &t->hostile, t->hostiles, MANY);
    assert_int_equal(t->hostiles[0].step, HANDSHAKE_GIVEN);
    assert_int_equal(t->hostiles[1].step, HANDSHAKE_NEXT);
    assert_false(handshaker_withdraw(t->handshaker, &t->hostiles[0]));
    assert_true(handshaker_withdraw(t->handshaker, &t->hostiles[1]));
    assert_ptr_equal(next, &t->hostiles[2]);
    for (int i = 3; i < MANY; i++)
        assert_true(handshaker_withdraw(t->handshaker, &t->hostiles[i]));
    start(t, &t->good, t->goods, 1);
    assert_ptr_equal(finish(t, HOSTILE_MS), &t->hostiles[0]);
    assert_ptr_equal(finish(t, GOOD_MS), &t->goods[0]);
    assert_ptr_equal(finish(t, HOSTILE_MS), &t->hostiles[2]);
    assert_null(doing);
    /* The same ones again. */
    start(t, &t->hostile, t->hostiles, 3);
    /* The worker has begun it meanwhile. */
    done = doing;
    doing = next;
    next = NULL;
    assert_false(handshaker_withdraw(t->handshaker, &t->hostiles[1]));
    assert_non_null(handshaker_next(t->handshaker));
    turns_end(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_behind_one), cmocka_unit_test(test_behind_one_that_has_begun),
        cmocka_unit_test(test_shares),     cmocka_unit_test(test_equals),
        cmocka_unit_test(test_no_credit),  cmocka_unit_test(test_withdrawn),
    };
    return cmocka_run_group_tests_name("handshake turns", tests, NULL, NULL);
}
