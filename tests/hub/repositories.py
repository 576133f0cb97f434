"""What the loopback Hub holds: contents by sha256 on disk, and repositories whose commits are whole trees of files."""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

DATE = "2026-01-01T00:00:00.000Z"


@dataclass(frozen=True)
class StoredFile:
    """One file of a commit: its content's sha256, and how git names it."""

    sha256: str
    size: int
    oid: str
    lfs: bool

    @property
    def etag(self) -> str:
        """What tells clients whether they have this content already."""
        return self.sha256 if self.lfs else self.oid


@dataclass(frozen=True)
class Blobs:
    """Contents of files in a folder, under their sha256."""

    folder: Path

    def path(self, sha256: str) -> Path:
        return self.folder / sha256

    def store(self, content: bytes) -> StoredFile:
        """Keep the content of a small file, which git itself holds."""
        sha256 = hashlib.sha256(content).hexdigest()
        self.path(sha256).write_bytes(content)
        return StoredFile(sha256, len(content), _git_oid(content), lfs=False)

    def stored_lfs(self, sha256: str) -> StoredFile:
        """An uploaded large file, for which git holds a pointer."""
        size = self.path(sha256).stat().st_size
        pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n"
        return StoredFile(sha256, size, _git_oid(pointer.encode()), lfs=True)


@dataclass
class Repository:
    """Branches point to commits; a commit is the whole tree of files by path."""

    private: bool
    branches: dict[str, str] = field(default_factory=dict)
    commits: dict[str, dict[str, StoredFile]] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)  # of all commits, oldest first
    expected_parents: list[str | None] = field(default_factory=list)  # what each pusher said it builds on
    received: set[str] = field(default_factory=set)  # sha256 of large files that arrived, committed or not

    def commit(self, tree: dict[str, StoredFile], message: str, branch: str) -> str:
        """Add a commit, let the branch point to it and return its id."""
        self.messages.append(message)
        listing = {path: stored.oid for path, stored in tree.items()}
        sha = hashlib.sha1(json.dumps([listing, self.messages], sort_keys=True).encode()).hexdigest()
        self.commits[sha], self.branches[branch] = tree, sha
        return sha

    def sha(self, revision: str) -> str | None:
        """The commit that a branch name or a commit id means."""
        sha = self.branches.get(revision, revision)
        return sha if sha in self.commits else None


def _git_oid(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def folder_entry(path: str) -> dict:
    """A folder, as listings of the Hub name it."""
    return {"type": "directory", "path": path, "oid": "0" * 40, "size": 0}


def file_entry(path: str, stored: StoredFile) -> dict:
    """A file, as listings of the Hub name it."""
    last = {"id": "0" * 40, "title": "commit", "date": DATE}
    entry = {"type": "file", "path": path, "oid": stored.oid, "size": stored.size, "lastCommit": last}
    return entry | ({"lfs": {"oid": stored.sha256, "size": stored.size, "pointerSize": 130}} if stored.lfs else {})
