#include "http/chunks.h"

#include "http/fields.h"

static bool hex_digit(char c, unsigned *value)
{
    char lower = (char)(c | 0x20);
    if (is_digit(c))
        *value = (unsigned)(c - '0');
    else if (lower >= 'a' && lower <= 'f')
        *value = (unsigned)(lower - 'a' + 10);
    else
        return false;
    return true;
}

static const char *take_digits(struct chunks *c, const char *at, const char *end)
{
    unsigned digit;
    for (; at < end && hex_digit(*at, &digit); at++) {
        c->digits += c->digits < UINT32_MAX;
        /* The parser refuses what does not fit; here it only must not become small. */
        c->left = c->left >> 59 ? UINT64_MAX >> 1 : c->left << 4 | digit;
    }
    return at;
}

/* The byte is to be left out, in a step that it may change. */
static bool is_left_out(struct chunks *c, char byte)
{
    bool is_space = byte == ' ' || byte == '\t';
    if (c->step == CHUNK_EXTENSION)
        return is_space || ((unsigned char)byte > ' ' && byte != 0x7f);
    if (c->digits == 0 || c->step > CHUNK_EXTENSION || (!is_space && byte != ';'))
        return false;
    c->step = is_space ? CHUNK_SPACE : CHUNK_EXTENSION;
    return true;
}

static const char *pass_data(struct chunks *c, const char *at, const char *end)
{
    uint64_t bytes = (uint64_t)(end - at);
    if (bytes < c->left) {
        c->left -= bytes;
        return end;
    }
    at += c->left;
    *c = (struct chunks){0};
    return at;
}

const char *chunks_run(struct chunks *c, const char *at, const char *end, enum chunk_run *kind)
{
    const char *start = at;
    while (at < end && is_left_out(c, *at))
        at++;
    *kind = CHUNK_RUN_LEFT_OUT;
    if (at > start)
        return at;
    bool was_left_out = c->step == CHUNK_SPACE || c->step == CHUNK_EXTENSION;
    *kind = was_left_out && *at != '\r' ? CHUNK_RUN_BAD : CHUNK_RUN_TAKEN;
    while (*kind == CHUNK_RUN_TAKEN && at < end && c->step != CHUNK_LAST) {
        if (c->step == CHUNK_DATA) {
            at = pass_data(c, at, end);
            continue;
        }
        if (c->step == CHUNK_SIZE)
            at = take_digits(c, at, end);
        if (at == end || (c->step == CHUNK_SIZE && is_left_out(c, *at)))
            return at;
        /* The CR, or what the parser will refuse in its place. */
        c->step = c->left > 0 ? CHUNK_DATA : CHUNK_LAST;
        c->left += 2 + 2;
    }
    return c->step == CHUNK_LAST ? end : at;
}
