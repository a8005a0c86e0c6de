/* A table of origins under a mutex: it is asked once a connection, beside a handshake of 60 us at
 * least. What is in it stays: an origin's name is never forgotten while others may wait for what
 * was learnt of it. Beyond ORIGINS_MAX nothing more is learnt. */
#include "tls/choices.h"

#include "tls/local.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 256, ORIGINS_MAX = 4096 };

struct choice {
    struct choice *next;    /* of the same bucket */
    struct choice *younger; /* in the order in which they came */
    struct choice *moved;   /* the next one, in the order in which they moved */
    struct tls_origin origin;
    uint32_t not_resumed;
};

struct choices {
    pthread_mutex_t mutex;
    size_t count;
    struct choice *oldest, **last;
    struct choice *moved_first, **moved_last;
    atomic_size_t moved_count; /* read without the mutex: most often nothing has moved */
    struct choice *buckets[BUCKETS];
};

struct choices *choices_new(void)
{
    struct choices *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    pthread_mutex_init(&c->mutex, NULL);
    c->last = &c->oldest;
    c->moved_last = &c->moved_first;
    return c;
}

void choices_free(struct choices *c)
{
    if (!c)
        return;
    while (c->oldest) {
        struct choice *e = c->oldest;
        c->oldest = e->younger;
        free(e);
    }
    pthread_mutex_destroy(&c->mutex);
    free(c);
}

static struct choice **place_of(struct choices *c, const char *host, uint16_t port)
{
    uint32_t hash = 2166136261u ^ port;
    for (const char *at = host; *at; at++)
        hash = (hash ^ (unsigned char)*at) * 16777619u;
    struct choice **place = &c->buckets[hash % BUCKETS];
    while (*place && ((*place)->origin.port != port || strcmp((*place)->origin.host, host) != 0))
        place = &(*place)->next;
    return place;
}

static struct choice *add(struct choices *c, struct choice **place, const char *host, uint16_t port)
{
    struct choice *e = c->count < ORIGINS_MAX ? calloc(1, sizeof *e) : NULL;
    if (!e)
        return NULL;
    memcpy(e->origin.host, host, strlen(host) + 1);
    e->origin.port = port;
    *place = e;
    *c->last = e;
    c->last = &e->younger;
    c->count++;
    return e;
}

struct choice *choice_find(struct choices *c, const char *host, uint16_t port)
{
    struct host_key key;
    _Static_assert(sizeof key.text <= sizeof((struct tls_origin *)0)->host, "every key fits");
    if (!host_key(host, &key))
        return NULL;
    pthread_mutex_lock(&c->mutex);
    struct choice **place = place_of(c, key.text, port);
    struct choice *e = *place ? *place : add(c, place, key.text, port);
    pthread_mutex_unlock(&c->mutex);
    return e;
}

enum tls_move choice_move_of(struct choices *c, const struct choice *choice)
{
    pthread_mutex_lock(&c->mutex);
    enum tls_move move = choice->origin.move;
    pthread_mutex_unlock(&c->mutex);
    return move;
}

void choice_move(struct choices *c, struct choice *choice, enum tls_move move)
{
    pthread_mutex_lock(&c->mutex);
    if (choice->origin.move == TLS_STAYED && move != TLS_STAYED) {
        *c->moved_last = choice;
        c->moved_last = &choice->moved;
        c->moved_count++;
    }
    if (choice->origin.move < move)
        choice->origin.move = move;
    pthread_mutex_unlock(&c->mutex);
}

void choice_spoke(struct choices *c, struct choice *choice, const char *library,
                  const char *version)
{
    pthread_mutex_lock(&c->mutex);
    choice->origin.library = library;
    choice->origin.version = version;
    pthread_mutex_unlock(&c->mutex);
}

uint32_t choice_resumed(struct choices *c, struct choice *choice, bool resumed)
{
    pthread_mutex_lock(&c->mutex);
    if (resumed)
        choice->not_resumed = UINT32_MAX;
    else if (choice->not_resumed < UINT32_MAX)
        choice->not_resumed++;
    uint32_t count = choice->not_resumed;
    pthread_mutex_unlock(&c->mutex);
    return count;
}

bool choices_at(struct choices *c, size_t number, struct tls_origin *origin)
{
    pthread_mutex_lock(&c->mutex);
    const struct choice *e = c->oldest;
    while (e && number-- > 0)
        e = e->younger;
    if (e)
        *origin = e->origin;
    pthread_mutex_unlock(&c->mutex);
    return e != NULL;
}

bool choices_moved_at(struct choices *c, size_t number, struct tls_origin *origin)
{
    if (number >= c->moved_count)
        return false;
    pthread_mutex_lock(&c->mutex);
    const struct choice *e = c->moved_first;
    while (number-- > 0)
        e = e->moved;
    *origin = e->origin;
    pthread_mutex_unlock(&c->mutex);
    return true;
}
