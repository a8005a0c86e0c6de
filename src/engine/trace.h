/* What became of each attempt, when the options want that. */
#ifndef RINGSEND_ENGINE_TRACE_H
#define RINGSEND_ENGINE_TRACE_H

#include <stdint.h>

struct request;

void trace_attempt_over(struct request *r);
/* The next attempt has begun, or it is clear that none will, at that time. */
void trace_waited(struct request *r, uint64_t until_ns);
void trace_publish(struct request *r);

#endif
