/* Paths, the values they lead to, and who waits for whom. */
#include "batch/serial.h"

#include "guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static bool key_of(const char *path_text, const char *json, struct serial_key *key)
{
    struct json_path path;
    size_t column;
    const char *fault = json_path_read(&path, path_text, &column);
    if (fault)
        fail_msg("%s: column %zu: %s", path_text, column, fault);
    struct guard guard;
    guard_open(&guard, 4096);
    const char *text = guard_put(&guard, json, strlen(json));
    bool found = serial_key_of(&path, (struct ringsend_bytes){text, strlen(json)}, key);
    guard_close(&guard);
    return found;
}

static bool same(const char *path, const char *a, const char *b)
{
    struct serial_key first, second;
    assert_true(key_of(path, a, &first));
    assert_true(key_of(path, b, &second));
    return first.low == second.low && first.high == second.high;
}

static void values_are_found_and_compared(void **state)
{
    struct serial_key key;
    (void)state;
    assert_true(same(".user", "{\"user\":7}", "{\"x\":[1,{\"user\":8}],\"user\" : 7 }"));
    assert_false(same(".user", "{\"user\":7}", "{\"user\":8}"));
    assert_false(same(".user", "{\"user\":7}", "{\"user\":\"7\"}"));
    assert_true(same(".user.id", "{\"user\":{\"id\":\"a\\u0062\"}}", "{\"user\":{\"id\":\"ab\"}}"));
    assert_true(same(".a[1].\"odd key\"", "{\"a\":[0,{\"odd key\":true}]}",
                     "{\"a\":[{},{\"z\":1,\"odd k\\u0065y\":true}]}"));
    assert_true(same(".[\"a.b\"]", "{\"a.b\":[1,2]}", "{\"a.b\":[1,2]}"));
    assert_true(same(".[0]", "[5]", "[5,6]"));
    assert_true(same(".\"\"", "{\"\":1}", "{\"\":1}"));
    assert_false(key_of(".user", "{\"user\":null}", &key));
    assert_false(key_of(".user", "{\"users\":1}", &key));
    assert_false(key_of(".user", "[1]", &key));
    assert_false(key_of(".a[2]", "{\"a\":[0,1]}", &key));
    assert_false(key_of(".a.b", "{\"a\":7}", &key));
    assert_false(key_of(".user", "{\"user\":", &key));
    assert_false(key_of(".user", "not json", &key));
    assert_false(key_of(".user", "", &key));
}

static void bad_paths_are_reported(void **state)
{
    static const struct {
        const char *text;
        size_t column;
    } rows[] = {{"", 1},    {"user", 1},  {".", 2},      {".a.", 4},      {".a b", 3},
                {".a[", 4}, {".a[x]", 4}, {".a[1", 5},   {".a[\"b\"", 7}, {".\"b", 2},
                {".[]", 3}, {"[0]", 1},   {".\"\\\"", 2}};
    struct json_path path;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t column = 0;
        if (!json_path_read(&path, rows[i].text, &column))
            fail_msg("%s is taken", rows[i].text);
        assert_int_equal(column, rows[i].column);
    }
    char many[2 * 17 + 1] = "";
    for (size_t i = 0; i < 17; i++)
        memcpy(many + 2 * i, ".a", 3);
    size_t column;
    assert_non_null(json_path_read(&path, many, &column));
}

static void one_after_another(void **state)
{
    struct serial serial;
    struct serial_node nodes[6] = {{.entered = false}};
    struct serial_key a = {1, 1}, b = {17, 1}, c = {1, 2}; /* all in one bucket */
    (void)state;
    assert_true(serial_init(&serial, 6));
    assert_true(serial_enter(&serial, &nodes[0], a));
    assert_true(serial_enter(&serial, &nodes[1], b));
    assert_true(serial_enter(&serial, &nodes[2], c));
    assert_false(serial_enter(&serial, &nodes[3], a));
    assert_false(serial_enter(&serial, &nodes[4], a));
    assert_false(serial_enter(&serial, &nodes[5], a));
    assert_null(serial_leave(&serial, &nodes[4])); /* gives up waiting */
    assert_null(serial_leave(&serial, &nodes[4]));
    assert_ptr_equal(serial_leave(&serial, &nodes[0]), &nodes[3]);
    assert_null(serial_leave(&serial, &nodes[1]));
    assert_false(serial_enter(&serial, &nodes[0], a));
    assert_null(serial_leave(&serial, &nodes[0])); /* the last one: the end moves back */
    assert_false(serial_enter(&serial, &nodes[0], a));
    assert_ptr_equal(serial_leave(&serial, &nodes[3]), &nodes[5]);
    assert_ptr_equal(serial_leave(&serial, &nodes[5]), &nodes[0]);
    assert_null(serial_leave(&serial, &nodes[0]));
    assert_null(serial_leave(&serial, &nodes[2]));
    assert_true(serial_enter(&serial, &nodes[2], a));
    serial_free(&serial);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_found_and_compared),
        cmocka_unit_test(bad_paths_are_reported),
        cmocka_unit_test(one_after_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
