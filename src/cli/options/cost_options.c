#include "cli/options/cost_options.h"

#include "cli/options/values.h"

#include <stdlib.h>

static void read_cost(struct cost_options *o, const char *command, const char *text)
{
    size_t column;
    if (o->weights.count == RINGSEND_COSTS_MAX)
        usage_error(command, "--cost: at most %d of them", RINGSEND_COSTS_MAX);
    if (!o->costs)
        o->costs = calloc(RINGSEND_COSTS_MAX, sizeof *o->costs);
    if (!o->costs)
        usage_error(command, "memory is out");
    const char *fault = cost_read(&o->costs[o->weights.count], text, &column);
    if (fault)
        usage_error(command, "--cost %s: column %zu: %s", text, column, fault);
    o->texts[o->weights.count++] = text;
}

static void read_actual(const char *command, struct ringsend_cost *limit, const char *text)
{
    struct cost *cost = malloc(sizeof *cost);
    size_t column;
    if (!cost)
        usage_error(command, "memory is out");
    const char *fault = cost_read(cost, text, &column);
    if (!fault && cost_column(cost, 0))
        fault = "answers have no columns";
    if (fault)
        usage_error(command, "--cost-actual %s: column %zu: %s", text, column, fault);
    free(cost);
    limit->actual = text;
}

static void take_use(struct cost_options *o, const char *command, const struct option_use *use)
{
    enum option_id id = use->row->id;
    if (id == OPTION_COST)
        read_cost(o, command, use->text);
    if (id != OPTION_COST_RATE && id != OPTION_COST_BURST && id != OPTION_COST_ACTUAL)
        return;
    if (o->weights.count == 0)
        usage_error(command, "%s stands behind the --cost that it is about", option_long(id));
    size_t last = o->weights.count - 1;
    struct ringsend_cost *limit = &o->limits[last];
    if (id == OPTION_COST_RATE) {
        limit->count = use->rate.count;
        limit->per_ns = use->rate.per_ns;
        o->rate_texts[last] = use->text;
    } else if (id == OPTION_COST_BURST) {
        limit->burst = use->number;
    } else {
        read_actual(command, limit, use->text);
    }
}

void cost_options_take(struct cost_options *o, struct request_options *request,
                       const struct options *given)
{
    for (size_t i = 0; i < given->uses_count; i++)
        take_use(o, request->command, &given->uses[i]);
    for (size_t i = 0; i < o->weights.count; i++) {
        if (o->limits[i].count == 0)
            usage_error(request->command, "--cost %s: its limit is missing: --cost-rate N/T",
                        o->texts[i]);
    }
    o->weights.costs = o->costs;
    request->engine.costs = o->limits;
    request->engine.costs_count = o->weights.count;
}

void cost_options_finish(struct cost_options *o, const struct request_options *request,
                         enum format format, struct template_names *names)
{
    for (size_t i = 0; i < o->weights.count; i++) {
        const char *column;
        for (size_t n = 0; (column = cost_column(&o->costs[i], n)); n++) {
            if (!format_has_header(format))
                usage_error(request->command,
                            "--cost %s: these records have no columns, but values at paths of "
                            "their bodies, as .max_tokens",
                            o->texts[i]);
            if (!template_names_add(names, span_of(column)))
                usage_error(request->command, "--cost %s: there are too many columns", o->texts[i]);
            o->weights.names = names;
        }
    }
}

void cost_options_free(struct cost_options *o)
{
    free(o->costs);
    o->costs = NULL;
}
