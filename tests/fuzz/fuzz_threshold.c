/* libFuzzer: any bytes as a threshold: one that can be checked, or a refusal with its place. */
#include "base/check.h"
#include "bench/threshold.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct threshold t;
    struct threshold_error error = {0};
    if (!threshold_parse((struct ringsend_bytes){(const char *)data, bytes}, &t, &error)) {
        CHECK(error.column >= 1 && error.column <= bytes + 1 && error.says);
        return 0;
    }
    CHECK(t.quantile >= 0 && t.quantile <= 1 && t.limit >= 0);
    CHECK(t.subject >= THRESHOLD_ERRORS || t.quantile > 0);
    CHECK((t.subject != THRESHOLD_ERRORS_SHARE && t.subject != THRESHOLD_RATE_SHARE) ||
          t.limit <= 1);
    return 0;
}
