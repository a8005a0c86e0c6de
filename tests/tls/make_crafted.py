#!/usr/bin/env python3
"""make_crafted.py DIRECTORY STAMP: chains with one thing odd in each that openssl(1) would not
write, by a DER writer of our own. Each is NAME.chain (the leaf first) below NAME.pem; what
OpenSSL says of all of them in its strict mode stands in the file `verdicts`.

Keys are those that make_certs.sh left in DIRECTORY/../certs, so it runs first."""

import base64
import concurrent.futures
import hashlib
import os
import subprocess
import sys

KEYS = "../certs/%s.key"

# ---- DER


def tlv(tag, *parts):
    body = b"".join(parts)
    size = len(body)
    if size < 0x80:
        return bytes([tag, size]) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + body


def sequence(*parts):
    return tlv(0x30, *parts)


def oid(text):
    arcs = [int(arc) for arc in text.split(".")]
    out = b""
    for arc in [arcs[0] * 40 + arcs[1]] + arcs[2:]:
        piece = [arc & 0x7f]
        while arc := arc >> 7:
            piece.append(0x80 | arc & 0x7f)
        out += bytes(reversed(piece))
    return tlv(6, out)


def integer(number):
    return tlv(2, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def octets(*parts):
    return tlv(4, *parts)


def bits(body, unused=0):
    return tlv(3, bytes([unused]), body)


def utc(text):
    return tlv(0x17, text.encode())


def general(text):
    return tlv(0x18, text.encode())


# ---- Names: a list of attributes, each (OID's last arc, tag, bytes); a list of such is one RDN.

UTF8, PRINTABLE, T61, IA5, UNIVERSAL, BMP = 12, 19, 20, 22, 28, 30
CN, COUNTRY, LOCALITY, ORGANISATION, UNIT = 3, 6, 7, 10, 11


def attribute(arc, tag, value):
    return sequence(oid("2.5.4.%d" % arc), tlv(tag, value))


def name(*rdns):
    return sequence(*(tlv(0x31, *(attribute(*a) for a in (rdn if isinstance(rdn, list) else [rdn])))
                      for rdn in rdns))


def plain(text):
    return name((ORGANISATION, UTF8, b"Tests"), (CN, UTF8, text.encode()))


# ---- Extensions: (OID, critical, DER); critical may be a whole BOOLEAN

CE = "2.5.29.%d"
TRUE = tlv(1, b"\xff")


def basic(ca, path=None, critical=True):
    body = (TRUE if ca else b"") + (integer(path) if path is not None else b"")
    return CE % 19, critical, sequence(body)


def usage(number, unused, critical=True):
    return CE % 15, critical, bits(bytes([number]), unused)


SIGNS, SERVES = usage(0x06, 1), usage(0x80, 7)
FOR_SERVERS = CE % 37, False, sequence(oid("1.3.6.1.5.5.7.3.1"))


def dns(text):
    return tlv(0x82, text)


def alternatives(*names, critical=False):
    return CE % 17, critical, sequence(*names)


WWW = alternatives(dns(b"www.example.com"))


def constraints(*parts, critical=True):
    return CE % 30, critical, sequence(*parts)


def subtrees(number, *bases):
    return tlv(0xa0 | number, *(sequence(base) for base in bases))


def directory(whole):
    return tlv(0xa4, whole)


def policies(*oids, critical=False):
    return CE % 32, critical, sequence(*(sequence(oid(o)) for o in oids))


def policy_constraints(require=None, inhibit=None, critical=True):
    parts = [tlv(0x80 + i, bytes([n])) for i, n in enumerate((require, inhibit)) if n is not None]
    return CE % 36, critical, sequence(*parts)


def mappings(*pairs, critical=True):
    return CE % 33, critical, sequence(*(sequence(oid(a), oid(b)) for a, b in pairs))


def extension(which, critical, value):
    flag = critical if isinstance(critical, bytes) else TRUE if critical else b""
    return sequence(oid(which), flag, octets(value))


# ---- Certificates

ECDSA_SHA256 = sequence(oid("1.2.840.10045.4.3.2"))


class Key:
    def __init__(self, directory_of_keys, which):
        self.path = os.path.join(directory_of_keys, KEYS % which)
        self.public = run("openssl", "pkey", "-in", self.path, "-pubout", "-outform", "DER")
        self.id = hashlib.sha1(self.public[-65:]).digest()

    def sign(self, data):
        return run("openssl", "dgst", "-sha256", "-sign", self.path, data=data)


def run(*args, data=b""):
    return subprocess.run(args, input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          check=True, timeout=60).stdout


ABOVE = {"leaf": "inter", "inter": "root", "root": "root"}


class Maker:
    """What a certificate is made of, as a table of parts: a case changes some of them."""

    def __init__(self, keys):
        self.keys = keys
        self.made = {}

    def base(self, role):
        above = ABOVE[role]
        subject_id = CE % 14, False, octets(self.keys[role].id)
        issuer_id = CE % 35, False, sequence(tlv(0x80, self.keys[above].id))
        leaf = [basic(False), SERVES, FOR_SERVERS, WWW]
        return {
            "version": 2, "serial": integer(77), "algorithm": ECDSA_SHA256, "outer": None,
            "subject": plain("www" if role == "leaf" else "crafted " + role),
            "issuer": plain("crafted " + above), "from": utc("200101000000Z"),
            "until": general("20990101000000Z"), "key": role, "signer": above, "more": [],
            "extensions": leaf if role == "leaf" else [basic(True), SIGNS], "without": [],
            "subject_id": subject_id, "issuer_id": None if role == "root" else issuer_id,
            "bend": None, "tail": b"",
        }

    def certificate(self, role, changes):
        parts = dict(self.base(role), **changes)
        stamp = repr(sorted(parts.items(), key=str))
        if stamp not in self.made:
            self.made[stamp] = self.build(parts)
        return self.made[stamp]

    def build(self, p):
        listed = p["extensions"] + [p["subject_id"], p["issuer_id"]] + p["more"]
        listed = [extension(*e) for e in listed if e and e[0] not in p["without"]]
        body = sequence(
            tlv(0xa0, integer(p["version"])) if p["version"] else b"", p["serial"], p["algorithm"],
            p["issuer"], sequence(p["from"], p["until"]), p["subject"], self.keys[p["key"]].public,
            p["tail"], tlv(0xa3, sequence(*listed)) if listed else b"")
        signature = self.keys[p["signer"]].sign(body)
        if p["bend"]:
            signature = p["bend"](signature)
        return sequence(body, p["outer"] or p["algorithm"], bits(signature))


# ---- Signatures that are not DER


def numbers(signature):
    first = 4 + signature[3]
    return signature[2:first], signature[first:]


def pad_first(signature):
    r, s = numbers(signature)
    return sequence(tlv(2, b"\0" + r[2:]), s)


def pad_second(signature):
    r, s = numbers(signature)
    return sequence(r, tlv(2, b"\0" + s[2:]))


def long_length(signature):
    return b"\x30\x81" + signature[1:]


def long_number(signature):
    r, s = numbers(signature)
    return sequence(r[:1] + b"\x81" + r[1:], s)


def indefinite(signature):
    return b"\x30\x80" + signature[2:] + b"\0\0"


def trailing(signature):
    return signature + b"\0"


def trailing_inside(signature):
    return sequence(signature[2:], tlv(5))


# ---- The cases: name: {role: changes}

PRIVATE = "1.2.3.4.5", False, tlv(5)
AUTHORITY_ACCESS = "1.3.6.1.5.5.7.1.1", False, sequence(
    sequence(oid("1.3.6.1.5.5.7.48.1"), tlv(0x86, b"http://ocsp.example.com")))
PERMIT, EXCLUDE = 0, 1
EXAMPLE = dns(b"example.com")
ANY, POLICY_A, POLICY_B = "2.5.29.32.0", "1.2.3.4.1", "1.2.3.4.2"


def more(*extensions, **changes):
    return dict(changes, more=list(extensions))


def dates(role, first=None, last=None):
    return {role: dict(([("from", first)] if first else []) + ([("until", last)] if last else []))}


def critical(role, number, keys):
    key = keys[ABOVE[role] if number == 35 else role]
    value = sequence(tlv(0x80, key.id)) if number == 35 else octets(key.id)
    return {role: {"issuer_id" if number == 35 else "subject_id": (CE % number, True, value)}}


def issued_as(issuer, subject=plain("crafted inter")):
    return {"leaf": {"issuer": issuer}, "inter": {"subject": subject}}


def by_inter(*extensions, **changes):
    return {"inter": more(*extensions, **changes)}


def cases(keys):
    yield "base", {}
    yield from date_cases()
    for bend in (pad_first, pad_second, long_length, long_number, indefinite, trailing,
                 trailing_inside):
        yield "ecdsa-" + bend.__name__, {"leaf": {"bend": bend}}
    yield "ecdsa-inter-long_length", {"inter": {"bend": long_length}}
    yield "ecdsa-root-long_length", {"root": {"bend": long_length}}
    yield from constraint_cases()
    yield from policy_cases()
    yield from subject_cases()
    for role in ("leaf", "inter", "root"):
        yield "aki-critical-" + role, critical(role, 35, keys)
        yield "ski-critical-" + role, critical(role, 14, keys)
        for twice in (PRIVATE, AUTHORITY_ACCESS, ("2.5.29.99", False, tlv(5)),
                      ("2.5.29.200.1", False, tlv(5))):
            yield "twice-%s-%s" % (role, twice[0]), {role: more(twice, twice)}
    yield "twice-ski", {"leaf": more((CE % 14, False, octets(b"x")))}
    yield "twice-apart", {"leaf": more(PRIVATE, AUTHORITY_ACCESS, PRIVATE)}
    yield "twice-none", {"leaf": more(PRIVATE, AUTHORITY_ACCESS, ("1.2.3.4.6", False, tlv(5)))}
    yield from form_cases()
    yield from name_cases()


def date_cases():
    yield "date-31-february", dates("leaf", utc("200231000000Z"))
    yield "date-30-february", dates("leaf", utc("200230000000Z"))
    yield "date-29-february", dates("leaf", utc("210229000000Z"))
    yield "date-29-february-leap", dates("leaf", utc("200229000000Z"))
    yield "date-29-february-1900", dates("leaf", general("19000229000000Z"))
    yield "date-29-february-2000", dates("leaf", general("20000229000000Z"))
    yield "date-29-february-2100", dates("leaf", None, general("21000229000000Z"))
    yield "date-31-april", dates("leaf", utc("200431000000Z"))
    yield "date-31-december", dates("leaf", utc("191231235959Z"))
    yield "date-day-0", dates("leaf", utc("200100000000Z"))
    yield "date-month-13", dates("leaf", utc("201301000000Z"))
    yield "date-hour-24", dates("leaf", utc("200101240000Z"))
    yield "date-minute-60", dates("leaf", utc("200101006000Z"))
    yield "date-second-60", dates("leaf", utc("200101000060Z"))
    yield "date-second-60-last", dates("leaf", None, general("20991231235960Z"))
    yield "date-31-february-last", dates("leaf", None, general("20990231000000Z"))
    yield "date-31-february-inter", dates("inter", utc("200231000000Z"))
    yield "date-31-february-root", dates("root", utc("200231000000Z"))
    yield "date-second-60-inter", dates("inter", utc("200101000060Z"))
    yield "date-second-60-root", dates("root", None, general("20991231235960Z"))
    yield "date-no-seconds", dates("leaf", utc("2001010000Z"))
    yield "date-fraction", dates("leaf", general("20200101000000.5Z"))
    yield "date-offset", dates("leaf", utc("200101000000+0000"))
    yield "date-general-early", dates("leaf", general("20200101000000Z"))


def constraint_cases():
    yield "nc-nothing", by_inter(constraints())
    yield "nc-permit-nothing", by_inter(constraints(subtrees(PERMIT)))
    yield "nc-exclude-nothing", by_inter(constraints(subtrees(EXCLUDE)))
    yield "nc-both-nothing", by_inter(constraints(subtrees(PERMIT), subtrees(EXCLUDE)))
    yield "nc-permit-and-nothing", by_inter(constraints(subtrees(PERMIT, EXAMPLE),
                                                        subtrees(EXCLUDE)))
    yield "nc-nothing-plain", by_inter(constraints(critical=False))
    yield "nc-permit", by_inter(constraints(subtrees(PERMIT, EXAMPLE)))
    yield "nc-root", {"root": more(constraints(subtrees(PERMIT, EXAMPLE)))}
    yield "nc-root-nothing", {"root": more(constraints())}
    yield "nc-leaf", {"leaf": more(constraints(subtrees(PERMIT, EXAMPLE)))}
    yield "nc-leaf-plain", {"leaf": more(constraints(subtrees(PERMIT, EXAMPLE), critical=False))}
    yield "nc-leaf-nothing", {"leaf": more(constraints())}
    yield "nc-other-kind", by_inter(constraints(subtrees(PERMIT, tlv(0xa0, oid("1.2.3"), tlv(
        0xa0, tlv(5))))))
    registered = tlv(0x88, b"\x2a\x03")
    yield "nc-registered", dict(by_inter(constraints(subtrees(PERMIT, registered))), leaf={
        "extensions": [basic(False), SERVES, FOR_SERVERS,
                       alternatives(dns(b"www.example.com"), registered)]})
    yield "nc-minimum", by_inter(constraints(subtrees(PERMIT, EXAMPLE + tlv(0x80, b"\1"))))
    yield "nc-minimum-0", by_inter(constraints(subtrees(PERMIT, EXAMPLE + tlv(0x80, b"\0"))))
    for how, number in (("permit", PERMIT), ("exclude", EXCLUDE)):
        for what, base in (("same", name((ORGANISATION, UTF8, b"Tests"))),
                           ("printable", name((ORGANISATION, PRINTABLE, b"Tests"))),
                           ("case", name((ORGANISATION, PRINTABLE, b"tESTS"))),
                           ("spaces", name((ORGANISATION, UTF8, b"  Tests "))),
                           ("else", name((ORGANISATION, UTF8, b"Else"))),
                           ("begin", name((ORGANISATION, UTF8, b"Test"))),
                           ("all", name()),
                           ("whole", plain("www")),
                           ("longer", name((ORGANISATION, UTF8, b"Tests"), (CN, UTF8, b"www"),
                                           (CN, UTF8, b"x")))):
            yield "dir-%s-%s" % (how, what), by_inter(constraints(subtrees(number,
                                                                           directory(base))))


def policy_cases():
    a, b = policies(POLICY_A), policies(POLICY_B)
    for how, flag in (("", True), ("-plain", False)):
        yield "policy-required" + how, by_inter(policy_constraints(0, critical=flag))
        yield "policy-required-1" + how, by_inter(policy_constraints(1, critical=flag))
        yield "policy-required-2" + how, by_inter(policy_constraints(2, critical=flag))
        yield "policy-required-inter-only" + how, by_inter(policy_constraints(0, critical=flag), a)
        yield "policy-required-met" + how, dict(
            by_inter(policy_constraints(0, critical=flag), a), leaf=more(a))
        yield "policy-inhibit" + how, by_inter(policy_constraints(None, 0, critical=flag))
        yield "policy-nothing" + how, by_inter(policy_constraints(critical=flag))
        yield "policy-root" + how, {"root": more(policy_constraints(0, critical=flag))}
        yield "policy-leaf" + how, {"leaf": more(policy_constraints(0, critical=flag))}
        yield "policy-leaf-met" + how, {"leaf": more(policy_constraints(0, critical=flag), a),
                                        "inter": more(a)}
    required = policy_constraints(0)
    yield "policy-other", dict(by_inter(required, a), leaf=more(b))
    yield "policy-any-above", dict(by_inter(required, policies(ANY)), leaf=more(a))
    yield "policy-any-below", dict(by_inter(required, a), leaf=more(policies(ANY)))
    yield "policy-any-both", dict(by_inter(required, policies(ANY)), leaf=more(policies(ANY)))
    yield "policy-none-above", dict(by_inter(required), leaf=more(a))
    mapped = mappings((POLICY_A, POLICY_B))
    yield "policy-mapped", dict(by_inter(required, a, mapped), leaf=more(b))
    yield "policy-mapped-away", dict(by_inter(required, a, mapped), leaf=more(a))
    yield "policy-mapped-any", dict(by_inter(required, policies(ANY), mapped), leaf=more(b))
    yield "policy-map-any", dict(by_inter(required, a, mappings((ANY, POLICY_B))), leaf=more(b))
    yield "policy-map-to-any", dict(by_inter(required, a, mappings((POLICY_A, ANY))), leaf=more(b))
    yield "policy-mapping-inhibited", dict(by_inter(policy_constraints(0, 0), a, mapped),
                                           leaf=more(b))
    inhibit_any = (CE % 54, True, integer(0))
    yield "policy-any-inhibited", dict(by_inter(required, a, inhibit_any),
                                       leaf=more(policies(ANY)))
    yield "policy-any-inhibited-1", dict(by_inter(required, a, (CE % 54, True, integer(1))),
                                         leaf=more(policies(ANY)))
    yield "policy-twice", dict(by_inter(required, a), leaf=more(policies(POLICY_A, POLICY_A)))
    yield "policy-empty", dict(by_inter(), leaf=more(policies()))


def subject_cases():
    empty = name()
    yield "subject-none-leaf", {"leaf": {"subject": empty}}
    critical_names = [basic(False), SERVES, FOR_SERVERS,
                      alternatives(dns(b"www.example.com"), critical=True)]
    yield "subject-none-leaf-critical", {"leaf": {"subject": empty, "extensions": critical_names}}
    yield "subject-none-inter", issued_as(empty, empty)
    yield "subject-none-root", {"root": {"subject": empty, "issuer": empty},
                                "inter": {"issuer": empty}}
    yield "issuer-none-root", {"root": {"issuer": empty}}


def form_cases():
    leaf = [basic(False), SERVES, FOR_SERVERS, WWW]
    yield "path-length-not-ca", {"leaf": {"extensions": [basic(False, 0)] + leaf[1:]}}
    yield "leaf-signs-certificates", {"leaf": {"extensions": [leaf[0], usage(0x84, 2)] + leaf[2:]}}
    yield "names-empty", {"leaf": {"extensions": leaf[:3] + [alternatives()]}}
    yield "extended-usage-empty", {"leaf": {"extensions": leaf[:2] + [(CE % 37, False, sequence()),
                                                                      WWW]}}
    yield "usage-none", {"leaf": {"extensions": [leaf[0], (CE % 15, True, bits(b""))] + leaf[2:]}}
    yield "usage-zero", {"leaf": {"extensions": [leaf[0], usage(0, 7)] + leaf[2:]}}
    yield "usage-none-inter", {"inter": {"extensions": [basic(True), (CE % 15, True, bits(b""))]}}
    yield "critical-is-1", {"leaf": more(("1.2.3.4.5", tlv(1, b"\1"), tlv(5)))}
    yield "critical-is-false", {"leaf": more(("1.2.3.4.5", tlv(1, b"\0"), tlv(5)))}
    yield "ca-is-1", {"inter": {"extensions": [(CE % 19, True, sequence(tlv(1, b"\1"))), SIGNS]}}
    yield "ca-is-false", {"leaf": {"extensions": [(CE % 19, True, sequence(tlv(1, b"\0")))]
                                   + leaf[1:]}}
    yield "path-length-negative", {"inter": {"extensions": [
        (CE % 19, True, sequence(TRUE, tlv(2, b"\xff"))), SIGNS]}}
    yield "path-length-0", {"inter": {"extensions": [basic(True, 0), SIGNS]}}
    yield "path-length-0-root", {"root": {"extensions": [basic(True, 0), SIGNS]}}
    yield "no-extensions", {"leaf": {"extensions": [], "subject_id": None, "issuer_id": None}}
    yield "version-1-extensions", {"leaf": {"version": 0}}
    yield "version-2-extensions", {"leaf": {"version": 1}}
    yield "version-4", {"leaf": {"version": 3}}
    yield "serial-0", {"leaf": {"serial": integer(0)}}
    yield "serial-negative", {"leaf": {"serial": tlv(2, b"\xff")}}
    yield "serial-long", {"leaf": {"serial": tlv(2, b"\1" * 40)}}
    yield "algorithms-differ", {"leaf": {"outer": sequence(oid("1.2.840.10045.4.3.2"), tlv(5))}}
    yield "algorithm-null", {"leaf": {"algorithm": sequence(oid("1.2.840.10045.4.3.2"), tlv(5))}}
    yield "basic-plain", {"inter": {"extensions": [basic(True, critical=False), SIGNS]}}
    yield "unique-ids", {"leaf": {"tail": tlv(0x81, b"\0x") + tlv(0x82, b"\0y")}}


def name_cases():
    def cn(tag, value, o=(ORGANISATION, UTF8, b"Tests")):
        return name(o, (CN, tag, value))

    yield "name-printable", issued_as(cn(PRINTABLE, b"crafted inter"))
    yield "name-ia5", issued_as(cn(IA5, b"crafted inter"))
    yield "name-t61", issued_as(cn(T61, b"crafted inter"))
    yield "name-bmp", issued_as(cn(BMP, "crafted inter".encode("utf-16-be")))
    yield "name-universal", issued_as(cn(UNIVERSAL, "crafted inter".encode("utf-32-be")))
    yield "name-case", issued_as(cn(UTF8, b"Crafted INTER"))
    yield "name-spaces-around", issued_as(cn(UTF8, b"  crafted inter "))
    yield "name-spaces-within", issued_as(cn(UTF8, b"crafted   inter"))
    yield "name-tab", issued_as(cn(UTF8, b"crafted\tinter"))
    yield "name-no-space", issued_as(cn(UTF8, b"craftedinter"))
    yield "name-all-of-it", issued_as(cn(PRINTABLE, b" CRAFTED  inter",
                                         (ORGANISATION, PRINTABLE, b"tests ")))
    yield "name-longer", issued_as(cn(UTF8, b"crafted inter x"))
    yield "name-shorter", issued_as(cn(UTF8, b"crafted inte"))
    yield "name-nul", issued_as(cn(UTF8, b"crafted inter\0"))
    yield "name-empty-value", issued_as(cn(UTF8, b""), cn(UTF8, b" "))
    yield "name-bytes", issued_as(cn(4, b"crafted inter"))
    yield "name-bytes-same", issued_as(cn(4, b"crafted inter"), cn(4, b"crafted inter"))
    yield "name-bytes-case", issued_as(cn(4, b"crafted INTER"), cn(4, b"crafted inter"))
    yield "name-accent", issued_as(cn(UTF8, "é è".encode()), cn(BMP, "é  è".encode("utf-16-be")))
    yield "name-accent-latin", issued_as(cn(UTF8, "é".encode()), cn(T61, b"\xe9"))
    yield "name-accent-case", issued_as(cn(UTF8, "É".encode()), cn(UTF8, "é".encode()))
    yield "name-broken-utf8", issued_as(cn(UTF8, b"\xff\xfe"), cn(UTF8, b"\xff\xfe"))
    yield "name-broken-utf8-case", issued_as(cn(UTF8, b"\xffA"), cn(UTF8, b"\xffa"))
    yield "name-astral", issued_as(cn(UTF8, "\U0001f600".encode()),
                                   cn(UNIVERSAL, "\U0001f600".encode("utf-32-be")))
    both = [(CN, UTF8, b"crafted inter"), (UNIT, UTF8, b"x")]
    yield "name-one-rdn", issued_as(name(both), name(both))
    yield "name-rdn-case", issued_as(name([(CN, UTF8, b"Crafted Inter"), (UNIT, UTF8, b"X")]),
                                     name(both))
    yield "name-rdn-split", issued_as(name(*both), name(both))
    yield "name-rdn-part", issued_as(name(both[:1]), name(both))
    o = ORGANISATION, UTF8, b"Tests"
    yield "name-order", issued_as(name((CN, UTF8, b"crafted inter"), o))
    yield "name-type", issued_as(name(o, (UNIT, UTF8, b"crafted inter")))
    # Self-issued by name alone: does not count for a path length, nor for constraints.
    twin = cn(PRINTABLE, b"CRAFTED root")
    yield "name-self-issued", {"inter": {"subject": twin, "extensions": [basic(True, 0), SIGNS]},
                               "leaf": {"issuer": twin}, "root": {
                                   "extensions": [basic(True, 0), SIGNS]}}


# ---- All of it


def pem(der):
    text = base64.encodebytes(der).decode()
    return "-----BEGIN CERTIFICATE-----\n%s-----END CERTIFICATE-----\n" % text


def judge(base):
    """OpenSSL's verdict: 0, or the number of its error; of what it cannot read, -1."""
    done = subprocess.run(
        ["openssl", "verify", "-x509_strict", "-policy_check", "-policy", ANY, "-purpose",
         "sslserver", "-verify_hostname", "www.example.com", "-CAfile", base + ".pem", "-untrusted",
         base + ".chain", base + ".chain"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        check=False, timeout=60)
    if done.returncode == 0:
        return 0
    for line in done.stdout.decode(errors="replace").splitlines():
        if line.startswith("error ") and line.split()[1].isdigit():
            return int(line.split()[1])
    return -1


def main(where, stamp):
    os.makedirs(where, exist_ok=True)
    keys = {role: Key(where, role) for role in ("root", "inter", "leaf")}
    maker = Maker(keys)

    def write(case):
        which, changes = case
        made = [maker.certificate(r, changes.get(r, {})) for r in ("leaf", "inter", "root")]
        base = os.path.join(where, which)
        for path, ders in ((base + ".chain", made[:2]), (base + ".pem", made[2:])):
            with open(path, "w", encoding="ascii") as file:
                file.write("".join(map(pem, ders)))
        return "%s %d\n" % (which, judge(base))

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        verdicts = list(pool.map(write, cases(keys)))
    with open(os.path.join(where, "verdicts"), "w", encoding="ascii") as file:
        file.writelines(verdicts)
    with open(stamp, "w", encoding="ascii"):
        pass


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
