#include "cli/notice.h"

#include "base/time.h"
#include "results/sink.h"
#include "ringsend.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#define WIPE "\x1b[J"
#define PATIENCE_NS (10 * NS_PER_S)

enum {
    WAITING_BYTES_MAX = 1 << 20, /* of messages that nobody takes */
    MESSAGE_BYTES_MAX = 1024
};

static struct {
    struct ringsend *engine; /* null: not begun, or ended */
    struct buf_pool pool;
    struct sink sink; /* opened by the first message */
    uint64_t dropped;
    bool bar_stands;
} notices;

void notice_begin(struct ringsend *engine)
{
    notices.engine = engine;
    buf_pool_init(&notices.pool);
}

/* False: what is told cannot be heard. */
static bool has_listener(void)
{
    if (!notices.engine)
        return false;
    if (!notices.sink.file &&
        sink_open(&notices.sink, notices.engine, &notices.pool, STDERR_FILENO, SINK_TEXT) != 0)
        return false;
    return !notices.sink.error;
}

static void put(const char *text, size_t bytes)
{
    sink_added(&notices.sink, buf_append(&notices.pool, sink_buffer(&notices.sink), text, bytes));
}

static void wipe_bar(void)
{
    if (notices.bar_stands)
        put(WIPE, sizeof WIPE - 1);
    notices.bar_stands = false;
}

void notice(const char *format, ...)
{
    char text[MESSAGE_BYTES_MAX];
    va_list arguments;
    if (!has_listener())
        return;
    if (sink_buffer(&notices.sink)->bytes > WAITING_BYTES_MAX) {
        notices.dropped++;
        return;
    }
    wipe_bar();
    if (notices.dropped > 0) {
        int bytes =
            snprintf(text, sizeof text, "ringsend: %llu messages that nobody took are left out\n",
                     (unsigned long long)notices.dropped);
        put(text, (size_t)bytes);
        notices.dropped = 0;
    }
    va_start(arguments, format);
    int bytes = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (bytes > 0)
        put(text, (size_t)bytes < sizeof text ? (size_t)bytes : sizeof text - 1);
}

void notice_bar(const char *text, size_t bytes)
{
    if (!has_listener() || !sink_is_idle(&notices.sink))
        return;
    put(text, bytes);
    notices.bar_stands = true;
}

void notice_turn(void)
{
    if (notices.sink.file)
        sink_turn(&notices.sink, 1, true);
}

/* False: the ring broke. */
static bool wait_until_taken(const atomic_int *stops)
{
    uint64_t give_up_ns = RINGSEND_NEVER;
    int before = *stops, asked = 0;
    bool broke = false;
    for (;;) {
        sink_turn(&notices.sink, 1, true);
        if (broke || notices.sink.error || sink_is_idle(&notices.sink))
            return !broke;
        uint64_t now_ns = clock_monotonic_ns();
        if (asked == 0 && *stops > 0)
            give_up_ns = now_ns + PATIENCE_NS;
        if (*stops > asked && (*stops > 1 || *stops > before) && give_up_ns > now_ns + NS_PER_S)
            give_up_ns = now_ns + NS_PER_S;
        asked = *stops;
        if (now_ns >= give_up_ns)
            return true;
        uint64_t wait_ns = give_up_ns == RINGSEND_NEVER ? give_up_ns : give_up_ns - now_ns;
        broke = ringsend_run(notices.engine, wait_ns) < 0;
    }
}

void notice_end(const char *text, size_t bytes, const atomic_int *stops)
{
    bool is_heard = true;
    if (bytes > 0 && has_listener()) {
        wipe_bar();
        put(text, bytes);
    } else if (notices.sink.file) {
        wipe_bar();
    }
    if (notices.sink.file)
        is_heard = wait_until_taken(stops);
    sink_close(&notices.sink);
    buf_pool_free(&notices.pool);
    notices.engine = NULL;
    if (!is_heard)
        fwrite(text, 1, bytes, stderr);
}
