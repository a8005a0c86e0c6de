/* libFuzzer: the first byte says what is asked for, the rest is a proxy's answer: it comes to the
 * same whole, in two parts, and byte by byte, and takes no byte behind its end. */
#include "base/check.h"
#include "base/span.h"
#include "http/tunnel.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

struct outcome {
    enum tunnel_next next;
    size_t used;
    enum ringsend_error error;
};

static struct outcome run(const struct tunnel_ask *ask, const char *data, size_t bytes, size_t cut)
{
    struct outcome o = {TUNNEL_MORE, 0, RINGSEND_OK};
    struct tunnel t;
    char out[2048];
    size_t used;
    tunnel_begin(&t, ask);
    CHECK(tunnel_say_bytes(&t) <= sizeof out);
    for (size_t at = 0; o.next == TUNNEL_MORE && at < bytes; at += used) {
        /* A turn of the proxy's is taken for over with the bytes that it answers in. */
        while (tunnel_say(&t, out) > 0)
            ;
        size_t part = t.ask->socks || cut == 0  ? 1
                      : at < cut && cut < bytes ? cut - at
                                                : bytes - at;
        o.next = tunnel_feed(&t, (struct ringsend_bytes){data + at, part}, &used);
        CHECK(used <= part && (o.next != TUNNEL_MORE || used == part));
        o.used += used;
    }
    if (o.next == TUNNEL_MORE)
        tunnel_ended(&t, NULL);
    o.error = t.error;
    CHECK(o.next == TUNNEL_OPEN || (t.error != RINGSEND_OK && strlen(t.detail) > 0));
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (bytes == 0)
        return 0;
    struct tunnel_ask ask = {.socks = data[0] & 1,
                             .host = SPAN("h.example"),
                             .port = 443,
                             .has_user = data[0] & 2,
                             .user = SPAN("me"),
                             .password = SPAN("pw")};
    const char *said = (const char *)data + 1;
    struct outcome whole = run(&ask, said, bytes - 1, SIZE_MAX);
    for (size_t cut = 0; cut < bytes && cut < 64; cut++) {
        struct outcome parts = run(&ask, said, bytes - 1, cut);
        CHECK(parts.next == whole.next && parts.used == whole.used && parts.error == whole.error);
    }
    return 0;
}
