/* Failures by cause: what is folded, what counts as one, and what is bounded. */
#include "results/failure_groups.h"

#include "guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void folds(void **state)
{
    (void)state;
    static const struct {
        const char *text, *folded;
    } rows[] = {
        {"", ""},
        {"plain words", "plain words"},
        {"order 17 of 2000", "order # of #"},
        {"order17", "order#"},
        {"at 2024-01-31T12:00:01.5Z", "at #-#-#T#:#:#.#Z"},
        {"id 3f2a9c01-77e1-4bb0-9d21-0a1b2c3d4e5f gone", "id # gone"},
        {"deadbeef", "deadbeef"}, /* a word, for all we know */
        {"deadbee1", "#"},
        {"face 4 cafe", "face # cafe"},
        {"at 0x7ffe, 0xyz", "at #, #xyz"},
        {"a  b\t\r\nc", "a b c"},
        {"-5", "-#"},
        {"{\"id\":\"a1b2\",\"n\":-1.5e3}", "{\"id\":\"#\",\"n\":-#.#}"},
        {"b4d guy", "# guy"},
        {"\xff\x01", "\xff\x01"},
    };
    struct guard guard;
    guard_open(&guard, 100);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[100];
        size_t bytes = strlen(rows[i].text);
        size_t made = failure_groups_fold(
            (struct ringsend_bytes){guard_put(&guard, rows[i].text, bytes), bytes}, out);
        assert_true(made <= bytes);
        if (!span_equal((struct ringsend_bytes){out, made}, span_of(rows[i].folded)))
            fail_msg("%s: %.*s", rows[i].text, (int)made, out);
    }
    guard_close(&guard);
}

static struct failure_groups groups;

static void count_status(uint64_t number, int status, const char *body)
{
    struct result_line line = {.line = number, .status = status, .body = span_of(body)};
    groups_count(&groups, &line);
}

static void count_error(const char *id, enum ringsend_error error, const char *detail)
{
    struct result_line line = {.line = 1, .id = span_of(id), .error = error, .detail = detail};
    groups_count(&groups, &line);
}

static void counts_by_cause(void **state)
{
    (void)state;
    groups = (struct failure_groups){0};
    count_status(1, 500, "order 1 failed");
    count_status(2, 502, "order 1 failed");
    count_status(3, 500, "order 22 failed");
    count_status(4, 500, "no such order: 4");
    count_status(5, 500, "order 5 failed");
    count_status(6, 500, "order 6 failed");
    count_error("\"a\"", RINGSEND_E_CONNECT_REFUSED, NULL);
    count_error("{\"long\":\"0123456789012345678901234567890123456789\"}",
                RINGSEND_E_CONNECT_REFUSED, NULL);
    count_error("7", RINGSEND_E_BAD_RECORD, "column 9: expected ','");
    count_error("8", RINGSEND_E_BAD_RECORD, "column 10: expected ','");
    assert_int_equal(groups.count, 5);
    assert_int_equal(groups.others, 0);
    const struct group *first = &groups.list[0];
    assert_int_equal(first->count, 4);
    assert_int_equal(first->status, 500);
    assert_int_equal(first->ids_count, 3);
    assert_string_equal(first->ids[0].text, "1");
    assert_string_equal(first->ids[1].text, "3");
    assert_string_equal(first->ids[2].text, "5");
    assert_true(span_equal((struct ringsend_bytes){first->sample, first->sample_bytes},
                           SPAN("order 1 failed")));
    const struct group *refused = &groups.list[3];
    assert_int_equal(refused->error, RINGSEND_E_CONNECT_REFUSED);
    assert_string_equal(refused->ids[0].text, "\"a\"");
    assert_string_equal(refused->ids[1].text, "");
    assert_true(span_equal((struct ringsend_bytes){refused->sample, refused->sample_bytes},
                           span_of(ringsend_error_text(RINGSEND_E_CONNECT_REFUSED))));
    assert_int_equal(groups.list[4].count, 2);
    uint32_t order[GROUPS_MAX];
    failure_groups_order(&groups, order);
    static const uint32_t expected[] = {0, 3, 4, 1, 2};
    assert_memory_equal(order, expected, sizeof expected);
}

/* Only the beginning of a body is looked at, and only so many causes. */
static void is_bounded(void **state)
{
    (void)state;
    groups = (struct failure_groups){0};
    char body[1000];
    memset(body, 'x', sizeof body);
    for (int i = 0; i < 2; i++) {
        body[GROUP_LOOKED_BYTES] = (char)('a' + i);
        struct result_line line = {.line = 1, .status = 500, .body = {body, sizeof body}};
        groups_count(&groups, &line);
    }
    assert_int_equal(groups.count, 1);
    assert_int_equal(groups.list[0].sample_bytes, GROUP_SAMPLE_BYTES);
    for (int status = 400; status < 500; status++)
        count_status(1, status, "");
    assert_int_equal(groups.count, GROUPS_MAX);
    assert_int_equal(groups.others, 100 - (GROUPS_MAX - 1));
    count_status(1, 400, "");
    assert_int_equal(groups.list[1].count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folds),
        cmocka_unit_test(counts_by_cause),
        cmocka_unit_test(is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
