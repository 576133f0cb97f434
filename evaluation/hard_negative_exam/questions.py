"""The questions of the exam, from its rows: ten series per source and configuration.

| series        | set, direction                             | candidates                               |
|---------------|--------------------------------------------|------------------------------------------|
| random        | random, both directions                    | 1 + 10                                   |
| retrieval     | retrieval, both directions                 | 1 + 10, the nearest                      |
| retrieval 100 | retrieval_100, both directions             | 1 + 100                                  |
| rule          | rule, image -> captions                    | 1 + 10, with their kinds of edit         |
| rule, drawn   | rule, caption -> images                    | 1 + 4 to 10, with their kinds of edit    |
| image         | image, both directions                     | 1 + 10, with their kinds of edit         |

Most edited captions describe nothing that could be drawn, so the two directions of rule have candidates of their own:
any edits of the caption, and the figures of edits that can be drawn (`data_scripts/negatives/drawn.py`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evaluation.hard_negative_exam.rows import NUM_CANDIDATES
from trainers.candidate_sets import Anchor, ImageSource

TO_CAPTIONS, TO_IMAGES = "image_to_captions", "caption_to_images"
COLUMNS = (
    *("id", "image", "caption", "negative_images", "negative_captions", "negative_edits", "rule_captions"),
    *("rule_edits", "drawn_images", "drawn_edits"),
    *("retrieved_captions", "retrieved_ids", "random_captions", "random_ids"),
)
IMAGES = ("image", "negative_images", "drawn_images")  # those of the columns that hold pictures


@dataclass
class Questions:
    """All series of one source and configuration, and the content they number."""

    captions: list[str] = field(default_factory=list)
    images: list[ImageSource] = field(default_factory=list)
    series: dict[tuple[str, str], list[Anchor]] = field(default_factory=dict)  # by set and direction
    ids: dict[tuple[str, str], list[str]] = field(default_factory=dict)  # of the rows of each series' questions


class _Numbers:
    """Numbers captions and images in the order in which they are first asked for."""

    def __init__(self) -> None:
        self.captions: dict[str, int] = {}
        self.images: dict[ImageSource, int] = {}

    def caption(self, text: str) -> int:
        return self.captions.setdefault(text, len(self.captions))

    def image(self, row: int, column: str = "image", position: int = 0) -> int:
        return self.images.setdefault(ImageSource(row, column, position), len(self.images))


def build_questions(asked: Sequence[Mapping[str, Any]], gallery_ids: Iterable[str]) -> Questions:
    """The series of questions of a split and its gallery.

    Args:
        asked: rows of the split; their images are not looked at.
        gallery_ids: ids of the gallery's rows, whose images follow those of `asked`.

    Raises:
        ValueError: if a candidate is no row of the split or its gallery.
    """
    numbers, result = _Numbers(), Questions()
    place = {id_: row for row, id_ in enumerate([*(row["id"] for row in asked), *gallery_ids])}
    for set_name, direction, series in _series(numbers, place):
        questions, ids = [], []
        for number, row in enumerate(asked):
            candidates, edits = series(number, row)
            if not candidates:
                continue
            image, caption = numbers.image(number), numbers.caption(row["caption"])
            sides = (image, caption) if direction == TO_CAPTIONS else (caption, image)
            questions.append(Anchor(*sides, tuple(candidates), tuple(_kinds(e) for e in edits)))
            ids.append(row["id"])
        if questions:
            result.series[set_name, direction], result.ids[set_name, direction] = questions, ids
    result.captions, result.images = list(numbers.captions), list(numbers.images)
    return result


Series = Callable[[int, Mapping[str, Any]], tuple[list[int], Sequence[str]]]  # candidates of a row, and their edits


def _series(numbers: _Numbers, place: Mapping[str, int]) -> Iterable[tuple[str, str, Series]]:
    for name, columns, count in (
        ("random", "random", NUM_CANDIDATES),
        ("retrieval", "retrieved", NUM_CANDIDATES),
        ("retrieval_100", "retrieved", None),
    ):

        def captions(_: int, row: Mapping[str, Any], columns: str = columns, count: int | None = count):
            return [numbers.caption(text) for text in row[f"{columns}_captions"][:count]], ()

        def images(_: int, row: Mapping[str, Any], columns: str = columns, count: int | None = count):
            return [numbers.image(_find(place, id_)) for id_ in row[f"{columns}_ids"][:count]], ()

        yield name, TO_CAPTIONS, captions
        yield name, TO_IMAGES, images
    for name, texts, pictures in (("rule", "rule", "drawn"), ("image", "negative", "negative")):

        def edited_captions(_: int, row: Mapping[str, Any], column: str = texts):
            return [numbers.caption(text) for text in row[f"{column}_captions"]], row[f"{column}_edits"]

        def edited_images(number: int, row: Mapping[str, Any], column: str = pictures):
            edits = row[f"{column}_edits"]
            return [numbers.image(number, f"{column}_images", position) for position in range(len(edits))], edits

        yield name, TO_CAPTIONS, edited_captions
        yield name, TO_IMAGES, edited_images


def _find(place: Mapping[str, int], id_: str) -> int:
    if id_ not in place:
        raise ValueError(f"candidate {id_!r} is no figure of the exam or its gallery: is a split missing?")
    return place[id_]


def _kinds(edits: str) -> tuple[str, ...]:
    return tuple(sorted(edits.split("+")))
