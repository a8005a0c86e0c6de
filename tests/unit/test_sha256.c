/* SHA-256 against the vectors of FIPS 180-2 and RFC 6234, and itself in every split. */
#include "base/sha256.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void expect(const char *text, size_t repeats, const char *hex)
{
    struct sha256 hash;
    unsigned char digest[SHA256_BYTES];
    char got[2 * SHA256_BYTES + 1];
    sha256_init(&hash);
    for (size_t i = 0; i < repeats; i++)
        sha256_add(&hash, text, strlen(text));
    sha256_end(&hash, digest);
    for (size_t i = 0; i < SHA256_BYTES; i++)
        snprintf(got + 2 * i, 3, "%02x", digest[i]);
    assert_string_equal(got, hex);
}

static void vectors(void **state)
{
    (void)state;
    expect("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
           "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    expect("a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    expect("0123456701234567012345670123456701234567012345670123456701234567", 10,
           "594847328451bdfa85056225462cc1d867d877fb388df0ce35f25ab5562bfbb5");
}

static void every_split(void **state)
{
    unsigned char bytes[200], whole[SHA256_BYTES], split[SHA256_BYTES];
    struct sha256 hash;
    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 7);
    for (size_t length = 0; length <= sizeof bytes; length++) {
        sha256_init(&hash);
        sha256_add(&hash, bytes, length);
        sha256_end(&hash, whole);
        for (size_t at = 0; at <= length; at++) {
            sha256_init(&hash);
            sha256_add(&hash, bytes, at);
            sha256_add(&hash, bytes + at, length - at);
            sha256_end(&hash, split);
            assert_memory_equal(whole, split, sizeof whole);
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors),
        cmocka_unit_test(every_split),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
