/* libFuzzer: an expression up to a line end, and behind that a body that it is about: a weight
 * within its bounds, or a refusal with its place. */
#include "base/check.h"
#include "base/cost.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static bool field(void *context, const char *column, struct ringsend_bytes *text)
{
    *text = *(struct ringsend_bytes *)context;
    return column[0] != '-';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static struct cost cost;
    char text[COST_BYTES_MAX + 2];
    size_t n = 0, column;
    uint32_t found;
    for (; n < bytes && n < sizeof text - 1 && data[n] != '\n' && data[n] != 0; n++)
        text[n] = (char)data[n];
    text[n] = '\0';
    const char *fault = cost_read(&cost, text, &column);
    CHECK(column >= 1 && column <= n + 1);
    if (fault)
        return 0;
    n += n < bytes;
    struct ringsend_bytes body = {(const char *)data + n, bytes - n};
    CHECK(cost_of(&cost, body, field, &body, &found) <= COST_MAX);
    CHECK(cost_of(&cost, body, NULL, NULL, &found) <= COST_MAX);
    CHECK(found <= COST_NODES_MAX);
    return 0;
}
