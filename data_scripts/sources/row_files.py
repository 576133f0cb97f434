"""Rows out of one file of JSON, JSON lines or parquet, one after the other.

Promise: a file is never held whole. JSON arrays are parsed element by element, parquet batch by batch; nothing is read
before the first row is asked for. A line of JSON that cannot be read comes out as None, so that positions stay true.
"""

import codecs
import json
import shutil
import tempfile
from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

SUFFIXES = (".parquet", ".jsonl", ".json")  # in this order where a place holds the same rows in several forms
CHUNK = 1 << 20  # characters of JSON read at a time
MAX_ROW = 1 << 26  # characters of one row of JSON
BATCH = 32  # rows of parquet held at a time: each may carry ten images

_SPACE = " \t\r\n"
_DECODER = json.JSONDecoder()


def rows_of(file: BinaryIO, name: str) -> Iterator[object]:
    """The rows of an open file; None for a line of JSON that is none.

    A JSON file may be a list of rows, rows one after the other, one object of lists (`{"train": [..]}`), or one object
    of rows by id (`{"12": {..}}`, the key then also stands in the row as `id`).

    Args:
        file: open for reading bytes.
        name: file name; its suffix decides, and messages name it.

    Raises:
        ValueError: if the file as a whole cannot be read.
    """
    suffix = name[name.rfind(".") :].lower()
    if suffix == ".parquet":
        return _parquet_rows(file, name)
    if suffix == ".jsonl":
        return _line_rows(file)
    return _json_rows(file, name)


def _parquet_rows(file: BinaryIO, name: str) -> Iterator[object]:
    with tempfile.TemporaryFile() as copy:
        if not _is_on_disk(file):  # parquet is read from its end: a member of a zip goes to disk first
            shutil.copyfileobj(file, copy)
            file = copy
        try:
            for batch in pq.ParquetFile(file).iter_batches(BATCH):
                yield from batch.to_pylist()
        except (pa.ArrowException, OSError) as error:
            raise ValueError(f"{name} cannot be read as parquet ({error}): download it again") from None


def _is_on_disk(file: BinaryIO) -> bool:
    try:
        file.fileno()
    except (OSError, AttributeError):
        return False
    return True


def _line_rows(file: BinaryIO) -> Iterator[object]:
    for number, line in enumerate(file):
        line = line.removeprefix(codecs.BOM_UTF8) if number == 0 else line
        if line.strip():
            try:
                yield json.loads(line)
            except (ValueError, RecursionError):
                yield None


class _Text:
    """A window on the decoded text of a file: what is behind `position` is forgotten as more is read."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._reader = codecs.getreader("utf-8-sig")(file)
        self.name, self.text, self.position, self.offset, self.ended = name, "", 0, 0, False

    def more(self) -> bool:
        """Read on; False at the end of the file."""
        self.offset += self.position
        self.text, self.position = self.text[self.position :], 0
        try:
            chunk = self._reader.read(max(CHUNK, len(self.text)))  # doubling keeps retries linear
        except UnicodeDecodeError as error:
            raise ValueError(f"{self.name} is not UTF-8 text ({error.reason})") from None
        self.ended = not chunk
        self.text += chunk
        return not self.ended

    def peek(self, skip: str = _SPACE) -> str:
        """The next character that is not skipped, "" at the end of the file."""
        while True:
            while self.position < len(self.text):
                if self.text[self.position] not in skip:
                    return self.text[self.position]
                self.position += 1
            if not self.more():
                return ""

    def value(self) -> object:
        """Decode the JSON value that starts here and step behind it.

        Raises:
            ValueError: if there is none.
        """
        while True:
            try:
                value, end = _DECODER.raw_decode(self.text, self.position)
                if end < len(self.text) or self.ended:  # a number at the edge of the window may go on behind it
                    self.position = end
                    return value
            except RecursionError:
                raise ValueError(f"{self.name} is nested too deeply near character {self.offset}") from None
            except json.JSONDecodeError as error:
                if self.ended or len(self.text) - self.position > MAX_ROW:
                    where = self.offset + error.pos
                    raise ValueError(f"{self.name} is no JSON from character {where} on ({error.msg})") from None
            self.more()


def _json_rows(file: BinaryIO, name: str) -> Iterator[object]:
    text = _Text(file, name)
    if text.peek() == "[":
        text.position += 1
        while text.peek(_SPACE + ",") not in ("]", ""):
            yield text.value()
        if text.peek() != "]":
            raise ValueError(f"{name} ends in the middle of its list: download it again")
        return
    if text.peek() == "":
        return
    first = text.value()
    if text.peek():  # rows one after the other
        yield first
        while text.peek():
            yield text.value()
        return
    yield from _rows_of_object(first)


def _rows_of_object(value: object) -> Iterator[object]:
    parts = list(value.values()) if isinstance(value, dict) else []
    if parts and all(isinstance(part, list) and part and isinstance(part[0], dict) for part in parts):
        for part in parts:
            yield from part
    elif parts and all(isinstance(part, dict) for part in parts):
        yield from ({"id": key, **part} for key, part in value.items())
    else:
        yield value
