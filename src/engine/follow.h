/* Redirects: a request that goes where an answer sends it. */
#ifndef RINGSEND_ENGINE_FOLLOW_H
#define RINGSEND_ENGINE_FOLLOW_H

#include "base/errors.h"
#include "ringsend.h"

#include <stdbool.h>

struct request;
struct ringsend;

void follow_init(struct ringsend *e);
/* The outcome of its attempt, a complete response, is one to be followed. */
bool follow_is_due(const struct request *r);
/* Between attempts: makes it one for where that leads, of another origin perhaps, which it may then
 * be queued at. RINGSEND_OK, or why not, with a sentence: it is then as it was. */
enum ringsend_error follow_begin(struct request *r, const char **detail);
void follow_give_up(struct request *r); /* it is not followed, as the end has come */
/* For its result. */
void follow_publish(struct request *r);
/* What an error means when an answer lies before it; `detail` may be null. Null: no more than that.
 * Valid as long as the request. */
const char *follow_explain(struct request *r, enum ringsend_error error, const char *detail);
void follow_release(struct request *r);

/* Before the first https request, whether it comes from outside or by a redirect. */
enum ringsend_error follow_load_tls(struct ringsend *e, const char **detail);

#endif
