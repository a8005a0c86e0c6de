/* One after the other is tried: a binary is carried between systems. Files come before directories,
 * for they are read by one call and hold what the system's tools have chosen for TLS. */
#include "tls/x509/store.h"

#include <stdio.h>
#include <sys/stat.h>

static const char *const files[] = {
    /* Debian, Ubuntu, Alpine (package ca-certificates), Arch, Gentoo: update-ca-certificates(8),
     * and the link that ca-certificates of Arch makes */
    "/etc/ssl/certs/ca-certificates.crt",
    /* Fedora, RHEL 7 and later, Amazon Linux, and what builds on p11-kit: update-ca-trust(8) */
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    /* RHEL 6, and a link in Fedora up to 42 */
    "/etc/pki/tls/certs/ca-bundle.crt",
    /* SUSE: update-ca-certificates(8) of its own; the first one is a link to the second */
    "/etc/ssl/ca-bundle.pem",
    "/var/lib/ca-certificates/ca-bundle.pem",
    /* NixOS: security.pki */
    "/etc/ssl/certs/ca-bundle.crt",
    /* Alpine without that package (ca-certificates-bundle), Void, OpenBSD's LibreSSL */
    "/etc/ssl/cert.pem",
    "/etc/pki/tls/cert.pem",
};

static const char *const directories[] = {
    /* OpenSSL's own default on Debian, SUSE (where it leads to /var/lib/ca-certificates/pem),
     * Alpine */
    "/etc/ssl/certs",
    /* Fedora, RHEL */
    "/etc/pki/tls/certs",
};

static bool is_there(const char *root, const char *name, mode_t type, char *path, size_t room)
{
    struct stat st;
    int bytes = snprintf(path, room, "%s%s", root, name);
    return bytes > 0 && (size_t)bytes < room && stat(path, &st) == 0 &&
           (st.st_mode & S_IFMT) == type && (type == S_IFDIR || st.st_size > 0);
}

bool store_find(const char *root, char *path, size_t room, bool *is_directory)
{
    *is_directory = false;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (is_there(root, files[i], S_IFREG, path, room))
            return true;
    }
    *is_directory = true;
    for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++) {
        if (is_there(root, directories[i], S_IFDIR, path, room))
            return true;
    }
    return false;
}
