/* The digest of a record is seeded with that of all before it. */
#include "records/digest.h"

#include "base/check.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

_Static_assert(sizeof(XXH64_state_t) <= sizeof((struct digest *)0)->state, "the state has room");

static XXH64_state_t *state_of(struct digest *d)
{
    if (!d->begun)
        XXH64_reset((XXH64_state_t *)d->state, d->value);
    d->begun = true;
    return (XXH64_state_t *)d->state;
}

void digest_init(struct digest *d, uint64_t start)
{
    d->value = start;
    d->begun = false;
}

void digest_add(struct digest *d, const void *data, size_t bytes)
{
    XXH64_update(state_of(d), data, bytes);
}

/* Most records come in one piece, for which no state is needed. */
void digest_end(struct digest *d, const void *data, size_t bytes)
{
    if (!d->begun && bytes > 0) {
        CHECK(data);
        d->value = XXH64(data, bytes, d->value);
        return;
    }
    if (bytes > 0)
        digest_add(d, data, bytes);
    d->value = XXH64_digest(state_of(d));
    d->begun = false;
}

void digest_drop(struct digest *d)
{
    d->begun = false;
}
