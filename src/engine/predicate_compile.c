/* Predicates: from text to tree, by recursive descent.
 *
 *   either   = both { "||" both }
 *   both     = one { "&&" one }
 *   one      = "!" operand | operand [ relation operand | "contains" string ]
 *   relation = "==" | "!=" | "<" | "<=" | ">" | ">="
 *   operand  = "(" either ")" | path | string | number | "true" | "false" | "null" | "status"
 *            | "body" | "header" "(" string ")" | "exists" "(" path ")"
 *   path     = "." | first { "." key | "[" ( number | string ) "]" }, first = "." key | ".["...
 *   key      = string | letter or "_" { letter | digit | "_" | "-" }
 *
 * Strings and numbers are JSON's. Everything lies in arrays of fixed size inside the one struct;
 * what does not fit is refused. The first error sticks. */
#include "engine/predicate.h"
#include "engine/predicate_tree.h"

#include "base/json.h"

#include <stdio.h>
#include <string.h>

struct compiler {
    struct predicate *p;
    const char *at, *end;
    size_t decoded_bytes;
    unsigned depth;
    const char *error; /* static text; null exactly while all is well */
    const char *error_at;
};

static int parse_either(struct compiler *c);

static int refuse_at(struct compiler *c, const char *at, const char *error)
{
    if (!c->error) {
        c->error = error;
        c->error_at = at;
    }
    return PREDICATE_NONE;
}

static int refuse(struct compiler *c, const char *error)
{
    return refuse_at(c, c->at, error);
}

/* ---- Words and signs ---- */

static bool is_word_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The first byte that is not white space, 0 at the end. */
static char peek(struct compiler *c)
{
    while (c->at < c->end && strchr(" \t\r\n", *c->at))
        c->at++;
    return c->at < c->end ? *c->at : '\0';
}

static bool take(struct compiler *c, const char *sign)
{
    size_t bytes = strlen(sign);
    peek(c);
    if ((size_t)(c->end - c->at) < bytes || memcmp(c->at, sign, bytes) != 0)
        return false;
    c->at += bytes;
    return true;
}

static bool expect(struct compiler *c, const char *sign, const char *error)
{
    if (!c->error && take(c, sign))
        return true;
    refuse(c, error);
    return false;
}

/* The word that comes next, without taking it; empty when there is none. */
static struct ringsend_bytes peek_word(struct compiler *c)
{
    const char *end = c->at;
    if (is_word_start(peek(c)))
        for (end = c->at; end < c->end && (is_word_start(*end) || is_digit(*end));)
            end++;
    return (struct ringsend_bytes){c->at, end > c->at ? (size_t)(end - c->at) : 0};
}

/* ---- Values ---- */

static int new_node(struct compiler *c, struct predicate_node node)
{
    if (c->error)
        return PREDICATE_NONE;
    if (c->p->nodes_count == PREDICATE_NODES_MAX)
        return refuse(c, "the expression has more than 128 parts");
    c->p->wants_body |= node.kind == NODE_BODY || node.kind == NODE_PATH;
    c->p->nodes[c->p->nodes_count] = node;
    return c->p->nodes_count++;
}

/* Reads a JSON string, decoded, into *text. */
static bool take_string(struct compiler *c, struct ringsend_bytes *text)
{
    struct json j;
    struct json_string string;
    peek(c);
    json_init(&j, (struct ringsend_bytes){c->at, (size_t)(c->end - c->at)});
    if (!json_string(&j, &string)) {
        refuse_at(c, j.at, j.error);
        return false;
    }
    c->at = j.at;
    char *out = c->p->decoded + c->decoded_bytes;
    *text = (struct ringsend_bytes){out, json_decode(string, out)};
    c->decoded_bytes += text->bytes;
    return true;
}

static bool take_number(struct compiler *c, struct ringsend_bytes *text)
{
    struct json j;
    json_init(&j, (struct ringsend_bytes){c->at, (size_t)(c->end - c->at)});
    if (!json_number(&j, text)) {
        refuse_at(c, j.at, j.error);
        return false;
    }
    c->at = j.at;
    return true;
}

/* ---- Paths ---- */

static bool is_same_step(const struct predicate_step *a, const struct predicate_step *b)
{
    return a->is_index == b->is_index && a->index == b->index && span_equal(a->key, b->key);
}

/* The step behind `parent` that is as `wanted`, made if need be. */
static int step_into(struct compiler *c, int parent, struct predicate_step wanted)
{
    struct predicate *p = c->p;
    for (int i = p->steps[parent].child; i != PREDICATE_NONE; i = p->steps[i].sibling)
        if (is_same_step(&p->steps[i], &wanted))
            return i;
    if (p->steps_count == PREDICATE_STEPS_MAX)
        return refuse(c, "the paths have more than 127 steps");
    wanted.child = wanted.slot = PREDICATE_NONE;
    wanted.sibling = p->steps[parent].child;
    p->steps[p->steps_count] = wanted;
    p->steps[parent].child = (int16_t)p->steps_count;
    return p->steps_count++;
}

static int parse_key(struct compiler *c, int parent)
{
    struct predicate_step step = {0};
    if (c->at < c->end && *c->at == '"') {
        if (!take_string(c, &step.key))
            return PREDICATE_NONE;
        return step_into(c, parent, step);
    }
    const char *start = c->at;
    while (c->at < c->end && (is_word_start(*c->at) || is_digit(*c->at) || *c->at == '-'))
        c->at++;
    step.key = (struct ringsend_bytes){start, (size_t)(c->at - start)};
    return step_into(c, parent, step);
}

/* Behind the bracket. */
static int parse_subscript(struct compiler *c, int parent)
{
    struct predicate_step step = {0};
    if (peek(c) == '"') {
        if (!take_string(c, &step.key))
            return PREDICATE_NONE;
    } else {
        const char *start = c->at;
        step.is_index = true;
        for (; c->at < c->end && is_digit(*c->at) && c->at - start < 9; c->at++)
            step.index = step.index * 10 + (uint32_t)(*c->at - '0');
        if (c->at == start)
            return refuse(c, "expected an element's number (from 0) or a key in double quotes");
    }
    if (!expect(c, "]", "expected ']'"))
        return PREDICATE_NONE;
    return step_into(c, parent, step);
}

static bool key_follows(const struct compiler *c)
{
    return c->at < c->end && (is_word_start(*c->at) || *c->at == '"');
}

/* Behind the path's first dot. No white space is taken inside, but in brackets. */
static int parse_path(struct compiler *c)
{
    struct predicate *p = c->p;
    int step = 0;
    if (key_follows(c))
        step = parse_key(c, step);
    while (step != PREDICATE_NONE && c->at < c->end) {
        if (*c->at == '[') {
            c->at++;
            step = parse_subscript(c, step);
        } else if (*c->at == '.') {
            c->at++;
            step = key_follows(c)
                       ? parse_key(c, step)
                       : refuse(c, "expected a key; odd ones stand in double quotes: .\"odd key\"");
        } else {
            break;
        }
    }
    if (step == PREDICATE_NONE)
        return PREDICATE_NONE;
    if (p->steps[step].slot == PREDICATE_NONE) {
        if (p->slots_count == PREDICATE_SLOTS_MAX)
            return refuse(c, "more than 32 different paths");
        p->steps[step].slot = (int16_t)p->slots_count++;
    }
    return new_node(c, (struct predicate_node){.kind = NODE_PATH, .slot = p->steps[step].slot});
}

/* ---- Expressions ---- */

static int parse_header(struct compiler *c)
{
    struct predicate_node node = {.kind = NODE_HEADER};
    static const char wanted[] = "expected the header's name, as in header(\"x-state\")";
    if (!expect(c, "(", wanted))
        return PREDICATE_NONE;
    if (peek(c) != '"')
        return refuse(c, wanted);
    if (!take_string(c, &node.text) || !expect(c, ")", "expected ')'"))
        return PREDICATE_NONE;
    c->p->wants_headers = true;
    return new_node(c, node);
}

static int parse_exists(struct compiler *c)
{
    static const char wanted[] = "expected a path, as in exists(.error)";
    if (!expect(c, "(", wanted) || !expect(c, ".", wanted))
        return PREDICATE_NONE;
    int path = parse_path(c);
    if (!expect(c, ")", "expected ')'"))
        return PREDICATE_NONE;
    return new_node(c, (struct predicate_node){.kind = NODE_EXISTS, .left = (int16_t)path});
}

static int parse_word(struct compiler *c)
{
    static const struct {
        struct ringsend_bytes word;
        enum predicate_kind kind;
    } words[] = {
        {{"null", 4}, NODE_NULL},     {{"false", 5}, NODE_FALSE}, {{"true", 4}, NODE_TRUE},
        {{"status", 6}, NODE_STATUS}, {{"body", 4}, NODE_BODY},   {{"header", 6}, NODE_HEADER},
        {{"exists", 6}, NODE_EXISTS},
    };
    struct ringsend_bytes word = peek_word(c);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!span_equal(word, words[i].word))
            continue;
        c->at += word.bytes;
        if (words[i].kind == NODE_HEADER)
            return parse_header(c);
        if (words[i].kind == NODE_EXISTS)
            return parse_exists(c);
        return new_node(c, (struct predicate_node){.kind = words[i].kind});
    }
    return refuse(c, "unknown word: there are status, body, header(\"name\"), exists(.path), true, "
                     "false and null; paths begin with a dot, texts stand in double quotes");
}

static int parse_operand(struct compiler *c)
{
    struct predicate_node node = {0};
    char next = peek(c);
    if (next == '.') {
        c->at++;
        return parse_path(c);
    }
    if (next == '"') {
        node.kind = NODE_STRING;
        return take_string(c, &node.text) ? new_node(c, node) : PREDICATE_NONE;
    }
    if (next == '-' || is_digit(next)) {
        node.kind = NODE_NUMBER;
        return take_number(c, &node.text) ? new_node(c, node) : PREDICATE_NONE;
    }
    if (is_word_start(next))
        return parse_word(c);
    if (!take(c, "("))
        return refuse(c, next ? "expected a value" : "the expression ends where a value should be");
    if (++c->depth > PREDICATE_DEPTH_MAX)
        return refuse(c, "nested more than 32 levels deep");
    int inner = parse_either(c);
    c->depth--;
    return expect(c, ")", "expected ')', or '&&', '||' or a comparison before it") ? inner
                                                                                   : PREDICATE_NONE;
}

/* The relation that comes next, or NODE_NULL. */
static enum predicate_kind take_relation(struct compiler *c)
{
    /* The longer ones first. */
    static const struct {
        const char *sign;
        enum predicate_kind kind;
    } relations[] = {
        {"==", NODE_EQUAL},         {"!=", NODE_UNEQUAL}, {"<=", NODE_LESS_EQUAL},
        {">=", NODE_GREATER_EQUAL}, {"<", NODE_LESS},     {">", NODE_GREATER},
    };
    for (size_t i = 0; i < sizeof relations / sizeof *relations; i++)
        if (take(c, relations[i].sign))
            return relations[i].kind;
    if (span_equal(peek_word(c), SPAN("contains"))) {
        c->at += SPAN("contains").bytes;
        return NODE_CONTAINS;
    }
    if (peek(c) == '=')
        refuse(c, "to compare, write ==");
    return NODE_NULL;
}

static void refuse_relation(struct compiler *c, const char *error)
{
    peek(c);
    const char *at = c->at;
    if (!c->error && take_relation(c) != NODE_NULL)
        refuse_at(c, at, error);
}

/* For each byte of the needle: how many bytes of its start end there once more (Knuth, Morris and
 * Pratt), so that a text can be searched piece by piece. */
static void note_matches(struct predicate *p, struct ringsend_bytes needle)
{
    uint16_t *matches = p->matches + (needle.data - p->decoded);
    uint16_t length = 0;
    for (size_t i = 0; i < needle.bytes; i++) {
        while (i > 0 && length > 0 && needle.data[i] != needle.data[length])
            length = matches[length - 1];
        if (i > 0 && needle.data[i] == needle.data[length])
            length++;
        matches[i] = length;
    }
}

static int parse_not(struct compiler *c)
{
    if (++c->depth > PREDICATE_DEPTH_MAX)
        return refuse(c, "nested more than 32 levels deep");
    int inner = take(c, "!") ? parse_not(c) : parse_operand(c);
    c->depth--;
    refuse_relation(c, "say by parentheses what '!' turns round: !(a == b)");
    return new_node(c, (struct predicate_node){.kind = NODE_NOT, .left = (int16_t)inner});
}

static int parse_one(struct compiler *c)
{
    if (take(c, "!"))
        return parse_not(c);
    int left = parse_operand(c);
    if (c->error)
        return PREDICATE_NONE;
    struct predicate_node node = {.kind = take_relation(c), .left = (int16_t)left};
    if (node.kind == NODE_NULL)
        return left;
    if (node.kind == NODE_CONTAINS && peek(c) != '"')
        return refuse(c, "expected a text in double quotes behind contains");
    int right = parse_operand(c);
    if (c->error)
        return PREDICATE_NONE;
    if (node.kind == NODE_CONTAINS)
        note_matches(c->p, c->p->nodes[right].text);
    node.right = (int16_t)right;
    refuse_relation(c, "comparisons cannot be chained: join two by &&");
    return new_node(c, node);
}

static int parse_both(struct compiler *c)
{
    int left = parse_one(c);
    while (!c->error && take(c, "&&")) {
        int right = parse_one(c);
        left = new_node(c, (struct predicate_node){
                               .kind = NODE_AND, .left = (int16_t)left, .right = (int16_t)right});
    }
    return left;
}

static int parse_either(struct compiler *c)
{
    int left = parse_both(c);
    while (!c->error && take(c, "||")) {
        int right = parse_both(c);
        left = new_node(c, (struct predicate_node){
                               .kind = NODE_OR, .left = (int16_t)left, .right = (int16_t)right});
    }
    return left;
}

static void parse(struct compiler *c)
{
    struct predicate *p = c->p;
    p->steps[p->steps_count++] = (struct predicate_step){
        .child = PREDICATE_NONE, .sibling = PREDICATE_NONE, .slot = PREDICATE_NONE};
    p->root = parse_either(c);
    if (!c->error && peek(c) != '\0')
        refuse(c, "expected '&&', '||', a comparison, or the end");
}

/* Null: memory is out. */
static struct predicate *predicate_new(struct memory *memory, const char *text, size_t text_bytes)
{
    size_t matches_bytes = (text_bytes + 1) * sizeof(uint16_t);
    size_t bytes = sizeof(struct predicate) + matches_bytes + 2 * (text_bytes + 1);
    struct predicate *p = memory_take_zeroed(memory, bytes);
    if (!p)
        return NULL;
    p->memory = memory;
    p->bytes = bytes;
    p->matches = (uint16_t *)(p + 1);
    p->text = (char *)(p + 1) + matches_bytes;
    p->decoded = p->text + text_bytes + 1;
    memcpy(p->text, text, text_bytes);
    return p;
}

enum ringsend_error predicate_compile(struct predicate **predicate, struct memory *memory,
                                      const char *text, char *message, size_t message_bytes)
{
    size_t bytes = strlen(text);
    if (bytes > PREDICATE_BYTES_MAX) {
        snprintf(message, message_bytes, "the expression is longer than %d bytes",
                 PREDICATE_BYTES_MAX);
        return RINGSEND_E_INVALID;
    }
    struct predicate *p = predicate_new(memory, text, bytes);
    if (!p)
        return RINGSEND_E_NO_MEMORY;
    struct compiler c = {.p = p, .at = p->text, .end = p->text + bytes};
    parse(&c);
    if (c.error) {
        snprintf(message, message_bytes, "column %zu: %s", (size_t)(c.error_at - p->text) + 1,
                 c.error);
        predicate_free(p);
        return RINGSEND_E_INVALID;
    }
    *predicate = p;
    return RINGSEND_OK;
}

void predicate_free(struct predicate *p)
{
    if (p)
        memory_give_back(p->memory, p, p->bytes);
}

bool predicate_wants_headers(const struct predicate *p)
{
    return p->wants_headers;
}

bool predicate_wants_body(const struct predicate *p)
{
    return p->wants_body;
}
