#include "records/weigh.h"

#include "records/csv_row.h"

struct row_of {
    const struct template_names *names;
    const struct layout *layout;
    struct csv_row row;
};

/* The place of a column's name leads to the column. */
static bool find(void *context, const char *column, struct ringsend_bytes *text)
{
    struct row_of *r = context;
    int place = template_names_find(r->names, span_of(column));
    for (size_t i = 0; place >= 0 && i < r->layout->columns && i < csv_row_count(&r->row); i++) {
        if (r->layout->places[i] != place)
            continue;
        *text = csv_row_field(&r->row, i);
        return true;
    }
    return false;
}

bool weigh(const struct weights *weights, struct record *record, const struct layout *layout,
           struct buf_pool *pool)
{
    struct row_of of = {.names = weights->names, .layout = layout};
    struct ringsend_request *request = &record->request;
    bool has_row = weights->names && layout->places, all = true;
    size_t at;
    const char *why;
    if (has_row)
        has_row = csv_row_read(&of.row, pool,
                               (struct ringsend_bytes){record->line.data, record->line.bytes},
                               &layout->dialect, &at, &why) == CSV_ROW_READ;
    for (size_t i = 0; i < weights->count; i++) {
        uint32_t found;
        const struct cost *cost = &weights->costs[i];
        request->cost[i] = cost_of(cost, request->body, has_row ? find : NULL, &of, &found);
        all &= found > 0 || cost->sources_count == 0;
    }
    csv_row_release(&of.row, pool);
    return all;
}
