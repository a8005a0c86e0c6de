/* Keys that two different records share: all of them, or with a bound those that stand near to each
 * other. */
#include "records/keys_seen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { BOUND = 1 << 10, RECORDS = 20 * BOUND };

static struct record_error error;

static struct ringsend_bytes bytes_of(const char *text)
{
    return (struct ringsend_bytes){text, strlen(text)};
}

static bool take_text(struct keys_seen *keys, const char *key, unsigned body, uint64_t line)
{
    static char first[] = "a", second[] = "b", *const names[] = {first, second};
    char body_text[24];
    snprintf(body_text, sizeof body_text, "body-%u", body);
    struct ringsend_header header = {bytes_of("idempotency-KEY"), bytes_of(key)};
    struct record record = {.request = {.headers = &header,
                                        .headers_count = 1,
                                        .flags = RINGSEND_HAS_BODY | RINGSEND_KEYED,
                                        .url = bytes_of("http://host/"),
                                        .body = bytes_of(body_text)}};
    error.error = RINGSEND_OK;
    return keys_seen_take(keys, &record, line % 2, line, (struct ringsend_bytes){0}, names, &error);
}

static bool take(struct keys_seen *keys, unsigned key, unsigned body, uint64_t line)
{
    char key_text[24];
    snprintf(key_text, sizeof key_text, "key-%u", key);
    return take_text(keys, key_text, body, line);
}

/* The platform does not see the white space around a header's value. */
static void space_around_a_key_makes_no_other_key(void **state)
{
    static const char *const same[] = {" key", "key ", "\tkey \t", "key"};
    (void)state;
    struct keys_seen keys = {0};
    assert_true(take_text(&keys, "key", 1, 1));
    assert_true(take_text(&keys, "k ey", 2, 1));
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        assert_true(take_text(&keys, same[i], 1, 2));
        assert_false(take_text(&keys, same[i], 2, 2));
    }
    keys_seen_free(&keys);
}

static void all_are_found(void **state)
{
    (void)state;
    struct keys_seen keys = {0};
    for (unsigned i = 0; i < RECORDS; i++)
        assert_true(take(&keys, i, i, i));
    for (unsigned i = 0; i < RECORDS; i++) {
        assert_true(take(&keys, i, i, RECORDS)); /* the same request again */
        assert_false(take(&keys, i, i + 1, RECORDS + 1));
        assert_int_equal(error.error, RINGSEND_E_BAD_RECORD);
    }
    assert_string_equal(error.detail,
                        "the idempotency key \"key-20479\" is that of line 20479 too, which is "
                        "another record: a platform would do one of the two");
    assert_false(take(&keys, 7, 8, RECORDS));
    assert_non_null(strstr(error.detail, "that of line 7 of b too"));
    keys_seen_free(&keys);
}

static void with_a_bound_what_stands_near_is_found(void **state)
{
    (void)state;
    struct keys_seen keys = {.bound = BOUND};
    unsigned found = 0, near = 0;
    for (unsigned i = 0; i < RECORDS; i++) {
        assert_true(take(&keys, i, i, i));
        near += !take(&keys, i, i + 1, i);
        if (i >= BOUND / 8)
            found += !take(&keys, i - BOUND / 8, i, i);
        assert_int_equal(keys.capacity, BOUND);
    }
    assert_int_equal(near, RECORDS);
    assert_true(found > RECORDS / 2);
    keys_seen_free(&keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(space_around_a_key_makes_no_other_key),
        cmocka_unit_test(all_are_found),
        cmocka_unit_test(with_a_bound_what_stands_near_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
