/* Name lookups: each is a piece of work for the worker threads, with the name and the answer in it.
 */
#include "engine/lookup.h"

#include "engine/workers.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS_MAX = 4 };

struct job {
    struct work work; /* first */
    char name[LIMIT_HOST_BYTES + 1];
    struct lookup_answer answer;
};

struct lookup {
    struct workers *workers;
};

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

static void job_run(struct work *work)
{
    struct job *job = (struct job *)work;
    look_up(job->name, &job->answer);
}

static void job_drop(struct work *work)
{
    free(work);
}

bool lookup_new(struct lookup **lookup, struct ring *ring)
{
    struct lookup *l = calloc(1, sizeof *l);
    if (!l)
        return false;
    l->workers = workers_new(ring, THREADS_MAX);
    if (!l->workers) {
        free(l);
        return false;
    }
    *lookup = l;
    return true;
}

void lookup_free(struct lookup *l)
{
    if (!l)
        return;
    workers_free(l->workers);
    free(l);
}

bool lookup_start(struct lookup *l, const char *name, void *owner)
{
    struct job *job = calloc(1, sizeof *job);
    if (!job)
        return false;
    job->work.run = job_run;
    job->work.drop = job_drop;
    job->answer.owner = owner;
    strncpy(job->name, name, sizeof job->name - 1);
    if (workers_start(l->workers, &job->work))
        return true;
    free(job);
    return false;
}

bool lookup_next(struct lookup *l, struct lookup_answer *answer)
{
    struct job *job = (struct job *)workers_next(l->workers);
    if (!job)
        return false;
    *answer = job->answer;
    free(job);
    return true;
}
