/* The lookup threads: a queue of names in, a queue of answers out, one mutex.
 *
 * The threads share `struct lookup` with the engine by counting: whoever lets go of it last frees
 * it. A thread that is inside getaddrinfo when the engine goes finishes there (it cannot be
 * stopped), sees that the ring is gone, and drops its answer. Threads live on until then, so that a
 * job costs no thread. */
#include "engine/lookup.h"

#include "uring/ring.h"

#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS_MAX = 4 };

struct job {
    struct job *next;
    char name[LIMIT_HOST_BYTES + 1];
    struct lookup_answer answer;
};

struct queue {
    struct job *first, **last;
};

struct lookup {
    pthread_mutex_t mutex;
    pthread_cond_t job_there;
    struct ring *ring; /* null exactly when the engine has let go */
    struct queue todo, done;
    unsigned threads, idle, holders;
};

static void queue_init(struct queue *q)
{
    q->first = NULL;
    q->last = &q->first;
}

static void queue_push(struct queue *q, struct job *job)
{
    job->next = NULL;
    *q->last = job;
    q->last = &job->next;
}

static struct job *queue_pop(struct queue *q)
{
    struct job *job = q->first;
    if (!job)
        return NULL;
    q->first = job->next;
    if (!q->first)
        q->last = &q->first;
    return job;
}

static void look_up(const char *name, struct lookup_answer *answer)
{
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *list = NULL;
    int error = getaddrinfo(name, NULL, &hints, &list);
    answer->count = 0;
    for (const struct addrinfo *a = list; a && answer->count < LIMIT_ADDRESSES; a = a->ai_next)
        if (a->ai_addrlen <= sizeof *answer->addresses)
            memcpy(&answer->addresses[answer->count++], a->ai_addr, a->ai_addrlen);
    if (list)
        freeaddrinfo(list);
    if (answer->count > 0)
        answer->status = LOOKUP_FOUND;
    else if (error == 0 || error == EAI_NONAME || error == EAI_NODATA || error == EAI_ADDRFAMILY)
        answer->status = LOOKUP_NOT_FOUND;
    else
        answer->status = LOOKUP_FAILED;
}

/* Called with the mutex held; gives it up. */
static void let_go(struct lookup *l)
{
    bool last = --l->holders == 0;
    pthread_mutex_unlock(&l->mutex);
    if (!last)
        return;
    struct job *job;
    while ((job = queue_pop(&l->todo)) || (job = queue_pop(&l->done)))
        free(job);
    pthread_cond_destroy(&l->job_there);
    pthread_mutex_destroy(&l->mutex);
    free(l);
}

static void *thread_main(void *argument)
{
    struct lookup *l = argument;
    pthread_mutex_lock(&l->mutex);
    while (l->ring) {
        struct job *job = queue_pop(&l->todo);
        if (!job) {
            l->idle++;
            pthread_cond_wait(&l->job_there, &l->mutex);
            l->idle--;
            continue;
        }
        pthread_mutex_unlock(&l->mutex);
        look_up(job->name, &job->answer);
        pthread_mutex_lock(&l->mutex);
        queue_push(&l->done, job);
        if (l->ring)
            ring_wake(l->ring);
    }
    let_go(l);
    return NULL;
}

bool lookup_new(struct lookup **lookup, struct ring *ring)
{
    struct lookup *l = calloc(1, sizeof *l);
    if (!l)
        return false;
    pthread_mutex_init(&l->mutex, NULL);
    pthread_cond_init(&l->job_there, NULL);
    queue_init(&l->todo);
    queue_init(&l->done);
    l->ring = ring;
    l->holders = 1;
    *lookup = l;
    return true;
}

void lookup_free(struct lookup *l)
{
    if (!l)
        return;
    pthread_mutex_lock(&l->mutex);
    l->ring = NULL;
    pthread_cond_broadcast(&l->job_there);
    let_go(l);
}

/* With the mutex held. All signals stay with the threads that the program made itself. */
static bool start_thread(struct lookup *l)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&thread, &attributes, thread_main, l);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (error)
        return false;
    l->threads++;
    l->holders++;
    return true;
}

bool lookup_start(struct lookup *l, const char *name, void *owner)
{
    struct job *job = calloc(1, sizeof *job);
    if (!job)
        return false;
    strncpy(job->name, name, sizeof job->name - 1);
    job->answer.owner = owner;
    pthread_mutex_lock(&l->mutex);
    bool can = true;
    if (l->idle == 0 && l->threads < THREADS_MAX)
        can = start_thread(l) || l->threads > 0;
    if (can)
        queue_push(&l->todo, job);
    pthread_cond_signal(&l->job_there);
    pthread_mutex_unlock(&l->mutex);
    if (!can)
        free(job);
    return can;
}

bool lookup_next(struct lookup *l, struct lookup_answer *answer)
{
    pthread_mutex_lock(&l->mutex);
    struct job *job = queue_pop(&l->done);
    pthread_mutex_unlock(&l->mutex);
    if (!job)
        return false;
    *answer = job->answer;
    free(job);
    return true;
}
