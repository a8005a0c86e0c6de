/* Which records go on, which are set aside, and when reading waits. */
#include "batch/lanes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { PLACES = 200, WINDOW = 10, GOING_MAX = 40, ASIDE_MAX = 100 };

static struct lanes lanes;
static struct lane_place places[PLACES];
static size_t used;

static void begin(void)
{
    assert_true(lanes_init(&lanes, PLACES, WINDOW, GOING_MAX, ASIDE_MAX));
    memset(places, 0, sizeof places);
    for (size_t i = 0; i < PLACES; i++)
        list_init(&places[i].aside);
    used = 0;
}

static void end(void)
{
    for (size_t i = 0; i < used; i++)
        lanes_leave(&lanes, &places[i]);
    assert_int_equal(lanes.going + lanes.aside + lanes.counted + lanes.full_count, 0);
    assert_true(list_empty(&lanes.in_use));
    lanes_free(&lanes);
}

static bool enter(const char *url)
{
    assert_true(used < PLACES);
    return lanes_enter(&lanes, &places[used++], (struct ringsend_bytes){url, strlen(url)});
}

static size_t next_all(void)
{
    size_t count = 0;
    while (lanes_next(&lanes))
        count++;
    return count;
}

static void answer(struct lane_place *place, uint64_t now_ns)
{
    lanes_answered(&lanes, place, now_ns);
    lanes_leave(&lanes, place);
}

/* A host that answers is read as far ahead as the window. */
static void one_that_answers(void **state)
{
    (void)state;
    begin();
    enter("http://a/1");
    assert_int_equal(next_all(), 1);
    answer(&places[0], 1);
    enter("http://a/2"); /* it was in no use in between: nothing is known */
    assert_int_equal(next_all(), 1);
    enter("http://a/3");
    assert_int_equal(next_all(), 1);
    answer(&places[1], 1);
    while (lanes_have_room(&lanes))
        assert_true(enter("http://a/x?y=/"));
    assert_int_equal(lanes.going, WINDOW);
    assert_int_equal(lanes.aside, 0);
    assert_int_equal(lanes_stall(&lanes, 1 + LANES_STALL_NS - 5), 5);
    answer(&places[2], 100);
    assert_true(lanes_have_room(&lanes));
    assert_true(enter("http://a"));
    assert_false(enter("http://a#f")); /* one too many: read, and no more */
    assert_false(lanes_have_room(&lanes));
    answer(&places[3], 100);
    assert_int_equal(next_all(), 1);
    end();
}

/* One that does not answer fills its part, and those behind it go on; so does one that falls
 * silent. */
static void one_that_does_not(void **state)
{
    (void)state;
    begin();
    for (int i = 0; i < 50; i++)
        assert_false(enter("http://dead/"));
    assert_true(lanes_have_room(&lanes));
    assert_int_equal(next_all(), WINDOW);
    assert_true(lanes_have_room(&lanes));
    for (int i = 0; i < 5; i++)
        enter("http://live/");
    assert_int_equal(next_all(), 5);
    answer(&places[50], 1000);
    while (lanes_have_room(&lanes))
        assert_true(enter("http://live/"));
    assert_int_equal(lanes.counted, WINDOW);
    assert_int_equal(lanes.going, 2 * WINDOW);
    /* Now nobody answers any more. */
    assert_int_equal(lanes_stall(&lanes, 1000 + LANES_STALL_NS), RINGSEND_NEVER);
    assert_true(lanes_have_room(&lanes));
    enter("http://other/");
    assert_int_equal(next_all(), 1);
    end();
}

/* All that want more have equal parts, and all of it is bounded. */
static void bounds(void **state)
{
    (void)state;
    begin();
    for (int i = 0; i < 12; i++)
        for (int k = 0; k < 6; k++)
            enter((const char *[]){"http://a/", "http://b/", "http://c/", "http://d/", "https://a/",
                                   "http://a:81/"}[k]);
    next_all();
    for (struct list *node = lanes.in_use.next; node != &lanes.in_use; node = node->next)
        assert_int_equal(LIST_OWNER(node, struct lane, in_use)->going, 2);
    while (lanes_have_room(&lanes)) {
        enter("http://e/");
        next_all();
    }
    assert_true(lanes.aside == ASIDE_MAX || lanes.going == GOING_MAX);
    assert_true(lanes.aside <= ASIDE_MAX && lanes.going <= GOING_MAX);
    assert_int_equal(lanes_stall(&lanes, 1ull << 40), RINGSEND_NEVER);
    end();
}

/* Given up while it waits, or while it goes. */
static void leaving(void **state)
{
    (void)state;
    begin();
    for (int i = 0; i < WINDOW + 3; i++)
        enter("http://a/");
    assert_int_equal(next_all(), WINDOW);
    lanes_leave(&lanes, &places[WINDOW + 1]);
    lanes_leave(&lanes, &places[WINDOW + 1]); /* harmless */
    assert_int_equal(lanes.aside, 2);
    lanes_leave(&lanes, &places[0]);
    assert_ptr_equal(lanes_next(&lanes), &places[WINDOW]);
    lanes_leave(&lanes, &places[WINDOW + 2]);
    assert_null(lanes_next(&lanes));
    assert_int_equal(lanes.full_count, 0);
    end();
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_answers),
        cmocka_unit_test(one_that_does_not),
        cmocka_unit_test(bounds),
        cmocka_unit_test(leaving),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
