/* A queue of work in, a queue of finished work out, one mutex.
 *
 * The threads share `struct workers` with the engine by counting: whoever lets go of it last frees
 * it. A thread that is busy when the engine goes (getaddrinfo cannot be interrupted) finishes, sees
 * that the ring is gone, and drops its piece. Threads live on until then, so that a piece costs no
 * thread. */
#include "engine/workers.h"

#include "uring/ring.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct queue {
    struct work *first, **last;
};

struct workers {
    pthread_mutex_t mutex;
    pthread_cond_t work_there;
    struct ring *ring; /* null exactly when the engine has let go */
    struct queue todo, done;
    unsigned threads, threads_max, idle, holders;
};

static void queue_init(struct queue *q)
{
    q->first = NULL;
    q->last = &q->first;
}

static void queue_push(struct queue *q, struct work *work)
{
    work->next = NULL;
    *q->last = work;
    q->last = &work->next;
}

static struct work *queue_pop(struct queue *q)
{
    struct work *work = q->first;
    if (!work)
        return NULL;
    q->first = work->next;
    if (!q->first)
        q->last = &q->first;
    return work;
}

/* Called with the mutex held; gives it up. */
static void let_go(struct workers *w)
{
    bool last = --w->holders == 0;
    pthread_mutex_unlock(&w->mutex);
    if (!last)
        return;
    struct work *work;
    while ((work = queue_pop(&w->todo)) || (work = queue_pop(&w->done)))
        work->drop(work);
    pthread_cond_destroy(&w->work_there);
    pthread_mutex_destroy(&w->mutex);
    free(w);
}

static void *thread_main(void *argument)
{
    struct workers *w = argument;
    pthread_mutex_lock(&w->mutex);
    while (w->ring) {
        struct work *work = queue_pop(&w->todo);
        if (!work) {
            w->idle++;
            pthread_cond_wait(&w->work_there, &w->mutex);
            w->idle--;
            continue;
        }
        pthread_mutex_unlock(&w->mutex);
        work->run(work);
        pthread_mutex_lock(&w->mutex);
        queue_push(&w->done, work);
        if (w->ring)
            ring_wake(w->ring);
    }
    let_go(w);
    return NULL;
}

struct workers *workers_new(struct ring *ring, unsigned threads_max)
{
    struct workers *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    pthread_mutex_init(&w->mutex, NULL);
    pthread_cond_init(&w->work_there, NULL);
    queue_init(&w->todo);
    queue_init(&w->done);
    w->ring = ring;
    w->threads_max = threads_max;
    w->holders = 1;
    return w;
}

void workers_free(struct workers *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->mutex);
    w->ring = NULL;
    pthread_cond_broadcast(&w->work_there);
    let_go(w);
}

/* With the mutex held. All signals stay with the threads that the program made itself. */
static bool start_thread(struct workers *w)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&thread, &attributes, thread_main, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (error)
        return false;
    w->threads++;
    w->holders++;
    return true;
}

bool workers_start(struct workers *w, struct work *work)
{
    pthread_mutex_lock(&w->mutex);
    if (w->idle == 0 && w->threads < w->threads_max)
        (void)start_thread(w);
    bool can = w->threads > 0;
    if (can)
        queue_push(&w->todo, work);
    pthread_cond_signal(&w->work_there);
    pthread_mutex_unlock(&w->mutex);
    return can;
}

struct work *workers_next(struct workers *w)
{
    pthread_mutex_lock(&w->mutex);
    struct work *work = queue_pop(&w->done);
    pthread_mutex_unlock(&w->mutex);
    return work;
}
