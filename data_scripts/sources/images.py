"""Images as files hold them: bytes, PIL images, paths beside the rows, members of zips. One resolver for all of them.

Promise: no path is followed out of the place that was opened, nothing is unpacked to disk, and what is returned is a
whole image of bearable size, its bytes as they were.
"""

import io
import posixpath
import re
import struct
import zipfile
import zlib
from functools import cached_property
from pathlib import Path, PurePosixPath

from PIL import Image as PILImage

from .records import BadRow

SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff")
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF")  # not those for which PIL starts another program
MAX_BYTES = 20 << 20  # of one image as it is stored
MAX_PIXELS = 50_000_000

# What PIL and zipfile raise on truncated, damaged and absurdly large files.
UNREADABLE = (
    *(OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, NotImplementedError, RuntimeError),
    *(zipfile.BadZipFile, PILImage.DecompressionBombError),
)


Where = tuple[zipfile.ZipFile | None, zipfile.ZipInfo | Path]  # a member of a zip, or a file


class Images:
    """The images of one place: a folder with its zips, or one zip.

    Args:
        folder: where relative paths start; None for a lone zip.
        archives: zips whose members are looked up where the folder has no such file.
        within: no file outside this folder is opened, whatever links say (default: `folder`). A snapshot of the Hub
            cache links into the folder above it.
    """

    def __init__(self, folder: Path | None, archives: list[Path], within: Path | None = None) -> None:
        self.folder = None if folder is None else folder.resolve()
        self._roots = [] if folder is None else [f"{root.as_posix()}/" for root in (folder.absolute(), self.folder)]
        self._within = None if folder is None else (within or folder).resolve()
        self._paths = archives
        self._found: dict[tuple[str, str], Where] = {}

    @cached_property
    def _archives(self) -> list[tuple[zipfile.ZipFile, dict[str, zipfile.ZipInfo]]]:
        opened = [open_zip(path) for path in self._paths]
        return [(archive, {posixpath.normpath(i.filename): i for i in archive.infolist()}) for archive in opened]

    @cached_property
    def _prefixes(self) -> tuple[list[str], list[list[str]]]:
        """Folders in which an image may lie, of the folder and of each zip, those near the root first."""
        own = [] if self.folder is None else [p for p in self.folder.rglob("*") if p.is_dir()]
        in_folder = {name for p in own if not hidden(name := p.relative_to(self.folder).as_posix())}
        in_archives = [
            {str(parent) for name in members if not hidden(name) for parent in PurePosixPath(name).parents}
            for _, members in self._archives
        ]
        return _near_first({"", *in_folder}), [_near_first(names) for names in in_archives]

    def bytes_of(self, value: object, beside: str = "") -> bytes:
        """The bytes of an image that a row holds or names.

        Args:
            value: bytes, a PIL image, `{"bytes", "path"}`, a path, or a list whose first entry is one of these.
            beside: folder of the file that the row stands in, relative to the place; paths are tried there first.

        Raises:
            BadRow: saying why there is no image.
        """
        if isinstance(value, (list, tuple)):
            value = value[0] if value else None
        if isinstance(value, dict):
            value = value.get("bytes") or value.get("path")
        if isinstance(value, PILImage.Image):
            buffer = io.BytesIO()
            value.save(buffer, format="PNG")
            value = buffer.getvalue()
        if isinstance(value, str) and value.strip():
            value = self._read(value, beside)
        if not isinstance(value, bytes) or not value:
            raise BadRow("image: none")
        return _checked(value)

    def _read(self, path: str, beside: str) -> bytes:
        where, name = self._find(self._inside(path), beside)
        try:
            if isinstance(where, zipfile.ZipFile):
                if name.file_size > MAX_BYTES:
                    raise BadRow("image: too large")
                return where.read(name)
            if name.stat().st_size > MAX_BYTES:
                raise BadRow("image: too large")
            return name.read_bytes()
        except UNREADABLE:
            raise BadRow("image: unreadable") from None

    def _inside(self, path: str) -> str:
        """The path relative to the place, in one way of writing.

        Raises:
            BadRow: if it is absolute and not below the place, or steps out of a folder.
        """
        path = path.strip().replace("\\", "/")
        if "\0" in path or ".." in path.split("/") or re.match(r"[A-Za-z]:|[a-z]+://", path):
            raise BadRow("image: path leads outside")
        if path.startswith("/"):
            root = next((root for root in self._roots if path.startswith(root)), None)
            if root is None:
                raise BadRow("image: path leads outside")
            path = path[len(root) :]
        path = posixpath.normpath(path).lstrip("/")
        if not path.lower().endswith(SUFFIXES) or len(path) > 1000 or max(map(len, path.split("/"))) > 255:
            raise BadRow("image: path names no image")
        return path

    def _find(self, path: str, beside: str) -> Where:
        """The file or member that a path means: beside the rows, at the root, else in exactly one folder below.

        Data sets are unpacked in many ways: the folder that the path starts with may be missing, or one too many. The
        file's own folder is never dropped, since `a/1.png` and `b/1.png` are two images, and nothing is dropped where
        the folders of the path are there without the file.
        """
        key = (beside, path)
        if key not in self._found:
            parts = path.split("/")
            names = [path] + ["/".join(parts[i:]) for i in range(1, len(parts) - 1)]
            if len(self._found) > 4096:  # rows of one figure stand together; the rest need not be remembered
                self._found.clear()
            self._found[key] = self._search(names, beside)
        return self._found[key]

    def _search(self, names: list[str], beside: str) -> Where:
        for name in names:
            for exact in dict.fromkeys((posixpath.normpath(posixpath.join(beside, name)), name)):
                if found := self._look(exact):
                    return found
            folders, archives = self._prefixes
            in_folders = [f for p in folders if (f := self._file(posixpath.join(p, name)))]
            in_archives = [
                (archive, members[full])
                for (archive, members), prefixes in zip(self._archives, archives, strict=True)
                for p in prefixes
                if (full := posixpath.join(p, name)) in members
            ]
            for found in (in_folders, in_archives):  # a zip and what was unpacked from it are the same images
                if len(found) > 1:
                    raise BadRow("image: path fits several files")
                if found:
                    return found[0]
            parent = posixpath.dirname(name)
            if any(posixpath.join(p, parent) in there for there in map(set, (folders, *archives)) for p in there):
                break  # its own folder is there without it: what is of that name elsewhere is another image
        raise BadRow("image: missing")

    def _look(self, name: str) -> Where | None:
        if found := self._file(name):
            return found
        return next(((archive, members[name]) for archive, members in self._archives if name in members), None)

    def _file(self, name: str) -> Where | None:
        if self.folder is None:
            return None
        path = self.folder / name
        if not path.is_file():
            return None
        if not path.resolve().is_relative_to(self._within):
            raise BadRow("image: path leads outside")
        return None, path


def open_zip(path: Path) -> zipfile.ZipFile:
    """Open a zip.

    Raises:
        ValueError: if it is none, or damaged.
    """
    try:
        return zipfile.ZipFile(path)
    except UNREADABLE as error:
        raise ValueError(f"{path} cannot be read as a zip ({error}): download it again") from None


def _near_first(folders: set[str]) -> list[str]:
    folders = {"" if name == "." else name for name in folders}
    return sorted(folders, key=lambda name: (name.count("/"), name))


def hidden(path: str) -> bool:
    """Whether a path below a place leads through what is no data: caches, what macOS adds to a zip."""
    return any(part.startswith(".") or part == "__MACOSX" for part in path.split("/"))


def _checked(content: bytes) -> bytes:
    if len(content) > MAX_BYTES:
        raise BadRow("image: too large")
    try:
        with PILImage.open(io.BytesIO(content), formats=FORMATS) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise BadRow("image: too large")
            picture.load()
    except UNREADABLE:
        raise BadRow("image: unreadable") from None
    return content
