"""Proxies of the distribution, on loopback, each started by its test: tinyproxy, squid, dante and
haproxy."""

import os
import pwd
import shutil
import socket
import subprocess
import time

from harness import BOUND_S

TOOLS = "/usr/sbin:/usr/bin:/sbin:/bin"


def free_port():
    """One that nobody has now; who asks for it next may."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Daemon:
    """A server that stays in the foreground, from when its port answers."""

    def __init__(self, case, name, args, port):
        self.port = port
        path = shutil.which(name, path=TOOLS)
        case.assertTrue(path, name + " is not installed")
        with open(case.path(name + ".out"), "wb") as out:
            self.process = subprocess.Popen([path] + args, stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=out)
        case.addCleanup(self.close)
        end = time.monotonic() + BOUND_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), BOUND_S).close()
                return
            except ConnectionRefusedError:
                case.assertIsNone(self.process.poll(), case.read(name + ".out"))
                case.assertLess(time.monotonic(), end, name + " does not listen")

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(BOUND_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def tinyproxy(case, *lines):
    port = free_port()
    case.file("tinyproxy.conf", "\n".join([
        "Port %d" % port, "Listen 127.0.0.1", "Timeout 60", "MaxClients 100",
        "LogFile \"%s\"" % case.path("tinyproxy.log"), "LogLevel Connect", *lines, ""]).encode())
    return Daemon(case, "tinyproxy", ["-d", "-c", case.path("tinyproxy.conf")], port)


def squid(case, *lines):
    port, directory = free_port(), case.path("squid")
    os.mkdir(directory)
    if os.getuid() == 0:  # it gives its rights up
        os.chown(directory, pwd.getpwnam("proxy").pw_uid, -1)
        os.chmod(os.path.dirname(directory), 0o755)
    case.file("squid.conf", "\n".join([
        "http_port 127.0.0.1:%d" % port, "pid_filename none", "cache deny all",
        "access_log stdio:%s/access" % directory, "cache_log %s/cache" % directory,
        "cache_store_log none", "coredump_dir %s" % directory, "shutdown_lifetime 0 seconds",
        "visible_hostname squid.test", "pinger_enable off", "netdb_filename none", *lines,
        "http_access allow all", ""]).encode())
    return Daemon(case, "squid", ["-N", "-f", case.path("squid.conf")], port)


def dante(case, method="none"):
    port = free_port()
    user = "nobody" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    case.file("danted.conf", "\n".join([
        "logoutput: %s" % case.path("danted.log"), "internal: 127.0.0.1 port = %d" % port,
        "external: 127.0.0.1", "clientmethod: none", "socksmethod: %s" % method,
        "user.privileged: %s" % pwd.getpwuid(os.getuid()).pw_name,
        "user.unprivileged: %s" % user,
        "client pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }",
        "socks pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }", ""]).encode())
    return Daemon(case, "danted", ["-f", case.path("danted.conf")], port)


def haproxy(case, server, maxconn):
    """TCP, and no more than so many connections at a time to that port: the others wait."""
    port = free_port()
    case.file("haproxy.cfg", "\n".join([
        "defaults", "  mode tcp", "  timeout connect 60s", "  timeout queue 600s",
        "  timeout client 600s", "  timeout server 600s",
        "listen gate", "  bind 127.0.0.1:%d" % port,
        "  server one 127.0.0.1:%d maxconn %d" % (server, maxconn), ""]).encode())
    return Daemon(case, "haproxy", ["-db", "-q", "-f", case.path("haproxy.cfg")], port)
