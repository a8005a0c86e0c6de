/* What the ring over epoll is, for its own files (epoll*.c). */
#ifndef RINGSEND_URING_EPOLL_RING_H
#define RINGSEND_URING_EPOLL_RING_H

#include "base/list.h"
#include "base/workers.h"
#include "uring/ring_ops.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

/* An operation that was prepared, with what its kind needs of all this. */
struct epoll_prepared {
    struct ring_tag tag;
    enum ring_kind kind;
    enum ring_kind target; /* of a cancel */
    union {
        enum ring_use use; /* of a connect */
        int fd;
    };
    int flags; /* of an open; of a sync: the whole of it; of a connect: it is a reset */
    union {
        const void *from; /* address, bytes to send or append, path */
        void *to;         /* to read into, struct statx */
        const struct msghdr *message;
    };
    size_t bytes; /* of a send: SIZE_MAX with a message */
    int64_t offset;
};

struct epoll_socket {
    int fd;                         /* -1: the slot is empty */
    uint32_t generation;            /* of the operations in flight */
    bool connects, sends, receives; /* these are */
    bool readable, writable;        /* an event said so, and nothing was found wanting since */
    bool hung;      /* the end has come, or an error: more is to be read until it shows */
    bool installed; /* the process has another descriptor for it */
    const struct msghdr *message; /* to be sent; null: `data` is */
    const char *data;
    size_t bytes;
    size_t sent_bytes;
    struct list again; /* in epoll_ring.again exactly when it is to be read on without an event */
};

/* An operation on a descriptor of the process: waits for an event, or is a worker's. */
struct epoll_file {
    struct work work;
    struct list node; /* in epoll_ring.files while it is in flight */
    struct epoll_prepared asked;
    char *path;      /* a copy: a worker may need it for longer than the caller keeps it */
    bool is_polled;  /* waits for an event; else it is a worker's */
    bool is_dropped; /* an open that was cancelled: nobody waits for what it comes to */
    int32_t result;
};

struct epoll_ring {
    struct ring ring; /* first: each is the other */
    int epoll_fd;
    int wake_fd;       /* ring_wake writes to it, from anywhere */
    int work_fd;       /* written to for what waits in here: finished work, sockets to be read on */
    int broken;        /* first negated errno, else 0 */
    bool has_fd;       /* ring_fd was asked for */
    bool lacks_pwait2; /* before 5.11 */
    bool stamps;

    struct epoll_socket *sockets;
    uint32_t sockets_max;
    struct list again;

    char *buffer_data;
    size_t mapping_bytes;
    uint32_t buffers, buffer_bytes;
    int32_t *buffers_free; /* a stack of so many: */
    uint32_t buffers_free_count;

    struct workers *workers; /* null until a file needs one */
    struct list files;

    struct epoll_prepared *prepared;
    size_t prepared_count, prepared_room;
    struct epoll_prepared spare;         /* where operations go that nothing will come of */
    struct ring_completion *completions; /* a queue: from `completed_at` on so many */
    size_t completed_at, completed_count, completions_room;
};

/* What an event is about: in the lowest bits of its data, above them the slot or the pointer. */
enum epoll_about { EPOLL_WAKE, EPOLL_WORK, EPOLL_SOCKET, EPOLL_FILE, EPOLL_ABOUT_MASK = 3 };

/* epoll_queues.c */
/* Room for one element more, twice as much as there was. False: memory is out. */
bool epoll_grow(void **array, size_t *room, size_t count, size_t element_bytes);
void epoll_complete(struct epoll_ring *r, struct ring_tag tag, enum ring_kind kind, int32_t result);
void epoll_completion(struct epoll_ring *r, const struct ring_completion *completion);
unsigned epoll_reap(struct ring *ring, struct ring_completion *completions, unsigned max);
int epoll_buffers_make(struct epoll_ring *r); /* 0, or a negated errno */
void epoll_buffers_unmake(struct epoll_ring *r);
int32_t epoll_buffer_take(struct epoll_ring *r); /* -1: none is left */
const char *epoll_buffer(const struct ring *ring, int32_t buffer);
void epoll_buffer_return(struct ring *ring, int32_t buffer);
/* The kernel's answer as a result. */
static inline int32_t epoll_result(int64_t result, int error)
{
    return result < 0 ? -error : (int32_t)result;
}

/* epoll_sockets.c */
void epoll_sockets_init(struct epoll_ring *r);
void epoll_sockets_free(struct epoll_ring *r);
void epoll_connect_do(struct epoll_ring *r, const struct epoll_prepared *asked);
void epoll_send_do(struct epoll_ring *r, const struct epoll_prepared *asked);
void epoll_recv_do(struct epoll_ring *r, const struct epoll_prepared *asked);
void epoll_close_do(struct epoll_ring *r, const struct epoll_prepared *asked);
void epoll_install_do(struct epoll_ring *r, const struct epoll_prepared *asked);
int32_t epoll_socket_cancel(struct epoll_ring *r, const struct epoll_prepared *asked);
void epoll_socket_event(struct epoll_ring *r, uint32_t slot, uint32_t events);
void epoll_sockets_go_on(struct epoll_ring *r);
/* The descriptor becomes a socket of the ring: its slot, or -ENFILE, and then it is closed. */
int32_t epoll_socket_take(struct epoll_ring *r, int fd);

/* epoll_files.c */
void epoll_file_do(struct epoll_ring *r, const struct epoll_prepared *asked);
int32_t epoll_file_cancel(struct epoll_ring *r, const struct epoll_prepared *asked);
void epoll_file_event(struct epoll_ring *r, struct epoll_file *f);
void epoll_work_done(struct epoll_ring *r);
void epoll_files_free(struct epoll_ring *r);

#endif
