"""Serves a forgetful tree as a file system, in the words of the kernel itself: /dev/fuse, protocol 7.31.

    python -m tests.endurance.fuse DIRECTORY

On standard input come `on`, `off CHANCE SEED`, `sync` and `deaf`; each is answered with a line when it is done. The
numbers and layouts are those of the kernel's header linux/fuse.h. What is not named here is answered with ENOSYS,
which the kernel takes for `not needed`: opening and closing, locks, extended attributes.
"""

from __future__ import annotations

import ctypes
import os
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from errno import EEXIST, ENOENT, ENOSYS, ENOTEMPTY
from random import Random
from select import EPOLLIN, epoll
from struct import Struct
from time import time_ns

from tests.endurance.forgetful import Directory, File, Node, Tree

REQUEST, REPLY = Struct("<IIQQIIII"), Struct("<IiQ")
ENTRY, ATTRIBUTES_HEAD, ATTRIBUTES = Struct("<4Q2I"), Struct("<Q2I"), Struct("<6Q10I")
INIT, DIRENT = Struct("<4I2H2I2HI28x"), Struct("<QQII")
READ, WRITE = Struct("<QQI"), Struct("<QQII16x")
SETATTR = Struct("<IIQQQ3Q3IIIII4x")
MKNOD, MKDIR, RENAME, RENAME2 = Struct("<4I"), Struct("<2I"), Struct("<Q"), Struct("<QII")
MODE, UID, GID, SIZE = 1, 2, 4, 8
MAX_WRITE, FLAGS, PAGES = 1 << 20, 1 | 1 << 5 | 1 << 22, 256
"""Asynchronous reads, writes of more than a page, and the number of pages is told."""

FOR_EVER, DETACH = 1 << 30, 2
NOBODY_WAITS = {2, 36, 42}
"""FORGET, INTERRUPT, BATCH_FORGET."""


class Refused(Exception):
    """An operation is answered with this error number."""


@dataclass(slots=True)
class Disk:
    """The tree, and the mount through which it is seen while the power is on."""

    directory: bytes
    tree: Tree = field(default_factory=Tree)
    device: int = -1
    is_deaf: bool = False
    """Whether it says that it synced and does not."""

    _asked: dict[int, Callable[..., bytes]] = field(init=False)

    def __post_init__(self) -> None:
        self._asked = {
            1: self._lookup, 3: self._getattr, 4: self._setattr, 8: self._mknod, 9: self._mkdir, 10: self._unlink,
            11: self._rmdir, 12: self._rename, 13: self._link, 15: self._read, 16: self._write, 17: self._statfs,
            20: self._fsync, 26: self._init, 28: self._readdir, 30: self._fsync, 45: self._rename2,
        }  # fmt: skip

    def on(self) -> None:
        self.device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        told = f"fd={self.device},rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions"
        _system("mount", b"forgetful", self.directory, b"fuse", 0, told.encode())

    def off(self, chance: float, seed: int) -> None:
        """Whoever still asks is answered with an error; the rest is forgotten."""
        os.close(self.device)
        _system("umount2", self.directory, DETACH)
        self.device = -1
        drawn = Random(seed)
        self.tree.cut(lambda: drawn.random() < chance)

    def answer(self) -> None:
        """Read one request of the kernel and do it."""
        request = memoryview(os.read(self.device, MAX_WRITE + 4096))
        _, operation, unique, number, uid, gid, _, _ = REQUEST.unpack_from(request)
        if operation in NOBODY_WAITS:
            return
        try:
            if (asked := self._asked.get(operation)) is None:
                raise Refused(ENOSYS)
            told, error = asked(number, request[REQUEST.size :], uid, gid), 0
        except Refused as refused:
            told, error = b"", -refused.args[0]
        os.writev(self.device, [REPLY.pack(REPLY.size + len(told), error, unique), told])

    def _init(self, number: int, request: memoryview, uid: int, gid: int) -> bytes:
        return INIT.pack(7, 31, 1 << 17, FLAGS, 16, 12, MAX_WRITE, 1, PAGES, 0, 0)

    def _lookup(self, number: int, request: memoryview, uid: int, gid: int) -> bytes:
        return self._entry(self._named(number, _name(request)))

    def _named(self, number: int, name: bytes) -> int:
        found = self.tree.directory(number).names.get(name)
        if found is None:
            raise Refused(ENOENT)
        return found

    def _entry(self, number: int) -> bytes:
        return ENTRY.pack(number, 0, FOR_EVER, FOR_EVER, 0, 0) + self._attributes(number)

    def _attributes(self, number: int) -> bytes:
        node = self.tree.nodes[number]
        seconds, rest = divmod(node.modified, 10**9)
        blocks = -(-node.size // 512)
        times = (seconds, seconds, seconds, rest, rest, rest)
        return ATTRIBUTES.pack(number, node.size, blocks, *times, node.mode, 1, node.uid, node.gid, 0, 4096, 0)

    def _getattr(self, number: int, request: memoryview, uid: int, gid: int) -> bytes:
        return ATTRIBUTES_HEAD.pack(FOR_EVER, 0, 0) + self._attributes(number)

    def _setattr(self, number: int, request: memoryview, uid: int, gid: int) -> bytes:
        asked = SETATTR.unpack_from(request)
        node = self.tree.nodes[number]
        if asked[0] & MODE:
            node.mode = stat.S_IFMT(node.mode) | stat.S_IMODE(asked[11])
        if asked[0] & UID:
            node.uid = asked[13]
        if asked[0] & GID:
            node.gid = asked[14]
        if asked[0] & SIZE:
            self.tree.file(number).resize(asked[3])
        return self._getattr(number, request, uid, gid)

    def _mknod(self, number: int, request: memoryview, uid: int, gid: int) -> bytes:
        mode = MKNOD.unpack_from(request)[0]
        made = File(mode=mode, uid=uid, gid=gid, modified=time_ns())
        return self._add(number, _name(request[MKNOD.size :]), made)

    def _mkdir(self, number: int, request: memoryview, uid: int, gid: int) -> bytes:
        mode = MKDIR.unpack_from(request)[0]
        made = Directory(mode=stat.S_IFDIR | mode, uid=uid, gid=gid, modified=time_ns())
        return self._add(number, _name(request[MKDIR.size :]), made)

    def _add(self, number: int, name: bytes, made: Node) -> bytes:
        if name in self.tree.directory(number).names:
            raise Refused(EEXIST)
        return self._entry(self.tree.add(number, name, made))

    def _unlink(self, number: int, request: memoryview, uid: int, gid: int) -> bytes:
        self._named(number, _name(request))
        del self.tree.directory(number).names[_name(request)]
        return b""

    def _rmdir(self, number: int, request: memoryview, uid: int, gid: int) -> bytes:
        if self.tree.directory(self._named(number, _name(request))).names:
            raise Refused(ENOTEMPTY)
        return self._unlink(number, request, uid, gid)

    def _rename(self, number: int, request: memoryview, uid: int, gid: int) -> bytes:
        name, new_name = bytes(request[RENAME.size :]).split(b"\0")[:2]
        self._named(number, name)
        self.tree.rename(number, name, RENAME.unpack_from(request)[0], new_name)
        return b""

    def _link(self, number: int, request: memoryview, uid: int, gid: int) -> bytes:
        [linked], name = RENAME.unpack_from(request), _name(request[RENAME.size :])
        if name in self.tree.directory(number).names:
            raise Refused(EEXIST)
        self.tree.directory(number).names[name] = linked
        return self._entry(linked)

    def _rename2(self, number: int, request: memoryview, uid: int, gid: int) -> bytes:
        other, flags, _ = RENAME2.unpack_from(request)
        if flags:
            raise Refused(ENOSYS)
        return self._rename(number, memoryview(RENAME.pack(other) + request[RENAME2.size :]), uid, gid)

    def _read(self, number: int, request: memoryview, uid: int, gid: int) -> bytes:
        _, start, size = READ.unpack_from(request)
        return bytes(self.tree.file(number).content[start : start + size])

    def _write(self, number: int, request: memoryview, uid: int, gid: int) -> bytes:
        _, start, size, _ = WRITE.unpack_from(request)
        file = self.tree.file(number)
        file.write(start, request[WRITE.size : WRITE.size + size])
        file.modified = time_ns()
        return size.to_bytes(8, "little")

    def _statfs(self, number: int, request: memoryview, uid: int, gid: int) -> bytes:
        return Struct("<5Q10I").pack(1 << 20, 1 << 20, 1 << 20, 1 << 20, 1 << 20, 4096, 255, 4096, *[0] * 7)

    def _fsync(self, number: int, request: memoryview, uid: int, gid: int) -> bytes:
        if not self.is_deaf:
            self.tree.nodes[number].sync()
        return b""

    def _readdir(self, number: int, request: memoryview, uid: int, gid: int) -> bytes:
        _, start, size = READ.unpack_from(request)
        told = b""
        # The number of a file is its place: what is removed meanwhile moves nothing else.
        for one, name in sorted((one, name) for name, one in self.tree.directory(number).names.items() if one > start):
            kind = stat.S_IFMT(self.tree.nodes[one].mode) >> 12
            line = DIRENT.pack(one, one, len(name), kind) + name
            line += bytes(-len(line) % 8)
            if len(told) + len(line) > size:
                break
            told += line
        return told


def _name(request: memoryview) -> bytes:
    return bytes(request).split(b"\0", 1)[0]


def _system(call: str, *arguments: bytes | int) -> None:
    if getattr(ctypes.CDLL(None, use_errno=True), call)(*arguments):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), call)


def _obey(disk: Disk, line: str) -> None:
    match line.split():
        case ["on"]:
            disk.on()
        case ["off", chance, seed]:
            disk.off(float(chance), int(seed))
        case ["sync"]:
            disk.tree.sync()
        case ["deaf"]:
            disk.is_deaf = True
        case _:
            raise ValueError(line)


def main(directory: str) -> None:
    disk, waiting = Disk(directory.encode()), epoll()
    waiting.register(sys.stdin, EPOLLIN)
    while True:
        for found, _ in waiting.poll():
            if found == disk.device:
                disk.answer()
                continue
            if not (line := sys.stdin.readline()):
                if disk.device >= 0:
                    disk.off(0, 0)
                return
            _obey(disk, line)
            if line.strip() == "on":
                waiting.register(disk.device, EPOLLIN)
            sys.stdout.write("done\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
