/* Requests from other threads: a queue that the loop takes from. */
#ifndef RINGSEND_ENGINE_POST_H
#define RINGSEND_ENGINE_POST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct posts;
struct ringsend;
struct ringsend_request;

size_t posts_bytes(uint32_t posts_max);
void posts_init(struct posts *p, uint32_t posts_max); /* in so many zeroed bytes */
/* As many as there is room for, given to ringsend_submit, which stands above. */
void post_take(struct ringsend *e,
               int (*submit)(struct ringsend *e, struct ringsend_request *request));
bool post_is_empty(const struct ringsend *e); /* nothing is waiting to be taken */

#endif
