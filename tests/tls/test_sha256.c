/* Our SHA-256 against the standard's vectors, and against BearSSL's at every length and every cut.
 * On a CPU without the instructions it is BearSSL's own, and nothing is left to compare. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tls/bearssl/sha256.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES_MAX = 600 };

static void digest_of(const br_hash_class *class, const uint8_t *data, size_t bytes, size_t split,
                      uint8_t digest[32])
{
    br_sha256_context context;
    class->init(&context.vtable);
    class->update(&context.vtable, data, split);
    class->update(&context.vtable, NULL, 0);
    class->update(&context.vtable, data + split, bytes - split);
    class->out(&context.vtable, digest);
    uint8_t again[32];
    class->out(&context.vtable, again); /* it changes nothing */
    assert_memory_equal(again, digest, 32);
}

/* FIPS 180-4's examples (csrc.nist.gov, SHA256.pdf), and the million of "a" of its predecessor. */
static void test_vectors(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t times;
        uint8_t digest[32];
    } vectors[] = {
        {"", 1, {0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4,
                 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b,
                 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55}},
        {"abc", 1, {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
                    0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
                    0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad}},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         1,
         {0x24, 0x8d, 0x6a, 0x61, 0xd2, 0x06, 0x38, 0xb8, 0xe5, 0xc0, 0x26,
          0x93, 0x0c, 0x3e, 0x60, 0x39, 0xa3, 0x3c, 0xe4, 0x59, 0x64, 0xff,
          0x21, 0x67, 0xf6, 0xec, 0xed, 0xd4, 0x19, 0xdb, 0x06, 0xc1}},
        {"a", 1000000, {0xcd, 0xc7, 0x6e, 0x5c, 0x99, 0x14, 0xfb, 0x92, 0x81, 0xa1, 0xc7,
                        0xe2, 0x84, 0xd7, 0x3e, 0x67, 0xf1, 0x80, 0x9a, 0x48, 0xa4, 0x97,
                        0x20, 0x0e, 0x04, 0x6d, 0x39, 0xcc, 0xc7, 0x11, 0x2c, 0xd0}},
    };
    const br_hash_class *class = sha256_choose().hash;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        br_sha256_context context;
        uint8_t digest[32];
        class->init(&context.vtable);
        for (size_t j = 0; j < vectors[i].times; j++)
            class->update(&context.vtable, vectors[i].text, strlen(vectors[i].text));
        class->out(&context.vtable, digest);
        assert_memory_equal(digest, vectors[i].digest, 32);
    }
}

static void test_every_length_and_split(void **state)
{
    (void)state;
    const br_hash_class *class = sha256_choose().hash;
    if (class == &br_sha256_vtable)
        skip();
    for (size_t bytes = 0; bytes <= BYTES_MAX; bytes++) {
        uint8_t expected[32], got[32], *data = malloc(bytes + 1);
        assert_non_null(data);
        for (size_t i = 0; i < bytes; i++)
            data[i] = (uint8_t)(i * 37 + bytes);
        digest_of(&br_sha256_vtable, data, bytes, bytes, expected);
        for (size_t split = 0; split <= bytes; split++) {
            digest_of(class, data, bytes, split, got);
            assert_memory_equal(got, expected, 32);
        }
        free(data);
    }
}

/* As BearSSL's multihash uses it: it carries states in and out between whole blocks. */
static void test_state(void **state)
{
    (void)state;
    struct sha256 sha256 = sha256_choose();
    uint8_t data[BYTES_MAX], carried[32], expected[32], got[32];
    memset(data, 0x5a, sizeof data);
    digest_of(&br_sha256_vtable, data, sizeof data, 0, expected);
    for (size_t blocks = 0; blocks * 64 <= sizeof data; blocks++) {
        br_sha256_context context, other;
        sha256.hash->init(&context.vtable);
        sha256.hash->update(&context.vtable, data, blocks * 64);
        uint64_t count = sha256.hash->state(&context.vtable, carried);
        assert_int_equal(count, blocks * 64);
        sha256.hash->init(&other.vtable);
        sha256.hash->set_state(&other.vtable, carried, count);
        sha256.hash->update(&other.vtable, data + count, sizeof data - count);
        sha256.hash->out(&other.vtable, got);
        assert_memory_equal(got, expected, 32);
    }
    assert_int_equal(sha256.hash->desc, br_sha256_vtable.desc);
    assert_int_equal(sha256.hash->context_size, br_sha256_vtable.context_size);
}

static void test_prf(void **state)
{
    (void)state;
    static const uint8_t secret[100] = {1, 2, 3}, seed[64] = {4, 5, 6};
    const br_tls_prf_seed_chunk seeds[] = {{seed, 32}, {seed + 32, 32}};
    struct sha256 sha256 = sha256_choose();
    for (size_t bytes = 0; bytes <= 200; bytes++) {
        for (size_t secret_bytes = 0; secret_bytes <= sizeof secret; secret_bytes += 20) {
            uint8_t expected[201], got[201];
            memset(expected, 0xee, sizeof expected);
            memset(got, 0xee, sizeof got);
            br_tls12_sha256_prf(expected, bytes, secret, secret_bytes, "key expansion", 2, seeds);
            sha256.prf(got, bytes, secret, secret_bytes, "key expansion", 2, seeds);
            assert_memory_equal(got, expected, sizeof got);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_every_length_and_split),
        cmocka_unit_test(test_state),
        cmocka_unit_test(test_prf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
