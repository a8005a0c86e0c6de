/* What ends the waiting of the thread that fetches tokens: time, or the end of the run. */
#ifndef RINGSEND_CLI_CREDENTIALS_TOKEN_WAIT_H
#define RINGSEND_CLI_CREDENTIALS_TOKEN_WAIT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct ringsend;

struct token_wait {
    pthread_mutex_t lock; /* of all that follows, and of what its owner has it for */
    pthread_cond_t changed;
    bool stop;
    struct ringsend *engine; /* in ringsend_run; null: none */
};

bool token_wait_init(struct token_wait *w);
void token_wait_free(struct token_wait *w);
/* For so long, or less. False: the run is over. */
bool token_wait_for(struct token_wait *w, uint64_t wait_ns);
/* The same until then, or until `changed`, by who holds the lock. */
void token_wait_until(struct token_wait *w, uint64_t at_ns);
/* Ends all waiting, now and from now on. */
void token_wait_stop(struct token_wait *w);

#endif
