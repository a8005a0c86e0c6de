/* The life of a session, and all that its owner calls. What has come: in.c. What a head is made of:
 * fields.c.
 *
 * Settings. Push is off, and no stream may be reserved by one. Of the peer's streams as many as
 * asked for; of ours one until the server's SETTINGS have come, which nghttp2 would take for a
 * hundred. The windows of streams are what options say, the connection's is as large as may be: it
 * holds nothing up. Priorities are those of nobody (RFC 9113 5.3.2). */
#include "base/check.h"
#include "base/memory.h"
#include "http2/session.h"

#include <string.h>

enum {
    MEMORY_BYTES = 1 << 20,
    MEMORY_STREAM_BYTES = 64 << 10,
    CONNECTION_WINDOW_BYTES = 64 << 20,
    HEAD_OUT_BYTES_MAX = 1 << 20,
    QUIET_BYTES_MAX = 256 << 10, /* frames of unknown types, which nghttp2 passes over in silence */
    NO_PRIORITIES = 9,           /* SETTINGS_NO_RFC7540_PRIORITIES (RFC 9218 2.1) */
    SETTINGS_COUNT = 5,
};

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
_Static_assert(sizeof preface - 1 == H2_PREFACE_BYTES, "RFC 9113 3.4");

const char *h2_fault(void)
{
    return nghttp2_load();
}

enum h2_preface h2_preface_of(struct ringsend_bytes first)
{
    size_t bytes = first.bytes < H2_PREFACE_BYTES ? first.bytes : H2_PREFACE_BYTES;
    if (bytes > 0 && memcmp(first.data, preface, bytes) != 0)
        return H2_PREFACE_NO;
    return bytes == H2_PREFACE_BYTES ? H2_PREFACE_YES : H2_PREFACE_MAYBE;
}

/* ---- life ---- */

static bool say_settings(struct h2 *h)
{
    const struct h2_options *o = &h->options;
    const nghttp2_settings_entry settings[SETTINGS_COUNT] = {
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, o->window_bytes},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, o->head_bytes},
        {NO_PRIORITIES, 1},
        {o->server ? NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS : NGHTTP2_SETTINGS_ENABLE_PUSH,
         o->server ? o->streams_max : 0},
    };
    return nghttp2.nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, settings,
                                           SETTINGS_COUNT - 1) == 0 &&
           nghttp2.nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, 0,
                                                         CONNECTION_WINDOW_BYTES) == 0;
}

static bool begin(struct h2 *h, nghttp2_option *option, nghttp2_session_callbacks *callbacks)
{
    nghttp2_mem memory = h2_memory_functions(&h->memory);
    if (!option || !callbacks)
        return false;
    nghttp2.nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2.nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2.nghttp2_option_set_max_reserved_remote_streams(option, 0);
    nghttp2.nghttp2_option_set_peer_max_concurrent_streams(option, 1);
    nghttp2.nghttp2_option_set_max_send_header_block_length(option, HEAD_OUT_BYTES_MAX);
    if (nghttp2.nghttp2_option_set_max_continuations)
        nghttp2.nghttp2_option_set_max_continuations(option, SIZE_MAX);
    h2_in_callbacks(callbacks);
    int result =
        h->options.server
            ? nghttp2.nghttp2_session_server_new3(&h->session, callbacks, h, option, &memory)
            : nghttp2.nghttp2_session_client_new3(&h->session, callbacks, h, option, &memory);
    if (result != 0)
        h->session = NULL; /* which has been freed, and is left there */
    return result == 0 && say_settings(h);
}

struct h2 *h2_new(const struct h2_options *options, struct buf_pool *pool)
{
    CHECK(options->streams_max > 0 && options->streams_max <= H2_STREAMS_MAX);
    CHECK(options->head_bytes > 0 && options->head_lines > 0 && nghttp2.nghttp2_session_mem_recv);
    struct h2 *h = memory_take_zeroed(options->memory, sizeof *h);
    if (!h)
        return NULL;
    h->options = *options;
    if (h->options.window_bytes == 0)
        h->options.window_bytes = H2_WINDOW_BYTES;
    h->pool = pool;
    h->memory = (struct h2_memory){.memory = options->memory,
                                   .max_bytes = MEMORY_BYTES +
                                                (size_t)options->streams_max * MEMORY_STREAM_BYTES};
    list_init(&h->streams);
    list_init(&h->news);
    nghttp2_option *option = NULL;
    nghttp2_session_callbacks *callbacks = NULL;
    if (nghttp2.nghttp2_option_new(&option) || nghttp2.nghttp2_session_callbacks_new(&callbacks))
        callbacks = NULL;
    bool has_begun = begin(h, option, callbacks);
    nghttp2.nghttp2_option_del(option);
    nghttp2.nghttp2_session_callbacks_del(callbacks);
    if (has_begun)
        return h;
    h2_free(h);
    return NULL;
}

void h2_free(struct h2 *h)
{
    struct list *node;
    if (!h)
        return;
    /* Streams' ends are not told any more. */
    while ((node = h->streams.next) != &h->streams) {
        struct h2_stream *s = LIST_OWNER(node, struct h2_stream, node);
        nghttp2.nghttp2_session_set_stream_user_data(h->session, s->id, NULL);
        h2_stream_free(s);
    }
    nghttp2.nghttp2_session_del(h->session);
    CHECK(h->memory.used_bytes == 0);
    buf_release(h->pool, &h->method);
    buf_release(h->pool, &h->path);
    buf_release(h->pool, &h->authority);
    buf_release(h->pool, &h->text);
    buf_release(h->pool, &h->fields);
    memory_give_back(h->options.memory, h, sizeof *h);
}

/* ---- bytes ---- */

static void fail_by(struct h2 *h, int error)
{
    bool is_flood = error == NGHTTP2_ERR_FLOODED || error == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS;
    h2_fail(h,
            is_flood                     ? H2_FLOODED
            : error == NGHTTP2_ERR_NOMEM ? H2_NO_MEMORY
                                         : H2_BROKEN,
            nghttp2.nghttp2_strerror(error));
}

void h2_feed(struct h2 *h, const char *data, size_t bytes)
{
    if (h->failure != H2_FINE || bytes == 0)
        return;
    h->quiet_bytes += bytes; /* until something of use is seen in them */
    ssize_t used = nghttp2.nghttp2_session_mem_recv(h->session, (const uint8_t *)data, bytes);
    if (used >= 0 && h->quiet_bytes <= QUIET_BYTES_MAX)
        return;
    if (used < 0)
        fail_by(h, (int)used);
    else
        h2_fail(h, H2_FLOODED, "the peer sent 256 KiB in a row that bring nothing");
    h->is_cut = h->failure != H2_FLOODED ||
                nghttp2.nghttp2_session_terminate_session(h->session, H2_ENHANCE_YOUR_CALM) != 0;
}

size_t h2_take(struct h2 *h, char *out, size_t room)
{
    size_t taken = 0;
    while (taken < room) {
        if (h->pending_bytes == 0) {
            ssize_t bytes =
                h->is_cut ? 0 : nghttp2.nghttp2_session_mem_send(h->session, &h->pending);
            if (bytes < 0) {
                fail_by(h, (int)bytes);
                h->is_cut = true;
            }
            if (bytes <= 0)
                break;
            h->pending_bytes = (size_t)bytes;
        }
        size_t part = h->pending_bytes < room - taken ? h->pending_bytes : room - taken;
        memcpy(out + taken, h->pending, part);
        h->pending += part;
        h->pending_bytes -= part;
        h->out_bytes += part;
        taken += part;
    }
    return taken;
}

bool h2_has_word(const struct h2 *h)
{
    return h->pending_bytes > 0 || (!h->is_cut && nghttp2.nghttp2_session_want_write(h->session));
}

enum h2_failure h2_failure(const struct h2 *h, const char **detail)
{
    *detail = h->detail[0] ? h->detail : NULL;
    return h->failure;
}

bool h2_is_over(const struct h2 *h)
{
    return h->is_cut || (!h2_has_word(h) && !nghttp2.nghttp2_session_want_read(h->session));
}

/* ---- streams ---- */

struct h2_stream *h2_news(struct h2 *h)
{
    struct list *node = list_pop_front(&h->news);
    return node ? LIST_OWNER(node, struct h2_stream, news) : NULL;
}

bool h2_has_settings(const struct h2 *h)
{
    return h->has_settings;
}

uint32_t h2_streams(const struct h2 *h)
{
    return h->open_count;
}

struct list *h2_all(struct h2 *h)
{
    return &h->streams;
}

uint32_t h2_room(const struct h2 *h)
{
    CHECK(!h->options.server);
    if (h->is_leaving || h->failure != H2_FINE ||
        !nghttp2.nghttp2_session_check_request_allowed(h->session))
        return 0;
    uint32_t most = 1;
    if (h->has_settings)
        most = nghttp2.nghttp2_session_get_remote_settings(h->session,
                                                           NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
    if (most > h->options.streams_max)
        most = h->options.streams_max;
    return most > h->open_count ? most - h->open_count : 0;
}

bool h2_is_leaving(const struct h2 *h, uint32_t *code)
{
    *code = h->leaving_code;
    return h->is_leaving;
}

static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *to, size_t room,
                         uint32_t *flags, nghttp2_data_source *source, void *user)
{
    (void)session, (void)id;
    struct h2 *h = user;
    struct h2_stream *s = source->ptr;
    size_t bytes = s->out.bytes < room ? s->out.bytes : room;
    if (s->is_let_go)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (bytes == 0 && !s->out_last) {
        s->is_deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    if (bytes > 0) {
        memcpy(to, s->out.data, bytes);
        s->out.data += bytes;
        s->out.bytes -= bytes;
        h->quiet_frames = h->quiet_bytes = 0;
    }
    if (s->out.bytes == 0 && s->out_last) {
        *flags = NGHTTP2_DATA_FLAG_EOF;
        s->out_whole = true;
    }
    if (s->out.bytes == 0)
        h2_stream_tell(s);
    return (ssize_t)bytes;
}

struct h2_stream *h2_open(struct h2 *h, struct ringsend_bytes head, bool has_body, void *owner)
{
    CHECK(!h->options.server && h2_room(h) > 0);
    if (!h2_fields_of_request(h, head))
        return NULL;
    struct h2_stream *s = h2_stream_new(h, 0, owner);
    if (!s)
        return NULL;
    const nghttp2_data_provider body = {.source.ptr = s, .read_callback = read_body};
    int32_t id = nghttp2.nghttp2_submit_request(h->session, NULL,
                                                (const nghttp2_nv *)(const void *)h->fields.data,
                                                h2_fields_count(h), has_body ? &body : NULL, s);
    s->id = id;
    if (id > 0)
        return s;
    h->open_count--;
    h2_stream_free(s);
    return NULL;
}

bool h2_answer(struct h2_stream *s, struct ringsend_bytes head, bool has_body)
{
    struct h2 *h = s->h2;
    CHECK(h->options.server && !s->is_let_go);
    const nghttp2_data_provider body = {.source.ptr = s, .read_callback = read_body};
    return s->is_over || (h2_fields_of_response(h, head) &&
                          nghttp2.nghttp2_submit_response(
                              h->session, s->id, (const nghttp2_nv *)(const void *)h->fields.data,
                              h2_fields_count(h), has_body ? &body : NULL) == 0);
}

bool h2_answer_interim(struct h2_stream *s, struct ringsend_bytes head)
{
    struct h2 *h = s->h2;
    CHECK(h->options.server && !s->is_let_go);
    return s->is_over ||
           (h2_fields_of_response(h, head) &&
            nghttp2.nghttp2_submit_headers(h->session, NGHTTP2_FLAG_NONE, s->id, NULL,
                                           (const nghttp2_nv *)(const void *)h->fields.data,
                                           h2_fields_count(h), NULL) == 0);
}

void h2_body(struct h2_stream *s, struct ringsend_bytes part, bool last)
{
    CHECK(s->out.bytes == 0 && !s->out_last && !s->is_let_go);
    if (s->is_over)
        return;
    s->out = part;
    s->out_last = last;
    if (s->is_deferred && (part.bytes > 0 || last)) {
        s->is_deferred = false;
        nghttp2.nghttp2_session_resume_data(s->h2->session, s->id);
    }
}

void h2_consume(struct h2_stream *s, size_t bytes)
{
    CHECK(bytes <= s->in.bytes - s->in_used);
    s->in_used += bytes;
    bool is_all = s->in_used == s->in.bytes;
    uint32_t back = is_all || bytes > s->owed_bytes ? s->owed_bytes : (uint32_t)bytes;
    if (is_all) {
        buf_release(s->h2->pool, &s->in);
        s->in_used = 0;
    }
    s->owed_bytes -= back;
    if (back > 0 && !s->is_over)
        nghttp2.nghttp2_session_consume_stream(s->h2->session, s->id, back);
}

void h2_let_go(struct h2_stream *s, uint32_t code)
{
    CHECK(!s->is_let_go);
    s->is_let_go = true;
    s->out = (struct ringsend_bytes){0};
    list_remove(&s->news);
    if (s->is_over) {
        h2_stream_free(s);
        return;
    }
    buf_release(s->h2->pool, &s->in);
    s->in_used = 0;
    h2_reset(s, code);
}

/* ---- the connection ---- */

void h2_say_goodbye(struct h2 *h, int32_t last_id)
{
    if (last_id < 0)
        last_id = nghttp2.nghttp2_session_get_last_proc_stream_id(h->session);
    nghttp2.nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE, last_id, H2_NO_ERROR, NULL, 0);
}

void h2_ping(struct h2 *h)
{
    nghttp2.nghttp2_submit_ping(h->session, NGHTTP2_FLAG_NONE, NULL);
}

uint32_t h2_pongs(const struct h2 *h)
{
    return h->pongs;
}

const char *h2_code_name(uint32_t code)
{
    return nghttp2.nghttp2_http2_strerror(code);
}
