/* Path building and validation.
 *
 * Why not br_x509_minimal: it wants the chain in exact order, takes common names for host names,
 * knows no IP addresses, no extended usages, and refuses critical name constraints before anybody
 * can look at them. What would be left of it under a wrapper that mends all this is the comparison
 * of two names and a call to the signature check.
 *
 * The leaf is judged alone first (dates, usage, key, host): cheap, and most failures are there.
 * Then issuers are looked for depth first, by name and key identifier, anchors before what the peer
 * sent, so that the shortest trusted path is found first and expired cross-certificates do no harm.
 * A path that reaches an anchor is checked downwards: constraints, then signatures, the only
 * expensive step. Steps, signatures and comparisons have budgets, and with any of them the search
 * ends: a hostile chain costs bounded time. That of signatures is what one path of full length
 * needs; honest chains fail no check.
 *
 * When no path holds, the most telling failure is reported: of a path that reached an anchor, else
 * of an issuer that was found but may not sign, else that there is no trusted issuer. */
#include "tls/x509/path.h"

#include "base/check.h"
#include "tls/x509/dn.h"
#include "tls/x509/policy.h"

#include <stdio.h>
#include <time.h>

_Static_assert(PATH_SIGNATURES_MAX == PATH_CERTS_MAX - 1, "the longest path can be checked");

enum rank { RANK_NONE, RANK_NO_ISSUER, RANK_ISSUER, RANK_PATH };

struct walk {
    const struct trust *trust;
    const struct crypto *crypto;
    const struct cert *certs;
    size_t count;
    int64_t now_s;
    const struct cert *path[PATH_CERTS_MAX];
    uint32_t steps, signatures, comparisons; /* left */
    enum rank rank;                          /* of verdict->error */
    struct path_verdict *verdict;
};

static void note(struct walk *w, enum rank rank, enum ringsend_error error, const struct cert *cert,
                 const char *what)
{
    if (rank <= w->rank)
        return;
    char name[100];
    w->rank = rank;
    w->verdict->error = error;
    cert_describe(cert->subject, name, sizeof name);
    snprintf(w->verdict->detail, sizeof w->verdict->detail, "certificate \"%s\" %s", name, what);
}

static void note_date(struct walk *w, enum rank rank, enum ringsend_error error,
                      const struct cert *cert, const char *what, int64_t at_s)
{
    char text[64], day[16];
    struct tm tm;
    time_t at = (time_t)at_s;
    if (!gmtime_r(&at, &tm) || strftime(day, sizeof day, "%Y-%m-%d", &tm) == 0)
        memcpy(day, "?", 2);
    snprintf(text, sizeof text, "%s %s", what, day);
    note(w, rank, error, cert, text);
}

/* ---- One certificate ---- */

static bool check_dates(struct walk *w, enum rank rank, const struct cert *cert)
{
    if (w->now_s < cert->not_before_s)
        note_date(w, rank, RINGSEND_E_TLS_NOT_YET_VALID, cert, "is valid from", cert->not_before_s);
    else if (w->now_s > cert->not_after_s)
        note_date(w, rank, RINGSEND_E_TLS_EXPIRED, cert, "expired on", cert->not_after_s);
    else
        return true;
    return false;
}

/* RSA from 2048 bits; the curves that cert_read_key knows are all strong enough. */
static bool check_key(struct walk *w, enum rank rank, const struct cert *cert)
{
    const struct public_key *key = &cert->key;
    if (key->kind == KEY_UNKNOWN || !w->crypto->knows_key(key)) {
        note(w, rank, RINGSEND_E_TLS_ALGORITHM, cert, "has a key of a kind this build lacks");
        return false;
    }
    bool rsa = key->kind == KEY_RSA || key->kind == KEY_RSA_PSS;
    if (!rsa || der_bytes(key->n) > 256 || (der_bytes(key->n) == 256 && *key->n.at >= 0x80))
        return true;
    note(w, rank, RINGSEND_E_TLS_WEAK_KEY, cert, "has an RSA key of less than 2048 bits");
    return false;
}

/* What leaf and authorities have in common. */
static bool check_common(struct walk *w, enum rank rank, const struct cert *cert)
{
    if (!check_dates(w, rank, cert))
        return false;
    if (cert->unknown_critical)
        note(w, rank, RINGSEND_E_TLS_CRITICAL_EXTENSION, cert, "has an unknown critical extension");
    else if (cert->critical_key_id)
        note(w, rank, RINGSEND_E_TLS_CRITICAL_EXTENSION, cert,
             "has a key identifier that is critical, which it must not be");
    else if (cert->has_constraints && !constraints_are_sound(cert->constraints))
        note(w, rank, RINGSEND_E_TLS_BAD_CERTIFICATE, cert, "has malformed name constraints");
    else if (cert->has_constraints && !cert->is_ca)
        note(w, rank, RINGSEND_E_TLS_BAD_CERTIFICATE, cert,
             "has name constraints and is not an authority");
    else if (cert->has_extended_usage && !cert->for_servers)
        note(w, rank, RINGSEND_E_TLS_USAGE, cert, "is not for TLS servers (extended key usage)");
    else
        return check_key(w, rank, cert);
    return false;
}

/* The server proves its key by a signature (ECDHE), hence digitalSignature: RFC 5246 7.4.2. */
static bool check_leaf(struct walk *w, const struct host *host)
{
    const struct cert *leaf = w->path[0];
    if (!check_common(w, RANK_PATH, leaf))
        return false;
    if (leaf->has_usage && !(leaf->usage & CERT_USAGE_DIGITAL_SIGNATURE)) {
        note(w, RANK_PATH, RINGSEND_E_TLS_USAGE, leaf, "is not for signing (key usage)");
        return false;
    }
    if (host_matches(host, leaf))
        return true;
    char list[120];
    host_list(leaf, list, sizeof list);
    if (!list[0])
        snprintf(list, sizeof list, "%s",
                 leaf->has_names ? "other names"
                                 : "no name at all (its common name does not count)");
    w->rank = RANK_PATH;
    w->verdict->error = RINGSEND_E_TLS_WRONG_HOST;
    snprintf(w->verdict->detail, sizeof w->verdict->detail,
             "the certificate is for %s, not %s%.80s", list,
             host->address_bytes ? "IP:" : "DNS:", host->name);
    return false;
}

/* May it sign the certificate below it, w->path[depth - 1]? */
static bool check_authority(struct walk *w, const struct cert *cert, size_t depth, bool anchor)
{
    uint32_t between = 0; /* intermediates below it that count, RFC 5280 4.2.1.9 */
    for (size_t i = 1; i < depth; i++)
        between += !w->path[i]->self_issued;
    /* Old roots are of version 1 and cannot say that they are authorities; trust says it. */
    if (dn_is_empty(cert->subject) || dn_is_empty(cert->issuer))
        note(w, RANK_ISSUER, RINGSEND_E_TLS_BAD_CERTIFICATE, cert,
             "is an authority without a name of its own or of its issuer");
    else if (!cert->is_ca && !(anchor && cert->version_1 && cert->self_issued))
        note(w, RANK_ISSUER, RINGSEND_E_TLS_BAD_CHAIN, cert,
             "signs another one but is not an authority");
    else if (cert->has_usage && !(cert->usage & CERT_USAGE_CERT_SIGN))
        note(w, RANK_ISSUER, RINGSEND_E_TLS_USAGE, cert, "may not sign certificates (key usage)");
    else if (cert->has_path_length && between > cert->path_length)
        note(w, RANK_ISSUER, RINGSEND_E_TLS_BAD_CHAIN, cert, "has too many authorities below it");
    else
        return check_common(w, RANK_ISSUER, cert);
    return false;
}

/* ---- Signatures ---- */

/* DER, which not every library insists on: two positive numbers in their shortest form. */
static bool is_ecdsa_signature(struct der signature)
{
    struct der numbers, r, s;
    return der_take(&signature, DER_SEQUENCE, &numbers) && signature.at == signature.end &&
           der_take_unsigned(&numbers, &r) && der_take_unsigned(&numbers, &s) &&
           numbers.at == numbers.end;
}

static bool verify_signature(const struct walk *w, const struct cert *cert,
                             const struct public_key *key)
{
    return (cert->signature_kind != CERT_SIGNATURE_ECDSA || is_ecdsa_signature(cert->signature)) &&
           w->crypto->verify(cert, key);
}

static bool check_signatures(struct walk *w, size_t depth)
{
    for (size_t i = depth - 1; i > 0; i--) {
        const struct cert *cert = w->path[i - 1];
        if (w->signatures == 0) {
            note(w, RANK_PATH, RINGSEND_E_TLS_BAD_CHAIN, cert,
                 "needs more signature checks than allowed");
            w->steps = 0; /* nothing could be accepted any more */
            return false;
        }
        w->signatures--;
        if (!verify_signature(w, cert, &w->path[i]->key)) {
            note(w, RANK_PATH, RINGSEND_E_TLS_BAD_SIGNATURE, cert,
                 "has a signature that does not verify");
            return false;
        }
    }
    return true;
}

/* ---- A whole path ---- */

static bool check_names(struct walk *w, const struct cert *cert, struct der constraints)
{
    char text[200];
    const char *kind = "", *what = "";
    switch (constraints_check(constraints, cert, &w->comparisons, &kind)) {
    case CONSTRAINTS_ALLOW:
        return true;
    case CONSTRAINTS_REFUSE:
        what = "has a name its authority is not allowed to vouch for";
        break;
    case CONSTRAINTS_UNJUDGED:
        snprintf(text, sizeof text,
                 "has a name (%s) of a kind in which its authority is constrained, and constraints "
                 "of this kind are not understood here",
                 kind);
        what = text;
        break;
    case CONSTRAINTS_BAD:
        what = "is below an authority with malformed name constraints";
        break;
    case CONSTRAINTS_ENDLESS:
        w->steps = 0;
        what = "has more names, or its authorities more name constraints, than are compared";
        break;
    }
    note(w, RANK_PATH, RINGSEND_E_TLS_NAME_CONSTRAINT, cert, what);
    return false;
}

static bool check_constraints(struct walk *w, size_t depth)
{
    for (size_t i = 0; i < depth; i++) {
        const struct cert *cert = w->path[i];
        if (i > 0 && cert->self_issued)
            continue; /* RFC 5280 6.1.4 (b) */
        for (size_t j = i + 1; j < depth; j++) {
            if (w->path[j]->has_constraints && !check_names(w, cert, w->path[j]->constraints))
                return false;
        }
    }
    return true;
}

/* Behind the signatures, so that their budget bounds how often it is asked. */
static bool check_policies(struct walk *w, size_t depth)
{
    switch (policy_check(w->path, depth)) {
    case POLICY_MET:
        return true;
    case POLICY_MISSING:
        note(w, RANK_PATH, RINGSEND_E_TLS_BAD_CHAIN, w->path[0],
             "has no policy that holds along its chain, as an authority of it requires");
        return false;
    case POLICY_BAD:
        break;
    }
    note(w, RANK_PATH, RINGSEND_E_TLS_BAD_CHAIN, w->path[0],
         "must have a policy, and the policies of its chain are malformed or too many");
    return false;
}

/* path[depth - 1] is an anchor. */
static bool check_path(struct walk *w, size_t depth)
{
    /* The anchor's own signature proves nothing and is not looked at. */
    for (size_t i = 0; i + 1 < depth; i++) {
        const struct cert *cert = w->path[i];
        if (cert->signature_kind == CERT_SIGNATURE_WEAK) {
            note(w, RANK_PATH, RINGSEND_E_TLS_WEAK_SIGNATURE, cert, "is signed with MD5 or SHA-1");
            return false;
        }
        if (cert->signature_kind == CERT_SIGNATURE_UNKNOWN || !w->crypto->knows_signature(cert)) {
            note(w, RANK_PATH, RINGSEND_E_TLS_ALGORITHM, cert,
                 "is signed in a way this build lacks");
            return false;
        }
    }
    if (!check_constraints(w, depth) || !check_signatures(w, depth) || !check_policies(w, depth))
        return false;
    w->verdict->error = RINGSEND_OK;
    w->verdict->detail[0] = 0;
    w->verdict->not_after_s = INT64_MAX;
    for (size_t i = 0; i < depth; i++) {
        if (w->path[i]->not_after_s < w->verdict->not_after_s)
            w->verdict->not_after_s = w->path[i]->not_after_s;
    }
    return true;
}

/* By what costs nothing: a name that only hashes the same is told apart later. */
static bool may_have_issued(const struct cert *issuer, const struct cert *cert)
{
    if (issuer->subject_hash != cert->issuer_hash)
        return false;
    return der_bytes(issuer->key_id) == 0 || der_bytes(cert->issuer_key_id) == 0 ||
           der_equal(issuer->key_id, cert->issuer_key_id);
}

static bool is_in_path(const struct walk *w, const struct cert *cert, size_t depth)
{
    for (size_t i = 0; i < depth; i++) {
        if (w->path[i] == cert || der_equal(w->path[i]->whole, cert->whole))
            return true;
    }
    return false;
}

static bool extend(struct walk *w, size_t depth);

static bool try_issuer(struct walk *w, const struct cert *cert, size_t depth, bool anchor)
{
    if (!may_have_issued(cert, w->path[depth - 1]) || w->steps == 0)
        return false;
    w->steps--;
    if (!dn_equal(cert->subject, w->path[depth - 1]->issuer) || is_in_path(w, cert, depth))
        return false;
    if (!check_authority(w, cert, depth, anchor))
        return false;
    w->path[depth] = cert;
    return anchor ? check_path(w, depth + 1) : extend(w, depth + 1);
}

/* Recursion ends at PATH_CERTS_MAX. */
static bool extend(struct walk *w, size_t depth)
{
    const struct cert *last = w->path[depth - 1];
    if (depth == PATH_CERTS_MAX) {
        note(w, RANK_ISSUER, RINGSEND_E_TLS_BAD_CHAIN, last,
             "is the end of a path that is too long");
        return false;
    }
    for (size_t i = 0; i < w->trust->anchors_count; i++) {
        if (try_issuer(w, &w->trust->anchors[i], depth, true))
            return true;
    }
    for (size_t i = 1; i < w->count; i++) {
        if (try_issuer(w, &w->certs[i], depth, false))
            return true;
    }
    if (last->self_issued) {
        note(w, RANK_NO_ISSUER, RINGSEND_E_TLS_UNKNOWN_CA, last, "is self-signed and not trusted");
    } else {
        char issuer[100], what[140];
        cert_describe(last->issuer, issuer, sizeof issuer);
        snprintf(what, sizeof what, "is issued by \"%s\", which is not trusted", issuer);
        note(w, RANK_NO_ISSUER, RINGSEND_E_TLS_UNKNOWN_CA, last, what);
    }
    return false;
}

void path_tell_malformed(struct path_verdict *verdict, size_t count)
{
    size_t used = strlen(verdict->detail);
    if (count > 0 && verdict->error == RINGSEND_E_TLS_UNKNOWN_CA)
        snprintf(verdict->detail + used, sizeof verdict->detail - used,
                 "; %zu of the certificates that the server sent %s malformed", count,
                 count == 1 ? "is" : "are");
}

void path_verify(const struct trust *trust, const struct crypto *crypto, const struct cert *certs,
                 size_t count, const struct host *host, int64_t now_s, struct path_verdict *verdict)
{
    struct walk w = {.trust = trust,
                     .crypto = crypto,
                     .certs = certs,
                     .count = count,
                     .now_s = now_s,
                     .path = {&certs[0]},
                     .steps = PATH_STEPS_MAX,
                     .signatures = PATH_SIGNATURES_MAX,
                     .comparisons = PATH_COMPARISONS_MAX,
                     .verdict = verdict};
    CHECK(count > 0);
    verdict->error = RINGSEND_E_TLS_UNKNOWN_CA;
    verdict->detail[0] = 0;
    if (!check_leaf(&w, host))
        return;
    /* The very certificate is trusted: nobody need vouch for it. */
    for (size_t i = 0; i < trust->anchors_count; i++) {
        if (der_equal(trust->anchors[i].whole, certs[0].whole) && check_path(&w, 1))
            return;
    }
    extend(&w, 1);
}
