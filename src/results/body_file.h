/* A response's body on its way to a file of its own, made and written through the engine's ring. */
#ifndef RINGSEND_RESULTS_BODY_FILE_H
#define RINGSEND_RESULTS_BODY_FILE_H

#include "base/machine.h"
#include "base/span.h"
#include "engine/file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BODY_FILE_NAME_BYTES = 100 };

/* The file's name: the record's number, and behind a dash what of its id (JSON, or empty) may stand
 * in a name, cut to 64 bytes, anything else as '_'. Never two records have the same. */
void body_file_name(char name[BODY_FILE_NAME_BYTES], uint64_t number, struct ringsend_bytes id);

/* Each waits for an operation; from APPENDING on the file is ours, made or to be overwritten: it is
 * removed when it cannot be whole. */
#define BODY_FILE_STEPS(STEP)                                                          \
    STEP(BODY_FILE_OPENING, STEP_TO(BODY_FILE_LOOKING) | STEP_TO(BODY_FILE_APPENDING)) \
    /* to be replaced: at what stands there */                                         \
    STEP(BODY_FILE_LOOKING, STEP_TO(BODY_FILE_APPENDING))                              \
    STEP(BODY_FILE_APPENDING, STEP_TO(BODY_FILE_SYNCING))                              \
    /* what was written is to be durable */                                            \
    STEP(BODY_FILE_SYNCING, 0)

enum body_file_step { BODY_FILE_STEPS(STEP_ENUM) };

struct statx;

/* Zeroed before its first use. */
struct body_file {
    struct file *file; /* not null exactly while it is under way */
    char *path;        /* likewise */
    enum body_file_step step;
    bool replace, sync;  /* wanted */
    struct statx *about; /* likewise, of one that is to be replaced */
    struct ringsend_bytes data;
};

enum body_file_next {
    BODY_FILE_WAIT, /* until ringsend_run has finished the operation under way */
    BODY_FILE_DONE,
    BODY_FILE_FAILED /* *error is an errno; what was written of it is removed */
};

/* With `sync` its bytes are durable at the end, though not its name. Starts to make the file
 * `directory`/`name`. An existing one is an error, EEXIST, unless it is to be replaced; what is no
 * regular file is one in any case (ENXIO; ELOOP: a symbolic link), and so is a file that has other
 * names (EMLINK): they are left as they are. The data are borrowed until the end. */
enum body_file_next body_file_begin(struct body_file *body, struct ringsend *engine,
                                    const char *directory, const char *name, bool replace,
                                    bool sync, struct ringsend_bytes data, int *error);
/* Takes the end of an operation and starts the next one. After BODY_FILE_DONE and BODY_FILE_FAILED
 * it is over. */
enum body_file_next body_file_turn(struct body_file *body, int *error);
/* Cancels what is under way. Harmless when nothing is. */
void body_file_end(struct body_file *body);

#endif
