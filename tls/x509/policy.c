/* RFC 5280 keeps a tree of policies, which hostile certificates make grow without bounds. All that
 * is asked of it here is whether it has a leaf at the end, so one set does: the policies that the
 * next certificate may go on with. A policy is its OID's contents; "any" is kept apart. */
#include "tls/x509/policy.h"

enum {
    POLICIES_MAX = 128, /* of one certificate, and in a set */
};

struct set {
    struct der all[POLICIES_MAX];
    size_t count;
    bool any;
};

struct policies {
    struct set expected; /* as it leaves the last certificate; neither any nor others: dead */
    uint32_t explicit_in, mapping_in, any_in; /* certificates until they are required, forbidden */
};

static bool is_any(struct der policy)
{
    return der_equal(policy, DER_LITERAL("\x55\x1d\x20\x00")); /* 2.5.29.32.0 */
}

static bool set_has(const struct set *s, struct der policy)
{
    for (size_t i = 0; i < s->count; i++) {
        if (der_equal(s->all[i], policy))
            return true;
    }
    return false;
}

/* False: no room. */
static bool set_add(struct set *s, struct der policy)
{
    if (set_has(s, policy))
        return true;
    if (s->count == POLICIES_MAX)
        return false;
    s->all[s->count++] = policy;
    return true;
}

static bool set_is_empty(const struct set *s)
{
    return s->count == 0 && !s->any;
}

/* ---- One certificate ---- */

/* PolicyInformation: the OID, and qualifiers that concern people. */
static bool take_policy(struct der *list, struct der *policy)
{
    struct der information;
    return der_take(list, DER_SEQUENCE, &information) && der_take(&information, DER_OID, policy);
}

static bool take_mapping(struct der *list, struct der *from, struct der *to)
{
    struct der pair;
    return der_take(list, DER_SEQUENCE, &pair) && der_take(&pair, DER_OID, from) &&
           der_take(&pair, DER_OID, to) && pair.at == pair.end && !is_any(*from) && !is_any(*to);
}

/* 6.1.3 (d) and (e): what of the expected policies the certificate has. */
static bool keep_policies(struct policies *p, const struct cert *cert, bool any_counts)
{
    struct set now = {.count = 0};
    struct der list = cert->policies, policy;
    bool has_any = false;
    for (size_t i = 0; list.at < list.end; i++) {
        if (i == POLICIES_MAX || !take_policy(&list, &policy))
            return false;
        if (is_any(policy))
            has_any = true;
        else if ((p->expected.any || set_has(&p->expected, policy)) && !set_add(&now, policy))
            return false;
    }
    if (has_any && any_counts) {
        now.any = p->expected.any;
        for (size_t i = 0; i < p->expected.count; i++) {
            if (!set_add(&now, p->expected.all[i]))
                return false;
        }
    }
    p->expected = now;
    return true;
}

/* Is the policy the left side of a mapping? */
static bool is_mapped(struct der list, struct der policy)
{
    struct der from, to;
    while (take_mapping(&list, &from, &to)) {
        if (der_equal(from, policy))
            return true;
    }
    return false;
}

/* 6.1.4 (a) and (b): a policy that is mapped goes on as those it is mapped to, or not at all. */
static bool map_policies(struct policies *p, const struct cert *cert)
{
    struct set next = {.any = p->expected.any};
    struct der list = cert->mappings, from, to;
    for (size_t i = 0; list.at < list.end; i++) {
        if (i == POLICIES_MAX || !take_mapping(&list, &from, &to))
            return false;
        bool known = p->expected.any || set_has(&p->expected, from);
        if (p->mapping_in > 0 && known && !set_add(&next, to))
            return false;
    }
    for (size_t i = 0; i < p->expected.count; i++) {
        if (!is_mapped(cert->mappings, p->expected.all[i]) && !set_add(&next, p->expected.all[i]))
            return false;
    }
    p->expected = next;
    return true;
}

static void count_down(uint32_t *left)
{
    *left -= *left > 0;
}

static void lower(uint32_t *left, bool given, uint32_t to)
{
    if (given && to < *left)
        *left = to;
}

/* ---- The path ---- */

static bool is_required(const struct cert *const *path, size_t depth)
{
    for (size_t i = 0; i + 1 < depth; i++) {
        if (path[i]->requires_policy)
            return true;
    }
    return false;
}

enum policy_verdict policy_check(const struct cert *const *path, size_t depth)
{
    uint32_t far = (uint32_t)depth + 1;
    struct policies p = {
        .expected.any = true, .explicit_in = far, .mapping_in = far, .any_in = far};
    if (!is_required(path, depth))
        return POLICY_MET;
    for (size_t i = depth - 1; i-- > 0;) {
        const struct cert *cert = path[i];
        if (!keep_policies(&p, cert, p.any_in > 0 || (i > 0 && cert->self_issued)))
            return POLICY_BAD;
        if (p.explicit_in == 0 && set_is_empty(&p.expected))
            return POLICY_MISSING;
        if (i > 0 && !map_policies(&p, cert))
            return POLICY_BAD;
        if (i == 0 || !cert->self_issued) {
            count_down(&p.explicit_in);
            count_down(&p.mapping_in);
            count_down(&p.any_in);
        }
        /* Of the leaf only a requirement without delay counts: 6.1.5 (b). */
        lower(&p.explicit_in, cert->requires_policy && (i > 0 || cert->policy_in == 0),
              cert->policy_in);
        lower(&p.mapping_in, cert->inhibits_mapping, cert->mapping_in);
        lower(&p.any_in, cert->inhibits_any, cert->any_in);
    }
    return p.explicit_in == 0 && set_is_empty(&p.expected) ? POLICY_MISSING : POLICY_MET;
}
