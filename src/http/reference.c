/* Both texts are cut into the five parts of RFC 3986 3, by the expression of its appendix B; then
 * the table of 5.2.2 says which part is whose. Dots are taken out of the path as it is written,
 * segment by segment: what 5.2.4 does with two buffers. */
#include "http/reference.h"

#include "base/check.h"
#include "http/fields.h"

#include <stdbool.h>
#include <string.h>

/* Of a part that is absent data is null; an empty one is there. */
struct parts {
    struct ringsend_bytes scheme, authority, path, query, fragment;
};

/* How many bytes come before any of `ends`. */
static size_t until(struct ringsend_bytes text, const char *ends)
{
    size_t n = 0;
    while (n < text.bytes && !(text.data[n] && strchr(ends, text.data[n])))
        n++;
    return n;
}

static struct ringsend_bytes take(struct ringsend_bytes *rest, size_t bytes)
{
    struct ringsend_bytes taken = {rest->data, bytes};
    CHECK(bytes <= rest->bytes);
    rest->data += bytes;
    rest->bytes -= bytes;
    return taken;
}

/* RFC 3986 3.1: a letter, and letters, digits, '+', '-' and '.' up to the colon. */
static bool is_scheme(struct ringsend_bytes text)
{
    if (text.bytes == 0 || !is_letter(text.data[0]))
        return false;
    for (size_t i = 0; i < text.bytes; i++) {
        char c = text.data[i];
        if (!is_letter(c) && !is_digit(c) && c != '+' && c != '-' && c != '.')
            return false;
    }
    return true;
}

static struct parts cut(struct ringsend_bytes text)
{
    struct parts parts = {0};
    struct ringsend_bytes rest = {text.data ? text.data : "", text.bytes};
    size_t scheme = until(rest, ":/?#");
    if (scheme < rest.bytes && rest.data[scheme] == ':' &&
        is_scheme((struct ringsend_bytes){rest.data, scheme})) {
        parts.scheme = take(&rest, scheme);
        take(&rest, 1);
    }
    if (rest.bytes >= 2 && rest.data[0] == '/' && rest.data[1] == '/') {
        take(&rest, 2);
        parts.authority = take(&rest, until(rest, "/?#"));
    }
    parts.path = take(&rest, until(rest, "?#"));
    if (rest.bytes > 0 && rest.data[0] == '?') {
        take(&rest, 1);
        parts.query = take(&rest, until(rest, "#"));
    }
    if (rest.bytes > 0) {
        take(&rest, 1);
        parts.fragment = rest;
    }
    return parts;
}

static char *put(char *out, struct ringsend_bytes text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.bytes; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c != ' ' && c < 0x7f) {
            *out++ = (char)c;
            continue;
        }
        *out++ = '%';
        *out++ = digits[c >> 4];
        *out++ = digits[c & 15];
    }
    return out;
}

/* Back to before the last segment of what has been written, with the slash before it. */
static char *drop_segment(const char *path, char *out)
{
    while (out > path && *--out != '/') {
    }
    return out;
}

/* A path behind one that ends here: "." and ".." as segments have their meaning. `path` is where
 * the whole begins. */
static char *put_segments(const char *path, char *out, struct ringsend_bytes rest)
{
    while (rest.bytes > 0) {
        struct ringsend_bytes slash = take(&rest, rest.data[0] == '/');
        struct ringsend_bytes segment = take(&rest, until(rest, "/"));
        bool dots = span_equal(segment, SPAN("..")), dot = span_equal(segment, SPAN("."));
        bool is_last = rest.bytes == 0;
        if (dots)
            out = drop_segment(path, out);
        if (!dots && !dot)
            out = put(put(out, slash), segment);
        else if (is_last && slash.bytes > 0) /* of "/a/.." the slash stays */
            *out++ = '/';
    }
    return out;
}

/* The path of base up to its last slash, which the reference brings along or has put before it. */
static char *put_merged(char *out, const struct parts *base, struct ringsend_bytes path)
{
    const char *start = out;
    struct ringsend_bytes before = base->path;
    while (before.bytes > 0 && before.data[before.bytes - 1] != '/')
        before.bytes--;
    before.bytes -= before.bytes > 0;
    out = put_segments(start, out, before);
    size_t first = until(path, "/");
    struct ringsend_bytes segment = take(&path, first);
    bool dots = span_equal(segment, SPAN("..")), dot = span_equal(segment, SPAN("."));
    if (dots)
        out = drop_segment(start, out);
    if (!dots && !dot) {
        *out++ = '/';
        out = put(out, segment);
    } else if (path.bytes == 0) {
        *out++ = '/';
    }
    return put_segments(start, out, path);
}

size_t reference_resolve(struct ringsend_bytes base, struct ringsend_bytes reference, char *out)
{
    struct parts b = cut(base), r = cut(reference);
    const char *begin = out;
    struct ringsend_bytes query = r.query, fragment = r.fragment.data ? r.fragment : b.fragment;
    bool absolute = r.scheme.data, own = absolute || r.authority.data;
    CHECK(b.scheme.data);
    out = put(put(out, absolute ? r.scheme : b.scheme), SPAN(":"));
    struct ringsend_bytes authority = own ? r.authority : b.authority;
    if (authority.data)
        out = put(put(out, SPAN("//")), authority);
    if (own || (r.path.bytes > 0 && r.path.data[0] == '/')) {
        out = put_segments(out, out, r.path);
    } else if (r.path.bytes > 0) {
        out = put_merged(out, &b, r.path);
    } else {
        out = put(out, b.path);
        query = query.data ? query : b.query;
    }
    if (query.data)
        out = put(put(out, SPAN("?")), query);
    if (fragment.data)
        out = put(put(out, SPAN("#")), fragment);
    CHECK((size_t)(out - begin) <= reference_room(base, reference));
    return (size_t)(out - begin);
}
