"""A figure known by its coordinates alone, as when it was traced from print.

Promise: what it states is what the source says *and* the coordinates show, plus what the coordinates show unasked
(kinds of triangles, midpoints, positions about a circle). The same reading is made after every edit, so a negative's
caption says the same sorts of things as a positive's. Printed values are kept as text: exam figures are not drawn to
scale.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations

import numpy as np

from .diagram import Diagram, Fact, Mark
from .facts import KINDS, canonical, check, distance, off_segment, statements
from .traced_marks import carry_marks, standing_marks
from .traced_place import Place
from .traced_values import denied_by_values

MAX_SHAPES = 3  # a caption names at most so many triangles and quadrilaterals
TRIES = 5  # edits in their place that are read before a kind is given up
DRAWS = 30  # draws of an edit until one stays in its place
SHOWN = 0.005  # of the figure's size: lines so near to a point show where it is
STRONGER = {  # facts that make a weaker one about the same points not worth saying
    "equilateral_triangle": ("isosceles_triangle", "right_triangle"),
    "square": ("rectangle", "rhombus", "parallelogram", "trapezoid"),
    "rectangle": ("parallelogram", "trapezoid"),
    "rhombus": ("parallelogram", "trapezoid"),
    "parallelogram": ("trapezoid",),
}


def _shape(diagram: Diagram, kinds: tuple[str, ...], orders: Iterable[tuple[str, ...]]) -> Fact | None:
    """The most special kind of polygon that the figure shows, over the ways to name its corners."""
    orders = list(orders)
    for kind in kinds:
        for corners in orders:
            fact = Fact(kind, corners)
            if _shows(fact, diagram):
                return fact
    return None


def _shows(fact: Fact, diagram: Diagram) -> bool:
    """Whether the fact visibly holds and no printed value denies it."""
    return check(fact, diagram) is True and not denied_by_values(fact, diagram)


def _joined(diagram: Diagram) -> set[frozenset[str]]:
    """The pairs of points that a drawn line joins."""
    pairs = combinations(diagram.points, 2)
    return {frozenset(pair) for pair in pairs if check(Fact("segment", pair), diagram) is True}


def _closed(corners: tuple[str, ...], joined: set[frozenset[str]]) -> bool:
    return all(frozenset(side) in joined for side in zip(corners, corners[1:] + corners[:1], strict=True))


def _triangles(diagram: Diagram, joined: set[frozenset[str]]) -> Iterator[Fact]:
    special = ("equilateral_triangle", "right_triangle", "isosceles_triangle")
    for a, b, c in combinations(diagram.points, 3):
        plain = Fact("triangle", (a, b, c))
        if _closed((a, b, c), joined) and check(plain, diagram) is True:
            yield _shape(diagram, special, [(a, b, c), (b, c, a), (c, a, b)]) or plain


def _quadrilaterals(diagram: Diagram, joined: set[frozenset[str]]) -> Iterator[Fact]:
    kinds = ("square", "rectangle", "rhombus", "parallelogram", "trapezoid")
    for a, b, c, d in combinations(diagram.points, 4):
        for corners in ((a, b, c, d), (a, c, b, d), (a, b, d, c)):
            if not _closed(corners, joined) or not _convex(diagram, corners):
                continue
            turned = (corners, corners[1:] + corners[:1])
            if (found := _shape(diagram, kinds, turned)) is not None:
                yield found


def _convex(diagram: Diagram, corners: tuple[str, ...]) -> bool:
    """Whether a walk around the corners turns the same way at each of them."""
    p = [diagram.points[c] for c in corners]
    sides = [(p[i][0] - p[i - 1][0], p[i][1] - p[i - 1][1]) for i in range(len(p))]
    turns = [sides[i - 1][0] * sides[i][1] - sides[i - 1][1] * sides[i][0] for i in range(len(p))]
    return all(t > 0 for t in turns) or all(t < 0 for t in turns)


def _about_segments(diagram: Diagram, joined: set[frozenset[str]]) -> Iterator[Fact]:
    """Midpoints, altitudes, medians and bisectors among the points that lie on a drawn segment."""
    for b, c in diagram.segments:
        for d in diagram.points:
            if d in (b, c) or check(Fact("on_segment", (d, b, c)), diagram) is not True:
                continue
            apexes = [p for p in diagram.points if {frozenset((p, q)) for q in (b, c, d)} <= joined]
            special = [
                Fact(kind, (a, d, b, c))
                for a in apexes
                for kind in ("altitude", "median", "bisector")
                if _shows(Fact(kind, (a, d, b, c)), diagram)
            ]
            if special:
                yield special[0]
            elif _shows(Fact("midpoint", (d, b, c)), diagram):
                yield Fact("midpoint", (d, b, c))
            else:
                yield Fact("on_segment", (d, b, c))


def _about_circles(diagram: Diagram) -> Iterator[Fact]:
    for circle in diagram.circles:
        o = circle.center
        yield Fact("circle", (o,))
        for a, b in diagram.segments:
            for fact in (
                Fact("diameter", (a, b, o)),
                Fact("tangent", (a, b, o)),
                Fact("tangent", (b, a, o)),
                Fact("chord", (a, b, o)),
            ):
                if _shows(fact, diagram):
                    yield fact
                    break
        for p in diagram.points:
            for kind in ("on_circle", "inside_circle", "outside_circle"):
                if p != o and check(Fact(kind, (p, o)), diagram) is True:
                    yield Fact(kind, (p, o))


def read_facts(diagram: Diagram, given: Iterable[Fact]) -> tuple[Fact, ...]:
    """What a caption of this diagram says: shapes, then given facts that the coordinates bear out, then what else they
    show.

    A fact that follows from one already said about the same points is left out.
    """
    joined = _joined(diagram)
    triangles = sorted(_triangles(diagram, joined), key=lambda f: f.kind == "triangle")
    shapes = [*_quadrilaterals(diagram, joined), *triangles][:MAX_SHAPES]
    # Where points lie is read off the drawing: sources name the same incidence once for every pair on the line.
    stated = [f for f in given if f.kind not in ("on_segment", "on_circle") and check(f, diagram) is True]
    candidates = [*shapes, *_about_circles(diagram), *_about_segments(diagram, joined), *stated]
    said: dict[Fact, Fact] = {}
    for fact in candidates:
        if not any(_implied(fact, other) for other in said.values()):
            said.setdefault(canonical(fact), fact)
    spoken = [set(f.points) for f in said.values()]
    unsaid = [s for s in diagram.segments if not any(set(s) <= points for points in spoken)]
    return (*said.values(), *(Fact("segment", s) for s in unsaid))


def _implied(fact: Fact, said: Fact) -> bool:
    here, there = set(fact.points), set(said.points)
    if fact.kind == "on_circle" and said.kind in ("chord", "diameter", "tangent", "circumcircle"):
        on = said.points[1:2] if said.kind == "tangent" else said.points[:2]
        return said.points[-1] == fact.points[1] and fact.points[0] in on
    if fact.kind == "on_segment" and said.kind in ("median", "altitude", "bisector", "midpoint"):
        return here <= there and fact.points[0] in said.points[:2]
    if fact.kind == "perpendicular" and said.kind in ("altitude", "right_triangle", "rectangle", "square", "tangent"):
        return here <= there
    return fact.kind in STRONGER.get(said.kind, ()) and here == there


@dataclass(frozen=True)
class TracedFigure:
    """Coordinates, drawn lines and marks, and the facts its source gives."""

    drawn: Diagram  # its `facts` are the given ones
    held_to: Place | None = None  # that of the figure as printed, in one that was edited from it

    @cached_property
    def place(self) -> Place:
        """Where every edit has to stay, also one that follows on others."""
        return self.held_to or Place.of(self.drawn)

    @cached_property
    def plain(self) -> Diagram:
        """What is drawn, with the marks that stand, before it is read."""
        return replace(self.drawn, marks=standing_marks(self.drawn))

    @cached_property
    def diagram(self) -> Diagram:
        plain = self.plain
        values = tuple(Fact(m.kind, m.points, m.text) for m in plain.marks if m.text)
        given = (f for f in self.drawn.facts if KINDS[f.kind].edit != "value")
        return replace(plain, facts=read_facts(plain, given) + values)

    def edit(self, kind: str, rng: np.random.Generator) -> "TracedFigure | None":
        """One edit: letters exchanged, a printed value replaced, a point moved, or a shape stretched into another.

        The edited figure has as many lines, marks and lone points, and lies nearly where the figure as printed does,
        however many edits came before: what can be counted or measured without reading must not tell them apart.
        """
        if kind == "order":
            edited = self._exchange_letters(rng)
            return edited if statements(edited.diagram.facts) != statements(self.diagram.facts) else None
        for _ in range(TRIES):
            drawn = self._draw_in_place(kind, rng)
            if drawn is None:
                return None
            edited = TracedFigure(carry_marks(self.diagram.marks, drawn), self.place)
            if _inventory(edited.plain) != _inventory(self.diagram):
                continue
            if statements(edited.diagram.facts) != statements(self.diagram.facts):
                return edited
        return None

    def _draw_in_place(self, kind: str, rng: np.random.Generator) -> Diagram | None:
        """Draw until an edit is readable and leaves the figure where it was."""
        edit = {"value": self._reprint, "relation": self._move, "shape": self._stretch}[kind]
        draws = (edit(rng) for _ in range(DRAWS))
        return next((d for d in draws if d and Place.of(d).passes_for(self.place) and readable(d)), None)

    def relabel(self, mapping: Mapping[str, str]) -> "TracedFigure":
        """The same figure with other letters; `mapping` must be one-to-one on the letters of the figure."""
        edited = replace(self, drawn=self.drawn.relabel(mapping))
        edited.__dict__["diagram"] = self.diagram.relabel(mapping)  # other letters are no reason to read it again
        return edited

    def without_values(self) -> "TracedFigure":
        facts = tuple(f for f in self.drawn.facts if not f.value)
        marks = tuple(m for m in self.drawn.marks if not m.text)
        return replace(self, drawn=replace(self.drawn, marks=marks, facts=facts))

    def _exchange_letters(self, rng: np.random.Generator) -> "TracedFigure":
        names = list(self.drawn.points)
        chosen = rng.choice(names, size=min(len(names), int(rng.integers(2, 4))), replace=False).tolist()
        return self.relabel(dict(zip(chosen, chosen[1:] + chosen[:1], strict=True)))

    def _reprint(self, rng: np.random.Generator) -> Diagram | None:
        values = [m for m in self.diagram.marks if m.text]
        if not values:
            return None
        mark = values[int(rng.integers(len(values)))]
        edited = replace(mark, text=change_value(mark.text, rng))
        return replace(self.drawn, marks=tuple(edited if m == mark else m for m in self.drawn.marks))

    def _move(self, rng: np.random.Generator) -> Diagram | None:
        """Slide a point along its segment, or off or onto a circle, or lead a line to another point."""
        if rng.random() < 0.3:
            return self._redirect(rng)
        centres = {c.center for c in self.drawn.circles}
        movable = [p for p in self.drawn.points if p not in centres]
        if not movable:
            return None
        name = movable[int(rng.integers(len(movable)))]
        places = [*self._on_segment(name), *self._about_circle(name)]
        if not places:
            return None
        x, y = places[int(rng.integers(len(places)))]
        return replace(self.drawn, points={**self.drawn.points, name: (float(x), float(y))})

    def _redirect(self, rng: np.random.Generator) -> Diagram | None:
        segments = list(self.drawn.segments)
        i = int(rng.integers(len(segments)))
        a, b = rng.permutation(segments[i]).tolist()
        ends = [p for p in self.drawn.points if p != a and check(Fact("segment", (a, p)), self.drawn) is False]
        if not ends:
            return None
        end = ends[int(rng.integers(len(ends)))]
        segments[i] = (a, end)
        marks = tuple(_led_to(m, (a, b), end) for m in self.drawn.marks)
        facts = (f.relabel({b: end}) for f in self.drawn.facts if {a, b} <= set(f.points) and end not in f.points)
        redirected = replace(self.drawn, segments=maximal_segments(segments, self.drawn), marks=marks)
        return replace(redirected, facts=(*self.drawn.facts, *facts))

    def _on_segment(self, name: str) -> Iterator[np.ndarray]:
        for a, b in self.drawn.segments:
            if name in (a, b) or check(Fact("on_segment", (name, a, b)), self.drawn) is not True:
                continue
            start, along = self.drawn.position(a), self.drawn.position(b) - self.drawn.position(a)
            yield from (start + t * along for t in (0.3, 0.5, 0.7))
            for p in self.drawn.points:  # the foot of the perpendicular from another point
                t = float(np.dot(self.drawn.position(p) - start, along) / np.dot(along, along))
                if p not in (name, a, b) and 0.1 < t < 0.9:
                    yield start + t * along

    def _about_circle(self, name: str) -> Iterator[np.ndarray]:
        for circle in self.drawn.circles:
            centre = self.drawn.position(circle.center)
            out = self.drawn.position(name) - centre
            if np.linalg.norm(out) > 0.2 * circle.radius:
                yield from (centre + r * circle.radius * out / np.linalg.norm(out) for r in (0.6, 1.0, 1.35))

    def _stretch(self, rng: np.random.Generator) -> Diagram | None:
        """Map the whole figure so that one of its triangles or parallelograms becomes another kind.

        An affine map keeps incidence, parallels and midpoints, so the rest of the figure stays what it was. A figure
        with circles is left alone: they would no longer be circles.
        """
        shapes = [f for f in self.diagram.facts if KINDS[f.kind].edit == "shape" and len(f.points) in (3, 4)]
        if self.drawn.circles or not shapes:
            return None
        shape = shapes[int(rng.integers(len(shapes)))]
        corner, *ends = (
            rng.permutation(shape.points) if len(shape.points) == 3 else (*shape.points[:2], shape.points[3])
        )
        a, b, c = (self.drawn.position(p) for p in (corner, *ends))
        target = _third_corner(b - a, c - a, rng)
        matrix = np.column_stack([b - a, target]) @ np.linalg.inv(np.column_stack([b - a, c - a]))
        points = {n: tuple((a + matrix @ (self.drawn.position(n) - a)).tolist()) for n in self.drawn.points}
        return replace(self.drawn, points=points)


def _third_corner(first: np.ndarray, second: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A new second side, on its old side of the first: as long, also at 90 or 60 degrees, or sheared.

    A shear keeps the height above the first side, and so mostly the frame: into a right angle at one end of the first
    side or the other, into equal sides over its middle, or anywhere.
    """
    turn = 1.0 if first[0] * second[1] - first[1] * second[0] > 0 else -1.0
    unit = first / np.linalg.norm(first)
    across = turn * np.array([-unit[1], unit[0]])
    length = float(np.linalg.norm(first))
    along, high = float(np.dot(unit, second)), float(np.dot(across, second))
    slant = float(np.clip(np.degrees(np.arctan2(high, along)), 40, 140))
    turned = [(length * np.cos(np.radians(v)), length * np.sin(np.radians(v))) for v in (slant, 90.0, 60.0)]
    sheared = [(share * length, high) for share in (0.0, 0.5, 1.0, float(rng.uniform(-0.3, 1.3)))]
    along, high = [*turned, *sheared][int(rng.integers(len(turned) + len(sheared)))]
    return along * unit + high * across


def _led_to(mark: Mark, line: tuple[str, str], end: str) -> Mark:
    """A mark on the line AB, or on an angle at A of which it is an arm, once the line leads from A to another end."""
    a, b = line
    on_line = set(mark.points) == {a, b} or (len(mark.points) == 3 and mark.points[1] == a and b in mark.points)
    return mark.relabel({b: end}) if on_line and end not in mark.points else mark


def _inventory(diagram: Diagram) -> tuple[list[tuple[str, int]], int, int]:
    """What can be counted: the marks by kind, the lines, and the points that need a dot to be seen."""
    ends = {p for s in diagram.segments for p in s} | {c.center for c in diagram.circles}
    hidden = (p for p in diagram.points if p not in ends)
    lone = sum(sum(off_segment(diagram, p, *s) < SHOWN for s in diagram.segments) < 2 for p in hidden)
    return sorted((m.kind, m.count) for m in diagram.marks), len(diagram.segments), lone


def readable(drawn: Diagram) -> bool:
    """Whether all points are far enough apart to carry their letters."""
    return all(distance(drawn, a, b) > 0.06 * drawn.size for a, b in combinations(drawn.points, 2))


def change_value(text: str, rng: np.random.Generator) -> str:
    """Another value of the same form: one number of it changes, or its letter where there is no number.

    Nor does it read odd where the old one does not. What stands under a root stays there, and is no larger than 7, or
    than it was.
    """
    numbers = list(re.finditer(r"\d+(?:\.\d+)?", text))
    most = 179.0 if text.endswith("°") else math.inf
    if numbers:
        found = numbers[int(rng.integers(len(numbers)))]
        decimals = len(found.group().partition(".")[2])
        value = float(found.group())
        low, high = max(1.0, 0.5 * min(value, most)), min(max(4.0, 1.6 * value), most)
        if text[: found.start()].endswith(("√", "\\sqrt{")):
            roots = [root for root in range(2, max(8, int(value) + 1)) if _stays_a_root(root) and root != value]
            return f"{text[: found.start()]}{rng.choice(roots)}{text[found.end() :]}"
        changed = text
        while changed == text or (_reads_odd(changed) and not _reads_odd(text)):
            changed = f"{text[: found.start()]}{rng.uniform(low, high):.{decimals}f}{text[found.end() :]}"
        return changed
    letter = re.search(r"(?<![a-zA-Z\\])[a-z](?![a-zA-Z])", text)  # on its own, so not within \sqrt
    start, end = letter.span() if letter else (0, len(text))
    new = str(rng.choice([c for c in "abcnpwxyz" if c != text[start:end]]))
    return text[:start] + new + text[end:]


def _reads_odd(value: str) -> bool:
    """Whether nobody would print a value so: a ratio such as 2 : 2, a factor of 1 or 0, 4.0 where 4 would do."""
    first, colon, second = value.partition(":")
    return bool((colon and first == second) or re.search(r"(?<![\d.^{])[01](?=[a-z\\√])|\.\d*0(?!\d)", value))


def _stays_a_root(number: int) -> bool:
    """Whether nothing can be taken out of its root."""
    return all(number % square for square in (k * k for k in range(2, math.isqrt(number) + 1)))


def maximal_segments(segments: Iterable[tuple[str, str]], diagram: Diagram) -> tuple[tuple[str, str], ...]:
    """Drop doubles and segments that lie within another one: sources list every pair of points on a line."""
    listed = list({tuple(sorted(s)): s for s in segments}.values())

    def covered(s: tuple[str, str]) -> bool:
        longer = (t for t in listed if distance(diagram, *t) > distance(diagram, *s))
        return any(check(Fact("segment", s), replace(diagram, segments=(t,))) is True for t in longer)

    return tuple(s for s in listed if not covered(s))
