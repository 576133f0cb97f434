"""What stands in each patch of a figure, as its drawing knows it: the dense targets of the warm-up.

Three questions are asked of a patch: which characters are printed there (`GLYPHS`); of what the drawing consists there
(`STROKES`): any ink at all, a straight line, a bent one, a junction; and to which points of the figure belongs what is
printed or drawn there (`TIES`). Targets are 0 or 1 and a function of figure and drawing alone; patches are counted
row by row from the upper left, as vision transformers do.
"""

from collections import Counter
from collections.abc import Iterable

import numpy as np
import torch

from data_scripts.diagram import Diagram, Fact
from data_scripts.diagram.drawing import Drawing
from data_scripts.diagram.predicates import drawn
from data_scripts.sources.procedural import CENTRE, LETTERS

GLYPHS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789°√.,()+-"
STROKES = ("ink", "line", "arc", "junction")
POINTS = LETTERS + CENTRE
PRINTED_ROLES, DRAWN_ROLES = ("end", "vertex"), ("point", "line")
ROLES = PRINTED_ROLES + DRAWN_ROLES
TIES = tuple(f"{role} {point}" for role in ROLES for point in POINTS)  # by role: a role's columns follow each other
OWNERS = {2: (1.0, 1.0), 3: (0.25, 1.0, 0.25)}  # how much the points of a value count in spelling, by how many
DARK = 128  # grey level below which a pixel is ink
LEAST_LENGTH = 3  # pixels of a stroke within a patch: what only cuts off a corner is not asked for
MOST_CORNERS = 4  # of a line with corners; a polyline of more points is a curve
TOUCH = 1.5  # pixels between two strokes that meet
STRAIGHT = 0.1  # sine of the angle below which two lines that meet are one


def glyph_targets(drawing: Drawing, patch_size: int) -> torch.Tensor:
    """Which glyphs have their centre in which patch, `[patches, len(GLYPHS)]`."""
    side = drawing.style.size // patch_size
    targets = torch.zeros(side * side, len(GLYPHS))
    known = [(GLYPHS.index(char), x, y) for char, x, y in drawing.glyphs() if char in GLYPHS]
    which, *centres = np.array(known, dtype=float).reshape(-1, 3).T
    targets[_patch_of(np.column_stack(centres), patch_size, side), which.astype(int)] = 1.0
    return targets


def spelling_targets(drawing: Drawing, patch_size: int) -> torch.Tensor:
    """How much each glyph counts in what a patch says, `[patches, len(GLYPHS)]`, for `warm_up_projector`.

    The first glyph printed in a patch counts 1, the next a half, then a third, so that 35 is not 53. The letters of
    the points that a value belongs to count, too: both ends of a length 1, as much as the letter at a corner, or a
    corner would be as near to the side's name as the value is; the vertex of an angle 1 and the ends of its arms a
    quarter, for a triangle's angles have three letters alike.
    """
    side = drawing.style.size // patch_size
    targets, said = torch.zeros(side * side, len(GLYPHS)), Counter()
    for char, x, y in drawing.glyphs():
        if char in GLYPHS:
            (patch,) = _patch_of(np.array([[x, y]]), patch_size, side)
            said[patch] += 1
            targets[patch, GLYPHS.index(char)] += 1 / said[patch]
    for text in drawing.texts:
        if len(text.owner) in OWNERS:
            (patch,) = _patch_of(np.array([[text.x, text.y]]), patch_size, side)
            for point, counts in zip(text.owner, OWNERS[len(text.owner)], strict=True):
                if point in GLYPHS:
                    targets[patch, GLYPHS.index(point)] += counts
    return targets


def tie_targets(diagram: Diagram, drawing: Drawing, patch_size: int) -> torch.Tensor:
    """To which points belongs what is printed and drawn in each patch, `[patches, len(TIES)]`.

    Of what is printed, a length is tied to both ends of its segment, an angle to the ends of its arms and to its
    vertex, a point's letter to the points that a drawn line leads to (`PRINTED_ROLES`). Of what is drawn, a patch is
    tied to the points that lie in it and to both ends of the segments that cross it (`DRAWN_ROLES`): the way from a
    letter to the value that speaks of it. Points of other letters than `POINTS` have no column.

    Args:
        diagram: the figure.
        drawing: the same laid out, whose texts know their owners.
        patch_size: side of a patch in pixels, a divisor of the size.
    """
    side = drawing.style.size // patch_size
    targets = torch.zeros(side * side, len(TIES))

    def tie(role: str, points: Iterable[str], places: np.ndarray) -> None:
        columns = [TIES.index(f"{role} {point}") for point in points if point in POINTS]
        for patch in np.unique(_patch_of(places, patch_size, side)).tolist():
            targets[patch, columns] = 1.0

    for text in drawing.texts:
        ends, vertices = text.owner, ()
        if len(text.owner) == 1:
            ends = [p for p in diagram.points if p != text.owner[0] and drawn(diagram, text.owner[0], p)]
        elif len(text.owner) == 3:
            ends, vertices = text.owner[::2], text.owner[1:2]
        for role, points in zip(PRINTED_ROLES, (ends, vertices), strict=True):
            tie(role, points, np.array([[text.x, text.y]]))
    for point, place in drawing.points.items():
        tie("point", (point,), np.array([place]))
    for a, b in diagram.segments:
        tie("line", (a, b), path_of_line((drawing.points[a], drawing.points[b])))
    return targets


def spoken_facts(diagram: Diagram, drawing: Drawing, patch_size: int) -> dict[int, tuple[Fact, ...]]:
    """By patch, the facts that speak of what is printed there: of a letter's point, of a length's or angle's value."""
    side = drawing.style.size // patch_size
    spoken: dict[int, dict[Fact, None]] = {}
    for text in drawing.texts:
        (patch,) = _patch_of(np.array([[text.x, text.y]]), patch_size, side).tolist()
        own = set(text.owner)
        for fact in diagram.facts:
            if own <= set(fact.points) if len(own) == 1 else fact.value and own == set(fact.points):
                spoken.setdefault(patch, {})[fact] = None
    return {patch: tuple(facts) for patch, facts in spoken.items()}


def stroke_targets(drawing: Drawing, image: np.ndarray, patch_size: int) -> torch.Tensor:
    """Which of `STROKES` are in which patch, `[patches, len(STROKES)]`.

    Args:
        drawing: the figure.
        image: the figure as `rasterise` painted it, `[size, size]`, grey.
        patch_size: side of a patch in pixels, a divisor of the size.
    """
    side = drawing.style.size // patch_size
    straight = [line for line in drawing.lines if len(line) <= MOST_CORNERS]
    bent = [path_of_line(line) for line in drawing.lines if len(line) > MOST_CORNERS]
    bent += [path_of_arc(arc) for arc in drawing.arcs]

    def crossed(paths: list[np.ndarray], least: int) -> np.ndarray:
        points = np.concatenate([np.empty((0, 2)), *paths])
        return np.bincount(_patch_of(points, patch_size, side), minlength=side * side) >= least

    columns = {
        "ink": (image.reshape(side, patch_size, side, patch_size) < DARK).any((1, 3)).ravel(),
        "line": crossed([path_of_line(line) for line in straight], LEAST_LENGTH),
        "arc": crossed(bent, LEAST_LENGTH),
        "junction": crossed([junctions(drawing)], 1),
    }
    return torch.from_numpy(np.stack([columns[name] for name in STROKES], axis=1).astype(np.float32))


def _patch_of(points: np.ndarray, patch_size: int, side: int) -> np.ndarray:
    """The patch that each point `[points, 2]` in pixels lies in."""
    columns, rows = np.clip(points // patch_size, 0, side - 1).astype(int).T
    return rows * side + columns


def path_of_line(line: tuple[tuple[float, float], ...]) -> np.ndarray:
    """A point for every pixel of a polyline's length, `[points, 2]`."""
    ends = np.array(line)
    pieces = []
    for a, b in zip(ends, ends[1:], strict=False):
        steps = max(int(np.hypot(*(b - a))), 1)
        pieces.append(a + (np.arange(steps)[:, None] + 0.5) / steps * (b - a))
    return np.concatenate(pieces)


def path_of_arc(arc: tuple[float, float, float, float, float]) -> np.ndarray:
    """A point for every pixel of an arc's length, `[points, 2]`."""
    x, y, radius, start, end = arc
    steps = max(int(radius * np.radians(end - start)), 1)
    turns = np.radians(start + (np.arange(steps) + 0.5) / steps * (end - start))
    return np.column_stack([x + radius * np.cos(turns), y - radius * np.sin(turns)])


def junctions(drawing: Drawing) -> np.ndarray:
    """Where two lines, a line and a circle, or two circles of a drawing meet, cross or touch, `[junctions, 2]`.

    The arcs that mark angles are no part of the figure and meet nothing; neighbouring pieces of a curve do not count.
    """
    pieces = [
        (*a, *b, number if len(line) > MOST_CORNERS else -1 - number)
        for number, line in enumerate(drawing.lines)
        for a, b in zip(line, line[1:], strict=False)
    ]
    lines = np.array(pieces, dtype=float).reshape(-1, 5)
    lines = lines[np.hypot(*(lines[:, 2:4] - lines[:, :2]).T) > 0]
    circles = np.array([a[:3] for a in drawing.arcs if a[4] - a[3] >= 360], dtype=float).reshape(-1, 3)
    return np.concatenate([_lines_meet(lines), _circles_cut(lines, circles), _circles_meet(circles)])


def _lines_meet(lines: np.ndarray) -> np.ndarray:
    """Meetings of lines `[lines, 5]`: both ends, and the number of the curve they belong to, negative for none."""
    first, second = np.triu_indices(len(lines), 1)
    apart = (lines[first, 4] != lines[second, 4]) | (lines[first, 4] < 0)
    a, b = lines[first[apart]], lines[second[apart]]
    u, v, w = a[:, 2:4] - a[:, :2], b[:, 2:4] - b[:, :2], b[:, :2] - a[:, :2]
    long_u, long_v = np.hypot(*u.T), np.hypot(*v.T)
    across = _cross(u, v)
    with np.errstate(divide="ignore", invalid="ignore"):
        s, t = _cross(w, v) / across, _cross(w, u) / across
        meet = (np.abs(across) > STRAIGHT * long_u * long_v) & _within(s, long_u) & _within(t, long_v)
    return a[meet, :2] + s[meet, None] * u[meet]


def _circles_cut(lines: np.ndarray, circles: np.ndarray) -> np.ndarray:
    """Meetings of lines `[lines, 5]` and circles `[circles, 3]`, tangents included."""
    a, u = lines[:, None, :2], (lines[:, 2:4] - lines[:, :2])[:, None]
    length = np.hypot(u[..., 0], u[..., 1])
    u = u / length[..., None]
    to_foot = ((circles[None, :, :2] - a) * u).sum(-1)  # [lines, circles], along the line
    foot = a + to_foot[..., None] * u
    gap = np.hypot(*np.moveaxis(foot - circles[None, :, :2], -1, 0))
    half = np.sqrt(np.maximum(circles[None, :, 2] ** 2 - gap**2, 0.0))
    half[np.abs(gap - circles[None, :, 2]) <= TOUCH / 2] = 0.0  # a tangent has one point of contact
    near = gap <= circles[None, :, 2] + TOUCH
    found = [a + (to_foot + way * half)[..., None] * u for way in (-1, 1)]
    meet = [near & _within((to_foot + way * half) / length, length) for way in (-1, 1)]
    return np.concatenate([points[which] for points, which in zip(found, meet, strict=True)])


def _circles_meet(circles: np.ndarray) -> np.ndarray:
    """Meetings of circles `[circles, 3]`, tangent ones included."""
    first, second = np.triu_indices(len(circles), 1)
    p, q = circles[first], circles[second]
    between = q[:, :2] - p[:, :2]
    apart = np.hypot(*between.T)
    meet = (apart > 0) & (apart <= p[:, 2] + q[:, 2] + TOUCH) & (apart >= np.abs(p[:, 2] - q[:, 2]) - TOUCH)
    p, q, between, apart = p[meet], q[meet], between[meet], apart[meet, None]
    along = (p[:, 2:] ** 2 - q[:, 2:] ** 2 + apart**2) / (2 * apart)
    along = np.clip(along, -p[:, 2:], p[:, 2:])  # circles that only nearly touch: where they are closest
    half = np.sqrt(p[:, 2:] ** 2 - along**2)
    normal = np.column_stack([-between[:, 1], between[:, 0]]) / apart
    return np.concatenate([p[:, :2] + along * between / apart + way * half * normal for way in (-1, 1)])


def _cross(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]


def _within(share: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Whether a place along a line, as a share of its length, is on it, or no further beyond than strokes touch."""
    return (share * length >= -TOUCH) & ((share - 1) * length <= TOUCH)
