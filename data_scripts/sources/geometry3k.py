"""Real exam figures: the logic forms of Geometry3K (Lu et al. 2021, Inter-GPS), read from their zip.

A record gives pixel positions, lines, circles and what the figure states. Known dirt is dealt with here: points at
(-1, -1) are placeholders and dropped with everything that names them, empty and malformed forms are counted and left
out, `""` is no circle, named angles ("angle 4") are not drawn by us. Splits as published: train 0-2100, validation
-2400, test -3001.
"""

import json
import math
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ..diagram import Circle, Diagram, Fact, Mark
from ..diagram.facts import same_object
from ..diagram.traced import TracedFigure, maximal_segments, readable

CREDIT = {
    "license": "mit",
    "name": "Geometry3K, logic forms of Inter-GPS (Lu et al. 2021)",
    "url": "https://arxiv.org/abs/2105.04165",
}
MEMBER = "diagram_logic_forms_annot.json"
PROBLEM = "logic_form.json"
SPLITS = {"train": (0, 2100), "validation": (2101, 2400), "test": (2401, 3001)}

MAX_POINTS, MAX_FACTS = 10, 14  # beyond these neither a caption nor a small image can say it all

Term = tuple[str, tuple["Term | str", ...]]  # a parsed logic form: name and arguments


def parse_form(text: str) -> "Term | str":
    """Parse `Equals(LengthOf(Line(A, B)), 2x+1)` into nested tuples; anything without its own parentheses is a string.

    Raises:
        ValueError: if the parentheses do not match.
    """
    text = text.strip()
    match = re.match(r"([A-Z][a-zA-Z]+)\(", text)
    if match is None:
        return text
    if not text.endswith(")"):
        raise ValueError(f"malformed logic form '{text}': parentheses do not match")
    arguments, depth, start = [], 0, match.end()
    for i in range(start, len(text) - 1):
        depth += (text[i] in "([{") - (text[i] in ")]}")
        if depth < 0:
            raise ValueError(f"malformed logic form '{text}': parentheses do not match")
        if text[i] == "," and depth == 0:
            arguments.append(text[start:i])
            start = i + 1
    if depth != 0:
        raise ValueError(f"malformed logic form '{text}': parentheses do not match")
    return match.group(1), tuple(parse_form(a) for a in [*arguments, text[start:-1]])


def _points(term: "Term | str", name: str, count: int) -> tuple[str, ...] | None:
    """The letters of `Line(A, B)` or `Angle(A, B, C)`; glued letters (`Line(AB)`) are accepted."""
    if isinstance(term, str) or term[0] != name:
        return None
    letters = tuple("".join(a for a in term[1] if isinstance(a, str)).replace(" ", ""))
    return letters if len(letters) == count and all(re.fullmatch("[A-Z]", p) for p in letters) else None


@dataclass
class _Reading:
    """What one record's forms come to."""

    facts: list[Fact] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    on_circle: list[tuple[str, str]] = field(default_factory=list)
    equal: dict[str, list[list[tuple[str, ...]]]] = field(default_factory=lambda: {"ticks": [], "arcs": []})

    def read(self, form: "Term | str") -> bool:
        """Take one form in; False where it is of a kind that we do not draw."""
        if isinstance(form, str):
            return False
        name, arguments = form
        if name == "Equals" and len(arguments) == 2:
            return self._equals(*arguments)
        lines = [_points(a, "Line", 2) for a in arguments]
        if name in ("Perpendicular", "Parallel") and len(lines) == 2 and all(lines):
            self._lines(name.lower(), *lines)
            return True
        if name == "PointLiesOnLine" and len(arguments) == 2 and lines[1] and isinstance(arguments[0], str):
            self.facts.append(Fact("on_segment", (arguments[0].strip(), *lines[1])))
            return True
        if name == "PointLiesOnCircle" and len(arguments) == 2 and not isinstance(arguments[1], str):
            self.on_circle.append((str(arguments[0]).strip(), str(arguments[1][1][0]).strip()))
            return True
        return False

    def _lines(self, kind: str, first: tuple[str, ...], second: tuple[str, ...]) -> None:
        if set(first) == set(second):
            return
        self.facts.append(Fact(kind, (*first, *second)))
        shared = set(first) & set(second)
        if kind == "perpendicular" and len(shared) == 1:
            (corner,) = shared
            ends = [p for p in (*first, *second) if p != corner]
            self.marks.append(Mark("right_angle", (ends[0], corner, ends[1])))

    def _equals(self, left: "Term | str", right: "Term | str") -> bool:
        for outer, inner, count, mark, equal in (
            ("LengthOf", "Line", 2, "length", "equal_length"),
            ("MeasureOf", "Angle", 3, "angle", "equal_angle"),
        ):
            if isinstance(left, str) or left[0] != outer or not (part := _points(left[1][0], inner, count)):
                continue
            if isinstance(right, str):
                if not re.search(r"[\da-z]", right):
                    return False
                unit = "°" if mark == "angle" and re.fullmatch(r"[\d.]+", right) else ""
                self.marks.append(Mark(mark, part, re.sub(r"[ *]", "", right) + unit))
                return True
            if right[0] == outer and (other := _points(right[1][0], inner, count)) and other != part:
                self._join("ticks" if mark == "length" else "arcs", part, other)
                self.facts.append(Fact(equal, (*part, *other)))
                return True
        return False

    def _join(self, kind: str, *parts: tuple[str, ...]) -> None:
        """Put equal parts into one group: AB = CD and CD = EF make three parts with the same ticks."""
        joined = [g for g in self.equal[kind] if any(_same_name(p, part) for p in g for part in parts)]
        self.equal[kind] = [g for g in self.equal[kind] if g not in joined] + [[*sum(joined, []), *parts]]

    def all_marks(self) -> list[Mark]:
        """Printed values and right angles, then each group of equal parts with its own number of ticks or arcs."""
        groups = [(kind, n, group) for kind, found in self.equal.items() for n, group in enumerate(found, 1)]
        return [*self.marks, *(Mark(kind, part, count=n) for kind, n, group in groups for part in group)]


def _same_name(first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    return first in (second, second[::-1])


def read_record(record: dict, skipped: Counter[str]) -> TracedFigure:
    """One record as a figure; forms that cannot be used are counted in `skipped` by reason.

    Raises:
        ValueError: if the record has no usable figure (fewer than three placed points, no line).
    """
    placed = _placed_points(record)
    forms, joined = record.get("diagram_logic_forms"), record.get("line_instances")
    if not isinstance(forms, list) or not isinstance(joined, list):
        raise ValueError("no list of lines or of logic forms")
    if len(placed) < 3:
        raise ValueError("fewer than three points have a position")
    if len(placed) > MAX_POINTS:
        raise ValueError(f"more than {MAX_POINTS} points")
    reading = _Reading()
    for text in forms:
        try:
            if not reading.read(parse_form(str(text))):
                skipped["form: empty" if not str(text).strip() else "form: not drawn by us"] += 1
        except (ValueError, IndexError):
            skipped["form: malformed"] += 1
    bare = Diagram(placed)
    lines = [tuple(line) for line in map(str, joined) if len(line) == 2]
    lines = maximal_segments([s for s in lines if s[0] in placed and s[1] in placed and s[0] != s[1]], bare)
    if not lines:
        raise ValueError("no line joins two placed points")
    circles = _circles(record, placed, reading.on_circle)
    centres = {c.center for c in circles}
    facts = [*reading.facts, *(Fact("on_circle", pair) for pair in reading.on_circle if pair[1] in centres)]
    with_lines = replace(bare, segments=lines)
    whole = [m for m in reading.all_marks() if set(m.points) <= set(placed) and len(set(m.points)) == len(m.points)]
    marks = _one_per_part(whole, with_lines)
    kept = tuple(f for f in facts if set(f.points) <= set(placed) and len(set(f.points)) >= 2)
    drawn = replace(with_lines, circles=circles, marks=tuple(marks), facts=kept)
    if not readable(drawn):
        raise ValueError("points are too close to be told apart")
    figure = TracedFigure(drawn)
    if not 1 <= len(figure.diagram.facts) <= MAX_FACTS:
        raise ValueError(f"states no fact, or more than {MAX_FACTS}")
    return figure


def _placed_points(record: dict) -> dict[str, tuple[float, float]]:
    """Points with a position; pixels run downwards, so y changes its sign.

    Raises:
        ValueError: if the positions are no coordinates.
    """
    try:
        return {
            name: (float(x), -float(y))
            for name, (x, y) in record["point_positions"].items()
            if (x, y) != (-1, -1) and re.fullmatch("[A-Z]", name) and math.isfinite(x) and math.isfinite(y)
        }
    except (AttributeError, KeyError, TypeError, ValueError):
        raise ValueError("no point positions that can be read") from None


def _one_per_part(marks: list[Mark], diagram: Diagram) -> list[Mark]:
    """A part carries one printed value and one right angle; a second would be unreadable."""
    kept: list[Mark] = []
    for mark in marks:
        if not any(m.kind == mark.kind and same_object(diagram, m.points, mark.points) for m in kept):
            kept.append(mark)
    return kept


def _circles(
    record: dict, placed: dict[str, tuple[float, float]], on_circle: list[tuple[str, str]]
) -> tuple[Circle, ...]:
    """Circles whose centre is placed, with the median distance of their points as radius."""
    found = []
    for center in dict.fromkeys([*record.get("circle_instances", []), *(o for _, o in on_circle)]):
        rim = [p for p, o in on_circle if o == center and p in placed and p != center]
        if center in placed and rim:
            radii = [np.hypot(*np.subtract(placed[p], placed[center])) for p in rim]
            found.append(Circle(center, float(np.median(radii))))
    return tuple(found)


def load_records(path: str | Path) -> dict[int, dict]:
    """All records of the logic forms by number.

    Args:
        path: the zip, a folder with the zip or what was unpacked from it, the JSON of the diagram annotations, or the
            original release with one folder per problem.

    Raises:
        ValueError: if there is nothing at `path`, it cannot be read, or lacks the diagram annotations.
    """
    path = Path(path)
    if path.is_dir():
        if problems := [p for p in path.rglob(PROBLEM) if p.parent.name.isdigit()]:
            return {int(p.parent.name): _problem(p) for p in sorted(problems, key=lambda p: int(p.parent.name))}
        path = _annotations_in(path)
    if not path.is_file():
        raise ValueError(f"no file at {path}: --logic_forms wants the zip of Geometry3K's logic forms")
    content = path.read_bytes() if path.suffix == ".json" else _member_of(path)
    try:
        return {int(key): record for key, record in json.loads(content).items()}
    except (ValueError, AttributeError) as error:  # ValueError: no JSON, no UTF-8, or a key that is no number
        raise ValueError(f"{MEMBER} in {path} is not the JSON it should be ({error}): download it again") from None


def _problem(path: Path) -> dict:
    try:
        record = json.loads(path.read_bytes())
        return {**record, "diagram_logic_forms": record["diagram_logic_form"]}
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is not the JSON it should be ({error}): download it again") from None


def _annotations_in(folder: Path) -> Path:
    """The annotations in a folder, else a zip in it that holds them."""
    found = sorted(folder.rglob(MEMBER))
    zips = (p for p in sorted(folder.rglob("*.zip")) if zipfile.is_zipfile(p))
    found += [p for p in zips if any(n.endswith(MEMBER) for n in zipfile.ZipFile(p).namelist())]
    if not found:
        raise ValueError(f"{folder} holds neither {MEMBER} nor a zip with it: is it Geometry3K's logic forms?")
    return found[0]


def _member_of(path: Path) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            member = next((n for n in archive.namelist() if n.endswith(MEMBER)), None)
            content = None if member is None else archive.read(member)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise ValueError(f"{path} cannot be read as a zip ({error}): download it again") from None
    if content is None:
        raise ValueError(f"{path} holds no {MEMBER}: is it the zip of Geometry3K's logic forms?")
    return content


def record_numbers(records: dict[int, dict], split: str) -> Iterator[int]:
    """Numbers of a published split in order."""
    low, high = SPLITS[split]
    return (n for n in sorted(records) if low <= n <= high)


def shuffled(path: str | Path, split: str, seed: int) -> list[tuple[int, dict]]:
    """Number and record of a split's figures in an order drawn by the seed. Raises as `load_records`."""
    records = load_records(path)
    numbers = list(record_numbers(records, split))
    return [(n, records[n]) for n in np.random.default_rng([seed, len(numbers)]).permutation(numbers).tolist()]


def shuffle_letters(figure: TracedFigure, rng: np.random.Generator) -> TracedFigure:
    """The same figure with its own letters in any places.

    Printers name vertices in the order of the alphabet and centres O, so letters exchanged by an edit would stand out.
    Where every assignment is equally likely, an exchange changes nothing but the truth of the caption.
    """
    names = list(figure.drawn.points)
    return figure.relabel(dict(zip(names, rng.permutation(names).tolist(), strict=True)))


def figures(
    numbered: Iterable[tuple[int, dict]], split: str, seed: int, dropped: Counter[str]
) -> Iterator[tuple[str, TracedFigure, np.random.Generator]]:
    """Id, figure with its letters shuffled and generator of these records; those that give no figure are counted."""
    for number, record in numbered:
        try:
            figure = read_record(record, dropped)
        except ValueError as error:
            dropped[f"record: {error}"] += 1
            continue
        rng = np.random.default_rng([seed, number])
        yield f"geometry3k/{number}", shuffle_letters(figure, rng), rng
