"""Questions with answers, from which figures are to be written: from JSON lines, parquet, a folder or the Hub."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
from datasets import load_dataset

LONGEST = 8000  # characters of a question or an answer


@dataclass(frozen=True)
class Problem:
    """A question on a figure. `id` is the source's own, else made from the words."""

    id: str
    question: str
    answer: str


@dataclass(frozen=True)
class Columns:
    """Which columns hold what; a missing id is no fault."""

    question: str = "question"
    answer: str = "answer"
    id: str = "id"


def read_problems(source: str, columns: Columns, split: str, dropped: Counter[str]) -> list[Problem]:
    """All problems of a source in its order, each question once.

    Args:
        source: a `.jsonl` or `.parquet` file, a folder, or a Hub id.
        columns: names of the columns.
        split: of a folder or Hub id.
        dropped: counts by reason the rows that hold no problem.

    Raises:
        ValueError: if the source cannot be read, or holds no problem at all.
    """
    found: dict[tuple[str, str], Problem] = {}
    ids: set[str] = set()
    for row in _rows(source, columns, split, dropped):
        problem = _problem(row, columns, dropped)
        if problem is None:
            continue
        words = (problem.question, problem.answer)
        if words in found:
            dropped["question: asked before"] += 1
        elif problem.id in ids:
            dropped["question: an id that was there before"] += 1
        else:
            found[words] = problem
            ids.add(problem.id)
    if not found:
        raise ValueError(
            f"{source} holds no question with an answer (columns '{columns.question}' and '{columns.answer}'; "
            f"--question_column and --answer_column name others): {dict(dropped)}"
        )
    return list(found.values())


def _problem(row: object, columns: Columns, dropped: Counter[str]) -> Problem | None:
    if not isinstance(row, dict):
        dropped["question: no JSON object"] += 1
        return None
    question, answer = (_text(row.get(name)) for name in (columns.question, columns.answer))
    if not question or not answer:
        dropped[f"question: no {columns.answer if question else columns.question}"] += 1
        return None
    if max(len(question), len(answer)) > LONGEST:
        dropped[f"question: longer than {LONGEST} characters"] += 1
        return None
    own = _text(row.get(columns.id))
    digest = hashlib.sha256(f"{question}\n{answer}".encode()).hexdigest()[:16]
    return Problem(own or digest, question, answer)


def _text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value).strip()


def _rows(source: str, columns: Columns, split: str, dropped: Counter[str]) -> Iterator[object]:
    path = Path(source)
    if path.suffix in (".jsonl", ".json", ".parquet") and not path.is_file():
        raise ValueError(f"no file at {source}")
    try:
        if path.is_file() and path.suffix in (".jsonl", ".json"):
            yield from _json_lines(path, dropped)
        elif path.is_file() and path.suffix == ".parquet":
            table = pq.ParquetFile(path)
            wanted = [c for c in (columns.id, columns.question, columns.answer) if c in table.schema_arrow.names]
            for batch in table.iter_batches(columns=wanted):
                yield from batch.to_pylist()
        elif path.is_file():
            raise ValueError(f"{source} is none of .jsonl, .json and .parquet")
        else:
            yield from _of_data_set(source, columns, split)
    except (OSError, UnicodeError) as error:
        raise ValueError(f"{source} cannot be read: {error}") from error


def _json_lines(path: Path, dropped: Counter[str]) -> Iterable[object]:
    """One object a line, or one list; a bad line is counted and passed over."""
    text = path.read_text(encoding="utf-8-sig")
    if text.lstrip().startswith("["):
        try:
            yield from json.loads(text)
        except ValueError as error:
            raise ValueError(f"{path} is no JSON: {error}") from error
        return
    for line in text.splitlines():
        if line.strip():
            try:
                yield json.loads(line)
            except ValueError:
                dropped["question: a line that is no JSON"] += 1


def _of_data_set(source: str, columns: Columns, split: str) -> Iterable[dict]:
    try:
        rows = load_dataset(source, split=split, streaming=True)
    except Exception as error:  # datasets raises many kinds for a wrong name, a wrong split, no network
        raise ValueError(f"{source} ({split}) cannot be loaded: {error}") from error
    if rows.column_names:  # images are not decoded for nothing
        rows = rows.select_columns(
            [c for c in rows.column_names if c in (columns.id, columns.question, columns.answer)]
        )
    yield from rows
