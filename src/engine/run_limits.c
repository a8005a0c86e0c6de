#include "engine/engine.h"

#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 1024 };

struct shared_pause {
    struct pause pause;
    struct list in_bucket;
    uint32_t users; /* origins of engines */
    uint16_t port;
    bool https;
    char host[];
};

void limits_init(struct ringsend_limits *l, const struct ringsend_options *o, uint64_t now_ns)
{
    pace_init(&l->pace, o->rate_count, o->rate_per_ns, o->rate_burst, o->rate_ramp_ns);
    budget_init(&l->budget, o->retry_budget_percent != RINGSEND_UNLIMITED, o->retry_budget_percent,
                o->retry_budget_per_s, now_ns);
    l->connections_per_origin = o->connections_per_origin;
}

int ringsend_limits_new(struct ringsend_limits **limits, const struct ringsend_options *options)
{
    struct ringsend_options o;
    int error = options_read(&o, options);
    if (error)
        return error;
    struct ringsend_limits *l = calloc(1, sizeof *l);
    struct list *pauses = calloc(BUCKETS, sizeof *pauses);
    if (!l || !pauses || pthread_mutex_init(&l->lock, NULL) != 0) {
        free(pauses);
        free(l);
        return -RINGSEND_E_NO_MEMORY;
    }
    for (size_t i = 0; i < BUCKETS; i++)
        list_init(&pauses[i]);
    limits_init(l, &o, 0); /* the budget begins full */
    l->shared = true;
    l->pauses = pauses;
    *limits = l;
    return 0;
}

static void drop(struct shared_pause *p)
{
    list_remove(&p->in_bucket);
    free(p);
}

void ringsend_limits_free(struct ringsend_limits *l)
{
    if (!l)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct list *node = l->pauses[i].next; node != &l->pauses[i];) {
            struct shared_pause *p = LIST_OWNER(node, struct shared_pause, in_bucket);
            node = node->next;
            free(p);
        }
    }
    pthread_mutex_destroy(&l->lock);
    free(l->pauses);
    free(l);
}

static struct shared_pause *pause_new(const struct origin_key *key)
{
    size_t bytes = strlen(key->host) + 1;
    struct shared_pause *p = calloc(1, sizeof *p + bytes);
    if (!p)
        return NULL;
    p->port = key->port;
    p->https = key->https;
    memcpy(p->host, key->host, bytes);
    list_init(&p->in_bucket);
    return p;
}

static bool is_for(const struct shared_pause *p, const struct origin_key *key)
{
    return p->port == key->port && p->https == key->https && strcmp(p->host, key->host) == 0;
}

/* What nobody uses stays as long as it pauses; this is when it goes. */
struct pause *limits_pause(struct ringsend_limits *l, const struct origin_key *key, uint64_t now_ns)
{
    struct list *bucket = &l->pauses[key->hash % BUCKETS];
    struct shared_pause *found = NULL;
    limits_lock(l);
    for (struct list *node = bucket->next; node != bucket;) {
        struct shared_pause *p = LIST_OWNER(node, struct shared_pause, in_bucket);
        node = node->next;
        if (is_for(p, key))
            found = p;
        else if (p->users == 0 && now_ns >= p->pause.restart_ends_ns)
            drop(p);
    }
    if (!found && (found = pause_new(key)))
        list_push_back(bucket, &found->in_bucket);
    if (found)
        found->users++;
    limits_unlock(l);
    return found ? &found->pause : NULL;
}

void limits_pause_give_back(struct ringsend_limits *l, struct pause *pause)
{
    limits_lock(l);
    LIST_OWNER(pause, struct shared_pause, pause)->users--;
    limits_unlock(l);
}
