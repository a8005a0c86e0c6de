/* More rows of the table (table.h): by whom requests go, and for how long connections are held. */

// clang-format off

OPTION(PROXY, "proxy", 'x', "HOST[:PORT]", TEXT, SEND | BENCH | PROBE, WAYS,
       "by that proxy; before HOST may stand http://,\n"
       "socks5:// or socks5h:// (names are looked up there),\n"
       "USER:PASSWORD@; port 1080. \"\": by none", .traits = SECRET, .curl = "-x",
       .others = "socks5|socks5-hostname|http-proxy|https-proxy|all-proxy|preproxy|proxy-url")
OPTION(PROXY_USER, "proxy-user", 0, "NAME:PASSWORD", TEXT, SEND | BENCH | PROBE, WAYS,
       "who asks it", .traits = SECRET, .curl = "--proxy-user",
       .others = "proxy-auth|U|proxy-basic")
OPTION(PROXY_HEADER, "proxy-header", 0, "'NAME: VALUE'", TEXT, SEND | BENCH | PROBE, WAYS,
       "for the proxy alone; repeats", .traits = REPEATS | SECRET,
       .curl = "--proxy-header")
OPTION(PROXY_TIMEOUT, "proxy-timeout", 0, "T", TIME, SEND | BENCH | PROBE, WAYS,
       "how long it may take to open the way; default {default}",
       .min = LIMIT_TIMEOUT_MIN_NS, .max = LIMIT_TIMEOUT_MAX_NS,
       .number = DEFAULT_PROXY_TIMEOUT_NS)
OPTION(PROXYTUNNEL, "proxytunnel", 0, NULL, FLAG, SEND | BENCH | PROBE, WAYS,
       "CONNECT for http: as well", .curl = "--proxytunnel",
       .others = "proxy-tunnel|p|tunnel")
OPTION(NOPROXY, "noproxy", 0, "LIST", TEXT, SEND | BENCH | PROBE, WAYS,
       "hosts that are reached without: names (and all below\n"
       "them), addresses, networks as 10.0.0.0/8; '*': all", .curl = "--noproxy",
       .others = "no-proxy|proxy-bypass")
OPTION(GATE, "gate", 0, "HOST:PORT", TEXT, SEND | BENCH | PROBE, WAYS,
       "a proxy that lets wait on purpose: no time runs until\n"
       "it opens the way. tcp://HOST:PORT: it forwards TCP,\n"
       "for https alone")
OPTION(KEEP, "keep", 0, "T", TIME, SEND | BENCH | PROBE, WAYS,
       "close a connection that was idle for T; default {default},\n"
       "with --gate 200ms",
       .min = LIMIT_TIMEOUT_MIN_NS, .max = LIMIT_TIMEOUT_MAX_NS,
       .number = DEFAULT_IDLE_TIMEOUT_NS, .others = "keepalive-time|idle-timeout|keep-alive")
OPTION(REQUESTS_PER_CONNECTION, "requests-per-connection", 0, "N", COUNT, SEND | BENCH | PROBE,
       WAYS, "and after so many requests",
       .min = 1, .max = UINT32_MAX, .others = "max-requests-per-connection")
