/* Content codings: what is packed comes back, in every coding and any two upon each other; cut and
 * changed at each byte it is refused or, where no checksum guards it, at least harmless; bombs end
 * at the limits. Packed bodies lie before a page that cannot be read. */
#include "guard.h"
#include "http/coding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <brotli/encode.h>
#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

enum { RAW_DEFLATE = 100 }; /* a coding of its own here */

static struct buf_pool pool;
static struct unpack *unpack;

/* ---- Packing ---- */

static struct buf pack_zlib(struct ringsend_bytes plain, int window_bits)
{
    struct buf out = {0};
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_true(buf_reserve(&pool, &out, deflateBound(&z, plain.bytes)));
    z.next_in = (Bytef *)(uintptr_t)plain.data;
    z.avail_in = (uInt)plain.bytes;
    z.next_out = (Bytef *)out.data;
    z.avail_out = (uInt)out.capacity;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    out.bytes = z.total_out;
    deflateEnd(&z);
    return out;
}

static struct buf pack(int coding, struct ringsend_bytes plain)
{
    struct buf out = {0};
    switch (coding) {
    case CODING_GZIP:
        return pack_zlib(plain, 15 + 16);
    case CODING_DEFLATE:
        return pack_zlib(plain, 15);
    case RAW_DEFLATE:
        return pack_zlib(plain, -15);
    case CODING_BROTLI:
        assert_true(buf_reserve(&pool, &out, BrotliEncoderMaxCompressedSize(plain.bytes)));
        out.bytes = out.capacity;
        assert_true(BrotliEncoderCompress(5, 22, BROTLI_MODE_TEXT, plain.bytes,
                                          (const uint8_t *)plain.data, &out.bytes,
                                          (uint8_t *)out.data));
        return out;
    default:
        assert_true(buf_reserve(&pool, &out, ZSTD_compressBound(plain.bytes)));
        out.bytes = ZSTD_compress(out.data, out.capacity, plain.data, plain.bytes, 3);
        assert_false(ZSTD_isError(out.bytes));
        return out;
    }
}

static struct buf text_of(size_t bytes)
{
    struct buf text = {0};
    assert_true(buf_reserve(&pool, &text, bytes + 1));
    uint32_t random = 1;
    for (size_t i = 0; i < bytes; i++) {
        random = random * 1664525u + 1013904223u;
        text.data[i] = (char)('a' + (random >> 24) % 13);
    }
    text.bytes = bytes;
    return text;
}

static const char *const names[] = {[CODING_GZIP] = "gzip",
                                    [CODING_DEFLATE] = "deflate",
                                    [CODING_BROTLI] = "br",
                                    [CODING_ZSTD] = "zstd",
                                    [RAW_DEFLATE] = "deflate"};
static const int codings_known[] = {CODING_GZIP, CODING_DEFLATE, CODING_BROTLI, CODING_ZSTD,
                                    RAW_DEFLATE};

/* ---- Unpacking ---- */

struct outcome {
    enum ringsend_error error;
    const char *detail;
    struct buf body;
};

/* In stretches of so many bytes. */
static struct outcome remove_in(size_t stretch, const char *header, struct ringsend_bytes packed,
                                uint64_t max)
{
    struct outcome o = {0};
    struct codings codings = {0};
    struct decoding d;
    struct buf body = {0};
    enum decoding_next next;
    codings_add(&codings, span_of(header));
    assert_false(codings.unknown);
    assert_true(buf_append(&pool, &body, packed.data, packed.bytes));
    decoding_begin(&d, &codings, unpack, &pool, &body, max);
    assert_null(body.data);
    do {
        size_t allowance = stretch, before = d.out.bytes;
        next = decoding_step(&d, &allowance);
        assert_true(next != DECODING_MORE || allowance == 0);
        assert_true(d.out.bytes <= before || d.out.bytes - before <= stretch);
    } while (next == DECODING_MORE);
    if (next == DECODING_DONE) {
        o.body = d.body;
        d.body = (struct buf){0};
    } else {
        o.error = d.error;
        o.detail = d.detail;
        assert_true(o.error != RINGSEND_OK && (o.error == RINGSEND_E_NO_MEMORY || o.detail));
    }
    decoding_end(&d);
    return o;
}

/* In one go, and in stretches: with the same outcome. */
static struct outcome remove_all(const char *header, struct ringsend_bytes packed, uint64_t max)
{
    static const size_t stretches[] = {1, 300, 100000};
    struct outcome o = remove_in(SIZE_MAX, header, packed, max);
    for (size_t i = packed.bytes > 10000 ? 2 : 0; i < 3; i++) {
        struct outcome other = remove_in(stretches[i], header, packed, max);
        assert_int_equal(other.error, o.error);
        assert_true(!o.detail == !other.detail);
        assert_int_equal(other.body.bytes, o.body.bytes);
        if (o.body.data && other.body.data)
            assert_memory_equal(other.body.data, o.body.data, o.body.bytes);
        buf_release(&pool, &other.body);
    }
    return o;
}

static void expect_error(const char *header, struct ringsend_bytes packed, uint64_t max,
                         enum ringsend_error error, const char *detail)
{
    struct outcome o = remove_all(header, packed, max);
    if (o.error != error || !strstr(o.detail, detail))
        fail_msg("%s: %s, %s", header, ringsend_error_name(o.error), o.detail);
    buf_release(&pool, &o.body);
}

static void expect_text(const char *header, struct buf packed, struct buf plain)
{
    struct outcome o =
        remove_all(header, (struct ringsend_bytes){packed.data, packed.bytes}, 1 << 24);
    if (o.error != RINGSEND_OK)
        fail_msg("%s, %zu bytes: %s, %s", header, plain.bytes, ringsend_error_name(o.error),
                 o.detail);
    assert_int_equal(o.body.bytes, plain.bytes);
    assert_true(plain.bytes == 0 || memcmp(o.body.data, plain.data, plain.bytes) == 0);
    buf_release(&pool, &o.body);
}

static void comes_back(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 100, 4095, 4096, 4097, 8192, 65536, 1 << 20, 3000000};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        struct buf plain = text_of(sizes[s]);
        for (size_t i = 0; i < 5; i++) {
            struct buf packed =
                pack(codings_known[i], (struct ringsend_bytes){plain.data, plain.bytes});
            expect_text(names[codings_known[i]], packed, plain);
            buf_release(&pool, &packed);
        }
        buf_release(&pool, &plain);
    }
}

static void two_upon_each_other(void **state)
{
    (void)state;
    struct buf plain = text_of(5000);
    for (size_t i = 0; i < 5; i++) {
        for (size_t k = 0; k < 5; k++) {
            char header[40];
            snprintf(header, sizeof header, "%s , %s", names[codings_known[i]],
                     names[codings_known[k]]);
            struct buf once =
                pack(codings_known[i], (struct ringsend_bytes){plain.data, plain.bytes});
            struct buf twice =
                pack(codings_known[k], (struct ringsend_bytes){once.data, once.bytes});
            expect_text(header, twice, plain);
            buf_release(&pool, &once);
            buf_release(&pool, &twice);
        }
    }
    expect_error("gzip, gzip, gzip", SPAN("x"), 100, RINGSEND_E_BAD_ENCODING, "more than two");
    buf_release(&pool, &plain);
}

static void reads_headers(void **state)
{
    (void)state;
    static const struct {
        const char *value, *text;
        unsigned count;
        bool unknown;
    } rows[] = {
        {"gzip", "gzip", 1, false},
        {" GZip\t", "GZip", 1, false},
        {"x-gzip", "x-gzip", 1, false},
        {"identity", "", 0, false},
        {"", "", 0, false},
        {",, br ,", "br", 1, false},
        {"gzip,identity,br", "gzip, br", 2, false},
        {"compress", "compress", 0, true},
        {"gzip, aes128gcm", "gzip, aes128gcm", 1, true},
        {"gzip;q=1", "gzip;q=1", 0, true},
        {"gzip, br, zstd, deflate, gzip, br, zstd, deflate, gzip, br, zstd, deflate", NULL, 3,
         false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct codings c = {0};
        codings_add(&c, span_of(rows[i].value));
        if (c.count != rows[i].count || c.unknown != rows[i].unknown ||
            (rows[i].text &&
             !span_equal((struct ringsend_bytes){c.text, c.text_bytes}, span_of(rows[i].text))))
            fail_msg("%s: %u, %.*s", rows[i].value, c.count, c.text_bytes, c.text);
    }
    struct codings two_lines = {0};
    codings_add(&two_lines, SPAN("gzip"));
    codings_add(&two_lines, SPAN("br"));
    assert_true(span_equal((struct ringsend_bytes){two_lines.text, two_lines.text_bytes},
                           SPAN("gzip, br")));
}

/* Several members, and frames; what follows anything else is refused. */
static void streams_follow_each_other(void **state)
{
    (void)state;
    struct buf plain = text_of(300), twice = {0};
    assert_true(buf_append(&pool, &twice, plain.data, plain.bytes));
    assert_true(buf_append(&pool, &twice, plain.data, plain.bytes));
    for (size_t i = 0; i < 5; i++) {
        int coding = codings_known[i];
        struct buf packed = pack(coding, (struct ringsend_bytes){plain.data, plain.bytes});
        struct buf doubled = {0};
        assert_true(buf_append(&pool, &doubled, packed.data, packed.bytes));
        assert_true(buf_append(&pool, &doubled, packed.data, packed.bytes));
        if (coding == CODING_GZIP || coding == CODING_ZSTD)
            expect_text(names[coding], doubled, twice);
        else
            expect_error(names[coding], (struct ringsend_bytes){doubled.data, doubled.bytes}, 9999,
                         RINGSEND_E_BAD_ENCODING, "bytes follow");
        doubled.bytes = packed.bytes;
        assert_true(buf_append(&pool, &doubled, "rubbish", 7));
        expect_error(names[coding], (struct ringsend_bytes){doubled.data, doubled.bytes}, 9999,
                     RINGSEND_E_BAD_ENCODING, "");
        buf_release(&pool, &doubled);
        buf_release(&pool, &packed);
    }
    buf_release(&pool, &plain);
    buf_release(&pool, &twice);
}

static void truncation_is_refused(void **state)
{
    (void)state;
    struct buf plain = text_of(700);
    for (size_t i = 0; i < 5; i++) {
        const char *name = names[codings_known[i]];
        struct buf packed =
            pack(codings_known[i], (struct ringsend_bytes){plain.data, plain.bytes});
        for (size_t bytes = 1; bytes < packed.bytes; bytes++)
            expect_error(name, (struct ringsend_bytes){packed.data, bytes}, 9999,
                         RINGSEND_E_BAD_ENCODING, "");
        buf_release(&pool, &packed);
    }
    buf_release(&pool, &plain);
}

static void damage_is_harmless(void **state)
{
    (void)state;
    struct buf plain = text_of(700);
    struct guard guard;
    guard_open(&guard, 8192);
    for (size_t i = 0; i < 5; i++) {
        int coding = codings_known[i];
        struct buf packed = pack(coding, (struct ringsend_bytes){plain.data, plain.bytes});
        for (size_t bit = 0; bit < packed.bytes * 8; bit++) {
            packed.data[bit / 8] = (char)(packed.data[bit / 8] ^ 1 << bit % 8);
            struct unpack *u = unpack;
            size_t made = 0;
            char out[2048];
            struct ringsend_bytes in = {guard_put(&guard, packed.data, packed.bytes), packed.bytes};
            assert_true(unpack_begin(u, coding == CODING_GZIP      ? UNPACK_GZIP
                                        : coding == CODING_DEFLATE ? UNPACK_ZLIB
                                        : coding == RAW_DEFLATE    ? UNPACK_DEFLATE
                                        : coding == CODING_BROTLI  ? UNPACK_BROTLI
                                                                   : UNPACK_ZSTD));
            enum unpack_next next = unpack_step(u, &in, out, sizeof out, &made);
            /* What has a checksum is whole, or refused. */
            if (next == UNPACK_END && (coding == CODING_GZIP || coding == CODING_DEFLATE))
                assert_true(made == plain.bytes && memcmp(out, plain.data, plain.bytes) == 0);
            struct outcome o = remove_in(
                97, names[coding], (struct ringsend_bytes){packed.data, packed.bytes}, 1 << 20);
            buf_release(&pool, &o.body);
            packed.data[bit / 8] = (char)(packed.data[bit / 8] ^ 1 << bit % 8);
        }
        buf_release(&pool, &packed);
    }
    guard_close(&guard);
    buf_release(&pool, &plain);
}

/* The limit holds to the byte, after each coding, and nothing else does: zeros of the allowed
 * length are no fault. */
static void bombs_end_at_the_limits(void **state)
{
    (void)state;
    struct buf zeros = {0};
    size_t bytes = 64 << 20;
    assert_true(buf_reserve(&pool, &zeros, bytes));
    memset(zeros.data, 0, bytes);
    for (size_t i = 0; i < 5; i++) {
        const char *name = names[codings_known[i]];
        struct buf packed = pack(codings_known[i], (struct ringsend_bytes){zeros.data, 1 << 20});
        struct ringsend_bytes small = {packed.data, packed.bytes};
        expect_error(name, small, (1 << 20) - 1, RINGSEND_E_BODY_TOO_LARGE, "limit");
        struct outcome o = remove_all(name, small, 1 << 20);
        assert_int_equal(o.error, RINGSEND_OK);
        assert_int_equal(o.body.bytes, 1 << 20);
        buf_release(&pool, &o.body);
        buf_release(&pool, &packed);

        packed = pack(codings_known[i], (struct ringsend_bytes){zeros.data, bytes});
        struct ringsend_bytes large = {packed.data, packed.bytes};
        o = remove_in(SIZE_MAX, name, large, bytes);
        assert_int_equal(o.error, RINGSEND_OK);
        assert_int_equal(o.body.bytes, bytes);
        buf_release(&pool, &o.body);
        buf_release(&pool, &packed);
    }
    /* A bomb inside a small one. */
    struct buf inner = pack(CODING_GZIP, (struct ringsend_bytes){zeros.data, bytes});
    struct buf outer = pack(CODING_GZIP, (struct ringsend_bytes){inner.data, inner.bytes});
    expect_error("gzip, gzip", (struct ringsend_bytes){outer.data, outer.bytes}, 1 << 20,
                 RINGSEND_E_BODY_TOO_LARGE, "limit");
    struct outcome both =
        remove_in(SIZE_MAX, "gzip, gzip", (struct ringsend_bytes){outer.data, outer.bytes}, bytes);
    assert_int_equal(both.error, RINGSEND_OK);
    assert_int_equal(both.body.bytes, bytes);
    buf_release(&pool, &both.body);
    buf_release(&pool, &inner);
    buf_release(&pool, &outer);
    buf_release(&pool, &zeros);
}

/* RFC 9659: no window above 8 MiB. */
static void wide_windows_are_refused(void **state)
{
    (void)state;
    char out[200];
    ZSTD_CCtx *packer = ZSTD_createCCtx();
    for (int bits = 23; bits <= 24; bits++) {
        ZSTD_CCtx_reset(packer, ZSTD_reset_session_and_parameters);
        ZSTD_CCtx_setParameter(packer, ZSTD_c_windowLog, bits);
        ZSTD_inBuffer in = {"hello", 5, 0};
        ZSTD_outBuffer to = {out, sizeof out, 0};
        /* Begun without an end, so that its size is not known and the window stands in the frame.
         */
        ZSTD_compressStream2(packer, &to, &in, ZSTD_e_flush);
        assert_int_equal(ZSTD_compressStream2(packer, &to, &in, ZSTD_e_end), 0);
        struct outcome o = remove_all("zstd", (struct ringsend_bytes){out, to.pos}, 100);
        assert_int_equal(o.error, bits == 23 ? RINGSEND_OK : RINGSEND_E_BAD_ENCODING);
        buf_release(&pool, &o.body);
    }
    ZSTD_freeCCtx(packer);
}

static int set_up(void **state)
{
    (void)state;
    buf_pool_init(&pool);
    unpack = unpack_new(NULL, UNPACK_WINDOW_HTTP);
    return unpack ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    unpack_free(unpack);
    buf_pool_free(&pool);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back),
        cmocka_unit_test(two_upon_each_other),
        cmocka_unit_test(reads_headers),
        cmocka_unit_test(streams_follow_each_other),
        cmocka_unit_test(truncation_is_refused),
        cmocka_unit_test(damage_is_harmless),
        cmocka_unit_test(bombs_end_at_the_limits),
        cmocka_unit_test(wide_windows_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
