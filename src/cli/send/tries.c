#include "cli/send/tries.h"

#include "cli/notice.h"
#include "cli/terminal.h"
#include "cli/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ID_BYTES_MAX = 80, DETAIL_BYTES_MAX = 400 };

static struct ringsend_bytes shortened(struct ringsend_bytes text, size_t bytes_max)
{
    text.bytes = text.bytes < bytes_max ? text.bytes : bytes_max;
    return text;
}

/* "line 7, id "x"", with the file if there are several; for free, null: memory is out. */
static char *name_of(const struct result_line *line)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    if (!out)
        return NULL;
    if (line->file.bytes > 0) {
        terminal_print(out, shortened(line->file, DETAIL_BYTES_MAX));
        fputs(", ", out);
    }
    fprintf(out, "line %llu", (unsigned long long)line->line);
    if (line->id.bytes > 0) {
        fputs(", id ", out);
        terminal_print(out, shortened(line->id, ID_BYTES_MAX));
    }
    return fclose(out) == 0 ? text : NULL;
}

/* What it then waited for. */
static const char *reason(const struct ringsend_attempt *try)
{
    switch (try->wait) {
    case RINGSEND_WAIT_BACKOFF:
        return "between tries";
    case RINGSEND_WAIT_RETRY_AFTER:
        return "as the answer asked";
    case RINGSEND_WAIT_RATE:
        return "for --rate";
    case RINGSEND_WAIT_COST:
        return "for --cost-rate";
    case RINGSEND_WAIT_BUDGET:
        return "for --retry-budget";
    case RINGSEND_WAIT_PAUSE:
        return "as another answer asked";
    case RINGSEND_WAIT_NONE:
    case RINGSEND_WAIT_REDIRECT:
    case RINGSEND_WAIT_FREE:
    case RINGSEND_WAIT_COUNT:
        break;
    }
    return "for a connection";
}

static void show_try(const char *name, size_t number, const struct ringsend_attempt *try)
{
    char outcome[64], wait[96] = "";
    if (try->error != RINGSEND_OK)
        snprintf(outcome, sizeof outcome, "%s", ringsend_error_name(try->error));
    else
        snprintf(outcome, sizeof outcome, "status %d", try->status);
    if (try->wait != RINGSEND_WAIT_NONE)
        snprintf(wait, sizeof wait, ", then waited %s %s", duration_text(try->wait_ns).chars,
                 reason(try));
    notice("ringsend: %s: try %zu: %s in %s on a %s connection%s\n", name, number, outcome,
           duration_text(try->total_ns).chars, try->reused ? "kept" : "new", wait);
}

void tries_show(const struct result_line *line)
{
    char *name = name_of(line);
    if (!name)
        return;
    for (size_t i = 0; i < line->trace_count; i++)
        show_try(name, i + 1, &line->trace[i]);
    if (line->trace_count == 0)
        notice("ringsend: %s: no try: %s\n", name, ringsend_error_name(line->error));
    free(name);
}
