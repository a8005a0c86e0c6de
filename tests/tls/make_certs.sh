#!/bin/sh
# make_certs.sh DIRECTORY [STAMP]: authorities, good certificates, and one for each way to be bad.
# Only openssl(1) is needed. All but the named exceptions are valid from now on for ten years; the file `now` tells
# from when on, and STAMP is touched at the end.
set -eu
mkdir -p "$1"
stamp=${2-}
case $stamp in '' | /*) ;; *) stamp=$PWD/$stamp ;; esac
here=$(cd "$(dirname "$0")" && pwd)
cd "$1"

# Keys are shared wherever it does not matter whose they are: each of them costs a process.
key() { # NAME OPENSSL-OPTIONS...
    name=$1
    shift
    openssl genpkey "$@" -out "$name.key" 2>/dev/null
}
ec() { key "$1" -algorithm EC -pkeyopt "ec_paramgen_curve:${2:-P-256}" -pkeyopt ec_param_enc:named_curve; }
rsa() { key "$1" -algorithm RSA -pkeyopt "rsa_keygen_bits:$2"; }

# cert NAME ISSUER KEY SUBJECT [OPTION...] with the extensions on standard input. ISSUER - : self-signed.
# Writes NAME.pem.
cert() {
    name=$1 issuer=$2 key=$3 subject=$4
    shift 4
    { echo '[x]'; cat; } >"$name.cnf"
    openssl req -new -key "$key.key" -subj "$subject" -config empty.cnf -out "$name.csr" 2>/dev/null
    if [ "$issuer" = - ]; then
        openssl x509 -req -in "$name.csr" -signkey "$key.key" -days 3650 -extfile "$name.cnf" -extensions x "$@" \
            -out "$name.pem" 2>/dev/null
    else
        openssl x509 -req -in "$name.csr" -CA "$issuer.pem" -CAkey "$(cat "$issuer.by")" -set_serial "$(printf %s "$name" | cksum | cut -d' ' -f1)" -days 3650 \
            -extfile "$name.cnf" -extensions x "$@" -out "$name.pem" 2>/dev/null
    fi
    echo "$key.key" >"$name.by"
}
printf '[req]\ndistinguished_name=dn\nutf8=yes\n[dn]\n' >empty.cnf

CA='basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign,cRLSign
subjectKeyIdentifier=hash'
LEAF='basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid'
NAMES='subjectAltName=DNS:www.example.com,DNS:*.wild.example.com,DNS:*.com,IP:127.0.0.1,IP:::1'

ca() { # NAME ISSUER KEY [EXTENSIONS]
    printf '%s\n%s\n' "${4-$CA}" "${5-}" | cert "$1" "$2" "$3" "/O=Tests/CN=$1"
}
leaf() { # NAME ISSUER [KEY] [NAMES] [EXTENSIONS] [OPTION...]
    n=$1 i=$2 k=${3-leaf} s=${4-$NAMES} x=${5-$LEAF}
    shift $(($# < 5 ? $# : 5))
    printf '%s\n%s\n' "$x" "$s" | cert "$n" "$i" "$k" "/O=Tests/CN=www.example.com" "$@"
}
chain() { # NAME CERTIFICATE...
    name=$1
    shift
    for c in "$@"; do cat "$c.pem"; done >"$name.chain"
}
without() { # EXTENSION: LEAF without its line
    printf '%s\n' "$LEAF" | grep -v "^$1="
}

for k in root inter inter2 leaf client other; do ec $k; done
ec p384 P-384
ec p521 P-521
rsa rsa2048 2048
rsa rsa1024 1024
rsa rsa4096 4096
cp "$here/rsa8192.key" . # half a minute to make
key ed25519 -algorithm ED25519
key pss -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048

# ---- Authorities
ca root - root
ca other-root - other
ca unrelated - client
ca inter root inter
ca inter2 inter inter2
ca untrusted-inter other-root inter
openssl req -new -key other.key -subj '/O=Tests/CN=root-v1' -config empty.cnf -out root-v1.csr 2>/dev/null
openssl x509 -req -in root-v1.csr -signkey other.key -days 3650 -out root-v1.pem 2>/dev/null # no extensions: version 1
echo other.key >root-v1.by
ca root-rsa - rsa2048
ca root-rsa1024 - rsa1024
ca root-ed25519 - ed25519
ca root-pss - pss
ca root-p384 - p384
ca inter-not-ca root inter 'basicConstraints=critical,CA:FALSE
keyUsage=critical,keyCertSign'
ca inter-no-basic root inter 'keyUsage=critical,keyCertSign'
ca inter-no-sign root inter 'basicConstraints=critical,CA:TRUE
keyUsage=critical,cRLSign'
ca inter-path0 root inter 'basicConstraints=critical,CA:TRUE,pathlen:0
keyUsage=critical,keyCertSign'
ca inter-client-only root inter "$CA" 'extendedKeyUsage=clientAuth'
ca inter-server root inter "$CA" 'extendedKeyUsage=serverAuth,clientAuth'
ca inter-critical root inter "$CA" '1.2.3.4.5=critical,ASN1:NULL'
ca inter-policy root inter "$CA" 'certificatePolicies=critical,2.5.29.32.0'
ca inter-policy-constraints root inter "$CA" 'policyConstraints=critical,requireExplicitPolicy:0'
ca inter-rsa1024 root rsa1024
ca inter-rsa2048 root rsa2048
printf '%s\n' "$CA" | cert inter-sha1 root inter /O=Tests/CN=inter-sha1 -sha1
printf '%s\n' "$CA" | cert inter-short root inter /O=Tests/CN=inter-short -days 5
printf '%s\n' "$CA" | cert root-short - root /O=Tests/CN=root-short -days 5

# ---- Name constraints
for how in '' critical,; do
    n=${how:+-critical}
    ca nc-permit$n root inter "$CA" "nameConstraints=${how}permitted;DNS:example.com,permitted;IP:127.0.0.0/255.0.0.0,permitted;IP:0:0:0:0:0:0:0:0/ffff:ffff:ffff:ffff:ffff:ffff:ffff:0"
    ca nc-permit-other$n root inter "$CA" "nameConstraints=${how}permitted;DNS:example.org"
    ca nc-exclude$n root inter "$CA" "nameConstraints=${how}excluded;DNS:example.com"
done
ca nc-exclude-other root inter "$CA" 'nameConstraints=critical,excluded;DNS:example.org'
ca nc-exclude-wild root inter "$CA" 'nameConstraints=critical,excluded;DNS:secret.wild.example.com'
ca nc-exclude-ip root inter "$CA" 'nameConstraints=critical,excluded;IP:127.0.0.0/255.0.0.0'
ca nc-permit-ip-other root inter "$CA" 'nameConstraints=critical,permitted;IP:10.0.0.0/255.0.0.0'
ca nc-email root inter "$CA" 'nameConstraints=critical,permitted;email:example.org'
printf '%s\nnameConstraints=critical,permitted;dirName:d\n[d]\nO=Tests\n' "$CA" | cert nc-dir root inter /O=Tests/CN=nc-dir
printf '%s\nnameConstraints=critical,permitted;dirName:d\n[d]\nO=Else\n' "$CA" | cert nc-dir-other root inter /O=Tests/CN=nc-dir-other
printf '%s\nnameConstraints=critical,excluded;dirName:d\n[d]\nO=Else\n' "$CA" | cert nc-dir-exclude root inter /O=Tests/CN=nc-dir-exclude

# ---- Leaves below the intermediate
leaf good inter
leaf good-root root
leaf good-deep inter2
leaf good-p384 inter p384
leaf good-p521 inter p521
leaf good-rsa2048 inter rsa2048
leaf good-rsa4096 inter rsa4096
leaf good-rsa8192 inter rsa8192
ca root-rsa8192 - rsa8192
leaf good-by-rsa8192 root-rsa8192
leaf good-by-rsa root-rsa
leaf good-by-p384 root-p384
leaf good-v1 root-v1 leaf "$NAMES" 'basicConstraints=CA:FALSE'
leaf good-no-usage inter leaf "$NAMES" 'basicConstraints=CA:FALSE'
leaf good-both-usages inter leaf "$NAMES" "$(without extendedKeyUsage)
extendedKeyUsage=clientAuth,serverAuth"
leaf good-sha512 inter leaf "$NAMES" "$LEAF" -sha512
leaf good-email inter leaf "$NAMES,email:a@example.com,URI:http://www.example.com/"
leaf other-host inter leaf 'subjectAltName=DNS:www.example.org,DNS:example.com,DNS:www.example.com.evil.org'
leaf no-san inter leaf ''
leaf ip-as-dns inter leaf 'subjectAltName=DNS:127.0.0.1'
leaf dns-only inter leaf 'subjectAltName=DNS:www.example.com'
leaf usage-client inter leaf "$NAMES" "$(without extendedKeyUsage)
extendedKeyUsage=clientAuth"
leaf usage-any inter leaf "$NAMES" "$(without extendedKeyUsage)
extendedKeyUsage=anyExtendedKeyUsage"
leaf usage-no-sign inter rsa2048 "$NAMES" "$(without keyUsage)
keyUsage=critical,keyEncipherment"
leaf unknown-critical inter leaf "$NAMES" "$LEAF
1.2.3.4.5=critical,ASN1:NULL"
leaf unknown-plain inter leaf "$NAMES" "$LEAF
1.2.3.4.5=ASN1:NULL"
leaf weak-key inter rsa1024
leaf ed25519-key inter ed25519
leaf sha1 inter leaf "$NAMES" "$LEAF" -sha1
leaf md5 inter-rsa2048 leaf "$NAMES" "$LEAF" -md5
leaf by-pss root-pss
leaf signed-pss root-rsa leaf "$NAMES" "$LEAF" -sigopt rsa_padding_mode:pss
leaf by-ed25519 root-ed25519 leaf "$NAMES" "$LEAF"
leaf by-unknown other-root
leaf by-untrusted-inter untrusted-inter
leaf self-signed -
leaf short inter leaf "$NAMES" "$LEAF" -days 5
leaf by-root-short root-short
leaf by-rsa1024-root root-rsa1024

# The same names, another key: the signature of one chain under the issuer of another.
printf 'subjectAltName=DNS:www.example.com\nauthorityKeyIdentifier=none\nsubjectKeyIdentifier=none\n' >impostor.cnf
openssl req -new -key leaf.key -subj '/CN=www.example.com' -config empty.cnf -out impostor-leaf.csr 2>/dev/null
printf '%s\n' "$CA" | cert impostor-ca - other /O=Tests/CN=inter
openssl x509 -req -in impostor-leaf.csr -CA impostor-ca.pem -CAkey other.key -set_serial 77 -days 3650 \
    -extfile impostor.cnf -out bad-signature.pem 2>/dev/null

for i in inter-not-ca inter-no-basic inter-no-sign inter-path0 inter-client-only inter-server inter-critical inter-policy \
    inter-policy-constraints inter-rsa1024 inter-rsa2048 inter-sha1 inter-short nc-permit nc-permit-critical nc-permit-other \
    nc-permit-other-critical nc-exclude nc-exclude-critical nc-exclude-other nc-dir nc-dir-other nc-dir-exclude nc-email; do
    leaf by-$i $i leaf 'subjectAltName=DNS:www.example.com,IP:127.0.0.1'
    chain by-$i by-$i $i
done
leaf by-nc-exclude-wild nc-exclude-wild leaf 'subjectAltName=DNS:www.example.com,DNS:*.wild.example.com'
leaf by-nc-exclude-ip nc-exclude-ip leaf 'subjectAltName=DNS:www.example.com,IP:127.0.0.1'
leaf by-nc-permit-ip-other nc-permit-ip-other leaf 'subjectAltName=DNS:www.example.com,IP:127.0.0.1'
leaf by-nc-email-with nc-email leaf 'subjectAltName=DNS:www.example.com,email:a@example.org'
for i in nc-exclude-wild nc-exclude-ip nc-permit-ip-other; do chain by-$i by-$i $i; done
chain by-nc-email-with by-nc-email-with nc-email
ca path0-below inter-path0 inter2
leaf by-path0-below path0-below
chain by-path0-below by-path0-below path0-below inter-path0
# An authority that is a plain leaf: its key signs another name.
leaf by-leaf good leaf
chain by-leaf by-leaf good inter

# A long line of authorities: 12 from the root down.
above=root
long=
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
    ca long$i $above inter
    above=long$i
    long="long$i $long"
done
leaf by-long long12
leaf by-long7 long7
# shellcheck disable=SC2086
chain too-long by-long $long
chain long-enough by-long7 long7 long6 long5 long4 long3 long2 long1

# ---- Somebody who calls himself as the root does: none of the signatures is right
printf '%s\n' 'basicConstraints=critical,CA:TRUE' | cert forged - other /O=Tests/CN=root
leaf by-forged forged leaf "$NAMES" "$(without authorityKeyIdentifier)"
forged=forged
for i in 1 2 3; do forged="$forged $forged"; done
# shellcheck disable=SC2086
chain hostile by-forged $forged forged forged forged forged

# ---- Chains
for l in good good-p384 good-p521 good-rsa2048 good-rsa4096 good-rsa8192 good-no-usage good-both-usages good-sha512 good-email other-host \
    no-san ip-as-dns dns-only usage-client usage-any usage-no-sign unknown-critical unknown-plain weak-key sha1 short ed25519-key \
    bad-signature; do
    chain $l $l inter
done
chain md5 md5 inter-rsa2048
for l in signed-pss good-root good-by-rsa good-by-rsa8192 good-by-p384 good-v1 by-pss by-ed25519 by-unknown self-signed by-root-short by-rsa1024-root; do
    chain $l $l
done
chain good-deep good-deep inter2 inter
chain missing-inter good
chain missing-middle good-deep inter
chain with-root good inter root
chain disordered good-deep inter inter2
chain reversed-with-root good-deep root inter inter2
chain duplicated good-deep inter2 inter2 inter good-deep inter
chain with-extras good other-root by-unknown untrusted-inter inter
chain by-untrusted-inter by-untrusted-inter untrusted-inter
chain by-untrusted-inter-and-root by-untrusted-inter untrusted-inter other-root
# The intermediate twice, once expired soon and first in line; and cross-signed by nobody we know.
printf '%s\n' "$CA" | cert inter-soon root inter /O=Tests/CN=inter -days 5
printf '%s\n' "$CA" | cert inter-crossed other-root inter /O=Tests/CN=inter
chain detour-expired good inter-soon inter
chain detour-untrusted good inter-crossed inter

# ---- Keys for clients, in every wrapping
printf 'extendedKeyUsage=clientAuth\n' | cert client inter client /CN=client
chain client client inter
printf 'extendedKeyUsage=clientAuth\n' | cert client-rsa inter rsa2048 /CN=client-rsa
chain client-rsa client-rsa inter
printf 'extendedKeyUsage=clientAuth\n' | cert client-unknown other-root client /CN=client
chain client-unknown client-unknown
openssl ec -in client.key -out client-sec1.key 2>/dev/null
openssl ecparam -name prime256v1 -out parameters.tmp 2>/dev/null
cat parameters.tmp client-sec1.key >client-parameters.key
openssl rsa -in rsa2048.key -traditional -out rsa-pkcs1.key 2>/dev/null
openssl pkcs8 -topk8 -in client.key -passout pass:x -out encrypted.key 2>/dev/null
openssl ec -in client.key -aes128 -passout pass:x -out encrypted-old.key 2>/dev/null
cat client.chain client.key >client-both.pem

# ---- Trust in other shapes
sed 's/$/\r/' root.pem >root-crlf.pem
{ echo '# a comment'; cat root.pem other-root.pem; echo 'more text'; } >two-roots.pem
printf '%s' "$(cat root.pem)" >root-no-newline.pem
openssl x509 -in root.pem -trustout -addtrust serverAuth -out root-trusted.pem
sed 's/BEGIN CERT/BEGIN X509 CERT/; s/END CERT/END X509 CERT/' root.pem >root-x509.pem
echo 'no certificate here' >no-anchor.pem
printf -- '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' >junk-anchor.pem
head -n 5 root.pem >cut-anchor.pem
: >empty.pem
# Bundles as cat and the clipboard make them: each has two certificates that are whole.
{ cat root.pem; head -n 5 unrelated.pem; cat other-root.pem; } >bundle-cut.pem
{ printf '%s' "$(cat root.pem)"; cat other-root.pem; } >bundle-joined.pem
{ printf '%s' "$(head -n 5 unrelated.pem)"; cat root.pem other-root.pem; } >bundle-cut-joined.pem
{ cat root.pem junk-anchor.pem root-ed25519.pem; sed 's/M/*/' unrelated.pem; cat other-root.pem root-trusted.pem; } >bundle-mixed.pem
{ printf '# -----BEGIN CERTIFICATE----- begins each\n'; cat root.pem other-root.pem root.pem; } >bundle-twice.pem
{ printf '\357\273\277'; cat root.pem other-root.pem; } >bundle-bom.pem
{ cat client.pem; head -n 4 inter.pem; } >client-cut.chain
# What is no certificate beside a chain that is good without it: anything, one cut off, one with a byte more.
beside() {
	{ cat good.chain; echo '-----BEGIN CERTIFICATE-----'; base64; echo '-----END CERTIFICATE-----'; } >"$1.chain"
}
printf 'junk' | beside beside-junk
openssl x509 -in unrelated.pem -outform DER | head -c -1 | beside beside-cut
{ openssl x509 -in unrelated.pem -outform DER; printf x; } | beside beside-more
openssl x509 -in unrelated.pem -outform DER | beside beside-good
# In other forms.
openssl x509 -in root.pem -outform DER -out form-der.bin
openssl pkey -in client.key -outform DER -out form-key.bin
openssl pkcs8 -topk8 -in client.key -passout pass:x -outform DER -out form-encrypted-key.bin 2>/dev/null
openssl pkcs12 -export -in client.pem -inkey client.key -passout pass:x -out form-pkcs12.bin
openssl crl2pkcs7 -nocrl -certfile root.pem -outform DER -out form-pkcs7.bin
openssl crl2pkcs7 -nocrl -certfile root.pem -out form-pkcs7.pem
iconv -f ASCII -t UTF-16 root.pem >form-utf16.bin
printf '\376\355\376\355\0\0\0\2' >form-java.bin
printf -- '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n' >openssh.key
chmod 644 client-both.pem
cp client.key shared.key
chmod 640 shared.key
# A directory as c_rehash leaves it.
mkdir -p directory
cp root.pem two-roots.pem no-anchor.pem junk-anchor.pem directory
ln -sf root.pem "directory/$(openssl x509 -in root.pem -noout -hash).0"
rm -f ./*.csr ./*.cnf ./*.tmp
date +%s >now
[ -z "$stamp" ] || touch "$stamp"
