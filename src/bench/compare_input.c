/* A file that begins with a brace is JSON, any other a log. Of a log all intervals without a tag
 * are one run: other programs write one each second. */
#include "bench/compare_input.h"

#include "base/json.h"
#include "base/span.h"
#include "base/whole_file.h"
#include "bench/hdr.h"
#include "bench/hlog.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_BYTES_MAX = 256 << 20 };

static const char *const memory_is_out = "memory is out";

static void run_free(struct side *side, size_t run)
{
    histogram_free(&side->runs[run]);
    histogram_free(&side->bounds[run]);
}

void sides_free(struct sides *sides)
{
    for (size_t i = 0; i < sides->count; i++) {
        for (size_t run = 0; run < sides->all[i].runs_count; run++)
            run_free(&sides->all[i], run);
        free(sides->all[i].name);
        free(sides->all[i].settings);
        free(sides->all[i].environment);
        free(sides->all[i].command);
    }
    free(sides->all);
    *sides = (struct sides){0};
}

/* The first one stays. False when memory is out. */
static bool text_kept(char **kept, struct ringsend_bytes text)
{
    if (!*kept && text.bytes > 0)
        *kept = strndup(text.data, text.bytes);
    return *kept || text.bytes == 0;
}

/* The side of that run, made when it is not there; null when memory is out. */
static struct side *find_side(struct sides *sides, size_t first, const struct side_run *run)
{
    for (size_t i = first; i < sides->count; i++) {
        if (strcmp(sides->all[i].name, run->name) == 0 && sides->all[i].rate == run->rate)
            return &sides->all[i];
    }
    struct side *all = realloc(sides->all, (sides->count + 1) * sizeof *all);
    if (!all)
        return NULL;
    sides->all = all;
    struct side *side = &all[sides->count];
    *side = (struct side){
        .name = strdup(run->name), .rate = run->rate, .first = first, .errors_known = true};
    if (!side->name)
        return NULL;
    sides->count++;
    return side;
}

const char *sides_add(struct sides *sides, size_t first, const struct side_run *run)
{
    struct side *side = find_side(sides, first, run);
    if (!side)
        return memory_is_out;
    if (side->runs_count == COMPARE_RUNS_MAX)
        return "there are more than 20 runs for one side";
    struct histogram *h = &side->runs[side->runs_count];
    struct histogram *bounds = &side->bounds[side->runs_count];
    bool made = histogram_init(h, HDR_PRECISION);
    made = histogram_init(bounds, HDR_PRECISION) && made;
    if (!made) {
        run_free(side, side->runs_count);
        return memory_is_out;
    }
    histogram_merge(h, run->response_ns);
    if (run->bounds_ns)
        histogram_merge(bounds, run->bounds_ns);
    side->counts[side->runs_count++] = run->counts;
    side->errors_known &= run->errors_known;
    side->never_started += run->never_started;
    side->slow += run->slow;
    side->swamped += run->swamped;
    return text_kept(&side->settings, run->settings) ? NULL : memory_is_out;
}

_Static_assert(COMPARE_RUNS_MAX == 20, "a message says so");

bool sides_is_of(const struct sides *sides, size_t number, size_t first)
{
    return number < sides->count && sides->all[number].first == first;
}

size_t sides_find_step(const struct sides *sides, size_t first, double rate)
{
    for (size_t i = first; sides_is_of(sides, i, first); i++) {
        if (sides->all[i].rate == rate)
            return i;
    }
    return SIDES_NONE;
}

bool side_merge(const struct side *side, struct histogram *all, struct histogram *bounds)
{
    *all = *bounds = (struct histogram){0};
    if (!histogram_init(all, HDR_PRECISION) || !histogram_init(bounds, HDR_PRECISION))
        return false;
    for (size_t i = 0; i < side->runs_count; i++) {
        histogram_merge(all, &side->runs[i]);
        histogram_merge(bounds, &side->bounds[i]);
    }
    return true;
}

/* ---- JSON: what is needed of it; the rest is checked and passed over ---- */

struct reader {
    struct json json;
    const char *path;
    struct sides *sides;
    size_t first; /* of this file's sides */
    double step;  /* the rate of the step that is asked for; 0: all are */
    struct ringsend_bytes environment, command; /* of the file; empty: not there */
    const char *error;                          /* static; null exactly while all is well */
};

/* One run, while its members are read. */
struct found {
    uint64_t requests, errors, not_ok, never_started;
    struct json_string target;
    struct ringsend_bytes histogram, bounds; /* empty: none */
    struct ringsend_bytes settings;          /* likewise */
    double rate;                             /* asked for; 0 in a closed loop */
    bool is_bench, slow, swamped;
};

static void reader_fail(struct reader *r, const char *error)
{
    if (!r->error)
        r->error = error;
}

static bool is_key(struct json_string key, const char *name)
{
    return !key.escaped && span_equal(key.raw, span_of(name));
}

static uint64_t read_count(struct reader *r)
{
    struct ringsend_bytes text;
    uint64_t count = 0;
    if (!json_number(&r->json, &text))
        return 0;
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || __builtin_mul_overflow(count, 10, &count) ||
            __builtin_add_overflow(count, (uint64_t)(text.data[i] - '0'), &count)) {
            reader_fail(r, "a count is no whole number");
            return 0;
        }
    }
    return count;
}

/* Of an object those members that are texts of these names; other: null for none. */
static void read_texts(struct reader *r, const char *name, struct json_string *out,
                       const char *other_name, struct json_string *other)
{
    struct json_string key;
    if (!json_object(&r->json))
        return;
    while (json_member(&r->json, &key)) {
        if (is_key(key, name))
            json_string(&r->json, out);
        else if (other && is_key(key, other_name))
            json_string(&r->json, other);
        else
            json_skip(&r->json, NULL);
    }
}

/* What the object of a run stands in. */
enum place { PLACE_WHOLE, PLACE_RUNS, PLACE_STEPS };

/* The side's name: the path alone, or with the target when the file may hold several. */
static void add_run(struct reader *r, const struct found *found, enum place place)
{
    struct histogram h = {0}, bounds = {0};
    char name[1024], target[512];
    bool is_one_of_several = place == PLACE_RUNS;
    size_t target_bytes = 0;
    if (found->histogram.bytes == 0) {
        reader_fail(r, "there is no histogram in it: write it anew with this version's --json");
        return;
    }
    if (found->never_started > 0 && found->bounds.bytes == 0) {
        reader_fail(r, "requests that never started are in none of its times: write it anew with "
                       "this version's --json");
        return;
    }
    if (is_one_of_several && found->target.raw.bytes < sizeof target)
        target_bytes = json_decode(found->target, target);
    snprintf(name, sizeof name, "%s%s%.*s", r->path, is_one_of_several ? ": " : "",
             (int)target_bytes, target);
    bool made = histogram_init(&h, HDR_PRECISION);
    made = histogram_init(&bounds, HDR_PRECISION) && made;
    const char *error = made ? hdr_decode(found->histogram, &h) : memory_is_out;
    if (!error && found->bounds.bytes > 0)
        error = hdr_decode(found->bounds, &bounds);
    struct side_run run = {.name = name,
                           .rate = place == PLACE_STEPS && r->step == 0 ? found->rate : 0,
                           .response_ns = &h,
                           .bounds_ns = &bounds,
                           .errors_known = true,
                           .never_started = found->never_started,
                           .slow = found->slow,
                           .swamped = found->swamped,
                           .settings = found->settings};
    if (__builtin_add_overflow(found->errors, found->not_ok, &run.counts.failed) ||
        __builtin_sub_overflow(found->requests, found->not_ok, &run.counts.good))
        error = "its counts of requests and errors contradict each other";
    if (!error)
        error = sides_add(r->sides, r->first, &run);
    if (error)
        reader_fail(r, error);
    histogram_free(&h);
    histogram_free(&bounds);
}

/* Null, as in a closed loop, is 0. */
static double read_rate(struct reader *r)
{
    struct ringsend_bytes text;
    char copy[32];
    if (json_peek(&r->json) == JSON_NULL) {
        json_skip(&r->json, NULL);
        return 0;
    }
    if (!json_number(&r->json, &text) || text.bytes >= sizeof copy)
        return 0;
    memcpy(copy, text.data, text.bytes);
    copy[text.bytes] = '\0';
    return strtod(copy, NULL);
}

static void read_run(struct reader *r, enum place place);

static void read_runs(struct reader *r, enum place place)
{
    size_t before = r->sides->count;
    if (!json_array(&r->json))
        return;
    while (!r->error && json_element(&r->json))
        read_run(r, place);
    if (place == PLACE_STEPS && r->step > 0 && !r->json.error && r->sides->count == before)
        reader_fail(r, "it holds no step at the rate of --step");
}

static bool read_flag(struct reader *r)
{
    bool flag = json_peek(&r->json) == JSON_TRUE;
    json_skip(&r->json, NULL);
    return flag;
}

/* They are read, and kept as they stand. */
static void read_settings(struct reader *r, struct found *found)
{
    const char *start = r->json.at;
    read_texts(r, "target", &found->target, NULL, NULL);
    if (!r->json.error)
        found->settings = (struct ringsend_bytes){start, (size_t)(r->json.at - start)};
}

static void read_member(struct reader *r, struct json_string key, struct found *found)
{
    struct json_string text = {0}, other = {0};
    if (is_key(key, "rate_target")) {
        found->rate = read_rate(r);
    } else if (is_key(key, "requests")) {
        found->requests = read_count(r);
    } else if (is_key(key, "errors")) {
        found->errors = read_count(r);
    } else if (is_key(key, "not_ok")) {
        found->not_ok = read_count(r);
    } else if (is_key(key, "never_started")) {
        found->never_started = read_count(r);
    } else if (is_key(key, "settings")) {
        read_settings(r, found);
    } else if (is_key(key, "histograms")) {
        read_texts(r, "response", &text, "response_bounds", &other);
        found->histogram = text.raw; /* base64 needs no escapes */
        found->bounds = other.raw;
    } else if (is_key(key, "generator_is_slow")) {
        found->slow = read_flag(r);
    } else if (is_key(key, "server_is_swamped")) {
        found->swamped = read_flag(r);
    } else if (is_key(key, "environment")) {
        json_skip(&r->json, &r->environment);
    } else if (is_key(key, "command")) {
        json_skip(&r->json, &r->command);
    } else if (is_key(key, "ringsend")) {
        json_string(&r->json, &text);
        found->is_bench = span_equal(text.raw, SPAN("bench"));
    } else {
        json_skip(&r->json, NULL);
    }
}

/* A step's rate; it was written with nine digits. */
static bool is_wanted(const struct reader *r, double rate)
{
    return r->step == 0 || fabs(rate - r->step) <= 1e-8 * r->step;
}

/* The object of one run, or the whole of which runs are a member. */
static void read_run(struct reader *r, enum place place)
{
    struct found found = {0};
    struct json_string key;
    bool holds_runs = false;
    if (!json_object(&r->json))
        return;
    while (!r->error && json_member(&r->json, &key)) {
        bool is_steps = is_key(key, "steps");
        if (place == PLACE_WHOLE && (is_steps || is_key(key, "runs"))) {
            holds_runs = true;
            read_runs(r, is_steps ? PLACE_STEPS : PLACE_RUNS);
        } else {
            read_member(r, key, &found);
        }
    }
    if (r->error || r->json.error)
        return;
    if (place == PLACE_WHOLE && !found.is_bench)
        reader_fail(r, "it is not from ringsend bench --json");
    else if (!holds_runs && (place != PLACE_STEPS || is_wanted(r, found.rate)))
        add_run(r, &found, place);
}

/* With one target the path is name enough. */
static void name_sides(struct reader *r)
{
    if (r->sides->count - r->first != 1)
        return;
    char *name = strdup(r->path);
    if (!name) {
        reader_fail(r, memory_is_out);
        return;
    }
    free(r->sides->all[r->first].name);
    r->sides->all[r->first].name = name;
}

/* What all runs of the file have in common. */
static void describe_sides(struct reader *r)
{
    for (size_t i = r->first; i < r->sides->count; i++) {
        struct side *side = &r->sides->all[i];
        if (!text_kept(&side->environment, r->environment) ||
            !text_kept(&side->command, r->command))
            reader_fail(r, memory_is_out);
    }
}

static bool add_json(struct sides *sides, const char *path, double step, struct ringsend_bytes text,
                     char *message, size_t message_bytes)
{
    struct reader r = {.path = path, .sides = sides, .first = sides->count, .step = step};
    json_init(&r.json, text);
    read_run(&r, PLACE_WHOLE);
    if (!r.error && !r.json.error && json_end(&r.json)) {
        name_sides(&r);
        describe_sides(&r);
    }
    if (!r.error && !r.json.error && sides->count == r.first)
        r.error = "it holds no run";
    if (r.error)
        snprintf(message, message_bytes, "%s: %s", path, r.error);
    else if (r.json.error)
        snprintf(message, message_bytes, "%s: byte %zu: %s", path, json_column(&r.json),
                 r.json.error);
    return !r.error && !r.json.error;
}

/* ---- logs ---- */

static bool add_log(struct sides *sides, const char *path, struct ringsend_bytes text,
                    char *message, size_t message_bytes)
{
    struct hlog log;
    struct hlog_interval interval;
    struct histogram h = {0}, bounds = {0};
    enum hlog_next next;
    const char *error = NULL;
    size_t intervals = 0;
    if (!histogram_init(&h, HDR_PRECISION) || !histogram_init(&bounds, HDR_PRECISION))
        error = memory_is_out;
    hlog_init(&log, text);
    while (!error && (next = hlog_next(&log, &interval)) != HLOG_END) {
        if (next == HLOG_BAD) {
            error = log.error;
        } else if (interval.tag.bytes == 0) {
            error = hdr_decode(interval.histogram, &h);
            intervals++;
        } else if (span_equal(interval.tag, SPAN(HLOG_BOUNDS))) {
            error = hdr_decode(interval.histogram, &bounds);
        }
    }
    if (error) {
        snprintf(message, message_bytes, "%s: line %" PRIu64 ": %s", path, log.line, error);
    } else {
        struct side_run run = {.name = path, .response_ns = &h, .bounds_ns = &bounds};
        error = intervals > 0 ? sides_add(sides, sides->count, &run)
                              : "it holds no interval without a tag, and is no JSON either";
        if (error)
            snprintf(message, message_bytes, "%s: %s", path, error);
    }
    histogram_free(&h);
    histogram_free(&bounds);
    return !error;
}

/* ---- files ---- */

bool sides_add_file(struct sides *sides, const char *path, double step, char *message,
                    size_t message_bytes)
{
    size_t bytes;
    char *text = whole_file_read(path, FILE_BYTES_MAX, &bytes);
    if (!text) {
        snprintf(message, message_bytes, "%s: %s", path, strerror(errno));
        return false;
    }
    struct ringsend_bytes all = {text, bytes};
    size_t space = 0;
    while (space < bytes && strchr(" \t\r\n", text[space]))
        space++;
    bool is_json = space < bytes && text[space] == '{';
    bool added = is_json ? add_json(sides, path, step, all, message, message_bytes)
                         : add_log(sides, path, all, message, message_bytes);
    free(text);
    return added;
}
