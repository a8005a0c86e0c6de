/* The bar's line is a row of items. Each has a rank; when they do not all fit, those of the lowest
 * rank are left out first, and the bar itself gets what is left over, if that is worth it. All is
 * ASCII: a byte is a column, but for the sequences that colour. */
#include "cli/send/progress_line.h"

#include "base/time.h"

#include <stdio.h>
#include <string.h>

enum {
    ITEMS = 7,
    ITEM_BYTES = 48,
    GAP = 2,
    BAR_LEAST = 10,
    BAR_MOST = 50,
};

#define RED "\x1b[31m"
#define PLAIN "\x1b[0m"

struct item {
    char text[ITEM_BYTES]; /* empty: it has nothing to say */
    unsigned rank;         /* 0: the last to be left out */
    bool is_bad;
    bool shown;
};

static unsigned percent_of(const struct progress_state *s)
{
    if (s->total == 0)
        return 0;
    return s->done >= s->total ? 100 : (unsigned)(100.0 * (double)s->done / (double)s->total);
}

/* "0:07", "12:34", "3:05:00", "12d 3h". */
static void write_clock(uint64_t ns, char *text, size_t bytes)
{
    unsigned long long s = (ns + NS_PER_S / 2) / NS_PER_S;
    if (s >= S_PER_DAY)
        snprintf(text, bytes, "%llud %lluh", s / S_PER_DAY, s % S_PER_DAY / S_PER_HOUR);
    else if (s >= S_PER_HOUR)
        snprintf(text, bytes, "%llu:%02llu:%02llu", s / S_PER_HOUR, s % S_PER_HOUR / S_PER_MINUTE,
                 s % S_PER_MINUTE);
    else
        snprintf(text, bytes, "%llu:%02llu", s / 60, s % 60);
}

static void write_rate(double rate, char *text, size_t bytes)
{
    snprintf(text, bytes, rate >= 10 || rate < 0.05 ? "%.0f/s" : "%.1f/s", rate);
}

static void fill_items(const struct progress_state *s, struct item items[ITEMS])
{
    unsigned long long done = s->done, total = s->total;
    char clock[24];
    struct item *i = items;
    *i = (struct item){.rank = 1};
    if (total > 0)
        snprintf(i->text, ITEM_BYTES, "%3u %%", percent_of(s));
    *++i = (struct item){.rank = 0};
    if (total > 0)
        snprintf(i->text, ITEM_BYTES, "%llu/%s%llu", done, s->total_is_estimate ? "~" : "", total);
    else
        snprintf(i->text, ITEM_BYTES, "%llu record%s", done, done == 1 ? "" : "s");
    *++i = (struct item){.rank = 4};
    write_rate(s->rate, i->text, ITEM_BYTES);
    *++i = (struct item){.rank = 5};
    snprintf(i->text, ITEM_BYTES, s->paused > 0 ? "paused" : "%u in flight", s->in_flight);
    *++i = (struct item){.rank = 6};
    if (s->retries > 0)
        snprintf(i->text, ITEM_BYTES, "%llu retr%s", (unsigned long long)s->retries,
                 s->retries == 1 ? "y" : "ies");
    *++i = (struct item){.rank = 2, .is_bad = true};
    if (s->failed > 0)
        snprintf(i->text, ITEM_BYTES, "%llu failed", (unsigned long long)s->failed);
    *++i = (struct item){.rank = 3};
    write_clock(s->left_ns, clock, sizeof clock);
    if (s->stopping)
        snprintf(i->text, ITEM_BYTES, "stopping");
    else if (s->left_ns != UINT64_MAX)
        snprintf(i->text, ITEM_BYTES, "ETA %s", clock);
}

/* Picks by rank as long as there is room; returns the columns used. */
static size_t pick_items(struct item items[ITEMS], size_t room)
{
    size_t used = 0;
    for (unsigned rank = 0; rank < ITEMS; rank++) {
        for (size_t i = 0; i < ITEMS; i++) {
            size_t wanted = strlen(items[i].text) + (used > 0 ? GAP : 0);
            if (items[i].rank != rank || !items[i].text[0])
                continue;
            if (used + wanted > room)
                return used;
            items[i].shown = true;
            used += wanted;
        }
    }
    return used;
}

struct writer {
    char *at, *end; /* one byte is kept for the NUL */
};

static void put(struct writer *w, const char *text, size_t bytes)
{
    if ((size_t)(w->end - w->at) < bytes)
        return;
    memcpy(w->at, text, bytes);
    w->at += bytes;
}

static void put_bar(struct writer *w, const struct progress_state *s, size_t columns)
{
    size_t inner = columns - 2;
    size_t filled = (size_t)((double)inner * percent_of(s) / 100);
    put(w, "[", 1);
    for (size_t i = 0; i < inner; i++)
        put(w, i < filled ? "=" : i == filled ? ">" : " ", 1);
    put(w, "]", 1);
}

void progress_bar(const struct progress_state *s, unsigned columns, bool colour, char *text,
                  size_t text_bytes)
{
    struct item items[ITEMS];
    struct writer w = {.at = text, .end = text + text_bytes - 1};
    size_t room = columns > 0 ? columns - 1 : 0;
    text[0] = '\0';
    fill_items(s, items);
    size_t used = pick_items(items, room);
    size_t left = room > used + GAP && used > 0 ? room - used - GAP : 0;
    if (s->total > 0 && left >= BAR_LEAST) {
        put_bar(&w, s, left < BAR_MOST ? left : BAR_MOST);
        put(&w, "  ", GAP);
    }
    bool first = true;
    for (size_t i = 0; i < ITEMS; i++) {
        if (!items[i].shown)
            continue;
        if (!first)
            put(&w, "  ", GAP);
        first = false;
        if (colour && items[i].is_bad)
            put(&w, RED, sizeof RED - 1);
        put(&w, items[i].text, strlen(items[i].text));
        if (colour && items[i].is_bad)
            put(&w, PLAIN, sizeof PLAIN - 1);
    }
    *w.at = '\0';
}

void progress_sentence(const struct progress_state *s, char *text, size_t text_bytes)
{
    char of[64] = "", percent[16] = "", rate[24], clock[24], left[48] = "", elapsed[24];
    write_rate(s->rate, rate, sizeof rate);
    write_clock(s->left_ns, clock, sizeof clock);
    write_clock(s->elapsed_ns, elapsed, sizeof elapsed);
    if (s->total > 0) {
        snprintf(of, sizeof of, " of %s%llu", s->total_is_estimate ? "about " : "",
                 (unsigned long long)s->total);
        snprintf(percent, sizeof percent, " (%u %%)", percent_of(s));
    }
    if (s->stopping)
        snprintf(left, sizeof left, ", stopping");
    else if (s->left_ns != UINT64_MAX)
        snprintf(left, sizeof left, ", about %s left", clock);
    snprintf(
        text, text_bytes, "%llu%s records%s in %s, %s, %u in flight, %llu retr%s, %llu failed%s%s",
        (unsigned long long)s->done, of, percent, elapsed, rate, s->in_flight,
        (unsigned long long)s->retries, s->retries == 1 ? "y" : "ies",
        (unsigned long long)s->failed, s->paused > 0 ? ", paused as the platform asked" : "", left);
}
