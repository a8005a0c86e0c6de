/* file.h's inside, for the engine. */
#ifndef RINGSEND_ENGINE_FILE_INTERNAL_H
#define RINGSEND_ENGINE_FILE_INTERNAL_H

#include "engine/file.h"

struct conn;
struct ring_completion;

enum { FILES_PER_CONN = 2 };

/* A file of a connection, the `which`-th: its task is woken when an operation or a cancel ends, and
 * ringsend_run does not return for it. An append to a regular file that is not in O_APPEND mode ends with the first
 * write that is cut short. To be closed when it is quiet. 0 or -RINGSEND_E_NO_MEMORY. */
int file_open_for(struct conn *c, uint32_t which, int fd, struct file **file);
/* Nothing is in flight, no cancel either. */
bool file_is_quiet(const struct file *file);

void file_completed(struct ringsend *e, const struct ring_completion *completion);

#endif
