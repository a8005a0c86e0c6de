#include "http/response_hints.h"

#include "base/check.h"
#include "http/when.h"

/* Any bytes as the value of a header with hints; the first one chooses the header. What is
 * understood is within the bounds that waiting is reckoned with. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct response_hints a = {0};
    if (bytes == 0)
        return 0;
    struct hint hint = {data[0] % (HINT_RESET_AFTER + 1), 0};
    struct ringsend_bytes value = {(const char *)data + 1, bytes - 1};
    response_hints_read(&a, hint, value);
    struct retry_hint wish = response_hints_retry(&a, data[0] & 0x80);
    CHECK(!a.has_keep_alive_s || hint.kind == HINT_KEEP_ALIVE);
    CHECK(a.keep_alive_s <= 1u << 31);
    CHECK(wish.after.ms >= 0 && wish.after.ms <= WHEN_MS_MAX);
    CHECK(wish.reset.ms >= 0 && wish.reset.ms <= WHEN_MS_MAX);
    CHECK(wish.after.date_ms >= 0 && wish.after.date_ms < INT64_C(1) << 48);
    CHECK(wish.reset.date_ms >= 0 && wish.reset.date_ms < INT64_C(1) << 48);
    CHECK(a.limits_count <= LIMITS_MAX);
    CHECK(hint_of(value).kind <= HINT_RESET_AFTER);
    return 0;
}
