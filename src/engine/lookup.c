/* Name lookups: each is a piece of work for the worker threads, with the name and the answer in it.
 *
 * A thread that hangs in getaddrinfo outlives the engine, and what it returns to is code: that of
 * the object this file was linked into, the library or a plugin of the host's. From the first
 * lookup on that object stays where it is, and dlclose unloads it no more. */
#include "engine/lookup.h"

#include "base/workers.h"
#include "uring/ring.h"

#include <dlfcn.h>
#include <link.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { LOOKUPS_MIN = 16 };

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

/* One in eight: the rest is the host's, and other engines'. */
uint32_t lookup_max(void)
{
    struct rlimit limit;
    bool known = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    uint64_t share = known ? limit.rlim_cur / 8 : LIMIT_LOOKUPS;
    if (share < LOOKUPS_MIN)
        return LOOKUPS_MIN;
    return share < LIMIT_LOOKUPS ? (uint32_t)share : LIMIT_LOOKUPS;
}

bool lookup_has_ipv6_loopback(void)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool bound = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
    if (fd >= 0)
        close(fd);
    return bound;
}

static void keep_code(void)
{
    Dl_info about;
    struct link_map *object = NULL;
    if (!dladdr1((void *)(uintptr_t)keep_code, &about, (void **)&object, RTLD_DL_LINKMAP) ||
        !object || object->l_name[0] == '\0')
        return; /* the program itself */
    void *handle = dlopen(object->l_name, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
    if (handle)
        dlclose(handle);
}

static void wake(void *ring)
{
    ring_wake(ring);
}

bool lookup_new(struct lookup **lookup, struct ring *ring)
{
    struct lookup *l = calloc(1, sizeof *l);
    if (!l)
        return false;
    l->workers = workers_new(wake, ring, LIMIT_LOOKUPS);
    if (!l->workers) {
        free(l);
        return false;
    }
    keep_code();
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
