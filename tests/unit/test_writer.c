/* A connection's writer on a plain wire and a ring that only notes what it is given: pieces of
 * several owners, as a protocol with many exchanges on one connection has them; HTTP/1.1 never has
 * more than one in the queue. The rest of it the simulation sees. */
#include "base/list.h"
#include "engine/conn.h"
#include "engine/engine.h"
#include "engine/steps.h"
#include "engine/wire.h"
#include "engine/writer.h"
#include "ringsend.h"
#include "uring/op.h"
#include "uring/ring.h"
#include "uring/ring_ops.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char given[256]; /* to the ring, by the last send */
static size_t given_bytes;
static unsigned sends;

static void take(const void *data, size_t bytes)
{
    assert_true(given_bytes + bytes <= sizeof given);
    memcpy(given + given_bytes, data, bytes);
    given_bytes += bytes;
}

static void note_send(struct ring *ring, struct ring_tag tag, const void *data, size_t bytes)
{
    (void)ring;
    assert_int_equal(tag.slot, 7);
    sends++;
    given_bytes = 0;
    take(data, bytes);
}

static void note_send_parts(struct ring *ring, struct ring_tag tag, const struct msghdr *message)
{
    (void)ring;
    assert_int_equal(tag.slot, 7);
    sends++;
    given_bytes = 0;
    for (size_t i = 0; i < message->msg_iovlen; i++)
        take(message->msg_iov[i].iov_base, message->msg_iov[i].iov_len);
}

static const struct ring_ops ops = {.send = note_send, .send_parts = note_send_parts};
static struct ring ring = {.ops = &ops};
static struct ringsend engine;
static struct conn conn;

static int begin(void **state)
{
    (void)state;
    sends = 0;
    given_bytes = 0;
    engine = (struct ringsend){.ring = &ring};
    list_init(&engine.held_sends);
    conn = (struct conn){.engine = &engine, .slot = 7, .generation = 1, .step = CONN_READY};
    conn.wire = (struct wire){.kind = WIRE_PLAIN, .engine = &engine, .owner = &conn.task};
    writer_init(&conn.writer);
    return 0;
}

static struct ringsend_bytes bytes_of(const char *text)
{
    return (struct ringsend_bytes){text, strlen(text)};
}

static void put(struct piece *p, const char *first, const char *second)
{
    piece_set(p, bytes_of(first), bytes_of(second));
    writer_put(&conn.writer, p);
}

static void go_on(const char *expected)
{
    unsigned before = sends;
    assert_int_equal(writer_go_on(&conn), RINGSEND_OK);
    assert_int_equal(sends, before + (expected[0] != '\0'));
    if (expected[0]) {
        assert_int_equal(given_bytes, strlen(expected));
        assert_memory_equal(given, expected, given_bytes);
    }
}

static void send_ends(int32_t result)
{
    op_complete(&conn.writer.send, result);
    writer_sent(&conn);
}

static void test_nothing_to_send(void **state)
{
    (void)state;
    assert_true(writer_is_quiet(&conn.writer));
    go_on("");
    assert_true(writer_is_quiet(&conn.writer));
}

/* As many as fit into one send; what comes meanwhile waits for the next one. */
static void test_pieces_leave_in_order(void **state)
{
    struct piece a = {0}, b = {0}, c = {0}, d = {0};
    (void)state;
    put(&a, "head a ", "body a ");
    put(&b, "head b ", "");
    put(&c, "head c ", "body c ");
    go_on("head a body a head b ");
    assert_int_equal(a.state, PIECE_SENDING);
    assert_int_equal(b.state, PIECE_SENDING);
    assert_int_equal(c.state, PIECE_QUEUED);
    put(&d, "d", "");
    go_on(""); /* one send at a time */
    send_ends(21);
    assert_int_equal(a.state, PIECE_LEFT);
    assert_int_equal(a.sent_bytes, 14);
    assert_int_equal(b.state, PIECE_LEFT);
    assert_int_equal(b.sent_bytes, 7);
    put(&a, "a again ", "");
    go_on("head c body c d");
    send_ends(15);
    go_on("a again ");
    send_ends(8);
    assert_int_equal(a.sent_bytes, 22);
    assert_int_equal(d.state, PIECE_LEFT);
    assert_int_equal(engine.stats.bytes_sent, 44);
    assert_true(writer_is_quiet(&conn.writer));
}

/* Each owner knows what of it the kernel took, and whether it may have reached the peer. */
static void test_a_send_cut_short(void **state)
{
    static const struct {
        int32_t result;
        enum piece_state a, b;
        size_t a_bytes, b_bytes;
    } rows[] = {
        {-EPIPE, PIECE_BROKE, PIECE_BROKE, 0, 0}, {1, PIECE_BROKE, PIECE_BROKE, 1, 0},
        {3, PIECE_BROKE, PIECE_BROKE, 3, 0},      {4, PIECE_LEFT, PIECE_BROKE, 4, 0},
        {5, PIECE_LEFT, PIECE_BROKE, 4, 1},       {8, PIECE_LEFT, PIECE_LEFT, 4, 4},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct piece a = {0}, b = {0}, late = {0};
        begin(state);
        put(&a, "aa", "AA");
        put(&b, "bbbb", "");
        go_on("aaAAbbbb");
        put(&late, "late", "");
        send_ends(rows[i].result);
        assert_int_equal(a.state, rows[i].a);
        assert_int_equal(b.state, rows[i].b);
        assert_int_equal(a.sent_bytes, rows[i].a_bytes);
        assert_int_equal(b.sent_bytes, rows[i].b_bytes);
        assert_int_equal(conn.writer.result, rows[i].result);
        bool truncated = rows[i].result != 8;
        assert_int_equal(conn.writer.truncated, truncated);
        assert_int_equal(late.state, truncated ? PIECE_BROKE : PIECE_QUEUED);
        go_on(truncated ? "" : "late"); /* nothing follows what was cut short */
    }
}

/* The memory of one that has gone is not looked at any more; those behind it move up. */
static void test_an_owner_goes(void **state)
{
    char gone[] = "gone";
    struct piece a = {0}, b = {0}, c = {0};
    (void)state;
    put(&a, "a", "");
    go_on("a");
    put(&b, gone, "");
    put(&c, "c", "");
    writer_withdraw(&b);
    memset(gone, 'x', sizeof gone - 1);
    assert_int_equal(b.state, PIECE_IDLE);
    assert_int_equal(b.sent_bytes, 0);
    send_ends(1);
    go_on("c");
    send_ends(1);
    assert_int_equal(c.state, PIECE_LEFT);
    assert_true(writer_is_quiet(&conn.writer));
}

static void test_held_back(void **state)
{
    struct piece once = {0}, other = {0};
    (void)state;
    piece_clear(&once, true);
    put(&other, "other ", "");
    put(&once, "once", "");
    go_on("");
    assert_int_equal(once.state, PIECE_SENDING); /* as good as with the kernel */
    assert_false(list_empty(&engine.held_sends));
    assert_true(op_in_flight(&conn.writer.send));

    assert_ptr_equal(list_pop_front(&engine.held_sends), &conn.writer.held);
    writer_hold(&conn); /* nothing can be seen yet */
    assert_ptr_equal(list_pop_front(&engine.held_sends), &conn.writer.held);
    assert_int_equal(sends, 0);
    writer_launch(&conn);
    assert_int_equal(sends, 1);
    assert_memory_equal(given, "other once", 10);
    send_ends(10);
    put(&once, "more", ""); /* the doubt has left with the first bytes */
    go_on("more");
    assert_true(list_empty(&engine.held_sends));
}

static void test_held_back_and_dropped(void **state)
{
    struct piece once = {0}, other = {0};
    (void)state;
    piece_clear(&once, true);
    put(&once, "once", "");
    go_on("");
    put(&other, "other", "");
    writer_drop(&conn);
    assert_true(list_empty(&engine.held_sends));
    writer_sent(&conn);
    assert_int_equal(sends, 0);
    assert_int_equal(once.state, PIECE_BROKE);
    assert_int_equal(once.sent_bytes, 0);
    assert_int_equal(other.state, PIECE_BROKE);
    assert_int_equal(conn.writer.result, -ECANCELED);
    go_on("");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_nothing_to_send, begin),
        cmocka_unit_test_setup(test_pieces_leave_in_order, begin),
        cmocka_unit_test_setup(test_a_send_cut_short, begin),
        cmocka_unit_test_setup(test_an_owner_goes, begin),
        cmocka_unit_test_setup(test_held_back, begin),
        cmocka_unit_test_setup(test_held_back_and_dropped, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
