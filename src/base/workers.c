/* A queue of work in, a queue of finished work out.
 *
 * The owner's thread never waits here for a worker, which the scheduler may have put aside at any
 * place: both queues are stacks that one compare-and-swap puts a piece on, and one exchange takes
 * whole; whoever took one turns it round, so that pieces keep their order. A semaphore counts the
 * pieces that nobody has taken yet. The mutex is between workers, and for whoever starts and ends
 * them.
 *
 * The threads share `struct workers` with the owner by counting: whoever lets go of it last frees
 * it. A thread that is busy when the owner goes (getaddrinfo cannot be interrupted) finishes, sees
 * that nobody is to be woken, and drops its piece; the others are joined. KEPT_MAX threads live on
 * until then, so that a piece costs no thread; more end when no piece is left.
 *
 * Such a thread finds the semaphore up and no piece. It need not be the one that was meant:
 * semaphores and pieces are only counted, and whoever finds a piece takes it. */
#include "base/workers.h"

#include "base/check.h"
#include "base/list.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
    KEPT_MAX = 8,
    /* Address space, of which a lookup touches some 20 KiB. The default of 8 MiB would be too much
     * for many; some modules of nsswitch.conf put buffers of 64 KiB and more there. */
    STACK_BYTES = 1 << 20,
};

typedef _Atomic(struct work *) work_stack; /* latest first */

struct thread {
    struct list node; /* in workers.all */
    pthread_t id;
    struct workers *workers;
    bool busy;   /* has a piece */
    bool joined; /* workers_free waits for its end, and frees this */
};

struct workers {
    work_stack todo, done;
    sem_t untaken; /* pieces in todo and taken, and one for each thread that is to end */
    atomic_uint holders;
    /* the owner's own */
    struct work *finished; /* from done, oldest first */
    unsigned threads, threads_max;
    unsigned pieces; /* started, and not yet returned by workers_next */
    /* under the mutex */
    pthread_mutex_t mutex;
    void (*wake)(void *context); /* null exactly when the owner has let go */
    void *context;
    struct work *taken; /* from todo, oldest first */
    struct list all;    /* threads, but those that end by themselves */
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

/* Waits for a piece; null: this thread is to end. */
static struct work *take(struct thread *t)
{
    struct workers *w = t->workers;
    while (sem_wait(&w->untaken) != 0)
        CHECK(errno == EINTR);
    pthread_mutex_lock(&w->mutex);
    struct work *work = w->wake ? pop(&w->taken, &w->todo) : NULL;
    t->busy = work != NULL;
    if (!work && !t->joined) {
        list_remove(&t->node);
        pthread_detach(t->id);
    }
    pthread_mutex_unlock(&w->mutex);
    return work;
}

static void give_back(struct thread *t, struct work *work)
{
    struct workers *w = t->workers;
    pthread_mutex_lock(&w->mutex);
    push(&w->done, work);
    t->busy = false; /* not before, and no later than the owner can know that it is done */
    if (w->wake)
        w->wake(w->context);
    pthread_mutex_unlock(&w->mutex);
}

static void *thread_main(void *argument)
{
    struct thread *t = argument;
    struct workers *w = t->workers;
    struct work *work;
    while ((work = take(t))) {
        work->run(work);
        give_back(t, work);
    }
    if (!t->joined)
        free(t);
    let_go(w);
    return NULL;
}

struct workers *workers_new(void (*wake)(void *context), void *context, unsigned threads_max)
{
    struct workers *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    pthread_mutex_init(&w->mutex, NULL);
    sem_init(&w->untaken, 0, 0);
    list_init(&w->all);
    w->wake = wake;
    w->context = context;
    w->threads_max = threads_max;
    w->holders = 1;
    return w;
}

static void wake_threads(struct workers *w, unsigned count)
{
    while (count-- > 0)
        sem_post(&w->untaken);
}

void workers_free(struct workers *w)
{
    if (!w)
        return;
    struct list idle;
    list_init(&idle);
    pthread_mutex_lock(&w->mutex);
    w->wake = NULL;
    for (struct list *node; (node = list_pop_front(&w->all));) {
        struct thread *t = LIST_OWNER(node, struct thread, node);
        t->joined = !t->busy;
        if (t->joined)
            list_push_back(&idle, node);
    }
    pthread_mutex_unlock(&w->mutex);
    wake_threads(w, w->threads);
    for (struct list *node; (node = list_pop_front(&idle));) {
        struct thread *t = LIST_OWNER(node, struct thread, node);
        pthread_join(t->id, NULL);
        free(t);
    }
    let_go(w);
}

/* All signals stay with the threads that the program made itself. */
static int create(struct thread *t, size_t stack_bytes)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    sigfillset(&all);
    pthread_attr_init(&attributes);
    if (stack_bytes > 0)
        pthread_attr_setstacksize(&attributes, stack_bytes);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&t->id, &attributes, thread_main, t);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return error;
}

static bool start_thread(struct workers *w)
{
    struct thread *t = calloc(1, sizeof *t);
    if (!t)
        return false;
    t->workers = w;
    list_init(&t->node);
    atomic_fetch_add(&w->holders, 1);
    /* Before it runs: it may look for itself there, and for its id. */
    pthread_mutex_lock(&w->mutex);
    int error = create(t, STACK_BYTES);
    if (error == EINVAL) /* the program's thread-local variables alone are larger */
        error = create(t, 0);
    if (!error)
        list_push_back(&w->all, &t->node);
    pthread_mutex_unlock(&w->mutex);
    if (error) {
        atomic_fetch_sub(&w->holders, 1);
        free(t);
        return false;
    }
    w->threads++;
    return true;
}

bool workers_start(struct workers *w, struct work *work)
{
    if (w->pieces >= w->threads && w->threads < w->threads_max && !start_thread(w))
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
    if (w->pieces == 0 && w->threads > KEPT_MAX) {
        wake_threads(w, w->threads - KEPT_MAX);
        w->threads = KEPT_MAX;
    }
    return work;
}

bool workers_are_busy(const struct workers *w)
{
    return w->pieces > 0;
}
