#include "bench/heat.h"

#include "base/time.h"

bool heat_init(struct heat *heat)
{
    *heat = (struct heat){.column_ns = NS_PER_S / 10};
    for (size_t i = 0; i < HEAT_COLUMNS; i++) {
        if (!histogram_init(&heat->all[i], HEAT_PRECISION)) {
            heat_free(heat);
            return false;
        }
    }
    return true;
}

void heat_free(struct heat *heat)
{
    for (size_t i = 0; i < HEAT_COLUMNS; i++)
        histogram_free(&heat->all[i]);
    *heat = (struct heat){0};
}

/* Tens of microseconds, a handful of times in a run. */
static void widen(struct heat *heat)
{
    size_t factor = heat->merges++ % 2 == 0 ? 2 : 5;
    for (size_t i = 1; i < heat->columns; i++) {
        histogram_merge(&heat->all[i / factor], &heat->all[i]);
        histogram_clear(&heat->all[i]);
    }
    heat->columns = (heat->columns + factor - 1) / factor;
    heat->column_ns *= factor;
}

static struct histogram *column_at(struct heat *heat, uint64_t at_ns)
{
    while (at_ns / heat->column_ns >= HEAT_COLUMNS)
        widen(heat);
    size_t column = at_ns / heat->column_ns;
    if (column >= heat->columns)
        heat->columns = column + 1;
    return &heat->all[column];
}

void heat_add(struct heat *heat, uint64_t at_ns, uint64_t response_ns)
{
    histogram_add(column_at(heat, at_ns), response_ns);
}

void heat_merge(struct heat *into, const struct heat *from)
{
    while (into->column_ns < from->column_ns)
        widen(into);
    for (size_t i = 0; i < from->columns; i++)
        histogram_merge(column_at(into, i * from->column_ns), &from->all[i]);
}
