/* The input: lines out of files and standard input, one file after another, read ahead in two
 * blocks through the engine's ring. A line is everything up to a LF, or up to the end of its file;
 * a CR at its end belongs to it (it is white space to JSON), so that it can be written back byte
 * for byte. A UTF-8 byte order mark at the start of a file is passed over, and so are blank lines.
 */
#ifndef RINGSEND_BATCH_SOURCE_H
#define RINGSEND_BATCH_SOURCE_H

#include "base/buf.h"
#include "engine/file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum source_next {
    SOURCE_LINE,     /* *line holds one, without its LF */
    SOURCE_TOO_LONG, /* one of more than LIMIT_LINE_BYTES was skipped */
    SOURCE_WAIT,     /* nothing until ringsend_run has finished the read under way */
    SOURCE_END       /* all inputs are used up, or the source was stopped */
};

struct source_block {
    char *data;
    size_t bytes, at; /* filled; cut into lines so far */
};

struct source {
    struct ringsend *engine;
    struct buf_pool *pool;
    char *const *paths; /* "-" is standard input */
    int *fds;
    size_t count;
    size_t current;    /* input being read; `count` exactly at the end of all */
    struct file *file; /* of the current input; null before its first read and after its last */
    struct source_block blocks[2];
    unsigned cutting;     /* the block lines are cut from; the other one is read into */
    bool reading;         /* a read was started and not taken */
    struct buf partial;   /* start of a line that goes on in the next block */
    bool skipping;        /* inside a line that is too long */
    bool ended;           /* the end of the current input was seen */
    bool stopped;         /* by source_stop */
    uint64_t line;        /* number of the line handed out last, from 1 in each input */
    uint64_t taken_bytes; /* of the current input, up to the end of that line */
    uint64_t begun_bytes; /* of the line behind it, in `partial` or skipped */

    int error; /* errno of the first read that failed, else 0 */
    size_t error_input;
};

/* Opens all inputs, before anything else happens: 0, or an errno and the input it is about. */
int source_open(struct source *s, char *const *paths, size_t count, size_t *failed_input);
/* Readies an opened source for source_next. False when memory is out. */
bool source_start(struct source *s, struct ringsend *engine, struct buf_pool *pool);

/* The next line into *line, an empty buffer that becomes the caller's. Its number and input are
 * s->line and s->current until the next call. */
enum source_next source_next(struct source *s, struct buf *line);

/* True when one of the opened inputs is the regular file behind `fd`. */
bool source_has_file(const struct source *s, int fd);
/* Where reading stands: the first input of which something was, or may have been, not handed out;
 * `count` when there is none. Of its bytes *unread_bytes were not; 0: unknown, as with pipes. */
size_t source_unread(const struct source *s, uint64_t *unread_bytes);
/* Gives up all memory and the engine's file, cancelling the read under way. Allowed at any time
 * after source_open; `current`, `line` and the descriptors stay. */
void source_stop(struct source *s);
/* Stops, and closes the descriptors. */
void source_close(struct source *s);

#endif
