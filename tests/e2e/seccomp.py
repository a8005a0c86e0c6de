"""Filters of system calls, as containers have them (seccomp(2)): what they are made of."""

import ctypes
import struct

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
SECCOMP_RET_ERRNO, SECCOMP_RET_ALLOW = 0x00050000, 0x7FFF0000

LOAD_NUMBER = (0x20, 0, 0, 0)
ALLOW = (0x06, 0, 0, SECCOMP_RET_ALLOW)


def unless_equal_skip(number):
    return (0x15, 0, 1, number)


def unless_at_least_skip(number):
    return (0x35, 0, 1, number)


def refuse(error):
    return (0x06, 0, 0, SECCOMP_RET_ERRNO | error)


class SockFprog(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def filtered(*instructions):
    """For preexec_fn: from there on the number of each system call is judged by these."""
    code = b"".join(struct.pack("HBBI", *one) for one in (LOAD_NUMBER, *instructions))
    program = SockFprog(1 + len(instructions), code)
    libc = ctypes.CDLL(None, use_errno=True)

    def apply():
        if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 or libc.prctl(
                PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl")
    return apply
