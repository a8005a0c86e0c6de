/* Certificates of the simulation: P-256, valid from 2020 to 2126, all leaves with one key. They are
 * worth nothing: the key stands here for everybody to read. Made once with `openssl ca`; leaves
 * with extendedKeyUsage serverAuth and the names as told. */
#ifndef RINGSEND_TESTS_SIM_WORLD_SIM_CERTS_H
#define RINGSEND_TESTS_SIM_WORLD_SIM_CERTS_H

/* The authority that the engine is told to trust. */
static const char sim_pem_root[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBWDCB/6ADAgECAgEBMAoGCCqGSM49BAMCMBMxETAPBgNVBAMMCHNpbSByb290\n"
    "MCAXDTIwMDEwMTAwMDAwMFoYDzIxMjYwMTAxMDAwMDAwWjATMREwDwYDVQQDDAhz\n"
    "aW0gcm9vdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABEyxE8ClxokLiyGLfxYb\n"
    "kmFKSIbN9b6FaOpCC2A+1pOYIu89nj6AwnfB4yk/i931ceRW7mrzEPuBXh6cwfSH\n"
    "MrKjQjBAMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgIEMB0GA1UdDgQW\n"
    "BBR3nMbDmHk+/AVvPkmjMP//XWYuPjAKBggqhkjOPQQDAgNIADBFAiAOMnWixJue\n"
    "ck1glIeCgy8BCNa3Sg5QKH+tnqILomJEjgIhAJPIY5kUieJaLXKag8NmQ+bftFOf\n"
    "RUXLhKorICLsJ+Xs\n"
    "-----END CERTIFICATE-----\n";

/* For every name and address of the simulation. */
static const char sim_pem_leaf[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIICRTCCAeqgAwIBAgIBAzAKBggqhkjOPQQDAjATMREwDwYDVQQDDAhzaW0gcm9v\n"
    "dDAgFw0yMDAxMDEwMDAwMDBaGA8yMTI2MDEwMTAwMDAwMFowDjEMMAoGA1UEAwwD\n"
    "c2ltMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAExMqSpf0kGQAiEOimzQMfYEeu\n"
    "zmEK5YGXZ0Tz19rGq+VLwZgjonxhYN+pPCad8P4zHkm8Kvtvdzi/Xm+4yZPVRqOC\n"
    "ATAwggEsMAwGA1UdEwEB/wQCMAAwDgYDVR0PAQH/BAQDAgeAMBMGA1UdJQQMMAoG\n"
    "CCsGAQUFBwMBMIG2BgNVHREEga4wgauCC2hvc3QtMC50ZXN0ggtob3N0LTEudGVz\n"
    "dIILaG9zdC0yLnRlc3SCC2hvc3QtMy50ZXN0ggltYW55LnRlc3SHBAoAAAGHBAoA\n"
    "AAKHBAoAAGOHBAoAAWOHBAoAAmOHBAoAA2OHEP0AAAAAAAAAAAAAAAAAAJmHEP0A\n"
    "AAAAAAAAAAAAAAABAJmHEP0AAAAAAAAAAAAAAAACAJmHEP0AAAAAAAAAAAAAAAAD\n"
    "AJkwHQYDVR0OBBYEFOuKXYHCiMQZ06NcenCeFpc+nC1RMB8GA1UdIwQYMBaAFHec\n"
    "xsOYeT78BW8+SaMw//9dZi4+MAoGCCqGSM49BAMCA0kAMEYCIQCOEvW/SG8LjSQU\n"
    "yx15r5K3HV4rfQKNCzEqmx38heOagQIhAMaSqrsND/Qn7oDBe3S00kzKJSS/v1pU\n"
    "B5hz2E2yUwXh\n"
    "-----END CERTIFICATE-----\n";

/* For another host. */
static const char sim_pem_elsewhere[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBqzCCAVCgAwIBAgIBBDAKBggqhkjOPQQDAjATMREwDwYDVQQDDAhzaW0gcm9v\n"
    "dDAgFw0yMDAxMDEwMDAwMDBaGA8yMTI2MDEwMTAwMDAwMFowDjEMMAoGA1UEAwwD\n"
    "c2ltMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAExMqSpf0kGQAiEOimzQMfYEeu\n"
    "zmEK5YGXZ0Tz19rGq+VLwZgjonxhYN+pPCad8P4zHkm8Kvtvdzi/Xm+4yZPVRqOB\n"
    "lzCBlDAMBgNVHRMBAf8EAjAAMA4GA1UdDwEB/wQEAwIHgDATBgNVHSUEDDAKBggr\n"
    "BgEFBQcDATAfBgNVHREEGDAWgg5lbHNld2hlcmUudGVzdIcECgkJCTAdBgNVHQ4E\n"
    "FgQU64pdgcKIxBnTo1x6cJ4Wlz6cLVEwHwYDVR0jBBgwFoAUd5zGw5h5PvwFbz5J\n"
    "ozD//11mLj4wCgYIKoZIzj0EAwIDSQAwRgIhAJ+xzIlEYUiLa6tDHSoIo36Zk57a\n"
    "DIjsqt+iBspCh0vnAiEA4LlEh/sYAlsaycytjMltapO0QzI8VYN+qJ7fffFh8LQ=\n"
    "-----END CERTIFICATE-----\n";

/* For the right hosts, by an authority that nobody trusts. */
static const char sim_pem_stranger[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIICRzCCAe6gAwIBAgIBBTAKBggqhkjOPQQDAjAXMRUwEwYDVQQDDAxzaW0gc3Ry\n"
    "YW5nZXIwIBcNMjAwMTAxMDAwMDAwWhgPMjEyNjAxMDEwMDAwMDBaMA4xDDAKBgNV\n"
    "BAMMA3NpbTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABMTKkqX9JBkAIhDops0D\n"
    "H2BHrs5hCuWBl2dE89faxqvlS8GYI6J8YWDfqTwmnfD+Mx5JvCr7b3c4v15vuMmT\n"
    "1UajggEwMIIBLDAMBgNVHRMBAf8EAjAAMA4GA1UdDwEB/wQEAwIHgDATBgNVHSUE\n"
    "DDAKBggrBgEFBQcDATCBtgYDVR0RBIGuMIGrggtob3N0LTAudGVzdIILaG9zdC0x\n"
    "LnRlc3SCC2hvc3QtMi50ZXN0ggtob3N0LTMudGVzdIIJbWFueS50ZXN0hwQKAAAB\n"
    "hwQKAAAChwQKAABjhwQKAAFjhwQKAAJjhwQKAANjhxD9AAAAAAAAAAAAAAAAAACZ\n"
    "hxD9AAAAAAAAAAAAAAAAAQCZhxD9AAAAAAAAAAAAAAAAAgCZhxD9AAAAAAAAAAAA\n"
    "AAAAAwCZMB0GA1UdDgQWBBTril2BwojEGdOjXHpwnhaXPpwtUTAfBgNVHSMEGDAW\n"
    "gBRDmYMrBWl9Sd5puyRiE4nrqIrwXjAKBggqhkjOPQQDAgNHADBEAiB5lXRHY93L\n"
    "2zXYmu7Pqk1CkVlfj8c/ntilCgStAP8btAIgSvzg9THGrZ526pSUXzjWj/T6NOUs\n"
    "BfAAdoRiTO6or5c=\n"
    "-----END CERTIFICATE-----\n";

/* The key of the three leaves. */
static const char sim_pem_key[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgtZwodHpZ7OH51zUU\n"
    "sWr6RZMhadPPiBj9qtK5du6WnauhRANCAATEypKl/SQZACIQ6KbNAx9gR67OYQrl\n"
    "gZdnRPPX2sar5UvBmCOifGFg36k8Jp3w/jMeSbwq+293OL9eb7jJk9VG\n"
    "-----END PRIVATE KEY-----\n";

#endif
