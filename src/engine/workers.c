/* A queue of work in, a queue of finished work out.
 *
 * The engine's thread never waits here for a worker, which the scheduler may have put aside at any
 * place: both queues are stacks that one compare-and-swap puts a piece on, and one exchange takes
 * whole; whoever took one turns it round, so that pieces keep their order. A semaphore counts the
 * pieces that nobody has taken yet. The mutex is between workers, and for workers_free.
 *
 * The threads share `struct workers` with the engine by counting: whoever lets go of it last frees
 * it. A thread that is busy when the engine goes (getaddrinfo cannot be interrupted) finishes, sees
 * that the ring is gone, and drops its piece. Threads live on until then, so that a piece costs no
 * thread. */
#include "engine/workers.h"

#include "base/check.h"
#include "uring/ring.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

typedef _Atomic(struct work *) work_stack; /* latest first */

struct workers {
    work_stack todo, done;
    sem_t untaken; /* pieces in todo and taken; at the end, one for each thread, to wake it */
    atomic_uint holders;
    /* the engine's own */
    struct work *finished; /* from done, oldest first */
    unsigned threads, threads_max;
    unsigned pieces; /* started, and not yet returned by workers_next */
    /* under the mutex */
    pthread_mutex_t mutex;
    struct ring *ring;  /* null exactly when the engine has let go */
    struct work *taken; /* from todo, oldest first */
};

static void push(work_stack *stack, struct work *work)
{
    work->next = atomic_load(stack);
    while (!atomic_compare_exchange_weak(stack, &work->next, work))
        continue;
}

/* The oldest of the list, which is filled from the stack when it is empty; null: of neither. */
static struct work *pop(struct work **list, work_stack *stack)
{
    if (!*list) {
        struct work *latest = atomic_exchange(stack, NULL);
        while (latest) {
            struct work *before = latest->next;
            latest->next = *list;
            *list = latest;
            latest = before;
        }
    }
    struct work *work = *list;
    if (work)
        *list = work->next;
    return work;
}

static void let_go(struct workers *w)
{
    if (atomic_fetch_sub(&w->holders, 1) > 1)
        return;
    struct work *work;
    while ((work = pop(&w->taken, &w->todo)) || (work = pop(&w->finished, &w->done)))
        work->drop(work);
    sem_destroy(&w->untaken);
    pthread_mutex_destroy(&w->mutex);
    free(w);
}

/* Waits for a piece; null: the engine has let go. */
static struct work *take(struct workers *w)
{
    while (sem_wait(&w->untaken) != 0)
        CHECK(errno == EINTR);
    pthread_mutex_lock(&w->mutex);
    struct work *work = w->ring ? pop(&w->taken, &w->todo) : NULL;
    pthread_mutex_unlock(&w->mutex);
    return work;
}

static void *thread_main(void *argument)
{
    struct workers *w = argument;
    struct work *work;
    while ((work = take(w))) {
        work->run(work);
        push(&w->done, work);
        pthread_mutex_lock(&w->mutex);
        if (w->ring)
            ring_wake(w->ring);
        pthread_mutex_unlock(&w->mutex);
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
    sem_init(&w->untaken, 0, 0);
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
    pthread_mutex_unlock(&w->mutex);
    for (unsigned i = 0; i < w->threads; i++)
        sem_post(&w->untaken);
    let_go(w);
}

/* All signals stay with the threads that the program made itself. */
static void start_thread(struct workers *w)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    atomic_fetch_add(&w->holders, 1);
    int error = pthread_create(&thread, &attributes, thread_main, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (error)
        atomic_fetch_sub(&w->holders, 1);
    else
        w->threads++;
}

bool workers_start(struct workers *w, struct work *work)
{
    if (w->pieces >= w->threads && w->threads < w->threads_max)
        start_thread(w);
    if (w->threads == 0)
        return false;
    w->pieces++;
    push(&w->todo, work);
    sem_post(&w->untaken);
    return true;
}

struct work *workers_next(struct workers *w)
{
    struct work *work = pop(&w->finished, &w->done);
    if (work)
        w->pieces--;
    return work;
}

bool workers_are_busy(const struct workers *w)
{
    return w->pieces > 0;
}
