/* Worker threads that only make requests, and one thread that owns the engine: ringsend_post_wait
 * takes a request from anywhere, when there is room; its result is handed back here by a flag and a
 * condition of the request's own.
 *
 *   cc threads.c $(pkg-config --cflags --libs ringsend) -pthread -o threads
 *   ./threads http://127.0.0.1:8080/orders 1000 */
#include <ringsend.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORKERS = 10 };

struct order {
    struct ringsend_request request; /* borrowed by the engine until its result is reaped */
    struct ringsend *engine;
    const char *url;
    size_t count, ok; /* to send; answered well */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool done, was_ok;
};

static atomic_uint workers_left = WORKERS;

/* Blocks its own thread and no other: a call that looks synchronous. */
static bool send_and_wait(struct order *o)
{
    o->done = false;
    o->request = (struct ringsend_request){
        .size = sizeof o->request, .url = {o->url, strlen(o->url)}, .user = o};
    if (ringsend_post_wait(o->engine, &o->request, RINGSEND_NEVER) < 0)
        return false;
    pthread_mutex_lock(&o->mutex);
    while (!o->done)
        pthread_cond_wait(&o->changed, &o->mutex);
    pthread_mutex_unlock(&o->mutex);
    return o->was_ok;
}

static void *work(void *argument)
{
    struct order *o = argument;
    for (size_t i = 0; i < o->count; i++)
        o->ok += send_and_wait(o);
    if (atomic_fetch_sub(&workers_left, 1) == 1)
        ringsend_wake(o->engine); /* the last one: the engine's thread need not wait any more */
    return NULL;
}

/* The engine's thread. What a result holds must be read, or copied, before the next ringsend_run.
 */
static bool run(struct ringsend *engine)
{
    while (atomic_load(&workers_left) > 0) {
        const struct ringsend_result *result;
        if (ringsend_run(engine, RINGSEND_NEVER) < 0)
            return false;
        while (ringsend_reap(engine, &result, 1) == 1) {
            struct order *o = result->request->user;
            pthread_mutex_lock(&o->mutex);
            o->done = true;
            o->was_ok = result->ok;
            pthread_cond_signal(&o->changed);
            pthread_mutex_unlock(&o->mutex);
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fputs("usage: threads URL COUNT\n", stderr);
        return 1;
    }
    size_t count = strtoul(argv[2], NULL, 10), ok = 0;
    struct ringsend *engine;
    static struct order orders[WORKERS];
    pthread_t threads[WORKERS];
    if (ringsend_new(&engine, NULL) != 0) {
        fputs("the kernel grants no ring: `ringsend doctor` tells why\n", stderr);
        return 1;
    }
    for (size_t i = 0; i < WORKERS; i++) {
        struct order *o = &orders[i];
        *o = (struct order){.engine = engine, .url = argv[1], .count = (count + i) / WORKERS};
        pthread_mutex_init(&o->mutex, NULL);
        pthread_cond_init(&o->changed, NULL);
        if (pthread_create(&threads[i], NULL, work, o) != 0)
            abort();
    }
    bool works = run(engine);
    for (size_t i = 0; works && i < WORKERS; i++) {
        pthread_join(threads[i], NULL);
        ok += orders[i].ok;
    }
    ringsend_free(engine);
    printf("%zu of %zu ok\n", ok, count);
    return works && ok == count ? 0 : 1;
}
