"""What the Linux kernel offers to wall a process in, through ctypes: namespaces, Landlock, seccomp, capabilities.

Each function raises OSError where the kernel refuses. Nothing here is particular to notebooks.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

__all__ = [
    "BIND",
    "NEW_IPC",
    "NEW_MOUNTS",
    "NEW_NET",
    "NEW_PIDS",
    "NEW_USER",
    "NEW_UTS",
    "NO_DEVICES",
    "NO_EXEC",
    "NO_SUID",
    "PRIVATE",
    "READ_ONLY",
    "RECURSIVE",
    "REMOUNT",
    "adopt_orphans",
    "die_with_parent",
    "drop_capabilities",
    "filter_system_calls",
    "join",
    "landlock",
    "landlock_version",
    "map_to_itself",
    "mount",
    "no_new_privileges",
    "seccomp_is_known",
    "set_dumpable",
    "unshare",
]

NEW_MOUNTS, NEW_UTS, NEW_IPC = 0x00020000, 0x04000000, 0x08000000
NEW_USER, NEW_PIDS, NEW_NET = 0x10000000, 0x20000000, 0x40000000
READ_ONLY, NO_SUID, NO_DEVICES, NO_EXEC = 0x1, 0x2, 0x4, 0x8
REMOUNT, BIND, RECURSIVE, PRIVATE = 0x20, 0x1000, 0x4000, 0x40000

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _prctl(option: int, *arguments: int) -> int:
    # prctl is variadic: each argument has to be a whole register wide
    padded = [ctypes.c_ulong(each) for each in (*arguments, 0, 0, 0, 0)[:4]]
    return _checked(_libc.prctl(option, *padded), f"prctl {option}")


# ---- namespaces and mounts


def unshare(flags: int) -> None:
    """New namespaces for this process, or for its children in the case of process ids."""
    _checked(_libc.unshare(flags), "unshare")


def join(handle: int, flag: int) -> None:
    """Enter the namespace that the file descriptor stands for."""
    _checked(_libc.setns(handle, flag), "setns")


def map_to_itself(uid: int, gid: int) -> None:
    """In a user namespace of its own, this process keeps its ids: they are all that exist there."""
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    """mount(2)."""
    encoded = [os.fsencode(text) if text else None for text in (source, target, kind, options)]
    result = _libc.mount(encoded[0], encoded[1], encoded[2], ctypes.c_ulong(flags), encoded[3])
    _checked(result, f"mount {target}")


# ---- what a process may do, and how it ends


def die_with_parent(signal_number: int) -> None:
    """Get this signal when the parent ends."""
    _prctl(1, signal_number)


def set_dumpable(value: bool) -> None:
    """Whether processes of the same user may look into this one."""
    _prctl(4, int(value))


def adopt_orphans() -> None:
    """Become the parent of all descendants whose own parent ends."""
    _prctl(36, 1)


def no_new_privileges() -> None:
    """From here on no program that is started can do more than this process."""
    _prctl(38, 1)


def drop_capabilities() -> None:
    """Give up all capabilities, for good."""
    for capability in range(64):
        try:
            _prctl(24, capability)
        except OSError:  # this kernel knows no capability of this number, or we may not: then none is left to lose
            break
    _prctl(47, 4)  # those that programs would inherit
    header = struct.pack("Ii", 0x20080522, 0)
    _checked(_libc.capset(header, bytes(24)), "capset")


# ---- Landlock

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_FOLDER = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _IOCTL = 1 << 14, 1 << 15


def landlock_version() -> int:
    """The version of Landlock that this kernel has, 0 for none."""
    return max(0, _libc.syscall(444, None, ctypes.c_size_t(0), ctypes.c_uint(1)))


def landlock(readable: Iterable[str], writable: Iterable[str]) -> None:
    """From here on, what lies below these paths is all that there is: no other file, no TCP, no signal to outside.

    Paths that do not exist are left out. The process needs `no_new_privileges` first.
    """
    version = landlock_version()
    files = (1 << 13) - 1
    files |= sum(1 << bit for since, bit in ((2, 13), (3, 14), (5, 15)) if version >= since)
    connections = 3 if version >= 4 else 0
    scopes = 3 if version >= 6 else 0
    size = 8 if version < 4 else 16 if version < 6 else 24
    attributes = struct.pack("QQQ", files, connections, scopes)
    rules = _checked(_libc.syscall(444, attributes, ctypes.c_size_t(size), ctypes.c_uint(0)), "landlock")
    try:
        for path, access in (
            *((path, _EXECUTE | _READ_FILE | _READ_FOLDER) for path in readable),
            *((path, files) for path in writable),
        ):
            _allow(rules, path, access & files)
        _checked(_libc.syscall(446, ctypes.c_int(rules), ctypes.c_uint(0)), "landlock")
    finally:
        os.close(rules)


def _allow(rules: int, path: str, access: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not os.path.isdir(path):
            access &= _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL
        rule = struct.pack("=Qi", access, place)
        _checked(_libc.syscall(445, ctypes.c_int(rules), ctypes.c_int(1), rule, ctypes.c_uint(0)), f"landlock {path}")
    finally:
        os.close(place)


# ---- seccomp

_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_FORBIDDEN = {  # name: number on x86-64, number on AArch64 (None: it has no such call)
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "open_tree_attr": (467, 467),
    "unshare": (272, 97),
    "setns": (308, 268),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "reboot": (169, 142),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "userfaultfd": (323, 282),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "syslog": (103, 116),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "vhangup": (153, 58),
    "iopl": (172, None),
    "ioperm": (173, None),
    "modify_ldt": (154, None),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    # memory that belongs to no process, so that no limit counts it
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
}
_CLONE, _CLONE3, _SOCKET = (56, 220), (435, 435), (41, 198)
_NEW_NAMESPACES = NEW_USER | NEW_PIDS | NEW_NET | NEW_MOUNTS | NEW_IPC | NEW_UTS | 0x02000000  # the last: cgroups
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _REFUSE, _UNKNOWN, _KILL = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000  # EPERM, ENOSYS


def seccomp_is_known() -> bool:
    """Whether the filter is written for this machine."""
    return platform.system() == "Linux" and platform.machine() in _ARCHITECTURES


def filter_system_calls() -> None:
    """From here on: no other processes' memory, no mounts, no new namespaces, no socket but a local one.

    The process needs `no_new_privileges` first. Raises OSError on a machine that the filter is not written for.
    """
    if not seccomp_is_known():
        raise OSError(f"no filter of system calls is written for {platform.machine()}")
    program = _program(platform.machine())
    code = ctypes.create_string_buffer(b"".join(program), 8 * len(program))
    filter_ = struct.pack("HxxxxxxP", len(program), ctypes.addressof(code))
    kept = ctypes.create_string_buffer(filter_, len(filter_))
    _prctl(22, 2, ctypes.addressof(kept))


def _program(machine: str) -> Sequence[bytes]:
    """The filter: instructions of the classic Berkeley packet filter, (code, jump if so, jump if not, value)."""
    which = list(_ARCHITECTURES).index(machine)
    steps = [
        (_LOAD, 0, 0, 4),  # the architecture
        (_EQUAL, 1, 0, _ARCHITECTURES[machine]),
        (_RETURN, 0, 0, _KILL),  # another one has other numbers
        (_LOAD, 0, 0, 0),  # the number of the call
    ]
    if machine == "x86_64":
        steps += [(_AT_LEAST, 0, 1, 0x40000000), (_RETURN, 0, 0, _REFUSE)]  # the x32 names of the same calls
    for numbers in _FORBIDDEN.values():
        if numbers[which] is not None:
            steps += [(_EQUAL, 0, 1, numbers[which]), (_RETURN, 0, 0, _REFUSE)]
    steps += [
        (_EQUAL, 0, 1, _CLONE3[which]),  # its flags cannot be read from here: C libraries then take clone
        (_RETURN, 0, 0, _UNKNOWN),
        (_EQUAL, 0, 4, _CLONE[which]),
        (_LOAD, 0, 0, 16),  # the first argument
        (_ANY_BIT, 0, 1, _NEW_NAMESPACES),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
        (_EQUAL, 0, 3, _SOCKET[which]),
        (_LOAD, 0, 0, 16),
        (_EQUAL, 1, 0, 1),  # AF_UNIX
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return [struct.pack("HBBI", *step) for step in steps]
