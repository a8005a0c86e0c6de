/* The caller's options: taken over whatever their size, their defaults filled in, checked. */
#include "engine/options.h"

#include "base/cost.h"
#include "base/defaults.h"
#include "base/limits.h"
#include "engine/way.h"
#include "http2/h2.h"
#include "ringsend.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { LATER_BYTES_MAX = 4096 }; /* of a struct of any later version; more is no size */

bool struct_is_zero_beyond(const void *from, size_t known_bytes, size_t bytes)
{
    const char *at = from;
    if (bytes > LATER_BYTES_MAX)
        return false;
    for (size_t i = known_bytes; i < bytes; i++)
        if (at[i])
            return false;
    return true;
}

/* The caller's struct may be an older, shorter one: what it lacks is zero, the default. */
int options_copy(struct ringsend_options *to, const struct ringsend_options *from)
{
    *to = (struct ringsend_options){.size = sizeof *to};
    if (!from)
        return 0;
    if (from->size < sizeof from->size || !struct_is_zero_beyond(from, sizeof *to, from->size))
        return -RINGSEND_E_INVALID;
    memcpy(to, from, from->size < sizeof *to ? from->size : sizeof *to);
    to->size = sizeof *to;
    return 0;
}

static void default_u32(uint32_t *field, uint32_t value)
{
    if (*field == 0)
        *field = value;
}

static void default_u64(uint64_t *field, uint64_t value)
{
    if (*field == 0)
        *field = value;
}

static void fill_defaults(struct ringsend_options *o)
{
    default_u32(&o->connections_max, DEFAULT_CONNECTIONS);
    default_u32(&o->connections_per_origin, o->connections_max);
    default_u32(&o->requests_max, 2 * o->connections_max + 16);
    default_u32(&o->posts_max, o->requests_max);
    default_u32(&o->tries, DEFAULT_TRIES);
    default_u64(&o->connect_timeout_ns, DEFAULT_CONNECT_TIMEOUT_NS);
    default_u64(&o->handshake_timeout_ns, DEFAULT_HANDSHAKE_TIMEOUT_NS);
    default_u64(&o->proxy_timeout_ns, DEFAULT_PROXY_TIMEOUT_NS);
    default_u64(&o->first_byte_timeout_ns, DEFAULT_FIRST_BYTE_TIMEOUT_NS);
    default_u64(&o->attempt_timeout_ns, DEFAULT_ATTEMPT_TIMEOUT_NS);
    default_u64(&o->deadline_ns, RINGSEND_NEVER);
    default_u64(&o->backoff_min_ns, DEFAULT_BACKOFF_MIN_NS);
    default_u64(&o->backoff_max_ns, DEFAULT_BACKOFF_MAX_NS);
    default_u64(&o->retry_after_max_ns, DEFAULT_RETRY_AFTER_MAX_NS);
    default_u64(&o->idle_timeout_ns, DEFAULT_IDLE_TIMEOUT_NS);
    default_u64(&o->body_max_bytes, DEFAULT_BODY_MAX_BYTES);
    default_u32(&o->head_max_bytes, DEFAULT_HEAD_MAX_BYTES);
    default_u32(&o->head_max_lines, DEFAULT_HEAD_MAX_LINES);
    default_u32(&o->streams_max, DEFAULT_STREAMS_MAX);
    o->exact_times |= o->spin;
    default_u64(&o->rate_per_ns, DEFAULT_RATE_PER_NS);
    default_u32(&o->retry_budget_percent, DEFAULT_RETRY_BUDGET_PERCENT);
    default_u32(&o->retry_budget_per_s, DEFAULT_RETRY_BUDGET_PER_S);
    bool any_ok = false;
    for (size_t i = 0; i < sizeof o->ok_status.bits / sizeof *o->ok_status.bits; i++)
        any_ok |= o->ok_status.bits[i] != 0;
    for (unsigned bit = 100; !any_ok && bit < 200; bit++)
        o->ok_status.bits[bit / 64] |= 1ull << (bit % 64);
    if (o->connections_per_origin > o->connections_max)
        o->connections_per_origin = o->connections_max;
}

static const char *costs_fault(const struct ringsend_options *o)
{
    if (o->costs_count > RINGSEND_COSTS_MAX)
        return "costs_count must be 0 to 4";
    if (o->costs_count > 0 && !o->costs)
        return "costs is null, and costs_count is not 0";
    for (size_t i = 0; i < o->costs_count; i++) {
        const struct ringsend_cost *cost = &o->costs[i];
        if (cost->count < 1 || cost->count > COST_MAX || cost->burst > COST_MAX ||
            cost->per_ns > LIMIT_RATE_PER_NS)
            return "a cost's rate must be 1 to 2^40 in 1 ns to 1 h, with a burst of 2^40 at most";
    }
    return NULL;
}

/* What is wrong with the options, or null. */
static const char *fault_of(const struct ringsend_options *o)
{
    if (o->connections_max > LIMIT_CONNECTIONS)
        return "connections_max must be 1 to 32768";
    if (o->watch_max > LIMIT_CONNECTIONS)
        return "watch_max must be 0 to 32768";
    if (o->requests_max > LIMIT_REQUESTS)
        return "requests_max must be 1 to 1048576";
    if (o->posts_max > LIMIT_REQUESTS)
        return "posts_max must be 1 to 1048576";
    if (o->tries > LIMIT_TRIES)
        return "tries must be 1 to 100";
    if (o->backoff_min_ns > LIMIT_BACKOFF_NS || o->backoff_max_ns > LIMIT_BACKOFF_NS)
        return "backoff_min_ns and backoff_max_ns must be at most a day";
    if (o->rate_count > LIMIT_RATE_COUNT || o->rate_per_ns > LIMIT_RATE_PER_NS)
        return "the rate must be 1 to 10^9 attempts in 1 ns to 1 h";
    if ((o->retry_budget_percent > LIMIT_BUDGET_PERCENT &&
         o->retry_budget_percent != RINGSEND_UNLIMITED) ||
        o->retry_budget_per_s > LIMIT_BUDGET_PER_S)
        return "the retry budget must be 1 to 1000 percent and 1 to 10^6 per second";
    if (o->rate_burst > LIMIT_RATE_BURST)
        return "rate_burst must be 1 to 10^6";
    if (o->resolve_count > LIMIT_OVERRIDES)
        return "resolve_count must be 0 to 256";
    if (o->resolve_count > 0 && !o->resolve)
        return "resolve is null, and resolve_count is not 0";
    if (o->allocator && (!o->allocator->allocate || !o->allocator->release))
        return "an allocator needs both allocate and release";
    if (o->rate_ramp_ns > LIMIT_RAMP_NS)
        return "rate_ramp_ns must be at most an hour";
    if (o->io > RINGSEND_IO_EPOLL)
        return "io must be one of enum ringsend_io";
    if (o->http > RINGSEND_HTTP2_KNOWN)
        return "http must be one of enum ringsend_http";
    if (o->streams_max > H2_STREAMS_MAX)
        return "streams_max must be 1 to 1000";
    if (o->tls_library > RINGSEND_TLS_OPENSSL)
        return "tls_library must be one of enum ringsend_tls_library";
    if (o->tls_min != 0 && o->tls_min != 12 && o->tls_min != 13)
        return "tls_min must be 12 or 13";
    if (o->redirects_max > LIMIT_REDIRECTS)
        return "redirects_max must be 0 to 1000";
    if (o->proxy_headers_count > LIMIT_HEADERS || (o->proxy_headers_count && !o->proxy_headers))
        return "proxy_headers_count must be 0 to 256, and its headers be there";
    if (o->unix_socket && (o->proxy_http || o->proxy_https))
        return "unix_socket takes the place of a proxy: give one of them";
    const char *fault = way_fault(o);
    return fault ? fault : costs_fault(o);
}

void options_message(const struct ringsend_options *o, const char *text)
{
    if (o->message && o->message_bytes > 0)
        snprintf(o->message, o->message_bytes, "%s", text);
}

void options_message_add(const struct ringsend_options *o, const char *text)
{
    if (!o->message || o->message_bytes == 0 || !text[0])
        return;
    size_t used = strlen(o->message);
    snprintf(o->message + used, o->message_bytes - used, "%s%s", used > 0 ? "; " : "", text);
}

int options_read(struct ringsend_options *to, const struct ringsend_options *from)
{
    bool copied = options_copy(to, from) == 0;
    fill_defaults(to);
    const char *fault = copied ? fault_of(to)
                               : "options.size must be sizeof(struct ringsend_options); of a later "
                                 "version's, what this one does not know must be zero";
    if (!fault)
        return 0;
    if (from && from->size >= offsetof(struct ringsend_options, message_bytes) + sizeof(size_t))
        options_message(from, fault);
    return -RINGSEND_E_INVALID;
}
