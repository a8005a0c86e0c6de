/* A server's first flight as it may be, and as it must not be: our own server's, changed on its
 * way. */
#include "pair.h"

#include "tls/bearssl/connection.h"

enum { FLIGHT_MAX = 1 << 14, RECORD_HEAD = 5, MESSAGE_HEAD = 4, ID_AT = 2 + 32 };

struct flight {
    uint8_t bytes[FLIGHT_MAX];
    size_t count;
};

static void put(struct flight *f, const void *bytes, size_t count)
{
    assert_true(f->count + count <= FLIGHT_MAX);
    memcpy(f->bytes + f->count, bytes, count);
    f->count += count;
}

static void put_record(struct flight *f, uint8_t minor, const uint8_t *bytes, size_t count)
{
    const uint8_t head[] = {22, 3, minor, (uint8_t)(count >> 8), (uint8_t)count};
    put(f, head, sizeof head);
    put(f, bytes, count);
}

/* The messages that the server answers the client's hello with, out of their records. */
static struct flight messages_of(struct pair *p)
{
    static struct flight wire;
    struct flight messages = {.count = 0};
    carry(p->client, p->server, SIZE_MAX);
    wire.count = tls_take(p->server, wire.bytes, FLIGHT_MAX);
    for (size_t at = 0; at < wire.count && wire.bytes[at] == 22;) {
        size_t count = (size_t)wire.bytes[at + 3] << 8 | wire.bytes[at + 4];
        put(&messages, wire.bytes + at + RECORD_HEAD, count);
        at += RECORD_HEAD + count;
    }
    assert_true(messages.count > 0);
    return messages;
}

static size_t message_bytes(const struct flight *messages, size_t at)
{
    const uint8_t *head = messages->bytes + at;
    return MESSAGE_HEAD + ((size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3]);
}

static void feed(struct tls *t, const struct flight *f, size_t piece)
{
    size_t used = 1;
    for (size_t at = 0; at < f->count && used > 0; at += used)
        used = tls_feed(t, f->bytes + at, piece < f->count - at ? piece : f->count - at);
}

static const size_t pieces[] = {1, 7, 100, SIZE_MAX};

enum { PIECES = sizeof pieces / sizeof pieces[0] };

/* The first flight in records of any length, and the hello's of any version. */
static void test_versions_and_lengths(void **state)
{
    static const size_t lengths[] = {1, 3, 64, 4000};
    (void)state;
    for (size_t i = 0; i < PIECES * 4 * 2; i++) {
        struct pair p;
        struct flight f = {.count = 0};
        pair_open(&p, false);
        pair_connect(&p);
        struct flight messages = messages_of(&p);
        for (size_t at = 0, n; at < messages.count; at += n) {
            n = lengths[i / PIECES % 4];
            n = n < messages.count - at ? n : messages.count - at;
            bool old = i / PIECES / 4 && at < message_bytes(&messages, 0);
            put_record(&f, old ? 1 : 3, messages.bytes + at, n);
        }
        feed(p.client, &f, pieces[i % PIECES]);
        shake_hands(&p, SIZE_MAX);
        assert_int_equal(tls_error(p.client), RINGSEND_OK);
        assert_true(tls_is_ready(p.client) && tls_is_ready(p.server));
        pair_close(&p);
    }
}

/* HelloRequests before each message and behind the last, cut in two by records. */
static void test_hello_requests(void **state)
{
    static const uint8_t request[MESSAGE_HEAD];
    (void)state;
    for (size_t i = 0; i < PIECES * MESSAGE_HEAD; i++) {
        size_t cut = i / PIECES;
        struct pair p;
        struct flight f = {.count = 0};
        pair_open(&p, false);
        pair_connect(&p);
        struct flight messages = messages_of(&p);
        for (size_t at = 0, n; at <= messages.count; at += n) {
            if (cut > 0)
                put_record(&f, 3, request, cut);
            put_record(&f, 3, request + cut, MESSAGE_HEAD - cut);
            n = at < messages.count ? message_bytes(&messages, at) : 1;
            if (at < messages.count)
                put_record(&f, 3, messages.bytes + at, n);
        }
        feed(p.client, &f, pieces[i % PIECES]);
        shake_hands(&p, SIZE_MAX);
        assert_int_equal(tls_error(p.client), RINGSEND_OK);
        assert_true(tls_is_ready(p.client) && tls_is_ready(p.server));
        pair_close(&p);
    }
}

static void test_no_hello_requests(void **state)
{
    static const uint8_t not_empty[] = {0, 0, 0, 1, 0}, none[] = {22, 3, 3, 0, 0};
    struct pair p;
    struct flight f = {.count = 0};
    (void)state;
    pair_open(&p, false);
    pair_connect(&p);
    put_record(&f, 3, not_empty, sizeof not_empty);
    feed(p.client, &f, SIZE_MAX);
    assert_int_equal(tls_error(p.client), RINGSEND_E_TLS_PROTOCOL);
    pair_connect(&p);
    assert_int_equal(tls_feed(p.client, none, sizeof none), sizeof none);
    assert_int_equal(tls_error(p.client), RINGSEND_E_TLS_PROTOCOL);
    pair_close(&p);
}

/* Points of X25519 whose products are zero, whatever they are multiplied by (RFC 7748 6.1). */
static const uint8_t *small;

static size_t make_small(unsigned char *point, const unsigned char *factor, size_t factor_bytes,
                         int curve)
{
    (void)factor;
    (void)factor_bytes;
    assert_int_equal(curve, BR_EC_curve25519);
    memcpy(point, small, 32);
    return 32;
}

static void test_small_points(void **state)
{
    static const uint8_t points[][32] = {
        {0},
        {1},
        {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3,
         0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32,
         0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00},
    };
    (void)state;
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        struct pair p;
        pair_open(&p, false);
        small = points[i];
        p.server_config->bear->curves.mulgen = make_small;
        pair_connect(&p);
        shake_hands(&p, SIZE_MAX);
        assert_int_equal(tls_error(p.client), RINGSEND_E_TLS_PROTOCOL);
        assert_non_null(strstr(tls_detail(p.client), "key exchange"));
        assert_false(tls_is_ready(p.client));
        pair_close(&p);
    }
}

static void test_without_secure_renegotiation(void **state)
{
    (void)state;
    for (size_t i = 0; i < PIECES * 2; i++) {
        struct pair p;
        struct flight f = {.count = 0};
        char alert[16];
        pair_open(&p, false);
        p.client_config->legacy_renegotiation = i >= PIECES;
        pair_connect(&p);
        struct flight messages = messages_of(&p);
        uint8_t *found = memmem(messages.bytes, 100, "\x00\x05\xff\x01\x00\x01\x00", 7);
        assert_non_null(found); /* the only extension: cut out of the hello */
        memmove(found, found + 7, messages.count - (size_t)(found + 7 - messages.bytes));
        messages.bytes[3] = (uint8_t)(messages.bytes[3] - 7);
        put_record(&f, 3, messages.bytes, messages.count - 7);
        feed(p.client, &f, pieces[i % PIECES]);
        if (i >= PIECES) {
            assert_int_equal(tls_error(p.client), RINGSEND_OK);
        } else {
            assert_int_equal(tls_error(p.client), RINGSEND_E_TLS_RENEGOTIATION);
            assert_int_equal(tls_take(p.client, alert, sizeof alert), 7);
            assert_memory_equal(alert, "\x15\x03\x03\x00\x02\x02\x28", 7);
        }
        pair_close(&p);
    }
}

/* Whatever comes first, and however much of it. */
static void test_foreseen(void **state)
{
    static const uint8_t warning[] = {21, 3, 3, 0, 2, 1, 112}, fatal[] = {21, 3, 3, 0, 2, 2, 40};
    static const uint8_t request[MESSAGE_HEAD];
    (void)state;
    for (int way = 0; way < 8; way++) {
        bool takes = way & 1, warns = way & 2, splits = way & 4;
        struct pair p;
        struct flight f = {.count = 0};
        pair_open(&p, false);
        pair_connect(&p);
        assert_int_equal(tls_foresee(p.client, "\x16", 1), TLS_WORK_HEAVY); /* nothing offered */
        shake_hands(&p, SIZE_MAX);
        assert_true(tls_keep_session(p.client));
        pair_connect(&p);
        struct flight messages = messages_of(&p);
        if (!takes)
            messages.bytes[MESSAGE_HEAD + ID_AT + 5] ^= 1;
        if (warns) {
            put(&f, warning, sizeof warning);
            put_record(&f, 3, request, sizeof request);
        }
        size_t step = splits ? 11 : messages.count, decided;
        for (size_t at = 0; at < messages.count; at += step)
            put_record(&f, 1, messages.bytes + at,
                       step < messages.count - at ? step : messages.count - at);
        for (decided = 1; decided <= f.count; decided++)
            if (tls_foresee(p.client, f.bytes, decided) != TLS_WORK_UNKNOWN)
                break;
        assert_in_range(decided, MESSAGE_HEAD + ID_AT + 33, 200);
        enum tls_work work = takes ? TLS_WORK_LIGHT : TLS_WORK_HEAVY;
        assert_int_equal(tls_foresee(p.client, f.bytes, f.count), work);
        if (takes) {
            feed(p.client, &f, SIZE_MAX);
            assert_int_equal(tls_foresee(p.client, "x", 1), TLS_WORK_LIGHT);
        }
        pair_connect(&p);
        assert_int_equal(tls_foresee(p.client, fatal, RECORD_HEAD), TLS_WORK_UNKNOWN);
        assert_int_equal(tls_foresee(p.client, fatal, sizeof fatal), TLS_WORK_LIGHT);
        pair_connect(&p);
        assert_int_equal(tls_foresee(p.client, "HTTP/1.1", 8), TLS_WORK_HEAVY);
        pair_close(&p);
    }
}

static void write_as(struct tls *t, uint8_t type, const void *bytes, size_t count)
{
    t->context.engine.record_type_out = type; /* no function of BearSSL sends such a record */
    assert_int_equal(tls_write(t, bytes, count), count);
    tls_flush(t);
}

/* Behind the handshake it is declined, by an alert that stands ready at once. */
static void test_declined(void **state)
{
    static const uint8_t request[MESSAGE_HEAD];
    (void)state;
    for (int half_duplex = 0; half_duplex < 2; half_duplex++) {
        struct pair p;
        uint8_t wire[64];
        pair_open(&p, half_duplex);
        pair_connect(&p);
        shake_hands(&p, SIZE_MAX);
        assert_false(tls_declined_renegotiation(p.client));
        write_as(p.server, 22, request, sizeof request);
        carry(p.server, p.client, 3);
        assert_true(tls_state(p.client) & TLS_TAKE);
        assert_int_equal(tls_take(p.client, wire, 3), 3); /* in two bites */
        assert_true(tls_take(p.client, wire + 3, sizeof wire - 3) > 0);
        assert_int_equal(wire[0], 21);
        assert_true(tls_declined_renegotiation(p.client));
        assert_int_equal(tls_error(p.client), RINGSEND_OK);
        assert_true(tls_state(p.client) & TLS_WRITE);
        pair_connect(&p);
        shake_hands(&p, SIZE_MAX);
        tls_close(p.client);
        assert_true(tls_take(p.client, wire, sizeof wire) > 0);
        assert_false(tls_declined_renegotiation(p.client));
        pair_connect(&p);
        shake_hands(&p, SIZE_MAX);
        tls_close(p.server);
        carry(p.server, p.client, SIZE_MAX);
        tls_take(p.client, wire, sizeof wire);
        assert_false(tls_declined_renegotiation(p.client));
        pair_close(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_versions_and_lengths),
        cmocka_unit_test(test_hello_requests),
        cmocka_unit_test(test_no_hello_requests),
        cmocka_unit_test(test_small_points),
        cmocka_unit_test(test_without_secure_renegotiation),
        cmocka_unit_test(test_foreseen),
        cmocka_unit_test(test_declined),
    };
    return cmocka_run_group_tests_name("flights", tests, NULL, NULL);
}
