/* The group of --sync: what is put while one sync is under way waits for the next, and nothing
 * passes once one has failed. On the real kernel. */
#include "journal/group_commit.h"

#include "engine/on_ring.h"
#include "ringsend.h"
#include "uring/ring_ops.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { CAPACITY = 8 };

static struct ringsend *engine;
static struct group_commit group;
static int items[CAPACITY];

static unsigned syncs, whole_syncs;

static const struct ring_ops *real;
static struct ring_ops counting;

static void count_sync(struct ring *ring, struct ring_tag tag, int fd, bool whole)
{
    syncs++;
    whole_syncs += whole;
    real->sync(ring, tag, fd, whole);
}

static int counting_ring_new(struct ring **ring, const struct ring_options *options)
{
    int error = ring_new(ring, options);
    if (error)
        return error;
    real = (*ring)->ops;
    counting = *real;
    counting.sync = count_sync;
    (*ring)->ops = &counting;
    return 0;
}

static int make_engine(void **state)
{
    (void)state;
    syncs = whole_syncs = 0;
    return engine_new_on(&engine, NULL, counting_ring_new);
}

static int free_engine(void **state)
{
    (void)state;
    group_commit_close(&group);
    ringsend_free(engine);
    return 0;
}

/* The sync that is under way ends, and is taken note of. */
static void await_sync(void)
{
    assert_true(group.syncing > 0);
    while (file_busy(group.file))
        assert_true(ringsend_run(engine, RINGSEND_NEVER) >= 0);
    group_commit_turn(&group);
}

static void put(int from, int to)
{
    for (int i = from; i < to; i++)
        group_commit_put(&group, &items[i]);
}

static void expect_passed(int from, int to)
{
    for (int i = from; i < to; i++)
        assert_ptr_equal(group_commit_take(&group), &items[i]);
    assert_null(group_commit_take(&group));
}

static void one_sync_for_all_that_came_meanwhile(void **state)
{
    (void)state;
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_true(group_commit_open(&group, engine, fileno(file), CAPACITY));
    group_commit_turn(&group);
    assert_true(group_commit_is_empty(&group) && !file_busy(group.file));
    put(0, 2);
    expect_passed(0, 0);
    group_commit_turn(&group);
    put(2, 5); /* the sync under way may have begun before these were stored */
    group_commit_turn(&group);
    expect_passed(0, 0);
    await_sync();
    assert_int_equal(group.syncing, 3);
    assert_ptr_equal(group_commit_take(&group), &items[0]);
    put(5, CAPACITY);
    await_sync();
    expect_passed(1, 5);
    assert_false(group_commit_is_empty(&group));
    await_sync();
    expect_passed(5, CAPACITY);
    assert_true(group_commit_is_empty(&group));
    group_commit_turn(&group);
    assert_false(file_busy(group.file));
    assert_int_equal(syncs, 3);
    assert_int_equal(whole_syncs, 0);
    fclose(file);
}

/* The names in it are no data. */
static void a_directory_is_synced_whole(void **state)
{
    (void)state;
    int fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_true(group_commit_open(&group, engine, fd, CAPACITY));
    put(0, 2);
    group_commit_turn(&group);
    await_sync();
    expect_passed(0, 2);
    assert_int_equal(syncs, 1);
    assert_int_equal(whole_syncs, 1);
    close(fd);
}

/* A pipe cannot be synced. */
static void nothing_passes_after_a_failure(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_true(group_commit_open(&group, engine, ends[1], CAPACITY));
    put(0, 2);
    group_commit_turn(&group);
    put(2, 3);
    await_sync();
    assert_int_equal(group.error, EINVAL);
    group_commit_turn(&group);
    assert_false(file_busy(group.file));
    expect_passed(0, 0);
    assert_false(group_commit_is_empty(&group));
    group_commit_clear(&group);
    assert_true(group_commit_is_empty(&group));
    put(3, 5); /* or they are told apart */
    assert_ptr_equal(group_commit_take_refused(&group), &items[3]);
    assert_ptr_equal(group_commit_take_refused(&group), &items[4]);
    assert_null(group_commit_take_refused(&group));
    assert_true(group_commit_is_empty(&group));
    close(ends[0]);
    close(ends[1]);
}

/* With a sync under way, too. */
static void closing_waits(void **state)
{
    (void)state;
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_true(group_commit_open(&group, engine, fileno(file), CAPACITY));
    put(0, 1);
    group_commit_turn(&group);
    group_commit_close(&group);
    assert_null(group.file);
    group_commit_turn(&group); /* an open group: nothing is ever put */
    expect_passed(0, 0);
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_sync_for_all_that_came_meanwhile, make_engine,
                                        free_engine),
        cmocka_unit_test_setup_teardown(a_directory_is_synced_whole, make_engine, free_engine),
        cmocka_unit_test_setup_teardown(nothing_passes_after_a_failure, make_engine, free_engine),
        cmocka_unit_test_setup_teardown(closing_waits, make_engine, free_engine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
