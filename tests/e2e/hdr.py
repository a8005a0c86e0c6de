"""HdrHistograms read and written without the program: the V2 encoding, by its description."""

import base64
import struct
import zlib


def counts(text):
    """{largest value of a bucket: how many}, of three digits and lowest value 1."""
    packed = base64.b64decode(text, validate=True)
    cookie, size = struct.unpack(">II", packed[:8])
    plain = zlib.decompress(packed[8:8 + size])
    inner, payload, offset, digits, lowest, _, ratio = struct.unpack(">IIIIqqd", plain[:40])
    if (cookie, inner, len(plain) - 40, offset, digits, lowest, ratio) != (
            0x1c849314, 0x1c849313, payload, 0, 3, 1, 1.0):
        raise ValueError("not what was expected: %r" % plain[:40])
    found, bucket, at = {}, 0, 40
    while at < len(plain):
        number = shift = 0
        while True:
            byte = plain[at]
            at += 1
            number |= (byte if shift == 56 else byte & 0x7f) << shift
            shift += 7
            if byte < 0x80 or shift == 63:
                break
        number = (number >> 1) ^ -(number & 1)
        if number > 0:
            group, low = bucket >> 10, bucket & 1023
            width = 1 << max(0, group - 1)
            found[(low + (1024 if group else 0)) * width + width - 1] = number
        bucket += -number if number < 0 else 1
    return found


def encode(value, count):
    """A histogram of three digits that holds one value so many times."""
    group = max(0, value.bit_length() - 10)
    bucket = value if group == 0 else (group << 10) + (value >> (group - 1)) - 1024
    payload = b""
    for number in (2 * bucket - 1, 2 * count):  # in zigzag: so many empty buckets, then the count
        while number >= 0x80:
            payload += bytes((number & 0x7f | 0x80,))
            number >>= 7
        payload += bytes((number,))
    plain = struct.pack(">IIIIqqd", 0x1c849313, len(payload), 0, 3, 1, 3600 * 10**9, 1.0) + payload
    packed = zlib.compress(plain)
    return base64.b64encode(struct.pack(">II", 0x1c849314, len(packed)) + packed).decode()


def quantile(found, share):
    """The smallest value that so many do not exceed."""
    rank, seen = max(1, -int(-share * sum(found.values()) // 1)), 0
    for value in sorted(found):
        seen += found[value]
        if seen >= rank:
            return value
    return 0
