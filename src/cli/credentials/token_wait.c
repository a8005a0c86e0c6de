#include "cli/credentials/token_wait.h"

#include "base/time.h"
#include "ringsend.h"

#include <time.h>

bool token_wait_init(struct token_wait *w)
{
    pthread_condattr_t attributes;
    *w = (struct token_wait){.stop = false};
    if (pthread_condattr_init(&attributes) != 0)
        return false;
    bool good = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                pthread_cond_init(&w->changed, &attributes) == 0;
    pthread_condattr_destroy(&attributes);
    return good && pthread_mutex_init(&w->lock, NULL) == 0;
}

void token_wait_free(struct token_wait *w)
{
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
}

void token_wait_until(struct token_wait *w, uint64_t at_ns)
{
    const struct timespec at = timespec_of_ns(at_ns);
    if (at_ns == UINT64_MAX)
        pthread_cond_wait(&w->changed, &w->lock);
    else
        pthread_cond_timedwait(&w->changed, &w->lock, &at);
}

bool token_wait_for(struct token_wait *w, uint64_t wait_ns)
{
    uint64_t end_ns = clock_monotonic_ns() + wait_ns;
    pthread_mutex_lock(&w->lock);
    while (!w->stop && clock_monotonic_ns() < end_ns)
        token_wait_until(w, end_ns);
    bool goes_on = !w->stop;
    pthread_mutex_unlock(&w->lock);
    return goes_on;
}

void token_wait_stop(struct token_wait *w)
{
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    if (w->engine)
        ringsend_wake(w->engine);
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
}
