#include "engine/run_limits.h"

#include "base/errors.h"
#include "base/list.h"
#include "engine/options.h"
#include "engine/origin.h"
#include "ringsend.h"

#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 1024 };

void limits_init(struct ringsend_limits *l, const struct ringsend_options *o, uint64_t now_ns)
{
    pace_init(&l->pace, o->rate_count, o->rate_per_ns, o->rate_burst, o->rate_ramp_ns);
    budget_init(&l->budget, o->retry_budget_percent != RINGSEND_UNLIMITED, o->retry_budget_percent,
                o->retry_budget_per_s, now_ns);
    l->connections_max = o->connections_max;
    l->connections_per_origin = o->connections_per_origin;
    run_places_init(&l->places, o->connections_max);
    l->mute_fewest = UINT32_MAX;
}

static struct run_origin *origin_new(const struct ringsend_limits *l, const struct origin_key *key)
{
    size_t bytes = strlen(key->host) + 1;
    struct run_origin *o = calloc(1, sizeof *o + bytes);
    if (!o)
        return NULL;
    o->port = key->port;
    o->https = key->https;
    memcpy(o->host, key->host, bytes);
    list_init(&o->in_bucket);
    run_places_init(&o->places, l->connections_per_origin);
    return o;
}

int ringsend_limits_new(struct ringsend_limits **limits, const struct ringsend_options *options)
{
    struct ringsend_options o;
    int error = options_read(&o, options);
    if (error)
        return error;
    struct ringsend_limits *l = calloc(1, sizeof *l);
    struct list *origins = calloc(BUCKETS, sizeof *origins);
    if (l)
        limits_init(l, &o, 0); /* the budget begins full */
    struct run_origin *any = l ? origin_new(l, &(struct origin_key){.host = ""}) : NULL;
    if (!any || !origins || !costs_init(&l->costs, &o, NULL) ||
        pthread_mutex_init(&l->lock, NULL) != 0) {
        if (l)
            costs_free(&l->costs, NULL);
        free(any);
        free(origins);
        free(l);
        return -RINGSEND_E_NO_MEMORY;
    }
    for (size_t i = 0; i < BUCKETS; i++)
        list_init(&origins[i]);
    l->shared = true;
    l->origins = origins;
    l->any = any;
    *limits = l;
    return 0;
}

static void drop(struct run_origin *o)
{
    list_remove(&o->in_bucket);
    free(o);
}

void ringsend_limits_free(struct ringsend_limits *l)
{
    if (!l)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct list *node = l->origins[i].next; node != &l->origins[i];) {
            struct run_origin *o = LIST_OWNER(node, struct run_origin, in_bucket);
            node = node->next;
            free(o);
        }
    }
    pthread_mutex_destroy(&l->lock);
    costs_free(&l->costs, NULL);
    free(l->any);
    free(l->origins);
    free(l);
}

static bool is_for(const struct run_origin *o, const struct origin_key *key)
{
    return o->port == key->port && o->https == key->https && strcmp(o->host, key->host) == 0;
}

/* What nobody uses stays as long as it pauses; this is when it goes. */
struct run_origin *limits_origin(struct ringsend_limits *l, const struct origin_key *key,
                                 uint64_t now_ns)
{
    struct list *bucket = &l->origins[key->hash % BUCKETS];
    struct run_origin *found = NULL;
    limits_lock(l);
    for (struct list *node = bucket->next; node != bucket;) {
        struct run_origin *o = LIST_OWNER(node, struct run_origin, in_bucket);
        node = node->next;
        if (is_for(o, key))
            found = o;
        else if (o->users == 0 && now_ns >= o->pause.restart_ends_ns)
            drop(o);
    }
    if (!found && (found = origin_new(l, key)))
        list_push_back(bucket, &found->in_bucket);
    found = found ? found : l->any;
    found->users++;
    limits_unlock(l);
    return found;
}

void limits_origin_give_back(struct ringsend_limits *l, struct run_origin *o)
{
    limits_lock(l);
    o->users--;
    limits_unlock(l);
}
