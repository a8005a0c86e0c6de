#include "http/response_hints.h"

#include "base/check.h"

/* Any bytes as the value of a header with hints; the first one chooses the header. What is
 * understood is within the bounds that waiting is reckoned with. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct response_hints a = {0};
    if (bytes == 0)
        return 0;
    enum hint_kind kind = (enum hint_kind)(data[0] % (HINT_LIMIT + 1));
    response_hints_read(&a, kind, (struct ringsend_bytes){(const char *)data + 1, bytes - 1});
    CHECK(!a.has_keep_alive_s || kind == HINT_KEEP_ALIVE);
    CHECK(!a.has_retry_after || kind == HINT_RETRY_AFTER);
    CHECK(!a.used_up || kind == HINT_REMAINING || (kind == HINT_LIMIT && a.has_reset));
    CHECK(!a.has_reset || (a.reset_s >= 0 && a.reset_s <= INT64_C(1) << 52));
    CHECK(!a.has_retry_after || a.retry_after_is_date || a.retry_after_s <= INT64_C(1) << 31);
    CHECK(a.keep_alive_s <= 1u << 31);
    return 0;
}
