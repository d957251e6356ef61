"""What an instructor collects from an exchange that students may write in: for machines where each has an account.

nbgrader 0.9.6 goes by a folder's name: `ada+03_dot_product+...` is ada's work whoever made it, since a wrong owner is
only warned about. It follows links with the instructor's rights, so that a link to the solution is a solution handed
in. And a name that it cannot read, or too large a folder, ends the collection for everybody.
"""

from __future__ import annotations

import os
import pwd
import stat
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from nbgrader.exchange.default import ExchangeCollect

__all__ = ["CollectByOwner", "copy_owned"]

MAX_FILES = 1000  # in one submission
FROM_STUDENTS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class CollectByOwner(ExchangeCollect):
    """nbgrader's collector, which takes a folder for its owner's work, and of it the owner's own plain files."""

    def _path_to_record(self, path: str) -> dict[str, Any]:
        filename = os.path.basename(path)
        try:
            record, owner = super()._path_to_record(path), _owner(path)
        except (Exception, SystemExit):  # `fail` exits
            self.log.warning("%s is no submission: left out.", filename)
            return {"username": None, "filename": filename, "timestamp": datetime.min}
        if owner != record["username"]:
            self.log.warning("%s was handed in by %s: it counts as the work of %s.", filename, owner, owner)
        return {**record, "username": owner}

    def init_src(self) -> None:
        super().init_src()
        self.src_records = [record for record in self.src_records if record["username"] is not None]

    def do_copy(self, src: str, dest: str, log: Any = None) -> None:
        with tempfile.TemporaryDirectory(prefix="collected-") as folder:
            taken = Path(folder, "submission")
            for name in copy_owned(Path(src), taken, n_bytes=1000 * self.coursedir.max_dir_size):
                self.log.warning("%s: %s was left out.", os.path.basename(src), name)
            super().do_copy(str(taken), dest, log=log)


def copy_owned(source: Path, target: Path, n_bytes: int) -> Iterator[str]:
    """Copy a folder's plain files that belong to whoever owns the folder; yields the names of what was left out.

    Links are not followed, at any depth, whatever the owner changes meanwhile. A file that would bring the sum above
    `n_bytes`, and all files behind the first MAX_FILES, are left out too. OSError where `source` is no folder.
    """
    root = os.open(source, FROM_STUDENTS | os.O_DIRECTORY)
    try:
        owner, n_files = os.fstat(root).st_uid, 0
        for folder, folders, files, here in os.fwalk(".", dir_fd=root):
            (target / folder).mkdir()
            for name in files:
                content = _content(name, here, owner, n_bytes) if n_files < MAX_FILES else None
                if content is None:
                    yield os.path.normpath(os.path.join(folder, name))
                else:
                    (target / folder / name).write_bytes(content)
                    n_files, n_bytes = n_files + 1, n_bytes - len(content)
            links = [name for name in folders if stat.S_ISLNK(os.lstat(name, dir_fd=here).st_mode)]
            yield from (os.path.normpath(os.path.join(folder, name)) for name in links)
    finally:
        os.close(root)


def _content(name: str, folder: int, owner: int, n_bytes: int) -> bytes | None:
    """A file's bytes; None for whatever is no plain file of that owner's, or larger."""
    try:
        descriptor = os.open(name, FROM_STUDENTS, dir_fd=folder)
    except OSError:
        return None
    with open(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != owner:
            return None
        content = file.read(n_bytes + 1)
    return content if len(content) <= n_bytes else None


def _owner(path: str) -> str:
    found = os.lstat(path)
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(path)
    return pwd.getpwuid(found.st_uid).pw_name
