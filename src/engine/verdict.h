/* What a response is worth. */
#ifndef RINGSEND_ENGINE_VERDICT_H
#define RINGSEND_ENGINE_VERDICT_H

#include "ringsend.h"

#include <stdbool.h>
#include <stddef.h>

struct request;
struct ringsend;

/* Compiles the options' predicates. On an error `message` says what is wrong with which. */
enum ringsend_error verdict_prepare(struct ringsend *e, char *message, size_t message_bytes);
void verdict_release(struct ringsend *e);
bool verdict_wants_headers(const struct ringsend *e);
/* Bodies are decoded, for the result or for predicates. */
bool verdict_decodes(const struct ringsend *e);
/* Of a complete response: judges it. True: its body is to be decoded first. */
bool verdict_begin(struct request *r);
void verdict_judge(struct request *r);

#endif
