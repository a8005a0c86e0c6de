/* Between the server and BearSSL 0.6, as long as the server speaks in clear text: from its first
 * byte to its ChangeCipherSpec. Messages are put into records anew, each into one or more of its
 * own. That gives us three things that BearSSL does not:
 *
 *   version      The records of a ServerHello may say 3.1 (RFC 5246 E.1), as those of some old load
 *                balancers do; BearSSL wants all of a connection to say the same.
 *   HelloRequest is to be ignored inside of a handshake, and is no part of what is hashed (RFC 5246
 *                7.4.1.1). BearSSL takes it for the message that it waits for, and hashes it.
 *   messages     The caller gets a word in behind each of them: a ServerHello that we refuse is
 *                refused before the signatures and keys behind it cost anything.
 *
 * The form of records is not hashed, and no key is in use yet: nothing that protects the handshake
 * is touched. */
#include "tls/bearssl/inbound.h"

#include <string.h>

enum {
    RECORD_CHANGE = 20,
    RECORD_HANDSHAKE = 22,
    RECORD_BYTES_MAX = 1 << 14, /* RFC 5246 6.2.1 */
    MESSAGE_HELLO_REQUEST = 0,
    MESSAGE_SERVER_HELLO_DONE = 14,
};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t give(br_ssl_engine_context *engine, const uint8_t *data, size_t bytes)
{
    size_t given = 0, room;
    unsigned char *into;
    while (given < bytes && (into = br_ssl_engine_recvrec_buf(engine, &room))) {
        room = smaller(room, bytes - given);
        memcpy(into, data + given, room);
        br_ssl_engine_recvrec_ack(engine, room);
        given += room;
    }
    return given;
}

static void give_record_head(br_ssl_engine_context *engine, uint8_t type, size_t bytes)
{
    const uint8_t head[INBOUND_RECORD_HEAD] = {type, BR_TLS12 >> 8, BR_TLS12 & 0xff,
                                               (uint8_t)(bytes >> 8), (uint8_t)bytes};
    give(engine, head, sizeof head);
}

static void give_record(br_ssl_engine_context *engine, const uint8_t *data, size_t bytes)
{
    give_record_head(engine, RECORD_HANDSHAKE, bytes);
    give(engine, data, bytes);
}

static void fail(struct inbound *in, enum ringsend_error error, const char *detail)
{
    in->error = error;
    in->detail = detail;
}

static void record_head_read(struct inbound *in, br_ssl_engine_context *engine)
{
    const uint8_t *head = in->record_head;
    in->record_left = (size_t)head[3] << 8 | head[4];
    uint8_t major = BR_TLS12 >> 8, minor = BR_TLS12 & 0xff;
    if (head[1] != major || head[2] > minor || (in->greeted && head[2] != minor))
        fail(in, RINGSEND_E_TLS_VERSION, "the peer's records are of another version than TLS 1.2");
    else if (in->record_left == 0 || in->record_left > RECORD_BYTES_MAX)
        fail(in, RINGSEND_E_TLS_PROTOCOL, "a record has an impossible length");
    else if (head[0] != RECORD_HANDSHAKE)
        give_record_head(engine, head[0], in->record_left);
    in->over = in->error == RINGSEND_OK && head[0] == RECORD_CHANGE;
}

static void message_head_read(struct inbound *in, br_ssl_engine_context *engine)
{
    const uint8_t *head = in->message_head;
    in->message_left = (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
    in->message_head_bytes = 0;
    if (head[0] != MESSAGE_HELLO_REQUEST)
        give_record(engine, head, INBOUND_MESSAGE_HEAD);
    else if (in->message_left > 0)
        fail(in, RINGSEND_E_TLS_PROTOCOL, "a HelloRequest is not empty");
    in->done |= head[0] == MESSAGE_SERVER_HELLO_DONE;
}

/* Adds to a head of so many bytes. Returns how many were used. */
static size_t fill(uint8_t *head, uint8_t *head_bytes, size_t wanted, const uint8_t *from,
                   size_t bytes)
{
    size_t part = smaller(wanted - *head_bytes, bytes);
    memcpy(head + *head_bytes, from, part);
    *head_bytes += (uint8_t)part;
    return part;
}

static size_t take_message(struct inbound *in, br_ssl_engine_context *engine, const uint8_t *from,
                           size_t bytes)
{
    if (in->message_left > 0) {
        size_t part = smaller(in->message_left, bytes);
        give_record(engine, from, part);
        in->message_left -= part;
        in->greeted |= in->message_left == 0;
        return part;
    }
    size_t part =
        fill(in->message_head, &in->message_head_bytes, INBOUND_MESSAGE_HEAD, from, bytes);
    if (in->message_head_bytes == INBOUND_MESSAGE_HEAD)
        message_head_read(in, engine);
    return part;
}

size_t inbound_feed(struct inbound *in, br_ssl_engine_context *engine, const uint8_t *from,
                    size_t bytes)
{
    size_t room, used;
    if (in->error != RINGSEND_OK || !br_ssl_engine_recvrec_buf(engine, &room))
        return 0;
    if (in->record_head_bytes < INBOUND_RECORD_HEAD) {
        used = fill(in->record_head, &in->record_head_bytes, INBOUND_RECORD_HEAD, from, bytes);
        if (in->record_head_bytes == INBOUND_RECORD_HEAD)
            record_head_read(in, engine);
        return used;
    }
    bytes = smaller(bytes, in->record_left);
    used = in->record_head[0] == RECORD_HANDSHAKE ? take_message(in, engine, from, bytes)
                                                  : give(engine, from, bytes);
    in->record_left -= used;
    if (in->record_left == 0)
        in->record_head_bytes = 0;
    return used;
}
