/* Buffers out of size classes: what goes in comes out through every growth, memory is reused by
 * class, what is kept is bounded, and requests that cannot be met change nothing. */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { SMALLEST = 1 << BUF_CLASS_SHIFT_MIN };

static void empty_buffer_owns_nothing(void **state)
{
    (void)state;
    struct buf_pool pool;
    struct buf b = {0};
    buf_pool_init(&pool);
    assert_true(buf_append(&pool, &b, "", 0));
    assert_true(buf_reserve(&pool, &b, 0));
    assert_null(b.data);
    assert_int_equal(pool.used_bytes, 0);
    buf_release(&pool, &b);
    buf_pool_free(&pool);
}

static void content_survives_growth(void **state)
{
    (void)state;
    struct buf_pool pool;
    struct buf b = {0};
    buf_pool_init(&pool);
    for (size_t i = 0; i < 100000; i++) {
        char c = (char)(i * 31 + i / 256);
        assert_true(buf_append(&pool, &b, &c, 1));
        assert_true(b.bytes == i + 1 && b.bytes <= b.capacity);
        assert_int_equal(pool.used_bytes, b.capacity);
    }
    for (size_t i = 0; i < 100000; i++)
        assert_int_equal(b.data[i], (char)(i * 31 + i / 256));
    buf_release(&pool, &b);
    assert_null(b.data);
    assert_int_equal(b.bytes, 0);
    assert_int_equal(b.capacity, 0);
    assert_int_equal(pool.used_bytes, 0);
    buf_pool_free(&pool);
}

static void capacity_is_the_least_power_of_two(void **state)
{
    (void)state;
    static const struct {
        size_t asked, capacity;
    } cases[] = {
        {1, SMALLEST},
        {SMALLEST - 1, SMALLEST},
        {SMALLEST, SMALLEST},
        {SMALLEST + 1, 2 * SMALLEST},
        {2 * SMALLEST, 2 * SMALLEST},
        {100000, 1 << 17},
    };
    struct buf_pool pool;
    buf_pool_init(&pool);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b = {0};
        assert_true(buf_reserve(&pool, &b, cases[i].asked));
        assert_int_equal(b.capacity, cases[i].capacity);
        assert_int_equal(b.bytes, 0);
        memset(b.data, 'x', cases[i].asked);
        buf_release(&pool, &b);
    }
    buf_pool_free(&pool);
}

static void room_is_counted_behind_the_filled_bytes(void **state)
{
    (void)state;
    struct buf_pool pool;
    struct buf b = {0};
    buf_pool_init(&pool);
    assert_true(buf_append(&pool, &b, "abc", 3));
    assert_true(buf_reserve(&pool, &b, SMALLEST - 3));
    assert_int_equal(b.capacity, SMALLEST);
    assert_true(buf_reserve(&pool, &b, SMALLEST - 2));
    assert_int_equal(b.capacity, 2 * SMALLEST);
    assert_memory_equal(b.data, "abc", 3);
    buf_release(&pool, &b);
    buf_pool_free(&pool);
}

static void released_memory_serves_the_next_of_its_class(void **state)
{
    (void)state;
    struct buf_pool pool;
    struct buf a = {0}, b = {0}, other = {0};
    buf_pool_init(&pool);
    assert_true(buf_reserve(&pool, &a, 1000));
    const char *memory = a.data;
    buf_release(&pool, &a);
    assert_true(buf_reserve(&pool, &other, 5000));
    assert_ptr_not_equal(other.data, memory);
    assert_true(buf_reserve(&pool, &b, 600));
    assert_ptr_equal(b.data, memory);
    buf_release(&pool, &b);
    buf_release(&pool, &other);
    buf_pool_free(&pool);
}

static void free_memory_per_class_is_bounded(void **state)
{
    (void)state;
    enum { HELD = 3 * BUF_CLASS_KEPT_BYTES / (64 << 10) };
    struct buf_pool pool;
    struct buf held[HELD];
    memset(held, 0, sizeof held);
    buf_pool_init(&pool);
    for (size_t i = 0; i < HELD; i++)
        assert_true(buf_reserve(&pool, &held[i], 64 << 10));
    assert_int_equal(pool.used_bytes, (size_t)HELD * (64 << 10));
    for (size_t i = 0; i < HELD; i++)
        buf_release(&pool, &held[i]);
    assert_int_equal(pool.used_bytes, 0);
    bool kept_some = false;
    for (size_t i = 0; i < BUF_CLASSES; i++) {
        assert_true(pool.free_bytes[i] <= BUF_CLASS_KEPT_BYTES);
        kept_some = kept_some || pool.free_bytes[i] == BUF_CLASS_KEPT_BYTES;
    }
    assert_true(kept_some);
    buf_pool_trim(&pool);
    for (size_t i = 0; i < BUF_CLASSES; i++)
        assert_true(pool.free_bytes[i] == 0 && !pool.free_lists[i]);
    buf_pool_free(&pool);
}

static void too_much_changes_nothing(void **state)
{
    (void)state;
    struct buf_pool pool;
    struct buf b = {0};
    buf_pool_init(&pool);
    assert_true(buf_append(&pool, &b, "abc", 3));
    struct buf before = b;
    size_t largest = (size_t)1 << (BUF_CLASS_SHIFT_MIN + BUF_CLASSES - 1);
    assert_false(buf_reserve(&pool, &b, SIZE_MAX));
    assert_false(buf_reserve(&pool, &b, SIZE_MAX - 3));
    assert_false(buf_reserve(&pool, &b, largest - 2));
    assert_memory_equal(&b, &before, sizeof b);
    assert_memory_equal(b.data, "abc", 3);
    assert_int_equal(pool.used_bytes, SMALLEST);
    buf_release(&pool, &b);
    buf_pool_free(&pool);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_buffer_owns_nothing),
        cmocka_unit_test(content_survives_growth),
        cmocka_unit_test(capacity_is_the_least_power_of_two),
        cmocka_unit_test(room_is_counted_behind_the_filled_bytes),
        cmocka_unit_test(released_memory_serves_the_next_of_its_class),
        cmocka_unit_test(free_memory_per_class_is_bounded),
        cmocka_unit_test(too_much_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
