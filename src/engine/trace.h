/* What became of each attempt, when it is to be told. */
#ifndef RINGSEND_ENGINE_TRACE_H
#define RINGSEND_ENGINE_TRACE_H

struct request;

void trace_attempt_over(struct request *r);
void trace_waited(struct request *r); /* the next attempt begins, or none will */
void trace_publish(struct request *r);

#endif
