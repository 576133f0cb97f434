"""From a drawing script to a diagram, statically: what a person would see is what counts, not how the script names it.

Promise: a point gets the letter that is *printed* beside it. A script may call a point A and print B there; then it is
B. Where anything that is drawn cannot be placed for certain, the script is unread (`Unread`), so that no fact is ever
decided on a figure that was half understood. Unread is no fault of a script; it only cannot be proven.
"""

import math
import re
from itertools import combinations

import numpy as np

from ..diagram import Circle, Diagram, Mark
from ..diagram.facts import off_segment
from ..phrases.values import normal_value
from .script_scene import Point, Scene, Unread, read_scene

SMALL = 0.12  # of the figure's size: shorter lines are marks (ticks, right angles) unless they join two letters
SMALL_CURVE = 0.2  # of the figure's size: shorter curves are marks of angles
BESIDE = 0.16  # of the figure's size: a letter stands no farther from its point
SAME = 0.012  # of the figure's size: ends nearer than this meet
CLEARLY = 1.4  # times as far is the second nearest, where the nearest is meant without doubt
CURVE = 8  # points of a polyline from which on it is a curve


def read_diagram(script: str) -> Diagram:
    """The diagram a script draws, with lengths and angles as marks where it prints them clearly; without facts.

    Points without a letter that the figure needs (the end of a line that goes on) are called `_0`, `_1`, ...

    Raises:
        Unread: with the reason.
    """
    return _Assembly(read_scene(script)).diagram()


class _Assembly:
    """Names the ends of lines by the letters beside them and hands out the diagram."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.size = scene, scene.size
        self.lines: list[tuple[Point, Point]] = []
        self.short: list[tuple[Point, Point]] = []
        self.circles = list(scene.circles)
        if any(2 * radius > SMALL * self.size for _, radius in scene.discs):
            raise Unread("a filled circle")
        for line in scene.lines:
            self._sort(line)
        self.places: list[tuple[str, Point]] = []  # the script's names of points that are seen
        self.points: dict[str, Point] = {}

    def _sort(self, line: np.ndarray) -> None:
        """Lines long and short, curves: small ones are marks of angles, round ones circles."""
        extent = float(np.hypot(*np.ptp(line, axis=0)))
        if len(line) < CURVE:
            pairs = [(tuple(a), tuple(b)) for a, b in zip(line[:-1].tolist(), line[1:].tolist(), strict=True)]
            (self.short if extent < SMALL * self.size else self.lines).extend(pairs)
            return
        if extent < SMALL_CURVE * self.size:
            return
        centre = (line.min(0) + line.max(0)) / 2
        radii = np.hypot(*(line - centre).T)
        closed = math.dist(line[0], line[-1]) < SAME * self.size
        if not closed or len(line) < 2 * CURVE or np.ptp(radii) > 0.02 * radii.mean():
            raise Unread("a large curve")
        self.circles.append((tuple(centre.tolist()), float(radii.mean())))

    def diagram(self) -> Diagram:
        self._name_points()
        lettered = [(self._lettered(a), self._lettered(b)) for a, b in self.short]
        segments = [(a, b) for a, b in lettered if a and b] + [(self._name(a), self._name(b)) for a, b in self.lines]
        circles = [Circle(self._name(centre), radius) for centre, radius in self.circles]
        if not self.points:
            raise Unread("no lettered point")
        kept = dict.fromkeys((a, b) for a, b in segments if a != b)
        plain = Diagram(dict(self.points), tuple(kept), tuple(circles))
        return Diagram(plain.points, plain.segments, plain.circles, tuple(self._marks(plain)))

    def _candidates(self) -> list[Point]:
        """Places that a letter may stand for, one per place: what is seen as a point of the figure."""
        seen = [end for line in self.lines for end in line] + [centre for centre, _ in self.circles]
        seen += self.scene.dots + [centre for centre, _ in self.scene.discs]
        seen += [xy for _, xy in self.places]
        seen += [xy for pair in combinations(self.lines, 2) if (xy := _crossing(*pair)) is not None]
        found: list[Point] = []
        for xy in seen:
            if all(math.dist(xy, other) > SAME * self.size for other in found):
                found.append(xy)
        return found

    def _is_seen(self, xy: Point) -> bool:
        """Whether something is drawn there: the script's pairs of numbers are offsets and directions, too."""
        near = SAME * self.size
        return (
            any(math.dist(xy, dot) < near for dot in [*self.scene.dots, *(c for c, _ in self.scene.discs)])
            or any(
                abs(math.dist(xy, centre) - radius) < near or math.dist(xy, centre) < near
                for centre, radius in self.circles
            )
            or any(_off_line(xy, a, b) < near for a, b in [*self.lines, *self.short])
        )

    def _name_points(self) -> None:
        self.places = [(name, xy) for name, xy in self.scene.places if self._is_seen(xy)]
        candidates = self._candidates()
        own = {name: xy for name, xy in reversed(self.places) if len(name) == 1}
        for letter, at in self.scene.texts:
            if not re.fullmatch(r"[A-Z]", letter):
                continue
            near = sorted(candidates, key=lambda xy: math.dist(xy, at))[:2]
            if not near or math.dist(near[0], at) > BESIDE * self.size:
                raise Unread("a letter away from every point")
            point = near[0]
            if len(near) == 2 and math.dist(near[1], at) < CLEARLY * math.dist(point, at):
                # two points are about as near: the script's own name decides, if it is one of them
                same = [xy for xy in near if letter in own and math.dist(xy, own[letter]) <= SAME * self.size]
                if not same:
                    raise Unread("a letter between two points")
                point = same[0]
            if letter in self.points or self._lettered(point):
                raise Unread("a letter or a point that is named twice")
            self.points[letter] = point

    def _lettered(self, xy: Point) -> str | None:
        near = (name for name, other in self.points.items() if math.dist(xy, other) <= SAME * self.size)
        return next(near, None)

    def _name(self, xy: Point) -> str:
        name = self._lettered(xy) or f"_{sum(n.startswith('_') for n in self.points)}"
        self.points.setdefault(name, xy)
        return name

    def _marks(self, plain: Diagram) -> list[Mark]:
        marks = []
        for text, at in self.scene.texts:
            if re.fullmatch(r"[A-Z]", text) or not text:
                continue
            mark = self._angle(plain, text, at) if "°" in text else self._length(plain, text, at)
            marks += [mark] if mark else []
        return marks

    def _length(self, plain: Diagram, text: str, at: Point) -> Mark | None:
        """The text belongs to the part of a line whose middle is clearly the nearest, between neighbouring letters."""
        spans = [s for pair in plain.segments for s in _neighbours(plain, *pair)]
        middles = {frozenset(s): np.add(plain.points[s[0]], plain.points[s[1]]) / 2 for s in spans}
        ranked = sorted(middles, key=lambda s: math.dist(middles[s], at))
        if not ranked or math.dist(middles[ranked[0]], at) > BESIDE * self.size:
            return None
        if len(ranked) > 1 and math.dist(middles[ranked[1]], at) < CLEARLY * math.dist(middles[ranked[0]], at):
            return None
        return Mark("length", tuple(sorted(ranked[0])), normal_value(text))

    def _angle(self, plain: Diagram, text: str, at: Point) -> Mark | None:
        """The text belongs to the vertex that is clearly the nearest, between the two lines on either side of it."""
        ranked = sorted(plain.points, key=lambda p: math.dist(plain.points[p], at))
        if not ranked or math.dist(plain.points[ranked[0]], at) > 2 * BESIDE * self.size:
            return None
        vertex = ranked[0]
        if len(ranked) > 1 and math.dist(plain.points[ranked[1]], at) < CLEARLY * math.dist(plain.points[vertex], at):
            return None
        way = _way(plain.points[vertex], at)
        rays = sorted((_way(plain.points[vertex], plain.points[p]), p) for p in _arms(plain, vertex))
        if len(rays) < 2:
            return None
        after = next((i for i, (turn, _) in enumerate(rays) if turn > way), 0)
        (start, a), (end, b) = rays[after - 1], rays[after]
        wedge, inside = (end - start) % 360, (way - start) % 360
        if wedge >= 180 or min(inside, wedge - inside) < 3:
            return None
        return Mark("angle", (a, vertex, b), normal_value(text))


def _off_line(p: Point, a: Point, b: Point) -> float:
    """Distance of a place from the line between two others."""
    ux, uy = b[0] - a[0], b[1] - a[1]
    t = ((p[0] - a[0]) * ux + (p[1] - a[1]) * uy) / max(ux * ux + uy * uy, 1e-12)
    t = min(max(t, 0.0), 1.0)
    return math.hypot(p[0] - a[0] - t * ux, p[1] - a[1] - t * uy)


def _crossing(first: tuple[Point, Point], second: tuple[Point, Point]) -> Point | None:
    """Where two lines cross between their ends."""
    (a, b), (c, d) = np.array(first), np.array(second)
    matrix = np.stack([b - a, c - d], axis=-1)
    if abs(np.linalg.det(matrix)) < 1e-9 * math.dist(a, b) * math.dist(c, d):
        return None
    s, t = np.linalg.solve(matrix, c - a)
    return tuple((a + s * (b - a)).tolist()) if 0 <= s <= 1 and 0 <= t <= 1 else None


def _way(a: Point, b: Point) -> float:
    return math.degrees(math.atan2(b[1] - a[1], b[0] - a[0])) % 360


def _on(plain: Diagram, a: str, b: str) -> list[str]:
    """The points on the segment AB from A to B, both included."""
    inner = [p for p in plain.points if p not in (a, b) and off_segment(plain, p, a, b) < SAME]
    return [a, *sorted(inner, key=lambda p: math.dist(plain.points[a], plain.points[p])), b]


def _neighbours(plain: Diagram, a: str, b: str) -> list[tuple[str, str]]:
    """A segment and its parts between points on it: a printed length may belong to any."""
    return list(combinations(_on(plain, a, b), 2))


def _arms(plain: Diagram, vertex: str) -> set[str]:
    """The nearest points on every line through a vertex."""
    arms = set()
    for a, b in plain.segments:
        row = _on(plain, a, b)
        if vertex in row:
            i = row.index(vertex)
            arms |= set(row[max(i - 1, 0) : i] + row[i + 1 : i + 2])
    return arms
