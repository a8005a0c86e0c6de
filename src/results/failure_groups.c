#include "results/failure_groups.h"

#include <stdio.h>
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Length of the run at the start that stands for a number or an id; 0: there is none. Within a word
 * a run of hexadecimal letters means nothing; only its digits are folded. */
static size_t number_bytes(struct ringsend_bytes text, bool in_word)
{
    bool has_prefix = !in_word && text.bytes > 2 && text.data[0] == '0' && text.data[1] == 'x';
    size_t bytes = has_prefix ? 2 : 0, digits = has_prefix;
    while (!in_word && bytes < text.bytes && (is_hex(text.data[bytes]) || text.data[bytes] == '-'))
        digits += is_digit(text.data[bytes++]);
    bool ends = bytes == text.bytes || !is_letter(text.data[bytes]);
    if (digits > 0 && ends && text.data[0] != '-')
        return bytes;
    for (bytes = 0; bytes < text.bytes && is_digit(text.data[bytes]);)
        bytes++;
    return bytes;
}

size_t failure_groups_fold(struct ringsend_bytes text, char *out)
{
    char *to = out;
    bool in_word = false;
    while (text.bytes > 0) {
        size_t taken = number_bytes(text, in_word);
        if (taken > 0) {
            *to++ = '#';
        } else if (is_space(*text.data)) {
            while (taken < text.bytes && is_space(text.data[taken]))
                taken++;
            *to++ = ' ';
        } else {
            *to++ = *text.data;
            taken = 1;
        }
        in_word = is_letter(text.data[taken - 1]);
        text.data += taken;
        text.bytes -= taken;
    }
    return (size_t)(to - out);
}

/* FNV-1a, 64 bits. */
static uint64_t hash(uint64_t state, const void *data, size_t bytes)
{
    const unsigned char *at = data;
    for (size_t i = 0; i < bytes; i++)
        state = (state ^ at[i]) * UINT64_C(1099511628211);
    return state;
}

static uint64_t fingerprint_of(const struct result_line *line, struct ringsend_bytes text)
{
    char folded[GROUP_LOOKED_BYTES];
    if (text.bytes > GROUP_LOOKED_BYTES)
        text.bytes = GROUP_LOOKED_BYTES;
    int cause = line->error != RINGSEND_OK ? -(int)line->error : line->status;
    uint64_t state = hash(UINT64_C(14695981039346656037), &cause, sizeof cause);
    return hash(state, folded, failure_groups_fold(text, folded));
}

/* What its cause is told by: an error's words, those on a response, or else its body. */
static struct ringsend_bytes text_of(const struct result_line *line)
{
    struct ringsend_bytes detail = result_line_detail(line);
    struct ringsend_bytes text = detail.bytes > 0 ? detail : line->body;
    if (text.bytes > GROUP_SAMPLE_BYTES)
        text.bytes = GROUP_SAMPLE_BYTES;
    return text.bytes > 0 ? text : SPAN("");
}

static void note_id(struct group *group, const struct result_line *line)
{
    char *text = group->ids[group->ids_count++].text;
    if (line->id.bytes == 0)
        snprintf(text, GROUP_ID_BYTES, "%llu", (unsigned long long)line->line);
    else if (line->id.bytes < GROUP_ID_BYTES)
        memcpy(text, line->id.data, line->id.bytes); /* the struct was zeroed */
}

static struct group *find(struct failure_groups *groups, const struct result_line *line)
{
    struct ringsend_bytes text = text_of(line);
    uint64_t fingerprint = fingerprint_of(line, text);
    for (uint32_t i = 0; i < groups->count; i++)
        if (groups->list[i].fingerprint == fingerprint)
            return &groups->list[i];
    if (groups->count == GROUPS_MAX)
        return NULL;
    struct group *group = &groups->list[groups->count++];
    *group = (struct group){.fingerprint = fingerprint,
                            .error = line->error,
                            .status = line->status,
                            .sample_bytes = (uint32_t)text.bytes};
    memcpy(group->sample, text.data, text.bytes);
    return group;
}

void groups_count(struct failure_groups *groups, const struct result_line *line)
{
    struct group *group = find(groups, line);
    if (!group) {
        groups->others++;
        return;
    }
    group->count++;
    if (group->ids_count < GROUP_IDS)
        note_id(group, line);
}

void failure_groups_order(const struct failure_groups *groups, uint32_t order[GROUPS_MAX])
{
    for (uint32_t i = 0; i < groups->count; i++) {
        uint32_t at = i;
        for (; at > 0 && groups->list[order[at - 1]].count < groups->list[i].count; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
}
