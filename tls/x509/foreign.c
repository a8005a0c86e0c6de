/* Told by their first bytes: what follows may be anything, BER as well as DER, for openssl(1) or
 * keytool(1) are who will read it. */
#include "tls/x509/foreign.h"

#include "base/span.h"
#include "tls/x509/der.h"

enum form {
    FORM_UNKNOWN,
    FORM_CERTIFICATE,
    FORM_KEY,
    FORM_PKCS7,
    FORM_PKCS12,
    FORM_JAVA,
    FORM_UTF16,
    FORM_PEM_PKCS7,
};

/* Steps behind a header, of whatever length it names. False: there is none. */
static bool enter(struct der *d, uint8_t tag)
{
    if (der_bytes(*d) < 2 || *d->at != tag)
        return false;
    size_t more = d->at[1] > 0x80 ? d->at[1] & 0x7f : 0;
    if (more > 4 || der_bytes(*d) < 2 + more)
        return false;
    d->at += 2 + more;
    return true;
}

static bool begins_with(struct der d, struct der prefix)
{
    return der_bytes(d) >= der_bytes(prefix) && memcmp(d.at, prefix.at, der_bytes(prefix)) == 0;
}

static enum form form_of_sequence(struct der d)
{
    if (!enter(&d, DER_SEQUENCE))
        return FORM_UNKNOWN;
    if (begins_with(d, DER_LITERAL("\x02\x01\x03\x30"))) /* version 3, then a ContentInfo */
        return FORM_PKCS12;
    if (begins_with(d, DER_LITERAL("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07")))
        return FORM_PKCS7;
    if (begins_with(d, DER_LITERAL("\x02\x01\x00")) || begins_with(d, DER_LITERAL("\x02\x01\x01")))
        return FORM_KEY; /* PKCS#8, PKCS#1, SEC1 */
    if (!enter(&d, DER_SEQUENCE))
        return FORM_UNKNOWN;
    if (der_has(d, DER_CONTEXT | DER_CONSTRUCTED | 0) || der_has(d, DER_INTEGER))
        return FORM_CERTIFICATE;
    return der_has(d, DER_OID) ? FORM_KEY : FORM_UNKNOWN; /* encrypted PKCS#8 */
}

static enum form form_of(struct der d)
{
    const char *text = (const char *)d.at;
    if (begins_with(d, DER_LITERAL("\xfe\xed\xfe\xed")))
        return FORM_JAVA;
    if (begins_with(d, DER_LITERAL("\xff\xfe")) || begins_with(d, DER_LITERAL("\xfe\xff")) ||
        begins_with(d, DER_LITERAL("-\0-")) || begins_with(d, DER_LITERAL("\0-\0-")))
        return FORM_UTF16;
    if (memmem(text, der_bytes(d), "-----BEGIN PKCS7-----", 21) ||
        memmem(text, der_bytes(d), "-----BEGIN CMS-----", 19))
        return FORM_PEM_PKCS7;
    return form_of_sequence(d);
}

static bool explain_pkcs12(const char *path, const char *word, enum foreign_use use,
                           struct message message)
{
    static const char *const parts[] = {
        [FOREIGN_TRUST] = "-nokeys", [FOREIGN_CHAIN] = "-nodes", [FOREIGN_KEY] = "-nocerts -nodes"};
    message_fail(message,
                 "%s is PKCS#12, not PEM text: convert it with openssl pkcs12 -in %s %s -out "
                 "PLAIN%s",
                 path, word, parts[use], use == FOREIGN_TRUST ? "" : ", readable by you alone");
    return true;
}

static bool explain_key(const char *path, const char *word, enum foreign_use use,
                        struct message message)
{
    if (use == FOREIGN_KEY)
        message_fail(message,
                     "%s is a key in DER, not PEM text: convert it with openssl pkey -inform DER "
                     "-in %s -out PLAIN, readable by you alone",
                     path, word);
    else
        message_fail(message, "%s holds no certificate: it is a private key in DER", path);
    return true;
}

bool foreign_explain(const char *path, const struct tls_file *file, enum foreign_use use,
                     struct message message)
{
    char room[FILE_WORD_BYTES];
    const char *word = tls_file_word(path, file, room), *is = "", *command = "", *behind = "";
    switch (form_of((struct der){file->content.data, file->content.data + file->content.bytes})) {
    case FORM_UNKNOWN:
        return false;
    case FORM_PKCS12:
        return explain_pkcs12(path, word, use, message);
    case FORM_KEY:
        return explain_key(path, word, use, message);
    case FORM_CERTIFICATE:
        is = "a certificate in DER, not PEM text";
        command = "openssl x509 -inform DER -in ";
        behind = " -out PLAIN";
        break;
    case FORM_PKCS7:
        is = "PKCS#7 in DER, not PEM text";
        command = "openssl pkcs7 -inform DER -in ";
        behind = " -print_certs -out PLAIN";
        break;
    case FORM_PEM_PKCS7:
        is = "PKCS#7";
        command = "openssl pkcs7 -in ";
        behind = " -print_certs -out PLAIN";
        break;
    case FORM_JAVA:
        is = "a Java key store";
        command = "keytool -importkeystore -deststoretype PKCS12 -destkeystore NEW -srckeystore ";
        break;
    case FORM_UTF16:
        is = "UTF-16 text";
        command = "iconv -f UTF-16 -t UTF-8 -o PLAIN ";
        break;
    }
    message_fail(message, "%s is %s: convert it with %s%s%s", path, is, command, word, behind);
    return true;
}
