/* file.h's inside, for the engine. */
#ifndef RINGSEND_ENGINE_FILE_INTERNAL_H
#define RINGSEND_ENGINE_FILE_INTERNAL_H

struct ringsend;
struct ring_completion;

void file_completed(struct ringsend *e, const struct ring_completion *completion);

#endif
