/* Predicates: judging a response by a compiled one.
 *
 * The body is read when the first path is asked for, once: the walk follows the tree of steps,
 * skips what no path leads to, and fills the slots. All of the body must be JSON, read leniently,
 * so the walk goes on to the end. Its recursion is bounded by the steps of the longest path. Of
 * repeated keys the last one counts, as with most readers of JSON.
 *
 * When it is not, nobody can tell what the values are: they are unknown, and so is what is made of
 * them, but for what holds or fails whatever they are (Kleene's logic: true || unknown is true).
 *
 * Nothing is allocated: strings stay where they stand in the body, escapes and all, and are
 * compared and searched piece by piece. */
#include "engine/predicate.h"

#include "base/check.h"
#include "base/decimal.h"
#include "base/json.h"
#include "engine/predicate_tree.h"

#include <stdio.h>

enum value_kind {
    VALUE_MISSING, /* like null, but it does not exist */
    VALUE_NULL,
    VALUE_FALSE,
    VALUE_TRUE,
    VALUE_NUMBER,
    VALUE_STRING,
    VALUE_CONTAINER, /* an object or array: equal to nothing */
    VALUE_UNKNOWN    /* of a body that cannot be read */
};

struct value {
    enum value_kind kind;
    struct json_string text; /* of numbers and strings */
    bool may_be_number;      /* a header's: all it can hold is text */
};

struct judging {
    const struct predicate *p;
    const struct predicate_view *view;
    bool body_read; /* the slots are filled, or there is a fault: */
    struct predicate_fault fault;
    struct json json;
    struct value slots[PREDICATE_SLOTS_MAX];
    char status[12]; /* its digits */
};

/* ---- Texts ---- */

struct pieces {
    struct json_text text;
    bool whole; /* one piece, where a backslash is a backslash */
};

static struct pieces pieces_of(struct json_string string)
{
    return (struct pieces){json_text_of(string), !string.escaped};
}

static bool next_piece(struct pieces *p, struct ringsend_bytes *piece)
{
    if (!p->whole)
        return json_text_next(&p->text, piece);
    *piece = (struct ringsend_bytes){p->text.at, (size_t)(p->text.end - p->text.at)};
    p->text.at = p->text.end;
    return piece->bytes > 0;
}

/* By bytes, and so by code points. */
static int compare_texts(struct json_string left, struct json_string right)
{
    struct pieces a = pieces_of(left), b = pieces_of(right);
    struct ringsend_bytes from_a = {0}, from_b = {0};
    for (;;) {
        bool more_a = from_a.bytes > 0 || next_piece(&a, &from_a);
        bool more_b = from_b.bytes > 0 || next_piece(&b, &from_b);
        if (!more_a || !more_b)
            return more_a - more_b;
        size_t bytes = from_a.bytes < from_b.bytes ? from_a.bytes : from_b.bytes;
        int order = memcmp(from_a.data, from_b.data, bytes);
        if (order != 0)
            return order;
        from_a.data += bytes;
        from_a.bytes -= bytes;
        from_b.data += bytes;
        from_b.bytes -= bytes;
    }
}

/* `matches` is explained at note_matches: after a byte that does not fit, as much of the needle's
 * start still stands before it. */
static bool text_contains(struct json_string text, struct ringsend_bytes needle,
                          const uint16_t *matches)
{
    struct pieces pieces = pieces_of(text);
    struct ringsend_bytes piece;
    size_t found = 0;
    if (needle.bytes == 0)
        return true;
    if (pieces.whole)
        return memmem(text.raw.data, text.raw.bytes, needle.data, needle.bytes) != NULL;
    while (next_piece(&pieces, &piece)) {
        for (size_t i = 0; i < piece.bytes; i++) {
            while (found > 0 && piece.data[i] != needle.data[found])
                found = matches[found - 1];
            if (piece.data[i] == needle.data[found])
                found++;
            if (found == needle.bytes)
                return true;
        }
    }
    return false;
}

/* ---- The body's values ---- */

static bool walk(struct judging *g, int step);

/* What an earlier member of the same name has left behind. */
static void forget(struct judging *g, int step)
{
    const struct predicate_step *s = &g->p->steps[step];
    if (s->slot != PREDICATE_NONE)
        g->slots[s->slot] = (struct value){0};
    for (int i = s->child; i != PREDICATE_NONE; i = g->p->steps[i].sibling)
        forget(g, i);
}

static bool walk_object(struct judging *g, const struct predicate_step *s)
{
    struct json_string key;
    if (!json_object(&g->json))
        return false;
    while (json_member(&g->json, &key)) {
        int next = s->child;
        for (; next != PREDICATE_NONE; next = g->p->steps[next].sibling)
            if (!g->p->steps[next].is_index &&
                compare_texts(key, (struct json_string){.raw = g->p->steps[next].key}) == 0)
                break;
        if (next != PREDICATE_NONE)
            forget(g, next);
        if (next != PREDICATE_NONE ? !walk(g, next) : !json_skip(&g->json, NULL))
            return false;
    }
    return !g->json.error;
}

static bool walk_array(struct judging *g, const struct predicate_step *s)
{
    if (!json_array(&g->json))
        return false;
    for (uint32_t index = 0; json_element(&g->json); index++) {
        int next = s->child;
        for (; next != PREDICATE_NONE; next = g->p->steps[next].sibling)
            if (g->p->steps[next].is_index && g->p->steps[next].index == index)
                break;
        if (next != PREDICATE_NONE ? !walk(g, next) : !json_skip(&g->json, NULL))
            return false;
    }
    return !g->json.error;
}

static struct value value_of(enum json_kind kind)
{
    static const enum value_kind kinds[] = {
        [JSON_NONE] = VALUE_MISSING,    [JSON_OBJECT] = VALUE_CONTAINER,
        [JSON_ARRAY] = VALUE_CONTAINER, [JSON_STRING] = VALUE_STRING,
        [JSON_NUMBER] = VALUE_NUMBER,   [JSON_TRUE] = VALUE_TRUE,
        [JSON_FALSE] = VALUE_FALSE,     [JSON_NULL] = VALUE_NULL,
    };
    return (struct value){.kind = kinds[kind]};
}

/* Takes the value that the step leads to. */
static bool walk(struct judging *g, int step)
{
    const struct predicate_step *s = &g->p->steps[step];
    enum json_kind kind = json_peek(&g->json);
    struct value value = value_of(kind);
    bool taken;
    if (kind == JSON_STRING)
        taken = json_string(&g->json, &value.text);
    else if (kind == JSON_NUMBER)
        taken = json_number(&g->json, &value.text.raw);
    else if (kind == JSON_OBJECT && s->child != PREDICATE_NONE)
        taken = walk_object(g, s);
    else if (kind == JSON_ARRAY && s->child != PREDICATE_NONE)
        taken = walk_array(g, s);
    else
        taken = json_skip(&g->json, NULL);
    if (s->slot != PREDICATE_NONE)
        g->slots[s->slot] = value;
    return taken;
}

/* It cannot be read. */
static void read_failed(struct judging *g, const char *text, size_t column)
{
    g->fault = (struct predicate_fault){text, column};
    for (int i = 0; i < g->p->slots_count; i++)
        g->slots[i] = (struct value){.kind = VALUE_UNKNOWN};
}

/* As tools on some systems write it by default. */
static bool is_utf_16(struct ringsend_bytes body)
{
    return body.bytes >= 2 &&
           (memcmp(body.data, "\xff\xfe", 2) == 0 || memcmp(body.data, "\xfe\xff", 2) == 0);
}

static void read_body(struct judging *g)
{
    const struct predicate_view *view = g->view;
    g->body_read = true;
    memset(g->slots, 0, (size_t)g->p->slots_count * sizeof *g->slots);
    if (view->unreadable) {
        read_failed(g, view->unreadable, 0);
    } else if (view->body.bytes == 0) {
        if (!view->empty_is_null)
            read_failed(g, "the body is empty", 0);
    } else if (is_utf_16(view->body)) {
        read_failed(g, "the body is UTF-16, which JSON is not", 0);
    } else {
        json_init_lenient(&g->json, view->body);
        if (!walk(g, 0) || !json_end(&g->json))
            read_failed(g, g->json.error, json_column(&g->json));
    }
}

/* ---- Operands ---- */

static struct value text_value(struct ringsend_bytes text)
{
    return (struct value){.kind = VALUE_STRING, .text = {.raw = text.bytes ? text : SPAN("")}};
}

static struct value number_value(struct ringsend_bytes digits)
{
    return (struct value){.kind = VALUE_NUMBER, .text = {.raw = digits}};
}

static struct value truth_value(bool truth)
{
    return (struct value){.kind = truth ? VALUE_TRUE : VALUE_FALSE};
}

static struct value status_value(struct judging *g)
{
    int bytes = snprintf(g->status, sizeof g->status, "%d", g->view->status);
    return number_value((struct ringsend_bytes){g->status, (size_t)bytes});
}

/* The first one of that name. */
static struct value header_value(const struct predicate_view *view, struct ringsend_bytes name)
{
    for (size_t i = 0; i < view->headers_count; i++) {
        const struct response_header *h = &view->headers[i];
        struct ringsend_bytes this_name = {view->header_text + h->name_at, h->name_bytes};
        if (!span_equal_nocase(this_name, name))
            continue;
        struct value value =
            text_value((struct ringsend_bytes){view->header_text + h->value_at, h->value_bytes});
        value.may_be_number = true;
        return value;
    }
    return (struct value){.kind = VALUE_MISSING};
}

static struct value unknown_value(void)
{
    return (struct value){.kind = VALUE_UNKNOWN};
}

static struct value body_value(struct judging *g)
{
    if (!g->view->unreadable)
        return text_value(g->view->body);
    g->fault = (struct predicate_fault){g->view->unreadable, 0};
    return unknown_value();
}

static struct value path_value(struct judging *g, int slot)
{
    if (!g->body_read)
        read_body(g);
    return g->slots[slot];
}

/* ---- Expressions ---- */

static struct value judge(struct judging *g, int node);

static enum predicate_truth truth_of(struct judging *g, int node)
{
    struct value value = judge(g, node);
    if (value.kind == VALUE_UNKNOWN)
        return PREDICATE_UNKNOWN;
    return value.kind > VALUE_FALSE ? PREDICATE_HOLDS : PREDICATE_FAILS;
}

/* Of && and ||: `decides` on either side is the outcome, whatever the other one is. */
static struct value judge_both(struct judging *g, const struct predicate_node *n,
                               enum predicate_truth decides)
{
    enum predicate_truth left = truth_of(g, n->left);
    if (left == decides)
        return truth_value(decides == PREDICATE_HOLDS);
    enum predicate_truth right = truth_of(g, n->right);
    if (right == decides)
        return truth_value(decides == PREDICATE_HOLDS);
    if (left == PREDICATE_UNKNOWN || right == PREDICATE_UNKNOWN)
        return unknown_value();
    return truth_value(decides != PREDICATE_HOLDS);
}

static struct value judge_not(struct judging *g, const struct predicate_node *n)
{
    enum predicate_truth truth = truth_of(g, n->left);
    return truth == PREDICATE_UNKNOWN ? unknown_value() : truth_value(truth == PREDICATE_FAILS);
}

/* A header's text stands for a number where it is compared with one. */
static void settle_kinds(struct value *a, struct value *b)
{
    if (a->may_be_number && b->kind == VALUE_NUMBER && decimal_is_valid(a->text.raw))
        a->kind = VALUE_NUMBER;
    if (a->kind == VALUE_MISSING)
        a->kind = VALUE_NULL;
}

static bool order_is(enum predicate_kind relation, int order)
{
    switch ((int)relation) {
    case NODE_LESS:
        return order < 0;
    case NODE_LESS_EQUAL:
        return order <= 0;
    case NODE_GREATER:
        return order > 0;
    case NODE_GREATER_EQUAL:
        return order >= 0;
    case NODE_EQUAL:
        return order == 0;
    case NODE_UNEQUAL:
        return order != 0;
    }
    UNREACHABLE("relation");
}

/* Values of different kinds are unequal, and neither is less. */
static bool relation_holds(enum predicate_kind relation, struct value a, struct value b)
{
    settle_kinds(&a, &b);
    settle_kinds(&b, &a);
    if (a.kind != b.kind || a.kind == VALUE_CONTAINER)
        return relation == NODE_UNEQUAL;
    if (a.kind == VALUE_NUMBER)
        return order_is(relation, decimal_compare(a.text.raw, b.text.raw));
    if (a.kind == VALUE_STRING)
        return order_is(relation, compare_texts(a.text, b.text));
    return relation == NODE_EQUAL;
}

static struct value compare(struct judging *g, const struct predicate_node *n)
{
    struct value a = judge(g, n->left), b = judge(g, n->right);
    if (a.kind == VALUE_UNKNOWN || b.kind == VALUE_UNKNOWN)
        return unknown_value();
    return truth_value(relation_holds(n->kind, a, b));
}

static struct value contains(struct judging *g, const struct predicate_node *n)
{
    const struct predicate *p = g->p;
    struct value text = judge(g, n->left);
    struct ringsend_bytes needle = p->nodes[n->right].text;
    if (text.kind == VALUE_UNKNOWN)
        return text;
    return truth_value(text.kind == VALUE_STRING &&
                       text_contains(text.text, needle, p->matches + (needle.data - p->decoded)));
}

static struct value exists(struct judging *g, const struct predicate_node *n)
{
    struct value value = judge(g, n->left);
    return value.kind == VALUE_UNKNOWN ? value : truth_value(value.kind != VALUE_MISSING);
}

static struct value judge(struct judging *g, int node)
{
    const struct predicate_node *n = &g->p->nodes[node];
    switch (n->kind) {
    case NODE_OR:
        return judge_both(g, n, PREDICATE_HOLDS);
    case NODE_AND:
        return judge_both(g, n, PREDICATE_FAILS);
    case NODE_NOT:
        return judge_not(g, n);
    case NODE_EQUAL:
    case NODE_UNEQUAL:
    case NODE_LESS:
    case NODE_LESS_EQUAL:
    case NODE_GREATER:
    case NODE_GREATER_EQUAL:
        return compare(g, n);
    case NODE_CONTAINS:
        return contains(g, n);
    case NODE_EXISTS:
        return exists(g, n);
    case NODE_NULL:
        return (struct value){.kind = VALUE_NULL};
    case NODE_FALSE:
    case NODE_TRUE:
        return truth_value(n->kind == NODE_TRUE);
    case NODE_NUMBER:
        return number_value(n->text);
    case NODE_STRING:
        return text_value(n->text);
    case NODE_STATUS:
        return status_value(g);
    case NODE_BODY:
        return body_value(g);
    case NODE_HEADER:
        return header_value(g->view, n->text);
    case NODE_PATH:
        return path_value(g, n->slot);
    }
    UNREACHABLE("predicate node");
}

enum predicate_truth predicate_judge(const struct predicate *p, const struct predicate_view *view,
                                     struct predicate_fault *fault)
{
    struct judging g;
    g.p = p;
    g.view = view;
    g.body_read = false;
    enum predicate_truth truth = truth_of(&g, p->root);
    if (truth == PREDICATE_UNKNOWN)
        *fault = g.fault;
    return truth;
}
