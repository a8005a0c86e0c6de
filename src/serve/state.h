/* What the files of the server share. */
#ifndef RINGSEND_SERVE_STATE_H
#define RINGSEND_SERVE_STATE_H

#include "base/buf.h"
#include "base/list.h"
#include "base/timers.h"
#include "http/request_reader.h"
#include "serve/answer.h"
#include "serve/conn.h"
#include "serve/conn_h2.h"
#include "serve/conn_tls.h"
#include "serve/request_log.h"
#include "serve/server.h"
#include "serve/unix_listener.h"
#include "uring/ring.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <sys/uio.h>

/* One request and its answer. Too big to keep for each idle connection, so that a connection takes
 * one with the first byte of a request and gives it back after the answer. */
struct turn {
    struct turn *next_free;
    struct request_reader reader;
    enum request_next got;
    bool too_large; /* to be echoed; reading ended before the body did */
    bool continued; /* "100 Continue" was sent */
    bool owed;      /* true exactly from the count of the request to the count of its outcome */

    uint64_t asked_ns;    /* when the whole request was here; valid while owed */
    uint64_t answered_ns; /* when its answer was given to the ring; 0: not yet */
    /* Decided by service_judge. */
    enum fault_kind kind;
    bool close;                  /* the answer is the connection's last */
    const struct answer *answer; /* prebuilt; null: text and, when echoing, the request's body */
    unsigned status;
    struct buf text;
    struct iovec parts[2];            /* the answer; the second may be empty */
    size_t answer_bytes;              /* of both */
    size_t head_bytes;                /* of the first: the head */
    size_t encrypted_bytes;           /* over TLS: those of them encrypted so far */
    uint64_t filler_at, filler_bytes; /* what is to follow behind them ends there */
    uint64_t weight;                  /* by the plan of limits */
    uint64_t limit_wait_ns;           /* of one too many; else 0 */
    bool answer_sent;                 /* the kernel took all of it */
    struct msghdr message;

    /* Of HTTP/2: see conn_h2.c. */
    struct list link;
    struct h2_stream *stream;
    uint64_t due_ns; /* while thinking: the answer */
    bool is_judged, is_answering;
};

struct server {
    struct server_options options;
    struct server_report report;
    struct ring *ring;
    struct timers timers;
    struct buf_pool buffers;
    struct tls_local *tls; /* null: plain HTTP */
    uint64_t now_ns;       /* of this turn of the loop */

    int listen_fd;
    char address[sizeof "abstract:" + UNIX_PATH_BYTES];
    struct unix_listener unix_listener;
    struct timer accept_timer; /* set while accepting rests after an error */
    bool accepting;            /* the ring's accept is in flight */
    bool accept_canceling;
    bool accept_blocked; /* the slot table is full, or accept_timer runs */

    struct serve_conn *conns; /* by slot; untouched ones cost no memory */
    uint32_t conns_max;
    uint32_t conns_high; /* slots from here on were never used */
    uint32_t conns_used; /* slots not free */
    struct list ready;   /* conns to run */
    struct list waiting; /* conns without a place yet, oldest first */
    uint32_t waiting_count;
    uint32_t waiting_max; /* when more wait, accepting rests */

    struct turn *free_turns;
    uint32_t free_turns_count;

    struct answer usual, bad_request, too_large, too_many;
    struct answer statuses[FAULT_STATUSES_MAX];
    uint64_t faults_drawn;
    uint64_t *workers_free_ns; /* of each worker: when it is free again */
    struct limits limits;

    struct timer pause_timer; /* set from the first request to the begin of the pause */
    bool pauses;              /* the pause is due */

    struct request_log log;
    struct timer log_timer;
    atomic_bool stop_asked;
    bool stopping;
};

#endif
