/* nghttp2's functions, looked up when the first connection wants HTTP/2. Linked, it would cost
 * every start of a program some ten system calls, for HTTP/1.1 as well, and the library's users a
 * package more; curl's has it on nearly every machine already. Its header is used for types. */
#ifndef RINGSEND_HTTP2_LIBRARY_H
#define RINGSEND_HTTP2_LIBRARY_H

#include <nghttp2/nghttp2.h>

/* clang-format off */
#define NGHTTP2_FUNCTIONS(X)                                                                       \
    X(nghttp2_option_new) X(nghttp2_option_del)                                                    \
    X(nghttp2_option_set_no_auto_window_update) X(nghttp2_option_set_no_closed_streams)            \
    X(nghttp2_option_set_peer_max_concurrent_streams)                                              \
    X(nghttp2_option_set_max_reserved_remote_streams)                                              \
    X(nghttp2_option_set_max_send_header_block_length)                                             \
    X(nghttp2_session_callbacks_new) X(nghttp2_session_callbacks_del)                              \
    X(nghttp2_session_callbacks_set_on_begin_frame_callback)                                       \
    X(nghttp2_session_callbacks_set_on_begin_headers_callback)                                     \
    X(nghttp2_session_callbacks_set_on_header_callback)                                            \
    X(nghttp2_session_callbacks_set_on_invalid_header_callback)                                    \
    X(nghttp2_session_callbacks_set_on_frame_recv_callback)                                        \
    X(nghttp2_session_callbacks_set_on_data_chunk_recv_callback)                                   \
    X(nghttp2_session_callbacks_set_on_invalid_frame_recv_callback)                                \
    X(nghttp2_session_callbacks_set_on_stream_close_callback)                                      \
    X(nghttp2_session_callbacks_set_before_frame_send_callback)                                    \
    X(nghttp2_session_callbacks_set_error_callback2)                                               \
    X(nghttp2_session_client_new3) X(nghttp2_session_server_new3) X(nghttp2_session_del)           \
    X(nghttp2_session_mem_recv) X(nghttp2_session_mem_send)                                        \
    X(nghttp2_session_want_read) X(nghttp2_session_want_write)                                     \
    X(nghttp2_session_get_remote_settings) X(nghttp2_session_check_request_allowed)                \
    X(nghttp2_session_get_stream_user_data) X(nghttp2_session_set_stream_user_data)                \
    X(nghttp2_session_get_last_proc_stream_id)                                                     \
    X(nghttp2_session_consume_connection) X(nghttp2_session_consume_stream)                        \
    X(nghttp2_session_set_local_window_size) X(nghttp2_session_resume_data)                        \
    X(nghttp2_submit_settings) X(nghttp2_submit_request) X(nghttp2_submit_response)                \
    X(nghttp2_submit_headers) X(nghttp2_submit_rst_stream) X(nghttp2_submit_goaway)                \
    X(nghttp2_submit_ping) X(nghttp2_session_terminate_session)                                    \
    X(nghttp2_strerror) X(nghttp2_http2_strerror)
/* clang-format on */

struct nghttp2 {
#define X(name) __typeof__(name) *name; /* NOLINT(bugprone-macro-parentheses) */
    NGHTTP2_FUNCTIONS(X)
#undef X
    /* Null where nghttp2 does not count the parts of a head (before 1.61, but for those to which
     * the fix came as Debian 12's). It counts each read of a part of a part's own head, and so
     * takes nine bytes that come one by one for a flood: ours alone counts. */
    void (*nghttp2_option_set_max_continuations)(nghttp2_option *option, size_t most);
};

/* Filled in by nghttp2_load, then only read. */
extern struct nghttp2 nghttp2;

/* Loads it when it is not yet loaded. Null, or why it cannot be used: static. */
const char *nghttp2_load(void);

#endif
