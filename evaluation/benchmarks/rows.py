"""What the readers share: where rows lie, their images, their choices.

The places are those that `data_scripts.sources` reads for training: folders, zips, single files and Hub ids.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from data_scripts.sources import answers
from data_scripts.sources.places import Splits, open_rows
from data_scripts.sources.records import BadRow, OpenedRow, text_of

from .item import EXPRESSION, NUMBER, EncodedImage, Item

IMAGE_COLUMNS = ("decoded_image", "image", "images", "image_path", "file_name")  # pixels before paths

_NUMBER = re.compile(
    r"[+-]?(?:\d[\d,]*(?:\.\d*)?|\.\d+)\s*(?:°|\^\s*\{?\\circ\}?|%|[A-Za-z]{1,7}(?:[²³]|\^\{?[23]\}?)?)?"
)


def read_rows(
    location: str, split: str, splits: Splits, files: tuple[str, ...] = (), hub_rows: tuple[str, ...] = ()
) -> Iterator[OpenedRow]:
    """The rows of a split as they stand; arguments and errors as for `data_scripts.sources.places.open_rows`.

    Args:
        files: the file that holds the rows, in a folder (or its `data/`) where others hold them once more.
    """
    folder = Path(location)
    known = [path for name in files for path in (folder / name, folder / "data" / name) if path.is_file()]
    return open_rows(str(known[0]) if known else location, split, splits, hub_rows)


def items_of(
    rows: Iterable[OpenedRow], parse: Callable[[OpenedRow], Item | None], skipped: Counter[str]
) -> Iterator[Item]:
    """The items of rows. `parse` gives None for a row of another part of the data set, which is not counted."""
    for opened in rows:
        try:
            if opened.row is None:
                raise BadRow("row: no JSON object")
            item = parse(opened)
        except BadRow as reason:
            skipped[str(reason)] += 1
            continue
        if item is not None:
            yield item


def question_of(row: Mapping[str, object], *names: str) -> str:
    """The first of these columns that holds a question. Raises BadRow if none does."""
    if not (question := text_of(row, *(names or ("question", "problem", "text")))):
        raise BadRow("row: no question")
    return question


def answer_of(row: Mapping[str, object], *names: str) -> str:
    """The first of these columns that holds an answer. Raises BadRow if none does, as in splits kept secret."""
    if not (answer := text_of(row, *(names or ("answer", "label", "ground_truth")))):
        raise BadRow("row: no answer")
    return answer


def images_of(opened: OpenedRow, columns: tuple[str, ...] = IMAGE_COLUMNS) -> tuple[EncodedImage, ...]:
    """The images of the first column that names any. What cannot be read keeps its name and has no bytes."""
    value = next((opened.row[name] for name in columns if opened.row.get(name)), None)
    values = value if isinstance(value, (list, tuple)) else [value] if value else []
    return tuple(_encoded(opened, one) for one in values)


def _encoded(opened: OpenedRow, value: object) -> EncodedImage:
    named = value.get("path") if isinstance(value, Mapping) else value
    path = named if isinstance(named, str) else None
    try:
        return EncodedImage(bytes=opened.image(value), path=path)
    except BadRow as reason:
        return EncodedImage(bytes=None, path=path or str(reason))


def open_kind(answer: str) -> str:
    """How an answer without choices is judged: as one number, or as whatever else school mathematics writes."""
    return NUMBER if _NUMBER.fullmatch(answer.strip(" $")) else EXPRESSION


def letter_of(answer: str, choices: tuple[str, ...]) -> str:
    """The letter of an answer that is given by letter, or else by value.

    Raises:
        BadRow: if it is none of the choices, or there are more of them than letters.
    """
    if len(choices) > len(answers.LETTERS):
        raise BadRow("row: more choices than letters")
    if answer.strip().upper() in tuple(answers.LETTERS[: len(choices)]):
        return answer.strip().upper()
    return letter_of_value(answer, choices)


def letter_of_value(answer: str, choices: tuple[str, ...]) -> str:
    """The letter of an answer that is given by value. Raises BadRow as `letter_of`."""
    if len(choices) > len(answers.LETTERS):
        raise BadRow("row: more choices than letters")
    if choices.count(answer) == 1:
        return answers.LETTERS[choices.index(answer)]
    found = answers.with_choices(answer, choices)
    if found is None:
        raise BadRow("row: the answer is none of the choices")
    return found[1]  # of `(C) 40`


def lettered_choices(text: str) -> tuple[str, ...]:
    """The values of `A. 3 cm;B. 2 cm; C. Point D.` or `(a) 1 (b) 0.5`, whatever they look like themselves.

    The letters are looked for in their order: behind semicolons or line breaks if the second choice stands behind one,
    else behind spaces. That a value is a letter itself (`A. F; B. D`) is then no matter. Empty if there are no two.
    """
    starts = _starts(text, r"(?:[;；\n]\s*|\A\s*)") or _starts(text, r"(?:\s|\A)")
    ends = [start for start, _ in starts[1:]] + [len(text)]
    values = tuple(text[begin:end].strip(" \t\r\n;；") for (_, begin), end in zip(starts, ends, strict=False))
    return values if all(values) else ()


def _starts(text: str, before: str) -> list[tuple[int, int]]:
    """Where `A.`, `B.`, .. stand behind what `before` matches; empty if there are no two."""
    found: list[tuple[int, int]] = []
    for letter in answers.LETTERS:
        mark = re.compile(rf"{before}(?:\((?i:{letter})\)|{letter}\s*[.):：、])\s*")
        match = mark.search(text, found[-1][1] if found else 0)
        if match is None:
            break
        found.append(match.span())
    return found if len(found) > 1 else []
