/* file.h's inside, for the engine. */
#ifndef RINGSEND_ENGINE_FILE_INTERNAL_H
#define RINGSEND_ENGINE_FILE_INTERNAL_H

#include "engine/file.h"
#include "uring/op.h"
#include "uring/ring.h"

struct exchange;
struct ringsend;
struct task;

enum { FILES_PER_EXCHANGE = 2 };

struct file {
    struct ringsend *engine; /* null exactly while it is not entered */
    struct task *owner;      /* to be woken; null: ringsend_run is to return */
    int fd;
    bool owns_fd; /* opened here; fd is -1 exactly until that has succeeded */
    uint32_t slot, generation;
    struct op op, cancel;
    bool cancel_again;   /* the cancel in flight is for an operation before this one */
    enum ring_kind kind; /* of the operation */
    const char *data;    /* of an append: all of it */
    size_t bytes, done;
    bool finished; /* the result waits to be taken */
    int64_t result;
};

/* A file of an exchange, the `which`-th, in the caller's memory: the connection's task is woken
 * when an operation or a cancel ends, and ringsend_run does not return for it. An append to a
 * regular file that is not in O_APPEND mode ends with the first write that is cut short. */
void file_enter(struct file *file, struct exchange *x, uint32_t which, int fd);
bool file_is_entered(const struct file *file); /* zeroed: no */
/* Nothing is in flight, no cancel either. */
bool file_is_quiet(const struct file *file);
/* The end of a quiet one; harmless on one that was not entered. */
void file_leave(struct file *file);

void file_completed(struct ringsend *e, const struct ring_completion *completion);
/* Of file_open or file_open_path: quiet, or the ring broke. */
void file_free(struct file *file);

#endif
