/* Files on the engine's ring: reads, appends and looks that a slow disk or pipe cannot make block
 * the loop.
 *
 * A file takes one operation at a time. It goes on while ringsend_run runs; ringsend_run returns
 * when one has finished; file_busy is then false and file_take gives the result. Buffers stay
 * untouched by the caller until then. Same thread as the engine. */
#ifndef RINGSEND_ENGINE_FILE_H
#define RINGSEND_ENGINE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ringsend;
struct file;
struct statx;

/* Takes `fd` (a file, pipe or terminal open in the right direction) into the engine, and does not
 * close it. 0, -RINGSEND_E_FULL when LIMIT_FILES are open, or -RINGSEND_E_NO_MEMORY. */
int file_open(struct ringsend *engine, int fd, struct file **file);
/* The same for a file that is opened here, by open(2) on the ring with O_CLOEXEC and these flags,
 * and closed by file_close. The opening is the file's first operation: its result is 0, and nothing
 * else may be started after another. `path` is borrowed until then. A file that is made is for its
 * user alone. */
int file_open_path(struct ringsend *engine, const char *path, int flags, struct file **file);
/* The descriptor, to look at. Of one that was opened here: after that has succeeded. */
int file_descriptor(const struct file *file);
/* Cancels what is in flight, waits for it, and sets *file to null. */
void file_close(struct file **file);

/* offset -1: at the file's own position, as for pipes. Result: bytes read, 0 at the end. */
void file_read(struct file *file, void *data, size_t bytes, int64_t offset);
/* Writes all of it, in several operations if need be. Result: bytes written. A regular file must be
 * in O_APPEND mode: after a write that was cut short io_uring may leave the position where it was
 * (seen with Linux 6.18), and the rest would land on top. */
void file_append(struct file *file, const void *data, size_t bytes);
void file_sync(struct file *file);
/* With all that is known of it: of a directory, the names in it. */
void file_sync_whole(struct file *file);
/* What kind of file it is, and its size: stx_mode and stx_size. Result 0. A look at an open file
 * waits, too, where the file is another machine's or program's. */
void file_stat(struct file *file, struct statx *about);
/* Asks for an early end; the operation then finishes with -ECANCELED or its result. */
void file_cancel(struct file *file);

/* ringsend_run for who can take no results now: those that are ready do not end it; a file's end,
 * ringsend_wake and time do. */
int file_run(struct ringsend *engine, uint64_t wait_ns);

bool file_busy(const struct file *file);
/* The finished operation's result, else a negated errno. Only after an operation, and once. */
int64_t file_take(struct file *file);

#endif
