/* What the result of a request must be, by what its servers have seen of it, by its options, and by
 * what its user did. See sim_result.h. */
#include "tests/sim/world/sim_result.h"

#include <string.h>

void sim_check_no_result(const struct client *c, const struct client_request *r)
{
    const struct sim_delivery *d = sim_latest_delivery(r->record);
    bool declined = d && sim_status_declines(d->status) && sim_delivery_declined(d);

    /* With retry_if any answer may be a refusal. */
    SIM_CHECK(!d || declined || c->options.retry_if ||
                  (c->marks[r->record / 4] & client_mark(r->record)),
              "record %u was delivered, and is not marked", r->record);
}

static bool status_is_ok(const struct client *c, int status)
{
    return status < 600 &&
           (c->ok_statuses.bits[(status - 100) / 64] >> (status - 100) % 64 & 1) != 0;
}

static bool body_declines(const struct ringsend_result *result)
{
    return sim.declining && result->body.bytes > 0 &&
           memmem(result->body.data, result->body.bytes, sim.declining, strlen(sim.declining));
}

/* A complete response: the very answer to the record's latest delivery. */
static void check_response(const struct client *c, const struct client_request *r,
                           const struct ringsend_result *result)
{
    const struct sim_delivery *d = sim_latest_delivery(r->record);

    SIM_CHECK(d, "record %u has a response, and was never delivered", r->record);
    SIM_CHECK(d->answered && d->answer_valid,
              "record %u has a response (%d), and its server gave no valid one", r->record,
              result->status);
    SIM_CHECK(d->answer_in, "record %u has a response (%d) that had not come in yet", r->record,
              result->status);
    SIM_CHECK(!result->ok || d->entered, "record %u is ok, and was not sent to its end", r->record);
    SIM_CHECK(result->status == d->status, "record %u has status %d, its server said %d", r->record,
              result->status, d->status);
    size_t body_bytes = d->streamed ? result->packed_bytes : result->body.bytes;
    SIM_CHECK(!d->streamed || result->body.bytes == 0, "record %u has a body that was streamed",
              r->record);
    SIM_CHECK(body_bytes == d->body_bytes || (d->until_end && body_bytes < d->body_bytes),
              "the body for record %u has %zu bytes, its server sent %u", r->record, body_bytes,
              d->body_bytes);
    SIM_CHECK(result->body.bytes == 0 ? true
              : d->body
                  ? memcmp(d->body, result->body.data, result->body.bytes) == 0
                  : sim_body_is(r->record, d->number, 0, result->body.data, result->body.bytes),
              "the body for record %u is not what its server sent", r->record);
    SIM_CHECK(
        c->options.ok_if || result->unjudged ||
            result->ok == (d->entered && status_is_ok(c, result->status) && !body_declines(result)),
        "record %u with status %d is %sok", r->record, result->status, result->ok ? "" : "not ");
    SIM_CHECK(!result->ok || !result->unjudged, "record %u is ok and not judged", r->record);
    SIM_CHECK(!result->ok || !result->unjudged, "record %u is ok and not judged", r->record);
    SIM_CHECK(!result->ok || !result->ambiguous, "record %u is ok and ambiguous", r->record);
}

/* A response came, whatever it said, and nothing of it could be kept. */
static bool response_is_lost(enum ringsend_error error, const struct sim_delivery *d)
{
    /* The host put an end to it before anybody had looked. */
    if (error == RINGSEND_E_CANCELLED || error == RINGSEND_E_STOPPED)
        return true;
    /* It came early, and the request broke off behind it; with TLS the ledger knows only what was
     * begun. */
    bool entered = d && d->entered && !sim_record(d->record)->https;
    if (error != RINGSEND_OK && d && d->answered && d->status < 300 && !entered)
        return true;
    return error == RINGSEND_E_NO_MEMORY || error == RINGSEND_E_BODY_TOO_LARGE ||
           error == RINGSEND_E_BAD_ENCODING || error == RINGSEND_E_BODY_WRITE;
}

static bool status_is_in_doubt(int status)
{
    return status == 500 || status == 502 || status == 504 || (status >= 520 && status <= 524) ||
           status == 530;
}

/* Its answer is there, and leads nowhere that it could follow. */
static bool ends_at_redirect(const struct ringsend_result *result)
{
    return result->error == RINGSEND_E_TOO_MANY_REDIRECTS ||
           result->error == RINGSEND_E_BAD_REDIRECT;
}

/* Promise 3: what may have been done and cannot be told is called ambiguous, nothing else is. */
static void check_ambiguous(const struct client_request *r, const struct ringsend_result *result)
{
    const struct sim_record *record = sim_record(r->record);
    const struct sim_delivery *d = sim_latest_delivery(r->record);
    bool declined = d && d->answer_valid && sim_delivery_declined(d);
    /* Of an answer that came to nothing behind its head. */
    bool by_head = result->error != RINGSEND_OK && sim_status_declines(result->status);
    bool in_doubt =
        d && (result->error != RINGSEND_OK
                  ? !by_head && (response_is_lost(result->error, d) || !declined)
                  : status_is_in_doubt(result->status) && !result->ok && !body_declines(result));

    SIM_CHECK(d || !result->ambiguous, "record %u is ambiguous, and was never delivered",
              r->record);
    SIM_CHECK(!by_head || (d && d->status == result->status && sim_delivery_declined(d)),
              "record %u was declined with %d, and its server has not said so", r->record,
              result->status);
    /* Whether the answer that declines was the one that got lost, or an earlier attempt's, the
     * ledger does not tell. Nor does it know what of a stream was still to be passed on, nor when a
     * head in the first part of a TLS record can be read: when all of it has come. */
    bool is_truncated = d && record->https && !d->answer_in;
    if (declined && !by_head &&
        (response_is_lost(result->error, d) ||
         ((d->streamed || is_truncated) && result->error != RINGSEND_OK)))
        return;
    /* 307 and 308 decline as well, where they are followed. */
    bool led = d && !d->is_hop && result->redirects > 0;
    if (ends_at_redirect(result) || led)
        SIM_CHECK(!result->ambiguous, "record %u has its answer, and is ambiguous", r->record);
    else if (d && d->to_get)
        SIM_CHECK(!result->ambiguous && result->processed, "record %u was answered", r->record);
    else if (!record->replayable)
        SIM_CHECK(result->ambiguous == in_doubt, "record %u (%s) %s ambiguous: %s, status %d",
                  r->record, record->method, in_doubt ? "is not called" : "is called",
                  ringsend_error_name(result->error), result->status);
}

/* The mark says that it may have been processed: exactly when that can be so. Whether an idempotent
 * request's bytes of an earlier attempt left, the ledger alone does not tell. */
static void check_mark(const struct client *c, const struct client_request *r,
                       const struct ringsend_result *result)
{
    const struct sim_record *record = sim_record(r->record);
    const struct sim_delivery *d = sim_latest_delivery(r->record);
    unsigned char bits = c->marks[r->record / 4];
    bool marked = (bits & client_mark(r->record)) != 0;
    bool complete = result->error == RINGSEND_OK;
    bool declined = !result->ok && sim_status_declines(result->status);

    SIM_CHECK(bits & (unsigned char)(client_mark(r->record) << 1),
              "record %u touches another's mark", r->record);
    SIM_CHECK(!marked || result->attempts > 0, "record %u is marked without an attempt", r->record);
    SIM_CHECK(marked || !result->ambiguous, "record %u is ambiguous and not marked", r->record);
    SIM_CHECK(!marked || d, "record %u is marked, and was never delivered", r->record);
    if (c->options.retry_if && complete && !result->ok)
        return; /* which may say that it was not processed */
    SIM_CHECK(marked || !complete || declined, "record %u has its response and no mark", r->record);
    if (result->processed)
        SIM_CHECK(marked, "record %u was processed, and is not marked", r->record);
    else if (!record->replayable && !ends_at_redirect(result))
        SIM_CHECK(marked == (result->ambiguous || (complete && !declined)), "record %u is %smarked",
                  r->record, marked ? "" : "not ");
}

/* What was cut short is told so; a stop or cancel that changed nothing is not. */
static void check_cut_short(const struct client_request *r, const struct ringsend_result *result)
{
    bool ended = result->error == RINGSEND_E_STOPPED || result->error == RINGSEND_E_CANCELLED;

    SIM_CHECK(result->cut_short || !ended, "record %u was cut short, and does not say so",
              r->record);
    SIM_CHECK(!result->cut_short || !result->ok, "record %u is ok and cut short", r->record);
    SIM_CHECK(!result->cut_short || ended || result->attempts < r->tries + 1,
              "record %u had all its tries and says that it was cut short", r->record);
}

/* Of the record as a whole, whatever became of its last attempt. */
static bool error_is_an_end(enum ringsend_error error)
{
    return error == RINGSEND_E_CANCELLED || error == RINGSEND_E_STOPPED ||
           error == RINGSEND_E_TIMEOUT_RECORD;
}

static bool set_has(const struct ringsend_outcomes *set, enum ringsend_error error, int status)
{
    return error != RINGSEND_OK
               ? (set->errors[error / 64] >> (error % 64) & 1) != 0
               : status < 600 &&
                     (set->statuses.bits[(status - 100) / 64] >> ((status - 100) % 64) & 1) != 0;
}

/* What the contract says of outcomes that another try may help. */
static bool may_be_tried_again(const struct client *c, enum ringsend_error error, int status,
                               bool reused)
{
    static const bool by_default[RINGSEND_ERROR_COUNT] = {
#define RETRY true
#define FINAL false
#define X(id, name, phase, retry, sent, text) [RINGSEND_E_##id] = (retry),
        RINGSEND_ERRORS(X)
#undef X
#undef RETRY
#undef FINAL
    };

    if (c->options.retry_if && error == RINGSEND_OK)
        return true; /* it may have held */
    if (error == RINGSEND_E_BAD_RESPONSE && reused &&
        may_be_tried_again(c, RINGSEND_E_CLOSED_NO_RESPONSE, status, false))
        return true; /* it may be none at all, as when it was closed */
    if (error != RINGSEND_OK && !error_is_an_end(error) && sim_status_declines(status) &&
        may_be_tried_again(c, RINGSEND_OK, status, reused))
        return true; /* by its head */
    if (c->options.no_retry_on && set_has(c->options.no_retry_on, error, status))
        return false;
    if (c->options.retry_on)
        return set_has(c->options.retry_on, error, status);
    if (error != RINGSEND_OK)
        return by_default[error];
    return (sim_status_declines(status) && status != 421) || status_is_in_doubt(status);
}

/* The trace holds every attempt, one after another without a gap, and ends as the result does. */
static void check_attempts(const struct client *c, const struct client_request *r,
                           const struct ringsend_result *result)
{
    const struct ringsend_attempt *list = result->attempts_list;
    uint64_t at_ns = 0;

    if (sim.faults.no_memory > 0 && result->attempts_list_count < result->attempts)
        return;
    SIM_CHECK(result->attempts_list_count == result->attempts, "record %u: %u attempts, %zu traced",
              r->record, result->attempts, result->attempts_list_count);
    for (uint32_t i = 0; i < result->attempts; i++) {
        const struct ringsend_attempt *a = &list[i];
        bool last = i + 1 == result->attempts;

        SIM_CHECK(i == 0 || a->began_ns == at_ns,
                  "record %u: attempt %u begins at %.3f ms, not "
                  "%.3f",
                  r->record, i + 1, (double)a->began_ns / 1e6, (double)at_ns / 1e6);
        SIM_CHECK(a->connect_ns + a->tls_ns + a->first_byte_ns <= a->total_ns,
                  "record %u: the parts of attempt %u are longer than the whole", r->record, i + 1);
        SIM_CHECK(last || (a->wait != RINGSEND_WAIT_NONE && a->wait < RINGSEND_WAIT_COUNT),
                  "record %u: nobody knows why attempt %u waited", r->record, i + 2);
        bool is_led = c->options.redirects_max > 0 && a->status >= 301 && a->status <= 308;
        SIM_CHECK(last || is_led || may_be_tried_again(c, a->error, a->status, a->reused),
                  "record %u is tried again after %s, status %d", r->record,
                  ringsend_error_name(a->error), a->status);
        SIM_CHECK(a->wait != RINGSEND_WAIT_FREE || a->reused,
                  "record %u: attempt %u is free after a new connection", r->record, i + 2);
        at_ns = a->began_ns + a->total_ns + a->wait_ns;
    }
    if (result->attempts == 0 || error_is_an_end(result->error) || ends_at_redirect(result))
        return;
    SIM_CHECK(at_ns == result->times.total_ns &&
                  list[result->attempts - 1].error == result->error &&
                  list[result->attempts - 1].status == result->status,
              "record %u: its last attempt is not its result", r->record);
}

/* The last attempt's points in time come in order; those after an error's may be missing. */
static void check_times(const struct client_request *r, const struct ringsend_result *result)
{
    const struct ringsend_times *t = &result->times;
    const uint64_t points[] = {r->submitted_ns,     t->begun_at_ns, t->sent_at_ns,
                               t->first_byte_at_ns, t->done_at_ns,  sim.now_ns};
    uint64_t last_ns = 0;

    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        SIM_CHECK(points[i] > 0 || (i > 0 && result->error != RINGSEND_OK),
                  "record %u: point %zu in time is missing", r->record, i);
        SIM_CHECK(points[i] == 0 || points[i] >= last_ns, "record %u: point %zu comes too early",
                  r->record, i);
        last_ns = points[i] > 0 ? points[i] : last_ns;
    }
    SIM_CHECK((t->done_at_ns > 0) == (t->begun_at_ns > 0), "record %u: begun, done: not both",
              r->record);
    SIM_CHECK(t->first_byte_at_ns == 0 || t->first_byte_ns == t->first_byte_at_ns - t->sent_at_ns,
              "record %u: first_byte_ns is not from sent to first byte", r->record);
}

void sim_check_result(const struct client *c, const struct client_request *r,
                      const struct ringsend_result *result)
{
    const struct sim_record *record = sim_record(r->record);

    SIM_CHECK(!r->done, "record %u has a second result", r->record);
    /* One try more is free, after a reused connection that turned out to be dead. */
    uint32_t deliveries = sim_record(r->record)->deliveries;
    SIM_CHECK(!c->options.no_free_try || deliveries <= r->tries,
              "record %u: %u deliveries, no try is free and %u were asked for", r->record,
              deliveries, r->tries);
    SIM_CHECK(result->attempts <= r->tries + 1 + sim.refusals + result->redirects,
              "record %u: %u attempts, %u allowed", r->record, result->attempts, r->tries);
    SIM_CHECK(record->deliveries <= result->attempts, "record %u: %u deliveries in %u attempts",
              r->record, record->deliveries, result->attempts);
    SIM_CHECK(result->attempts > 0 || record->deliveries == 0,
              "record %u: deliveries without attempt", r->record);
    if (result->error == RINGSEND_OK)
        check_response(c, r, result);
    else
        SIM_CHECK(!result->ok, "record %u is ok with error %s", r->record,
                  ringsend_error_name(result->error));
    if (r->host)
        host_checks(c, r, result);
    sim_check_timeout(c, r, result);
    check_ambiguous(r, result);
    check_mark(c, r, result);
    check_cut_short(r, result);
    if (c->options.store_attempts)
        check_attempts(c, r, result);
    else
        SIM_CHECK(!result->attempts_list, "record %u has a trace unasked", r->record);
    check_times(r, result);
    SIM_CHECK(result->times.total_ns <= sim.now_ns - r->submitted_ns,
              "record %u took longer than its life", r->record);
    sim_check_deadline(c, r, result);
}
