/* The server's side of one request: counting it, deciding what it gets, writing that. */
#ifndef RINGSEND_SERVE_SERVICE_H
#define RINGSEND_SERVE_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

struct server;
struct turn;
struct serve_conn;

/* Builds the prebuilt answers; false when memory is out. */
bool service_init(struct server *p);
void service_free(struct server *p);

/* An empty turn; null when memory is out. */
struct turn *turn_take(struct server *p);
/* Gives it back and nulls it; an owed outcome is then "gone" or "stopped". Null is allowed. */
void turn_put(struct server *p, struct turn **place);

/* The count of the report that its complete TLS handshake is part of. */
uint64_t *service_handshakes(struct server *p, const struct serve_conn *v);
/* Decides the fault of a request of the connection's, read to its end or beyond reading.
 * Returns how long to think; nothing of the answer is sent before that. */
uint64_t service_judge(struct server *p, struct serve_conn *v, struct turn *turn);
/* Puts the answer into turn->parts. False when memory is out. */
bool service_answer(struct server *p, struct turn *turn);
/* The answer went out as far as it was in turn->parts: puts the next part there, which is filler.
 * False: nothing more, or memory is out, and then turn->filler_at is not turn->filler_bytes. */
bool service_answer_on(struct server *p, struct turn *turn);
/* The answer went out whole. */
void service_answered(struct server *p, struct serve_conn *v, struct turn *turn);
/* The request met its end without an answer, as its fault says. */
void service_deny(struct server *p, struct turn *turn);

#endif
