#include "cli/credentials/signer.h"

static enum ringsend_error add(struct credentials *c, const struct head *head,
                               struct ringsend_bytes body, int64_t wall_s, struct buf_pool *pool,
                               struct buf *out, uint16_t *generation)
{
    const struct signer *signer = (const struct signer *)(const void *)c;
    *generation = 0;
    return sigv4_write(&signer->keys, head, body, wall_s, pool, out) ? RINGSEND_OK
                                                                     : RINGSEND_E_NO_MEMORY;
}

void signer_init(struct signer *signer, const struct sigv4 *keys)
{
    *signer = (struct signer){.credentials = {.add = add}, .keys = *keys};
}
