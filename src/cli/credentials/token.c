#include "cli/credentials/token.h"

#include "base/check.h"
#include "base/time.h"
#include "cli/credentials/token_command.h"
#include "cli/credentials/token_file.h"
#include "cli/credentials/token_oauth.h"
#include "cli/credentials/token_wait.h"
#include "cli/units.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RETRY_MIN_NS (250 * NS_PER_MS)
#define RETRY_MAX_NS (30 * NS_PER_S)
#define VAIN_MIN_NS NS_PER_S
#define VAIN_MAX_NS NS_PER_MINUTE
#define LIFE_SHARE 80 /* of a hundred: then it is renewed */

struct token {
    struct credentials credentials;
    struct token_options options;
    void (*wake)(void);
    pthread_t thread;
    struct token_wait wait;

    /* Under the lock of that. */
    bool begun;
    char *text; /* null: there was none yet */
    size_t bytes;
    uint16_t generation;
    uint64_t refresh_ns, expires_ns; /* UINT64_MAX: nobody knows */
    bool refused;                    /* it was: no try begins with it any more */
    bool for_refusal;                /* it came because the one before was */
    bool accepted;                   /* some try with it had another answer than 401 */
    uint64_t vain_ns;                /* so long no refusal renews it; 0: the last time it helped */
    uint64_t vain_until_ns;          /* from now on: until then */
    char notice[TOKEN_NOTICE_BYTES]; /* empty: none */
    char over[TOKEN_NOTICE_BYTES];   /* why there will be none; empty: there may be */
};

static struct token *token_of(struct credentials *c)
{
    return (struct token *)(void *)c;
}

/* ---- the engines ---- */

static bool is_good(const struct token *t, uint64_t now_ns)
{
    return t->text && !t->refused && now_ns < t->expires_ns;
}

static bool may_begin(struct credentials *c, uint64_t now_ns)
{
    struct token *t = token_of(c);
    pthread_mutex_lock(&t->wait.lock);
    bool good = is_good(t, now_ns);
    pthread_mutex_unlock(&t->wait.lock);
    return good;
}

static enum ringsend_error add(struct credentials *c, const struct head *head,
                               struct ringsend_bytes body, int64_t wall_s, struct buf_pool *pool,
                               struct buf *out, uint16_t *generation)
{
    static const char begin[] = "Authorization: Bearer ";
    struct token *t = token_of(c);
    (void)head;
    (void)body;
    (void)wall_s;
    pthread_mutex_lock(&t->wait.lock);
    CHECK(t->text);
    bool good = buf_append(pool, out, begin, sizeof begin - 1) &&
                buf_append(pool, out, t->text, t->bytes) && buf_append(pool, out, "\r\n", 2);
    *generation = t->generation;
    pthread_mutex_unlock(&t->wait.lock);
    return good ? RINGSEND_OK : RINGSEND_E_NO_MEMORY;
}

/* Under the lock. */
static bool is_worth_renewing(struct token *t, bool *renewed)
{
    if (*renewed || (t->for_refusal && !t->accepted) || clock_monotonic_ns() < t->vain_until_ns)
        return false;
    *renewed = true;
    if (!t->refused) {
        t->refused = true;
        pthread_cond_broadcast(&t->wait.changed);
    }
    return true;
}

/* Under the lock. Whether the token that a record had renewed helps that record. */
static void judge_renewal(struct token *t, bool helps)
{
    if (helps) {
        t->vain_ns = 0;
        return;
    }
    t->vain_ns = t->vain_ns > 0 ? 2 * t->vain_ns : VAIN_MIN_NS;
    t->vain_ns = t->vain_ns < VAIN_MAX_NS ? t->vain_ns : VAIN_MAX_NS;
    t->vain_until_ns = clock_monotonic_ns() + t->vain_ns;
}

static bool heard(struct credentials *c, uint16_t generation, int status, bool is_ok, bool *renewed)
{
    struct token *t = token_of(c);
    bool is_refusal = status == 401 && !is_ok, again = is_refusal;
    pthread_mutex_lock(&t->wait.lock);
    if (generation == t->generation && *renewed)
        judge_renewal(t, !is_refusal);
    if (generation == t->generation && is_refusal)
        again = is_worth_renewing(t, renewed);
    else if (generation == t->generation)
        t->accepted = true;
    pthread_mutex_unlock(&t->wait.lock);
    return again;
}

/* ---- its thread ---- */

static bool ask(struct token *t, struct token_reply *reply)
{
    const struct token_options *o = &t->options;
    int64_t began_s = clock_wall_s();
    *reply = (struct token_reply){.token = NULL};
    const struct token_oauth oauth = {.url = o->url,
                                      .client_id = o->client_id,
                                      .client_secret = o->client_secret,
                                      .scope = o->scope,
                                      .engine = o->engine};
    bool good = o->command ? token_command_run(o->command, &t->wait, reply)
                           : token_oauth_ask(&oauth, &t->wait, reply);
    reply->began_at_s = began_s > 0 ? (uint64_t)began_s : 0;
    return good;
}

/* So much of its life is left, in seconds; 0: none. Of one that nobody knows the life of: 1. */
static uint64_t left_s(const struct token_reply *reply, unsigned share)
{
    int64_t now_s = clock_wall_s();
    uint64_t age_s =
        now_s > 0 && (uint64_t)now_s > reply->began_at_s ? (uint64_t)now_s - reply->began_at_s : 0;
    uint64_t share_s = reply->life_s * share / 100;
    if (reply->life_s == 0)
        return 1;
    return age_s < share_s ? share_s - age_s : 0;
}

/* The other processes' is ours if it is another one than we had, and has some time left. */
static bool is_news(struct token *t, const struct token_reply *reply)
{
    pthread_mutex_lock(&t->wait.lock);
    bool is_other = !t->text || strcmp(t->text, reply->token) != 0;
    pthread_mutex_unlock(&t->wait.lock);
    return is_other && left_s(reply, LIFE_SHARE) > 0;
}

static bool fetch(struct token *t, struct token_reply *reply)
{
    const char *path = t->options.file;
    if (!path)
        return ask(t, reply);
    int fd = token_file_lock(path, &t->wait, reply);
    if (fd < 0)
        return false;
    bool good = token_file_read(fd, reply) && is_news(t, reply);
    if (!good) {
        token_reply_free(reply);
        good = ask(t, reply);
        if (good && !token_file_write(fd, reply))
            good = token_reply_fail(reply, "--token-file %s: %s", path, strerror(errno));
    }
    close(fd);
    return good;
}

/* Under the lock. Its life began when it was asked for, at the latest. */
static void take(struct token *t, struct token_reply *reply, uint64_t began_ns)
{
    uint64_t life_ns = reply->life_s * NS_PER_S;
    if (t->options.file) /* it may be older */
        life_ns = left_s(reply, 100) * NS_PER_S;
    if (t->text)
        explicit_bzero(t->text, t->bytes);
    free(t->text);
    t->text = reply->token;
    reply->token = NULL;
    t->bytes = strlen(t->text);
    t->generation++;
    t->generation += t->generation == 0;
    t->expires_ns = reply->life_s > 0 ? began_ns + life_ns : UINT64_MAX;
    t->refresh_ns = reply->life_s > 0 ? began_ns + life_ns / 100 * LIFE_SHARE : UINT64_MAX;
    t->for_refusal = t->refused;
    t->refused = t->accepted = false;
}

/* Under the lock. */
static void note(struct token *t, const char *fault, uint64_t wait_ns)
{
    bool holds = !is_good(t, clock_monotonic_ns());
    snprintf(t->notice, sizeof t->notice, "ringsend send: no %stoken: %s; %sasked again in %s\n",
             t->text ? "new " : "", fault, holds ? "the run waits, " : "",
             duration_text(wait_ns).chars);
}

/* Under the lock. What works is used for as long as it does. */
static bool is_final(const struct token *t, const struct token_reply *reply)
{
    return reply->is_final && !is_good(t, clock_monotonic_ns());
}

static uint64_t retry_ns(unsigned failures)
{
    uint64_t wait_ns = RETRY_MIN_NS;
    for (unsigned i = 1; i < failures && wait_ns < RETRY_MAX_NS; i++)
        wait_ns *= 2;
    return wait_ns < RETRY_MAX_NS ? wait_ns : RETRY_MAX_NS;
}

/* Without the lock. False: it failed, and some time has passed. */
static bool renew(struct token *t, unsigned failures)
{
    struct token_reply reply = {.token = NULL};
    uint64_t began_ns = clock_monotonic_ns();
    bool good = fetch(t, &reply);
    uint64_t wait_ns = retry_ns(failures + 1);
    pthread_mutex_lock(&t->wait.lock);
    if (good)
        take(t, &reply, began_ns);
    else if (is_final(t, &reply))
        snprintf(t->over, sizeof t->over, "%s", reply.fault);
    else if (!t->wait.stop)
        note(t, reply.fault, wait_ns);
    bool is_over = t->over[0] != '\0';
    pthread_mutex_unlock(&t->wait.lock);
    token_reply_free(&reply);
    if (!good) {
        t->wake();
        token_wait_for(&t->wait, is_over ? 0 : wait_ns);
    }
    return good;
}

static void *run(void *context)
{
    struct token *t = context;
    unsigned failures = 0;
    pthread_mutex_lock(&t->wait.lock);
    while (!t->wait.stop && !t->over[0]) {
        uint64_t now_ns = clock_monotonic_ns();
        if (!t->begun || (is_good(t, now_ns) && now_ns < t->refresh_ns)) {
            token_wait_until(&t->wait, t->begun ? t->refresh_ns : UINT64_MAX);
            continue;
        }
        pthread_mutex_unlock(&t->wait.lock);
        failures = renew(t, failures) ? 0 : failures + 1;
        pthread_mutex_lock(&t->wait.lock);
    }
    pthread_mutex_unlock(&t->wait.lock);
    return NULL;
}

/* ---- its life ---- */

/* Signals are the main thread's. */
static bool start_thread(struct token *t)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool good = pthread_create(&t->thread, NULL, run, t) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return good;
}

struct token *token_new(const struct token_options *options, void (*wake)(void))
{
    struct token *t = calloc(1, sizeof *t);
    if (!t || !token_wait_init(&t->wait)) {
        free(t);
        return NULL;
    }
    t->credentials = (struct credentials){.may_begin = may_begin, .add = add, .heard = heard};
    t->options = *options;
    t->wake = wake;
    if (start_thread(t))
        return t;
    token_wait_free(&t->wait);
    free(t);
    return NULL;
}

void token_begin(struct token *t)
{
    pthread_mutex_lock(&t->wait.lock);
    t->begun = true;
    pthread_cond_broadcast(&t->wait.changed);
    pthread_mutex_unlock(&t->wait.lock);
}

struct credentials *token_credentials(struct token *t)
{
    return &t->credentials;
}

bool token_take_notice(struct token *t, char text[static TOKEN_NOTICE_BYTES])
{
    pthread_mutex_lock(&t->wait.lock);
    bool is_new = t->notice[0] != '\0';
    memcpy(text, t->notice, sizeof t->notice);
    t->notice[0] = '\0';
    pthread_mutex_unlock(&t->wait.lock);
    return is_new;
}

bool token_is_over(struct token *t, char text[static TOKEN_NOTICE_BYTES])
{
    pthread_mutex_lock(&t->wait.lock);
    memcpy(text, t->over, sizeof t->over);
    pthread_mutex_unlock(&t->wait.lock);
    return text[0] != '\0';
}

void token_free(struct token *t)
{
    if (!t)
        return;
    token_wait_stop(&t->wait);
    pthread_join(t->thread, NULL);
    if (t->text)
        explicit_bzero(t->text, t->bytes);
    free(t->text);
    token_wait_free(&t->wait);
    free(t);
}
