/* The engines of `ringsend send`: one for each thread. What all of them may do together is what the
 * options allow: they share connections, those per host, the rate, the retry budget and pauses. */
#ifndef RINGSEND_CLI_SEND_ENGINES_H
#define RINGSEND_CLI_SEND_ENGINES_H

#include "batch/engine_threads.h"
#include "cli/send/send_options.h"

struct engines {
    struct thread_engine all[ENGINE_THREADS_MAX]; /* the first one is the job's own */
    size_t count;
    struct ringsend_tls *tls;       /* which they share; null with one */
    struct ringsend_limits *limits; /* the same */
};

struct credentials;

/* An exit status, with the message told. The credentials may be null. */
int engines_start(struct engines *engines, const struct send_options *options,
                  struct credentials *credentials, uint32_t requests_max);
/* Frees those from `first` on; the others are somebody else's. */
void engines_free(struct engines *engines, size_t first);

/* Why the certificates of the run cannot be read. */
void engines_tls_fault(const struct send_options *options, char *message, size_t message_bytes);

#endif
