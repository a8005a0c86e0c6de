/* A server takes a session up by saying its id in the ServerHello (RFC 5246 7.4.1.3), and there is
 * no other message that brings on public-key work before it. So the beginning of that message
 * decides. Records may cut it anywhere, and warnings and HelloRequests may stand before it. What a
 * server could make us take for light that is not, it could use to hold up the loop: in doubt it is
 * heavy. */
#include "tls/foresee.h"

#include <string.h>

enum {
    RECORD_ALERT = 21,
    RECORD_HANDSHAKE = 22,
    ALERT_WARNING = 1,
    RECORD_HEAD_BYTES = 5,
    MESSAGE_HELLO_REQUEST = 0,
    MESSAGE_SERVER_HELLO = 2,
    MESSAGE_HEAD_BYTES = 4,
    ID_AT = MESSAGE_HEAD_BYTES + 2 + 32, /* version, random; then the length, and the id */
    ID_BYTES_MAX = 32,
    LOOKED_AT = ID_AT + 1 + ID_BYTES_MAX,
};

struct look {
    uint8_t message[LOOKED_AT]; /* its first bytes */
    size_t bytes;
};

static void drop_hello_requests(struct look *l)
{
    while (l->bytes >= MESSAGE_HEAD_BYTES && l->message[0] == MESSAGE_HELLO_REQUEST) {
        l->bytes -= MESSAGE_HEAD_BYTES;
        memmove(l->message, l->message + MESSAGE_HEAD_BYTES, l->bytes);
    }
}

static void add(struct look *l, const uint8_t *data, size_t bytes)
{
    while (bytes > 0 && l->bytes < LOOKED_AT) {
        size_t part = bytes < LOOKED_AT - l->bytes ? bytes : LOOKED_AT - l->bytes;
        memcpy(l->message + l->bytes, data, part);
        l->bytes += part;
        data += part;
        bytes -= part;
        drop_hello_requests(l);
    }
}

static enum tls_work judge(const struct look *l, const uint8_t *session_id, size_t id_bytes)
{
    if (l->bytes > 0 && l->message[0] != MESSAGE_SERVER_HELLO &&
        l->message[0] != MESSAGE_HELLO_REQUEST)
        return TLS_WORK_LIGHT; /* to say that it has no place there */
    if (l->bytes <= ID_AT)
        return TLS_WORK_UNKNOWN;
    if (l->message[ID_AT] != id_bytes || id_bytes == 0)
        return TLS_WORK_HEAVY;
    if (l->bytes < ID_AT + 1 + id_bytes)
        return TLS_WORK_UNKNOWN;
    bool takes = memcmp(l->message + ID_AT + 1, session_id, id_bytes) == 0;
    return takes ? TLS_WORK_LIGHT : TLS_WORK_HEAVY;
}

enum tls_work server_hello_foresee(const uint8_t *session_id, size_t id_bytes,
                                   const uint8_t *cipher, size_t bytes)
{
    struct look l = {.bytes = 0};
    while (bytes > 0) {
        if (cipher[0] != RECORD_HANDSHAKE && cipher[0] != RECORD_ALERT)
            return TLS_WORK_HEAVY;
        if (bytes <= RECORD_HEAD_BYTES)
            break;
        size_t record = (size_t)cipher[3] << 8 | cipher[4];
        size_t here = bytes - RECORD_HEAD_BYTES < record ? bytes - RECORD_HEAD_BYTES : record;
        if (cipher[0] == RECORD_ALERT && cipher[RECORD_HEAD_BYTES] != ALERT_WARNING)
            return TLS_WORK_LIGHT; /* it is over */
        if (cipher[0] == RECORD_HANDSHAKE)
            add(&l, cipher + RECORD_HEAD_BYTES, here);
        enum tls_work work = judge(&l, session_id, id_bytes);
        if (work != TLS_WORK_UNKNOWN)
            return work;
        cipher += RECORD_HEAD_BYTES + here;
        bytes -= RECORD_HEAD_BYTES + here;
    }
    return TLS_WORK_UNKNOWN;
}
