/* The framing of requests. See sim_request.h. */
#include "tests/sim/world/sim_request.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void sim_request_reset(struct sim_request *q)
{
    sim_text_free(&q->head);
    *q = (struct sim_request){0};
}

/* What stands behind the head line `name`, which stands there once at most; null when it does not.
 */
static const char *field(const struct sim_request *q, const char *name)
{
    const char *end = q->head.data + q->head.bytes, *value = NULL;
    size_t name_bytes = strlen(name);

    for (const char *at = q->head.data; at && at < end;) {
        if ((size_t)(end - at) > name_bytes + 1 && at[name_bytes] == ':' &&
            strncasecmp(at, name, name_bytes) == 0) {
            SIM_CHECK(!value, "a request has %s twice", name);
            value = at + name_bytes + 1;
            value += strspn(value, " ");
        }
        at = memchr(at, '\n', (size_t)(end - at));
        at = at ? at + 1 : NULL;
    }
    return value;
}

long sim_request_number(const struct sim_request *q, const char *name, long missing)
{
    const char *value = field(q, name);

    return value ? strtol(value, NULL, 10) : missing;
}

static void end_head(struct sim_request *q)
{
    const char *coding = field(q, "transfer-encoding");
    long length = sim_request_number(q, "content-length", -1);

    q->chunked = coding != NULL;
    SIM_CHECK(!coding || strncasecmp(coding, "chunked\r\n", 9) == 0, "an unknown transfer coding");
    SIM_CHECK(!coding || length < 0, "a request is framed in two ways");
    q->left = length > 0 ? (uint64_t)length : 0;
    q->step = coding ? REQUEST_CHUNK_HEAD : q->left > 0 ? REQUEST_BODY : REQUEST_DONE;
}

static size_t feed_head(struct sim_request *q, const char *data, size_t bytes)
{
    static const char blank[] = "\r\n\r\n";
    size_t before = q->head.bytes, from = before > 3 ? before - 3 : 0;
    const char *end;

    q->step = REQUEST_HEAD;
    sim_text_add(&q->head, data, bytes);
    end = memmem(q->head.data + from, q->head.bytes - from, blank, sizeof blank - 1);
    if (!end)
        return bytes;
    q->head.bytes = (size_t)(end - q->head.data) + sizeof blank - 1;
    end_head(q);
    return q->head.bytes - before;
}

/* Collects one byte of a line; true: that was its end. */
static bool feed_line(struct sim_request *q, char byte)
{
    SIM_CHECK(q->line_bytes < sizeof q->line, "a line of chunk framing is too long");
    q->line[q->line_bytes++] = byte;
    if (byte != '\n')
        return false;
    SIM_CHECK(q->line_bytes >= 2 && q->line[q->line_bytes - 2] == '\r',
              "a line of chunk framing ends in a bare LF");
    q->line_bytes -= 2;
    return true;
}

static void end_line(struct sim_request *q)
{
    if (q->step == REQUEST_CHUNK_HEAD) {
        char *end;
        q->line[q->line_bytes] = 0;
        q->left = strtoull(q->line, &end, 16);
        SIM_CHECK(isxdigit((unsigned char)q->line[0]) && end == q->line + q->line_bytes,
                  "a chunk's length reads \"%s\"", q->line);
        q->step = q->left == 0 ? REQUEST_END : REQUEST_CHUNK;
    } else {
        SIM_CHECK(q->line_bytes == 0, "something stands behind a chunk");
        q->step = q->step == REQUEST_END ? REQUEST_DONE : REQUEST_CHUNK_HEAD;
    }
    q->line_bytes = 0;
}

size_t sim_request_feed(struct sim_request *q, const char *data, size_t bytes, size_t *body_bytes)
{
    *body_bytes = 0;
    switch (q->step) {
    case REQUEST_NONE:
    case REQUEST_HEAD:
        return feed_head(q, data, bytes);
    case REQUEST_CHUNK_HEAD:
    case REQUEST_CHUNK_END:
    case REQUEST_END:
        if (feed_line(q, *data))
            end_line(q);
        return 1;
    case REQUEST_BODY:
    case REQUEST_CHUNK:
        *body_bytes = bytes < q->left ? bytes : (size_t)q->left;
        q->left -= *body_bytes;
        q->body_bytes += *body_bytes;
        if (q->left == 0)
            q->step = q->chunked ? REQUEST_CHUNK_END : REQUEST_DONE;
        return *body_bytes;
    case REQUEST_DONE:
        break;
    }
    sim_fail("bytes follow a request");
}
