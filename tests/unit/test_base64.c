/* Base64 against the vectors of RFC 4648 section 10, all bytes, and what is none. */
#include "base/base64.h"
#include "guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static bool decode(const char *text, char *out, size_t *out_bytes)
{
    struct guard guard;
    size_t bytes = strlen(text);
    guard_open(&guard, bytes);
    bool valid = base64_decode((struct ringsend_bytes){guard_put(&guard, text, bytes), bytes}, out,
                               out_bytes);
    guard_close(&guard);
    return valid;
}

static void the_vectors_of_the_rfc_go_both_ways(void **state)
{
    (void)state;
    static const char *const vectors[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        char out[16];
        size_t bytes;
        char *end = base64_encode(span_of(vectors[i][0]), out);
        assert_int_equal(end - out, base64_bytes(strlen(vectors[i][0])));
        assert_int_equal(end - out, strlen(vectors[i][1]));
        assert_memory_equal(out, vectors[i][1], strlen(vectors[i][1]));
        assert_true(decode(vectors[i][1], out, &bytes));
        assert_int_equal(bytes, strlen(vectors[i][0]));
        assert_memory_equal(out, vectors[i][0], bytes);
    }
}

static void every_byte_comes_back_and_decoding_works_in_place(void **state)
{
    (void)state;
    char all[256], text[344];
    size_t bytes;
    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    base64_encode((struct ringsend_bytes){all, sizeof all}, text);
    assert_true(base64_decode((struct ringsend_bytes){text, sizeof text}, text, &bytes));
    assert_int_equal(bytes, sizeof all);
    assert_memory_equal(text, all, sizeof all);
}

static void what_is_no_base64_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "Z",     "Zg",   "Zg=",   "Zg==Zg==", "Zh==",         "Zm9=", "====",       "Z===",
        "Zm9v=", "=m9v", "Zm 9v", "Zm9v\n",   "Zm9v\n\n\n\n", "Zm-_", "\xc3\xa4==",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char out[16];
        size_t bytes;
        if (decode(texts[i], out, &bytes))
            fail_msg("\"%s\" was taken", texts[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_the_rfc_go_both_ways),
        cmocka_unit_test(every_byte_comes_back_and_decoding_works_in_place),
        cmocka_unit_test(what_is_no_base64_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
