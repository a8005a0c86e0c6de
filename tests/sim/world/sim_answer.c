/* What simulated servers say: drawing an answer by the seed, writing it, and putting it on the way.
 *
 * Every answer that is cut, malformed or of impossible framing is noted as not valid, so that a
 * result that calls it ok is found out. */
#include "tests/sim/world/sim_answer.h"

#include "tls/tls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* Not one of these is a response that a client may accept; the first HEAD_LEVEL are wrong in the
 * head already, and so for HEAD requests too. */
enum { HEAD_LEVEL = 8 };
static const char *const malformed[] = {
    "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 099 Low\r\ncontent-length: 0\r\n\r\n",
    "HTTP/1.1 200 O\x01K\r\ncontent-length: 0\r\n\r\n",
    "Hello, this is not HTTP.\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
    "HTTP/1.1 200 OK\r\ncontent-length: 3x\r\n\r\nabc",
    "HTTP/1.1 200 OK\r\nna me: x\r\ncontent-length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhelloX\r\n0\r\n\r\n",
};

static const int statuses[] = {200, 201, 202, 204, 301, 304, 400, 404, 408, 409, 421, 425,
                               429, 429, 500, 500, 502, 503, 503, 504, 520, 529, 530, 999};
static const char *const retry_after[] = {"retry-after: 1\r\n",
                                          "retry-after: 0\r\n",
                                          "retry-after: 100000\r\n",
                                          "retry-after: soon\r\n",
                                          "retry-after: Tue, 14 Nov 2023 22:13:25 GMT\r\n",
                                          NULL};

/* Of a rate limit: all but the first two make the origin pause. The last is of a new try. */
static const char *const limits[] = {
    "RateLimit-Remaining: 1\r\nRateLimit-Reset: 60\r\n",
    "RateLimit: \"a\";r=9;t=60\r\n",
    "X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 1\r\n",
    "RateLimit: \"a\";r=0;t=2\r\n",
    "RateLimit-Remaining: 0\r\nRateLimit-Reset: 1700000010\r\n",
    "x-ratelimit-remaining-tokens: 0\r\nx-ratelimit-reset-tokens: 120ms\r\n",
    "x-should-retry: false\r\n"};

/* ---- Packed bodies ---- */

enum { PACKED_MAX = 16 };

static struct packed {
    const char *unit;
    uint32_t times;
    struct sim_answer answer;
} packed_answers[PACKED_MAX];

static void pack(struct packed *p)
{
    size_t unit_bytes = strlen(p->unit), bytes = unit_bytes * p->times, room = bytes + 100;
    char *plain = malloc(bytes), *packed = malloc(room);
    z_stream z = {0};

    SIM_CHECK(plain && packed, "out of memory");
    for (uint32_t i = 0; i < p->times; i++)
        memcpy(plain + i * unit_bytes, p->unit, unit_bytes);
    SIM_CHECK(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK, "zlib");
    z.next_in = (Bytef *)plain;
    z.avail_in = (uInt)bytes;
    z.next_out = (Bytef *)packed;
    z.avail_out = (uInt)room;
    SIM_CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END, "zlib");
    deflateEnd(&z);
    p->answer = (struct sim_answer){.status = 200,
                                    .headers = "Content-Encoding: gzip\r\n",
                                    .framing = FRAMING_CHUNKED,
                                    .body = packed,
                                    .body_bytes = (uint32_t)(room - z.avail_out),
                                    .decoded = plain,
                                    .decoded_bytes = (uint32_t)bytes};
}

const struct sim_answer *sim_answer_packed(const char *unit, uint32_t times)
{
    struct packed *p = packed_answers;

    while (p->unit && (strcmp(p->unit, unit) != 0 || p->times != times))
        SIM_CHECK(++p < packed_answers + PACKED_MAX, "too many packed answers");
    if (!p->unit) {
        p->unit = unit;
        p->times = times;
        pack(p);
    }
    return &p->answer;
}

/* Its status and framing stay as they are. */
static void draw_packed(struct sim_answer *a)
{
    static const char *const units[] = {"abc", "q", "{\"code\":0}"};
    const char *unit = units[sim_below(3)];
    /* Some are the work of two turns. */
    uint32_t times = sim_chance(100) ? (uint32_t)(700000 / strlen(unit)) : 100;
    const struct sim_answer *packed = sim_answer_packed(unit, times);

    a->headers = packed->headers;
    a->body = packed->body;
    a->body_bytes = packed->body_bytes;
    a->decoded = packed->decoded;
    a->decoded_bytes = packed->decoded_bytes;
    if (sim_chance(50))
        a->body_bytes -= (uint32_t)sim_between(1, 10); /* damaged */
}

/* ---- Drawing ---- */

static void draw_trouble(struct sim_answer *a, bool is_head)
{
    switch (sim_below(10)) {
    case 0: /* the connection breaks, and nobody knows when */
        a->status = 0;
        a->then = sim_chance(500) ? THEN_RESET : THEN_END;
        break;
    case 1:
        a->then = THEN_STALL;
        a->status = 0;
        break;
    case 2: /* cut short, in head or body; where the stream's end is the body's, it would not show
             */
        a->framing = (enum sim_framing)sim_below(FRAMING_CLOSE);
        a->truncate_at =
            sim_chance(500) ? (int32_t)sim_between(1, 40) : -(int32_t)sim_between(1, 40);
        a->then = (enum sim_then)sim_between(THEN_END, THEN_STALL);
        break;
    case 3:
        a->raw = malformed[sim_below(is_head ? HEAD_LEVEL : sizeof malformed / sizeof *malformed)];
        a->then = sim_chance(500) ? THEN_KEEP : THEN_END;
        break;
    case 4:
        a->unsolicited_joined = sim_chance(500);
        a->unsolicited = sim_chance(500) ? "x" : "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfake";
        break;
    case 5:
        a->headers = "Connection: close\r\n";
        a->then = sim_chance(500) ? THEN_KEEP : THEN_END;
        break;
    case 6:
        a->delay_ns = sim_below(20ull * SIM_S);
        break;
    case 7:
        a->pause_ns = sim_below(20ull * SIM_S);
        break;
    case 8:
        a->then = sim_chance(500) ? THEN_RESET : THEN_END;
        a->then_ns = sim_below(2 * SIM_MS);
        break;
    default:
        a->status = statuses[sim_below(sizeof statuses / sizeof *statuses)];
        a->headers = retry_after[sim_below(sizeof retry_after / sizeof *retry_after)];
    }
}

bool sim_answers_are_large(void)
{
    return sim.seed % 10 == 3;
}

struct sim_answer sim_answer_draw(const struct sim_record *record)
{
    struct sim_answer a = {.status = 200, .framing = (enum sim_framing)sim_below(4)};

    /* Byte by byte a large one would take too many turns. */
    bool in_bits = sim.faults.recv_tiny || sim.faults.records_small;
    bool often = record->streamed || sim_answers_are_large();
    uint32_t large = often && !in_bits ? 700000 : 50000;

    a.body_bytes = (uint32_t)sim_below(sim_chance(often ? 200 : 50) ? large : 200);
    a.delay_ns = sim_below(5 * SIM_MS);
    if (sim_chance(100))
        a.interim = (uint32_t)sim_between(1, 8);
    a.bare_lf = sim_chance(50);
    if (sim_chance(50))
        a.headers = "Keep-Alive: timeout=5, max=100\r\n";
    if (sim_chance(sim.faults.limits))
        a.headers = limits[sim_below(sizeof limits / sizeof *limits)];
    a.farewell_less = sim_chance(sim.faults.farewell_less);
    if (sim_chance(sim.faults.trouble))
        draw_trouble(&a, strcmp(record->method, "HEAD") == 0);
    if (!a.headers && !a.raw && sim_chance(sim.faults.packed))
        draw_packed(&a);
    return a;
}

static void write_chunks(struct sim_text *text, const char *body, size_t bytes, bool trailers)
{
    size_t at = 0;

    while (at < bytes) {
        size_t n = 1 + (bytes - at) / 2;
        sim_text_print(text, "%zx%s\r\n", n, at == 0 ? ";name=value" : "");
        sim_text_add(text, body + at, n);
        sim_text_add(text, "\r\n", 2);
        at += n;
    }
    sim_text_print(text, "0\r\n%s\r\n", trailers ? "x-trailer: late\r\n" : "");
}

static void write_interim(struct sim_text *text, const struct sim_answer *a)
{
    for (uint32_t i = 0; i < a->interim; i++)
        sim_text_print(text, i % 2 ? "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"
                                   : "HTTP/1.1 100 Continue\r\n\r\n");
}

static void write_head(struct sim_text *text, const struct sim_answer *a)
{
    const char *end = a->bare_lf ? "\n" : "\r\n";

    if (!a->interim_ahead)
        write_interim(text, a);
    sim_text_print(text, "HTTP/1.1 %d Whatever%sserver: sim%s", a->status, end, end);
    if (a->headers)
        sim_text_print(text, "%s", a->headers);
    if (a->framing == FRAMING_LENGTH && a->status != 204)
        sim_text_print(text, "content-length: %u%s", a->body_bytes, end);
    else if (a->framing != FRAMING_CLOSE && a->status != 204)
        sim_text_print(text, "transfer-encoding: chunked%s", end);
    sim_text_print(text, "%s", end);
}

/* Writes the message; *head_end: where its head ends. */
static void write_answer(struct sim_text *text, const struct sim_answer *a, struct sim_delivery *d,
                         bool bodiless, size_t *head_end)
{
    char *body;

    if (a->raw) {
        sim_text_add(text, a->raw, strlen(a->raw));
        const char *blank = memmem(text->data, text->bytes, "\r\n\r\n", 4);
        *head_end = blank ? (size_t)(blank - text->data) + 4 : text->bytes;
        return;
    }
    write_head(text, a);
    *head_end = text->bytes;
    if (bodiless)
        return;
    body = malloc(a->body_bytes + 1);
    SIM_CHECK(body, "out of memory");
    if (a->body)
        memcpy(body, a->body, a->body_bytes);
    else
        sim_fill_body(d->record, d->number, 0, body, a->body_bytes);
    const char *seen = a->decoded ? a->decoded : body;
    size_t seen_bytes = a->decoded ? a->decoded_bytes : a->body_bytes;
    d->declines = sim.declining && memmem(seen, seen_bytes, sim.declining, strlen(sim.declining));
    if (a->framing == FRAMING_CHUNKED || a->framing == FRAMING_TRAILERS)
        write_chunks(text, body, a->body_bytes, a->framing == FRAMING_TRAILERS);
    else
        sim_text_add(text, body, a->body_bytes);
    free(body);
}

/* Of the values that server_ends takes: with a farewell before; the connection's requests stand
 * above, and result below. */
enum { ROOM_FREE_BYTES = 16 << 10 }; /* smaller bodies never wait for room: ringsend.h */

#define WITH_FAREWELL (1ull << 32)
#define REQUESTS_SHIFT 33

static void server_ends(void *context, uint64_t life, uint64_t value)
{
    struct sim_socket *s = context;

    if (s->life != life || s->step != SLOT_CONNECTED)
        return;
    s->peer_closed = true;
    /* Behind the answer to another request it would make a body whole that is to end without. */
    if ((value & WITH_FAREWELL) && value >> REQUESTS_SHIFT == s->requests)
        sim_tls_farewell(s, sim.now_ns);
    sim_socket_end(s, sim.now_ns, (int32_t)(uint32_t)value);
}

static void put_on_the_way(struct sim_socket *s, const struct sim_answer *a, const char *data,
                           size_t bytes, size_t middle)
{
    uint64_t at_ns = sim.now_ns + SIM_US + a->delay_ns;

    if (a->pause_ns > 0 && middle < bytes) {
        server_output(s, at_ns, data, middle);
        data += middle;
        bytes -= middle;
        at_ns += a->pause_ns;
    }
    if (bytes > 0)
        server_output(s, at_ns, data, bytes);
}

/* Puts the message, and unsolicited bytes behind it, on the way; notes where the answer ends. */
static void send_message(struct sim_socket *s, struct sim_delivery *d, const struct sim_answer *a,
                         struct sim_text *text, size_t bytes, size_t head_end)
{
    size_t whole = d->until_end && s->tls ? SIZE_MAX : text->bytes;
    d->head_bytes = bytes < head_end ? SIZE_MAX : s->in.bytes - d->answer_begin + head_end;
    size_t began = s->in.bytes, middle = head_end + (text->bytes - head_end) / 2;
    bool unsolicited = a->unsolicited && d->answer_valid && !d->until_end;
    bool joined = unsolicited && s->tls && a->unsolicited_joined &&
                  text->bytes + strlen(a->unsolicited) <= TLS_RECORD_PLAIN_BYTES;

    if (s->tls && a->record_type)
        sim_tls_record(s, sim.now_ns + SIM_US + a->delay_ns, a->record_type, a->record,
                       a->record_bytes);
    if (joined) {
        sim_text_add(text, a->unsolicited, strlen(a->unsolicited));
        sim_tls_record(s, sim.now_ns + SIM_US + a->delay_ns, RECORD_DATA, text->data, text->bytes);
    } else {
        put_on_the_way(s, a, text->data, bytes, middle);
    }
    if (d->until_end && s->tls && d->answer_valid)
        sim_tls_farewell(s, s->in_last_ns + a->then_ns);
    /* What is cut short never comes in whole. */
    d->answer_end = d->until_end && !s->tls             ? began + head_end
                    : d->answer_valid || bytes == whole ? s->in.bytes
                                                        : SIZE_MAX;
    if (unsolicited && !joined) {
        s->in_glue = a->unsolicited_ns ? 0 : s->in.bytes;
        server_output(s, s->in_last_ns + a->unsolicited_ns, a->unsolicited, strlen(a->unsolicited));
    }
}

static bool is_streamed(const struct sim_record *record, int status)
{
    return record->streamed && status >= 100 && status < 600 &&
           (record->streamed[(status - 100) / 64] >> (status - 100) % 64 & 1);
}

void sim_answer_send_interim(struct sim_socket *s, struct sim_delivery *d,
                             const struct sim_answer *answer)
{
    struct sim_text text = {0};

    write_interim(&text, answer);
    d->answer_begin = s->in.bytes;
    d->interim_sent = true;
    server_output(s, sim.now_ns + SIM_US, text.data, text.bytes);
    sim_text_free(&text);
}

void sim_answer_send(struct sim_socket *s, struct sim_delivery *d, const struct sim_answer *answer)
{
    bool is_head = strcmp(sim_record(d->record)->method, "HEAD") == 0;
    bool bodiless = is_head || answer->status == 204 || answer->status == 304;
    bool has_answer = answer->status != 0 || answer->raw;
    bool until_end = answer->framing == FRAMING_CLOSE && !bodiless && !answer->raw;
    enum sim_then then = until_end && answer->then == THEN_KEEP ? THEN_END : answer->then;
    bool says_farewell = s->tls && then == THEN_END && !answer->farewell_less;
    struct sim_text text = {0};
    size_t head_end = 0, bytes;

    if (has_answer)
        write_answer(&text, answer, d, bodiless, &head_end);
    bytes = text.bytes;
    if (answer->truncate_at > 0 && (size_t)answer->truncate_at < bytes)
        bytes = (size_t)answer->truncate_at;
    else if (answer->truncate_at < 0)
        bytes = bytes > (size_t)-answer->truncate_at ? bytes - (size_t)-answer->truncate_at : 0;

    d->answered = has_answer;
    d->answer_valid = has_answer && bytes == text.bytes && (!answer->raw || answer->valid_raw) &&
                      (!until_end || !s->tls || says_farewell);
    d->status = answer->status;
    d->streamed = is_streamed(sim_record(d->record), answer->status);
    d->declines &= !d->streamed;
    bool decoded = answer->decoded && !d->streamed;
    d->body = decoded ? answer->decoded : answer->body;
    d->body_bytes = bodiless || answer->raw ? 0
                    : decoded               ? answer->decoded_bytes
                                            : answer->body_bytes;
    sim_record(d->record)->may_wait |= decoded || bytes >= ROOM_FREE_BYTES;
    d->malformed = answer->raw && !answer->valid_raw;
    if (!d->interim_sent)
        d->answer_begin = s->in.bytes;
    d->until_end = until_end;
    if (!d->answer_valid || until_end || (answer->unsolicited && !answer->unsolicited_ns) ||
        (answer->headers && strcasestr(answer->headers, "connection: close")))
        s->reuse_forbidden = true;
    sim_trace("slot %u: the server answers record %u with %d%s, %zu bytes", s->slot, d->record,
              answer->status, d->answer_valid ? "" : " (not valid)", bytes);
    send_message(s, d, answer, &text, bytes, head_end);
    if (answer->deaf)
        s->window = s->out.bytes;
    d->until_end &= !s->tls;
    if (then == THEN_END || then == THEN_RESET)
        sim_at((bytes > 0 ? s->in_last_ns : sim.now_ns) + answer->then_ns, server_ends, s, s->life,
               (uint64_t)s->requests << REQUESTS_SHIFT |
                   (then == THEN_RESET ? (uint32_t)-ECONNRESET : 0) |
                   (says_farewell && !(until_end && d->answer_valid) ? WITH_FAREWELL : 0));
    sim_text_free(&text);
}
