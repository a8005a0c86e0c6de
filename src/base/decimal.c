/* A number is taken apart as 0.d1 d2 d3 ... x 10^magnitude with d1 not 0. Then the sign decides,
 * the magnitude after it, and the digits last. */
#include "base/decimal.h"

#include "base/json.h"

#define EXPONENT_MAX INT64_C(100000000000000000)

struct decimal {
    bool negative;
    const char *at, *end; /* the digits from the first that is not 0, a point among them; both equal
                             exactly for zero */
    int64_t magnitude;
};

bool decimal_is_valid(struct ringsend_bytes text)
{
    struct json j;
    struct ringsend_bytes number;
    json_init(&j, text);
    return text.bytes > 0 && json_number(&j, &number) && number.bytes == text.bytes;
}

static int64_t read_exponent(const char *at, const char *end)
{
    bool negative = *at == '-';
    int64_t value = 0;
    if (*at == '-' || *at == '+')
        at++;
    for (; at < end; at++) {
        value = value * 10 + (*at - '0');
        value = value < EXPONENT_MAX ? value : EXPONENT_MAX;
    }
    return negative ? -value : value;
}

static struct decimal take_apart(struct ringsend_bytes text)
{
    const char *at = text.data, *end = at + text.bytes, *exponent = at;
    struct decimal d = {.negative = *at == '-'};
    at += d.negative;
    while (exponent < end && *exponent != 'e' && *exponent != 'E')
        exponent++;
    const char *point = memchr(at, '.', (size_t)(exponent - at));
    const char *whole_end = point ? point : exponent;
    while (at < exponent && (*at == '0' || *at == '.'))
        at++;
    d.at = at;
    d.end = exponent;
    if (at == exponent) {
        d.negative = false; /* -0 */
        return d;
    }
    d.magnitude = at < whole_end ? whole_end - at : whole_end + 1 - at;
    if (exponent < end)
        d.magnitude += read_exponent(exponent + 1, end);
    return d;
}

/* The next digit; 0 behind the last. */
static char next_digit(struct decimal *d)
{
    if (d->at < d->end && *d->at == '.')
        d->at++;
    return d->at < d->end ? *d->at++ : '0';
}

static int compare_size(struct decimal a, struct decimal b)
{
    bool a_is_zero = a.at == a.end, b_is_zero = b.at == b.end;
    if (a_is_zero || b_is_zero)
        return b_is_zero - a_is_zero;
    if (a.magnitude != b.magnitude)
        return a.magnitude < b.magnitude ? -1 : 1;
    while (a.at < a.end || b.at < b.end) {
        char a_digit = next_digit(&a), b_digit = next_digit(&b);
        if (a_digit != b_digit)
            return a_digit - b_digit;
    }
    return 0;
}

int decimal_compare(struct ringsend_bytes a, struct ringsend_bytes b)
{
    struct decimal left = take_apart(a), right = take_apart(b);
    if (left.negative != right.negative)
        return left.negative ? -1 : 1;
    int size = compare_size(left, right);
    return left.negative ? -size : size;
}
