/* Takes a peer's certificates apart and has the path to a trusted one looked for; or, when the user
 * wants none of it, looks for the key alone, which the handshake cannot do without. */
#include "tls/judge.h"

#include "tls/x509/form.h"

const char chain_too_long[] = "the server sends more than 64 certificates or 128 KiB of them";
const char chain_malformed[] = "what the server sends as a certificate has not the form of one";

static void judge_insecurely(const struct crypto *crypto, struct der first, struct public_key *key,
                             struct path_verdict *verdict)
{
    if (!cert_parse_key(first, key))
        verdict->error = RINGSEND_E_TLS_BAD_CERTIFICATE;
    else if (key->kind == KEY_UNKNOWN || !crypto->knows_key(key))
        verdict->error = RINGSEND_E_TLS_ALGORITHM;
    verdict->not_after_s = INT64_MAX;
}

void chain_judge(const struct tls_config *config, const struct crypto *crypto,
                 const struct host *host, const struct der *chain, size_t count,
                 struct public_key *key, struct path_verdict *verdict)
{
    struct cert certs[CHAIN_CERTS_MAX];
    size_t used = 1;
    *verdict = (struct path_verdict){0};
    for (size_t i = 0; i < count; i++) {
        if (!cert_has_form(chain[i])) {
            verdict->error = RINGSEND_E_TLS_BAD_CERTIFICATE;
            memcpy(verdict->detail, chain_malformed, sizeof chain_malformed);
            return;
        }
    }
    if (config->insecure && count > 0) {
        judge_insecurely(crypto, chain[0], key, verdict);
        return;
    }
    if (count == 0 || !cert_parse(chain[0], &certs[0])) {
        verdict->error = RINGSEND_E_TLS_BAD_CERTIFICATE;
        return;
    }
    /* Others may say what nobody can understand; only what can be read may help. */
    for (size_t i = 1; i < count; i++) {
        if (cert_parse(chain[i], &certs[used]))
            used++;
    }
    path_verify(&config->trust, crypto, certs, used, host, config_now_s(config), verdict);
    path_tell_malformed(verdict, count - used);
    *key = certs[0].key;
}
