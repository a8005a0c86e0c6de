/* The order of judgement: the stats path first, which no limit and no fault touches; then what
 * cannot be served (400, 413), then the rate limit, and only then a fault is drawn, so that the
 * sequence of faults does not depend on refused requests.
 *
 * Invariant: a request is counted once in report.requests and once in its outcome; turn.owed stands
 * for the difference, and whoever gives a turn back pays it. */
#include "serve/service.h"

#include "base/check.h"
#include "base/time.h"
#include "serve/filler.h"
#include "serve/state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FREE_TURNS_MAX = 1024, FILLER_PART_BYTES = 256 << 10 };

static bool build_error(struct server *p, struct answer *answer, unsigned status,
                        int64_t retry_after_s)
{
    char body[64];
    int bytes = snprintf(body, sizeof body, "{\"error\":%u,\"reason\":\"%s\"}", status,
                         answer_reason(status));
    CHECK(bytes > 0 && (size_t)bytes < sizeof body);
    struct answer_head head = {.status = status,
                               .type = "application/json",
                               .body_bytes = (size_t)bytes,
                               .keep_alive_s = p->options.keep_alive_ns / NS_PER_S,
                               .retry_after_s = retry_after_s};
    return answer_build(answer, &head, body);
}

static bool build_usual(struct server *p, struct answer *answer, unsigned status)
{
    struct answer_head head = {.status = status,
                               .type = p->options.body_type,
                               .body_bytes = p->options.body.bytes,
                               .keep_alive_s = p->options.keep_alive_ns / NS_PER_S,
                               .retry_after_s = -1};
    return answer_build(answer, &head, p->options.body.data);
}

bool service_init(struct server *p)
{
    const struct server_options *o = &p->options;
    p->limits.plan = o->limits;
    p->workers_free_ns = calloc(o->workers + 1, sizeof *p->workers_free_ns);
    if (!p->workers_free_ns)
        return false;
    if (!build_usual(p, &p->usual, 200) || !build_error(p, &p->bad_request, 400, -1) ||
        !build_error(p, &p->too_large, 413, -1) ||
        !build_error(p, &p->too_many, 429,
                     o->limits.dialect == DIALECT_NONE ? (int64_t)o->retry_after_s : -1))
        return false;
    for (unsigned i = 0; i < o->faults.statuses_count; i++) {
        unsigned status = o->faults.statuses[i].status;
        bool wait = status == 429 || (status == 503 && o->retry_after_in_503);
        bool built = status < 400 ? build_usual(p, &p->statuses[i], status)
                                  : build_error(p, &p->statuses[i], status,
                                                wait ? (int64_t)o->retry_after_s : -1);
        if (!built)
            return false;
    }
    return true;
}

void service_free(struct server *p)
{
    free(p->workers_free_ns);
    limits_free(&p->limits);
    answer_free(&p->usual);
    answer_free(&p->bad_request);
    answer_free(&p->too_large);
    answer_free(&p->too_many);
    for (unsigned i = 0; i < FAULT_STATUSES_MAX; i++)
        answer_free(&p->statuses[i]);
    while (p->free_turns) {
        struct turn *turn = p->free_turns;
        p->free_turns = turn->next_free;
        free(turn);
    }
}

struct turn *turn_take(struct server *p)
{
    struct turn *turn = p->free_turns;
    if (turn) {
        p->free_turns = turn->next_free;
        p->free_turns_count--;
    } else {
        turn = malloc(sizeof *turn);
        if (!turn)
            return NULL;
        turn->text = (struct buf){0};
    }
    turn->got = REQUEST_MORE;
    turn->too_large = turn->continued = turn->owed = turn->close = turn->answer_sent = false;
    turn->answer_bytes = turn->encrypted_bytes = turn->head_bytes = 0;
    turn->is_judged = turn->is_answering = false;
    turn->stream = NULL;
    list_init(&turn->link);
    turn->filler_at = turn->filler_bytes = 0;
    turn->weight = turn->limit_wait_ns = 0;
    turn->answered_ns = 0;
    turn->kind = FAULT_ANSWER;
    turn->answer = NULL;
    turn->status = 0;
    request_reader_init(&turn->reader, &p->buffers, p->options.id_header,
                        p->options.echo || p->options.limits.cost ? REQUEST_BODY_STORED
                        : p->options.digest                       ? REQUEST_BODY_DIGESTED
                                                                  : REQUEST_BODY_COUNTED);
    return turn;
}

/* Pays what the turn owes: the outcome is counted by the caller, its line written here. */
static void turn_settle(struct server *p, struct turn *turn, const char *outcome)
{
    CHECK(turn->owed);
    turn->owed = false;
    bool whole = turn->got == REQUEST_DONE && !turn->too_large;
    uint64_t until_ns = turn->answered_ns > 0 ? turn->answered_ns : p->now_ns;
    request_log_add(&p->log, p->now_ns, until_ns - turn->asked_ns, whole ? &turn->reader : NULL,
                    outcome, p->options.limits.cost ? &turn->weight : NULL);
}

void turn_put(struct server *p, struct turn **place)
{
    struct turn *turn = *place;
    if (!turn)
        return;
    *place = NULL;
    if (turn->owed) {
        if (p->stopping)
            p->report.stopped++;
        else
            p->report.gone++;
        turn_settle(p, turn, p->stopping ? "stopped" : "gone");
    }
    request_reader_release(&turn->reader);
    buf_release(&p->buffers, &turn->text);
    if (p->free_turns_count == FREE_TURNS_MAX) {
        free(turn);
        return;
    }
    turn->next_free = p->free_turns;
    p->free_turns = turn;
    p->free_turns_count++;
}

static bool limits_allow(struct server *p, struct turn *turn)
{
    const struct cost *cost = p->options.limits.cost;
    uint32_t found;
    if (cost)
        turn->weight =
            cost_of(cost, (struct ringsend_bytes){turn->reader.body.data, turn->reader.body.bytes},
                    NULL, NULL, &found);
    return limits_take(&p->limits, turn->weight, p->now_ns, &turn->limit_wait_ns);
}

static bool is_stats(const struct server *p, const struct turn *turn)
{
    return turn->got == REQUEST_DONE && strcmp(turn->reader.method, "GET") == 0 &&
           strcmp(turn->reader.target, p->options.stats_path) == 0;
}

uint64_t *service_handshakes(struct server *p, const struct serve_conn *v)
{
    return serve_tls_is_resumed(v->tls) ? &p->report.handshakes_resumed
                                        : &p->report.handshakes_full;
}

/* A connection that begins by asking for the report is an observer's: it is taken out of the
 * figures, and out of the peak if the peak rose since it came. */
static void uncount(struct server *p, struct serve_conn *v)
{
    if (v->served > 0 || !v->admitted)
        return;
    v->admitted = false;
    p->report.connections--;
    if (v->counted)
        p->report.connections_open--;
    v->counted = false;
    if (v->greeted)
        --*service_handshakes(p, v);
    if (p->report.connections_peak > v->peak_before)
        p->report.connections_peak--;
}

/* With so many workers a request waits for the first that is free, in the order of coming; each is
 * known by when it will be. */
static uint64_t queue_ns(struct server *p, uint64_t work_ns)
{
    if (p->options.workers == 0)
        return work_ns;
    uint64_t *first = p->workers_free_ns;
    for (uint32_t i = 1; i < p->options.workers; i++)
        if (p->workers_free_ns[i] < *first)
            first = &p->workers_free_ns[i];
    *first = (*first > p->now_ns ? *first : p->now_ns) + work_ns;
    return *first - p->now_ns;
}

uint64_t service_judge(struct server *p, struct serve_conn *v, struct turn *turn)
{
    uint32_t last = p->options.keep_alive_requests;
    turn->close = turn->got == REQUEST_FAILED || turn->too_large || !turn->reader.keep_alive ||
                  (last > 0 && v->served + 1 >= last);
    if (is_stats(p, turn)) {
        uncount(p, v);
        turn->status = 200;
        return 0;
    }
    if (p->report.requests++ == 0 && p->options.pause_ns > 0)
        timer_set(&p->timers, &p->pause_timer, p->now_ns + p->options.pause_at_ns);
    turn->owed = true;
    turn->asked_ns = p->now_ns;
    if (turn->too_large || turn->got == REQUEST_FAILED) {
        turn->answer = turn->too_large ? &p->too_large : &p->bad_request;
        turn->status = turn->answer->status;
        return 0;
    }
    if (!limits_allow(p, turn)) {
        turn->answer = &p->too_many;
        turn->status = turn->answer->status;
        return 0;
    }
    struct fault fault = fault_draw(&p->options.faults, p->faults_drawn++);
    turn->kind = fault.kind;
    turn->status = 200;
    if (fault.status > 0)
        turn->answer = &p->statuses[fault.status - 1];
    else if (!p->options.echo && !p->options.digest)
        turn->answer = &p->usual;
    if (turn->answer)
        turn->status = turn->answer->status;
    return fault.kind == FAULT_STALL ? 0 : queue_ns(p, fault.delay_ns);
}

/* The head of the answers that are made when they are asked for. */
static bool write_text_head(struct server *p, struct turn *turn, const char *type,
                            size_t body_bytes)
{
    char limits[LIMITS_HEAD_BYTES_MAX] = "";
    struct answer_head head = {.status = turn->status,
                               .type = type,
                               .body_bytes = body_bytes,
                               .keep_alive_s = p->options.keep_alive_ns / NS_PER_S,
                               .retry_after_s = -1,
                               .limits = limits};
    if (turn->owed)
        limits_write(&p->limits, turn->limit_wait_ns, p->now_ns, clock_wall_ms(), limits);
    if (!buf_reserve(&p->buffers, &turn->text, ANSWER_HEAD_BYTES_MAX))
        return false;
    turn->head_bytes = turn->text.bytes = answer_head_write(&head, turn->close, turn->text.data);
    return true;
}

static bool write_echo(struct server *p, struct turn *turn)
{
    return write_text_head(p, turn, "application/octet-stream", turn->reader.body.bytes);
}

/* One that is prebuilt, with what is told of the limits in its head. */
static bool write_limited(struct server *p, struct turn *turn, bool head_only)
{
    const struct answer *answer = turn->answer;
    size_t at = answer->form[0].head_bytes, bytes = answer->form[0].bytes - at;
    bool is_error = answer->status >= 400;
    if (!write_text_head(p, turn, is_error ? "application/json" : p->options.body_type, bytes))
        return false;
    if (!head_only)
        turn->parts[1] = (struct iovec){answer->form[0].data + at, bytes};
    return true;
}

static bool write_digest(struct server *p, struct turn *turn)
{
    char json[128];
    unsigned char digest[SHA256_BYTES];
    sha256_end(&turn->reader.digest, digest);
    int bytes = snprintf(json, sizeof json, "{\"bytes\":%" PRIu64 ",\"sha256\":\"",
                         turn->reader.body_bytes);
    for (size_t i = 0; i < SHA256_BYTES; i++)
        bytes += snprintf(json + bytes, sizeof json - (size_t)bytes, "%02x", digest[i]);
    bytes += snprintf(json + bytes, sizeof json - (size_t)bytes, "\"}");
    CHECK((size_t)bytes < sizeof json);
    return write_text_head(p, turn, "application/json", (size_t)bytes) &&
           buf_append(&p->buffers, &turn->text, json, (size_t)bytes);
}

static bool write_report(struct server *p, struct turn *turn)
{
    char json[SERVER_JSON_BYTES];
    size_t bytes = server_report_json(&p->report, json);
    return write_text_head(p, turn, "application/json", bytes) &&
           buf_append(&p->buffers, &turn->text, json, bytes);
}

bool service_answer(struct server *p, struct turn *turn)
{
    /* RFC 9112 6.3: the head of an answer to HEAD is that of GET, and the body is missing. */
    bool head_only = turn->got == REQUEST_DONE && strcmp(turn->reader.method, "HEAD") == 0;
    bool echo = turn->owed && !turn->answer && p->options.echo;
    bool digest = turn->owed && !turn->answer && p->options.digest;
    turn->parts[1] = (struct iovec){0};
    turn->answered_ns = p->now_ns;
    bool limited = turn->answer && turn->answer->filler_bytes == 0 && turn->owed &&
                   p->options.limits.dialect != DIALECT_NONE;
    if (limited) {
        if (!write_limited(p, turn, head_only))
            return false;
        turn->parts[0] = (struct iovec){turn->text.data, turn->text.bytes};
    } else if (turn->answer) {
        turn->parts[0].iov_base = turn->answer->form[turn->close].data;
        turn->parts[0].iov_len = head_only ? turn->answer->form[turn->close].head_bytes
                                           : turn->answer->form[turn->close].bytes;
        turn->head_bytes = turn->answer->form[turn->close].head_bytes;
        turn->filler_bytes = head_only ? 0 : turn->answer->filler_bytes;
    } else {
        if (!(echo ? write_echo(p, turn) : digest ? write_digest(p, turn) : write_report(p, turn)))
            return false;
        turn->parts[0] = (struct iovec){turn->text.data, turn->text.bytes};
    }
    if (echo && !head_only)
        turn->parts[1] = (struct iovec){turn->reader.body.data, turn->reader.body.bytes};
    turn->answer_bytes = turn->parts[0].iov_len + turn->parts[1].iov_len;
    return true;
}

bool service_answer_on(struct server *p, struct turn *turn)
{
    uint64_t left = turn->filler_bytes - turn->filler_at;
    size_t bytes = left < FILLER_PART_BYTES ? (size_t)left : FILLER_PART_BYTES;
    turn->text.bytes = 0;
    if (bytes == 0 || !buf_reserve(&p->buffers, &turn->text, bytes))
        return false;
    filler_write(turn->filler_at, turn->text.data, bytes);
    turn->filler_at += bytes;
    turn->parts[0] = (struct iovec){turn->text.data, bytes};
    turn->parts[1] = (struct iovec){0};
    turn->answer_bytes = bytes;
    turn->encrypted_bytes = 0;
    return true;
}

void service_answered(struct server *p, struct serve_conn *v, struct turn *turn)
{
    v->served++;
    if (!turn->owed)
        return;
    char outcome[8];
    snprintf(outcome, sizeof outcome, "%u", turn->status % 1000);
    p->report.statuses[turn->status]++;
    turn_settle(p, turn, outcome);
}

void service_deny(struct server *p, struct turn *turn)
{
    switch (turn->kind) {
    case FAULT_ANSWER:
        UNREACHABLE("an answer is not a denial");
    case FAULT_RESET:
        p->report.resets++;
        turn_settle(p, turn, "reset");
        return;
    case FAULT_CLOSE:
        p->report.closes++;
        turn_settle(p, turn, "close");
        return;
    case FAULT_STALL:
        p->report.stalls++;
        turn_settle(p, turn, "stall");
        return;
    }
    UNREACHABLE("fault kind");
}
