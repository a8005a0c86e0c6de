/* Histograms as others know them: ours written and read again, one that another implementation
 * wrote (data/hdr_js.hlog; data/make_hdr_js.js tells how), and all that is none. */
#include "base/base64.h"
#include "bench/hdr.h"
#include "bench/hlog.h"
#include "guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <zlib.h>

enum { FILE_BYTES_MAX = 16384 };

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void assert_same_buckets(const struct histogram *a, const struct histogram *b)
{
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->buckets, b->buckets);
    assert_memory_equal(a->counts, b->counts, a->buckets * sizeof a->counts[0]);
}

static void ours_come_back_bucket_by_bucket(void **state)
{
    (void)state;
    for (uint64_t round = 0; round < 20; round++) {
        struct histogram h, back;
        uint64_t seed = 88172645463325252u + round;
        assert_true(histogram_init(&h, HDR_PRECISION) && histogram_init(&back, HDR_PRECISION));
        for (uint64_t i = 0; i < round * round * 10; i++)
            histogram_add_many(&h, next_random(&seed) >> (1 + next_random(&seed) % 63),
                               next_random(&seed) >> (20 + next_random(&seed) % 44));
        char *text = hdr_encode(&h);
        assert_non_null(text);
        assert_null(hdr_decode(span_of(text), &back));
        assert_same_buckets(&h, &back);
        assert_null(hdr_decode(span_of(text), &back)); /* added to what is there */
        assert_int_equal(back.count, 2 * h.count);
        for (int i = 0; i < 10; i++) { /* max itself is known exactly in one of them only */
            uint64_t message = histogram_quantile(&h, i / 10.0);
            assert_true(message == histogram_quantile(&back, i / 10.0) || message == h.max);
        }
        free(text);
        histogram_free(&h);
        histogram_free(&back);
    }
}

static void the_extremes_come_back(void **state)
{
    (void)state;
    struct histogram h, back;
    assert_true(histogram_init(&h, HDR_PRECISION) && histogram_init(&back, HDR_PRECISION));
    histogram_add(&h, 0);
    histogram_add_many(&h, 2047, (uint64_t)1 << 62); /* nine bytes, all bits of the last */
    histogram_add(&h, 2048);
    histogram_add(&h, INT64_MAX);
    char *text = hdr_encode(&h);
    assert_null(hdr_decode(span_of(text), &back));
    assert_same_buckets(&h, &back);
    /* What would overflow is refused, not wrapped. */
    assert_non_null(strstr(hdr_decode(span_of(text), &back), "too large"));
    free(text);
    histogram_free(&h);
    histogram_free(&back);
}

static size_t read_file(char *out)
{
    char path[4096];
    const char *directory = getenv("TEST_DATA");
    snprintf(path, sizeof path, "%s/hdr_js.hlog", directory ? directory : "tests/unit/data");
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t bytes = fread(out, 1, FILE_BYTES_MAX, file);
    assert_true(bytes > 0 && bytes < FILE_BYTES_MAX);
    fclose(file);
    return bytes;
}

static void the_file_of_another_implementation_is_read(void **state)
{
    (void)state;
    static char text[FILE_BYTES_MAX];
    struct guard guard;
    struct hlog log;
    struct hlog_interval interval;
    struct histogram h, expected;
    size_t bytes = read_file(text);
    guard_open(&guard, bytes);
    hlog_init(&log, (struct ringsend_bytes){guard_put(&guard, text, bytes), bytes});

    assert_true(histogram_init(&expected, HDR_PRECISION));
    for (uint64_t root = 1; root <= 1000; root++)
        histogram_add_many(&expected, root * root, root);
    histogram_add_many(&expected, 60000000000, 5000000000);
    assert_true(histogram_init(&h, HDR_PRECISION));
    assert_int_equal(hlog_next(&log, &interval), HLOG_INTERVAL);
    assert_int_equal(interval.tag.bytes, 0);
    assert_true(interval.start_s == 1700000000 && interval.length_s == 1.5);
    assert_null(hdr_decode(interval.histogram, &h));
    assert_same_buckets(&h, &expected);
    histogram_free(&h);

    /* Two digits: 7 bits, so that a value is told at most 1/128 too large. */
    assert_true(histogram_init(&h, HDR_PRECISION));
    assert_int_equal(hlog_next(&log, &interval), HLOG_INTERVAL);
    assert_true(span_equal(interval.tag, SPAN("coarse")));
    assert_null(hdr_decode(interval.histogram, &h));
    assert_int_equal(h.count, 100000);
    for (int i = 1; i < 100; i++) {
        uint64_t message = histogram_quantile(&h, i / 100.0), exact = (uint64_t)i * 1000000;
        assert_true(message >= exact && message - exact <= exact >> 7);
    }
    assert_int_equal(hlog_next(&log, &interval), HLOG_INTERVAL);
    assert_null(hdr_decode(interval.histogram, &h));
    assert_int_equal(h.count, 100000);
    assert_int_equal(hlog_next(&log, &interval), HLOG_END);
    histogram_free(&h);
    histogram_free(&expected);
    guard_close(&guard);
}

static void a_log_of_ours_is_read_again(void **state)
{
    (void)state;
    static char text[FILE_BYTES_MAX];
    struct histogram h, back;
    struct hlog log;
    struct hlog_interval interval;
    assert_true(histogram_init(&h, HDR_PRECISION) && histogram_init(&back, HDR_PRECISION));
    histogram_add_many(&h, 1234567, 3);
    hlog_head(text, 1700000000123);
    assert_non_null(strstr(text, "#[StartTime: 1700000000.123 (seconds since epoch), "
                                 "Tue Nov 14 22:13:20 UTC 2023]\n"));
    char *plain = hlog_line(NULL, 1000000000, 2500000000, &h);
    char *tagged = hlog_line("service", 0, 1000000, &h);
    assert_memory_equal(plain, "1.000,1.500,1.235,HIST", 22);
    assert_memory_equal(tagged, "Tag=service,0.000,0.001,1.235,HIST", 34);
    size_t head_bytes = strlen(text);
    snprintf(text + head_bytes, sizeof text - head_bytes, "%s%s", plain, tagged);

    hlog_init(&log, span_of(text));
    assert_int_equal(hlog_next(&log, &interval), HLOG_INTERVAL);
    assert_int_equal(interval.tag.bytes, 0);
    assert_true(interval.start_s == 1 && interval.length_s == 1.5);
    assert_null(hdr_decode(interval.histogram, &back));
    assert_same_buckets(&h, &back);
    assert_int_equal(hlog_next(&log, &interval), HLOG_INTERVAL);
    assert_true(span_equal(interval.tag, SPAN("service")));
    assert_int_equal(hlog_next(&log, &interval), HLOG_END);
    free(plain);
    free(tagged);
    histogram_free(&h);
    histogram_free(&back);
}

static void lines_that_are_wrong_are_told_by_number(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"x,1,1,HIST", "seconds"},
        {",1,1,HIST", "seconds"},
        {"inf,1,1,H", "seconds"},
        {"0x1,1,1,H", "seconds"},
        {"1e999,1,1,H", "seconds"},
        {"1,-1,1,H", "length"},
        {"1,,1,H", "length"},
        {"1,1,1", "four fields"},
        {"1,1,1,", "four fields"},
        {"1,1,1,H,more", "four fields"},
        {"Tag=a", "seconds"},
        {"Tag=a,1,1,1", "four fields"},
        {"1", "length"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[128];
        struct hlog log;
        struct hlog_interval interval;
        struct guard guard;
        int bytes = snprintf(text, sizeof text, "#a\r\n\r\n1 , 2,3, H\r\n%s", cases[i].text);
        guard_open(&guard, sizeof text);
        hlog_init(&log,
                  (struct ringsend_bytes){guard_put(&guard, text, (size_t)bytes), (size_t)bytes});
        assert_int_equal(hlog_next(&log, &interval), HLOG_INTERVAL);
        assert_true(interval.start_s == 1 && span_equal(interval.histogram, SPAN("H")));
        assert_int_equal(hlog_next(&log, &interval), HLOG_BAD);
        assert_int_equal(log.line, 4);
        if (!strstr(log.error, cases[i].says))
            fail_msg("%s: %s", cases[i].text, log.error);
        guard_close(&guard);
    }
}

/* ---- texts that are no histograms: packed here, so that only one thing is wrong ---- */

struct packed {
    uint8_t head[40];
    uint8_t payload[64];
    size_t payload_bytes;
};

static void set_be(uint8_t *at, unsigned bytes, uint64_t number)
{
    while (bytes-- > 0) {
        at[bytes] = (uint8_t)number;
        number >>= 8;
    }
}

/* A value of 1, once. */
static struct packed good(void)
{
    struct packed p = {.payload = {0, 2}, .payload_bytes = 2};
    set_be(p.head, 4, 0x1c849313);
    set_be(p.head + 4, 4, 2);
    set_be(p.head + 12, 4, 3);
    set_be(p.head + 16, 8, 1);
    set_be(p.head + 24, 8, 3600000000000);
    set_be(p.head + 32, 8, 0x3ff0000000000000);
    return p;
}

static const char *decode(const struct packed *p, size_t cut, size_t said_less)
{
    uint8_t plain[104], stream[256];
    char text[512];
    struct histogram h;
    uLongf bytes = sizeof stream - 8;
    memcpy(plain, p->head, 40);
    memcpy(plain + 40, p->payload, p->payload_bytes);
    assert_int_equal(compress(stream + 8, &bytes, plain, 40 + p->payload_bytes), Z_OK);
    set_be(stream, 4, 0x1c849314);
    set_be(stream + 4, 4, bytes - said_less);
    char *end = base64_encode((struct ringsend_bytes){(const char *)stream, bytes + 8 - cut}, text);
    assert_true(histogram_init(&h, HDR_PRECISION));
    const char *error = hdr_decode((struct ringsend_bytes){text, (size_t)(end - text)}, &h);
    if (!error)
        assert_int_equal(h.count, 1);
    histogram_free(&h);
    return error;
}

static void assert_refused(struct packed p, const char *says)
{
    const char *error = decode(&p, 0, 0);
    if (!error || !strstr(error, says))
        fail_msg("\"%s\" instead of \"%s\"", error ? error : "taken", says);
}

static void damaged_histograms_are_refused(void **state)
{
    (void)state;
    struct packed p = good();
    assert_null(decode(&p, 0, 0));
    assert_non_null(strstr(decode(&p, 1, 0), "cut off"));
    assert_non_null(strstr(decode(&p, 0, 1), "cut off"));
    set_be(p.head, 4, 0x1c849301); /* V1 */
    assert_refused(p, "V2");
    p = good();
    set_be(p.head + 4, 4, 3);
    assert_refused(p, "shorter");
    set_be(p.head + 4, 4, 1);
    assert_refused(p, "longer");
    set_be(p.head + 4, 4, 0x80000000);
    assert_refused(p, "damaged");
    p = good();
    set_be(p.head + 12, 4, 6);
    assert_refused(p, "damaged");
    p = good();
    set_be(p.head + 16, 8, 0);
    assert_refused(p, "damaged");
    set_be(p.head + 16, 8, (uint64_t)1 << 62); /* no room for 2048 buckets above it */
    assert_refused(p, "damaged");
    p = good();
    set_be(p.head + 8, 4, 1);
    assert_refused(p, "fractions");
    p = good();
    p.payload[1] = 0x82; /* goes on behind the end */
    assert_refused(p, "inside a count");
    p = good();
    memset(p.payload, 0xff, 9); /* -2^63 */
    p.payload_bytes = 9;
    set_be(p.head + 4, 4, 9);
    assert_refused(p, "more buckets");
    /* The last bucket that there is, and one more. */
    p = good();
    memcpy(p.payload, "\xfd\xdf\x06\x02\x02", 5); /* -(54 * 1024 - 1), 1, 1 */
    p.payload_bytes = 4;
    set_be(p.head + 4, 4, 4);
    assert_null(decode(&p, 0, 0));
    p.payload_bytes = 5;
    set_be(p.head + 4, 4, 5);
    assert_refused(p, "more buckets");
}

static void what_is_no_histogram_at_all_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"",     "HIST",         "HISTF",
                                        "====", "HISTFAAAAAA=", "HISTFAAAABAAAAAA"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct histogram h;
        assert_true(histogram_init(&h, HDR_PRECISION));
        assert_non_null(hdr_decode(span_of(texts[i]), &h));
        histogram_free(&h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ours_come_back_bucket_by_bucket),
        cmocka_unit_test(the_extremes_come_back),
        cmocka_unit_test(the_file_of_another_implementation_is_read),
        cmocka_unit_test(a_log_of_ours_is_read_again),
        cmocka_unit_test(lines_that_are_wrong_are_told_by_number),
        cmocka_unit_test(damaged_histograms_are_refused),
        cmocka_unit_test(what_is_no_histogram_at_all_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
