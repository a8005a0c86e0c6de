/* Retry policy: what another try may help, what it may double, and how long to wait. Errors are
 * judged by the columns of the error table (ringsend.h), statuses by the table here; what may help
 * is the user's to change, what may double is not. Whether a doubtful outcome may be repeated at
 * all is promise 3, and request.c's to keep. */
#include "engine/retry.h"

#include "base/errors.h"
#include "base/status.h"
#include "base/timers.h"
#include "engine/engine.h"
#include "ringsend.h"

struct status_row {
    int status;
    bool doubtful, by_default;
};

/* Statuses that another try may help. Doubtful: the request may have been acted upon; the others
 * say that it was not (RFC 9110 15.5.9, 15.5.20, RFC 8470 5.2, RFC 6585 4, RFC 9110 15.6.4). That
 * is said once the head is complete, and stands whatever becomes of the body behind it. To be
 * misdirected (421) helps no more than a new connection does, and each origin has its own: only who
 * asks for it has it again.
 *
 * Of those that nobody registered: 529 is Anthropic's 503; by 520 to 524 and 530 a proxy of
 * Cloudflare's says, as by 502 and 504, that it had no answer of the origin. */
static const struct status_row statuses[] = {
    {408, false, true}, {421, false, false}, {425, false, true}, {429, false, true},
    {500, true, true},  {502, true, true},   {503, false, true}, {504, true, true},
    {520, true, true},  {521, true, true},   {522, true, true},  {523, true, true},
    {524, true, true},  {529, false, true},  {530, true, true},
};

static const struct status_row *row_of(int status)
{
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (statuses[i].status == status)
            return &statuses[i];
    return NULL;
}

bool retry_is_overload(int status)
{
    return status == 429 || status == 503 || status == 529;
}

bool retry_is_declined(int status)
{
    const struct status_row *row = row_of(status);
    return row && !row->doubtful;
}

_Static_assert(RINGSEND_ERROR_COUNT <= 128, "struct ringsend_outcomes has a bit for each error");

static void add_status(struct ringsend_outcomes *set, int status)
{
    set->statuses.bits[(status - 100) / 64] |= 1ull << ((status - 100) % 64);
}

void ringsend_retry_on_default(struct ringsend_outcomes *outcomes)
{
    *outcomes = (struct ringsend_outcomes){0};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (statuses[i].by_default)
            add_status(outcomes, statuses[i].status);
    for (unsigned i = 1; i < RINGSEND_ERROR_COUNT; i++)
        if (error_is_retryable((enum ringsend_error)i))
            outcomes->errors[i / 64] |= 1ull << (i % 64);
}

void retry_init(struct ringsend *e)
{
    const struct ringsend_outcomes *on = e->options.retry_on, *off = e->options.no_retry_on;
    if (on)
        e->retry_on = *on;
    else
        ringsend_retry_on_default(&e->retry_on);
    for (size_t i = 0; off && i < 8; i++)
        e->retry_on.statuses.bits[i] &= ~off->statuses.bits[i];
    for (size_t i = 0; off && i < 2; i++)
        e->retry_on.errors[i] &= ~off->errors[i];
    e->retry_is_ours = !on;
    if (off)
        e->never_again = off->statuses;
    e->options.retry_on = e->options.no_retry_on = NULL; /* theirs, and not borrowed */
}

bool retry_may_help(const struct ringsend *e, enum ringsend_error error, int status)
{
    bool by_status = status_is_in(&e->retry_on.statuses, status);
    if (error == RINGSEND_OK)
        return by_status;
    if (!error_is_of_attempt(error))
        return false;
    bool by_error = e->retry_on.errors[error / 64] >> (error % 64) & 1;
    return by_error || (by_status && retry_is_declined(status));
}

bool retry_is_wanted(const struct ringsend *e, enum hint_retry said, int status, bool helps)
{
    if (status == 0 || said == RETRY_UNSAID)
        return helps;
    if (said == RETRY_NO)
        return false;
    return helps || (e->retry_is_ours && !status_is_in(&e->never_again, status));
}

bool retry_is_doubtful(enum ringsend_error error, int status)
{
    if (error != RINGSEND_OK)
        return error_is_after_sending(error) && !retry_is_declined(status);
    const struct status_row *row = row_of(status);
    return row && row->doubtful;
}

bool retry_may_double(enum ringsend_error error, int status)
{
    return (error == RINGSEND_OK || error_is_after_sending(error)) && !retry_is_declined(status);
}

bool retry_is_pushed_back(enum ringsend_error error, int status)
{
    if (retry_is_overload(status))
        return true;
    switch ((int)error) {
    case RINGSEND_E_CONNECT_REFUSED:
    case RINGSEND_E_CONNECT_RESET:
    case RINGSEND_E_TIMEOUT_CONNECT:
    case RINGSEND_E_PROXY_REFUSED:
    case RINGSEND_E_TIMEOUT_PROXY:
    case RINGSEND_E_TLS_CLOSED:
    case RINGSEND_E_TIMEOUT_HANDSHAKE:
    case RINGSEND_E_SEND_BROKEN:
    case RINGSEND_E_CLOSED_NO_RESPONSE:
    case RINGSEND_E_RESET_NO_RESPONSE:
    case RINGSEND_E_TIMEOUT_FIRST_BYTE:
    case RINGSEND_E_TIMEOUT_ATTEMPT:
        return true;
    default:
        return false;
    }
}

bool retry_is_silence(enum ringsend_error error)
{
    return error == RINGSEND_E_TIMEOUT_CONNECT || error == RINGSEND_E_TIMEOUT_PROXY ||
           error == RINGSEND_E_TIMEOUT_HANDSHAKE || error == RINGSEND_E_TIMEOUT_FIRST_BYTE ||
           error == RINGSEND_E_TIMEOUT_ATTEMPT;
}

bool retry_is_connection_loss(enum ringsend_error error)
{
    return error == RINGSEND_E_SEND_FAILED || error == RINGSEND_E_SEND_BROKEN ||
           error == RINGSEND_E_CLOSED_NO_RESPONSE || error == RINGSEND_E_RESET_NO_RESPONSE;
}

uint64_t retry_wait_ns(struct ringsend *e, uint32_t attempt, uint64_t retry_after_ns)
{
    uint64_t min_ns = e->options.backoff_min_ns, max_ns = e->options.backoff_max_ns;
    uint64_t bound_ns = min_ns;
    for (uint32_t i = 1; i < attempt && bound_ns < max_ns; i++)
        bound_ns *= 2;
    if (bound_ns > max_ns)
        bound_ns = max_ns;
    /* A peer's wish is a lower bound; some jitter on top, so that a pool does not come back as one.
     */
    if (retry_after_ns > 0)
        return timer_after(retry_after_ns, engine_random(e, min_ns + 1));
    return engine_random(e, bound_ns + 1);
}
