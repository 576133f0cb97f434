"""What a person sees on a diagram: measurements on its coordinates, and relations judged with a margin.

A verdict is True, False or None. True: the relation holds within drawing accuracy. False: a person would *see* that it
does not hold. None: too close to call, or nothing in the figure says. `facts` puts these together into what a figure
can state; a conjunction is False as soon as one of its parts is (Kleene).
"""

import math
from collections.abc import Callable, Iterable
from itertools import combinations

from .diagram import Diagram, Fact, Mark

Verdict = bool | None

# Margins: (true up to, false from). Between the two nobody should be asked to tell.
ANGLE = (4.0, 14.5)  # degrees away from the stated direction; figures are drawn in steps of 5 degrees
DISTANCE = (0.025, 0.08)  # share of the diagram's size
LOG_RATIO = (0.05, 0.18)  # of two lengths
RADIUS = (0.05, 0.16)  # share of the circle's radius
# Margins of an excess: (false up to, true from)
SCALENE = (LOG_RATIO[0], 0.1)  # between any two sides, as a log ratio
OBTUSE = (92.0, 98.0)  # degrees
ACUTE = (-88.0, -82.0)  # minus the widest angle in degrees


def within(error: float, margin: tuple[float, float]) -> Verdict:
    low, high = margin
    return True if error <= low else False if error >= high else None


def above(excess: float, margin: tuple[float, float]) -> Verdict:
    low, high = margin
    return True if excess >= high else False if excess <= low else None


def all_of(verdicts: Iterable[Verdict]) -> Verdict:
    result: Verdict = True
    for verdict in verdicts:
        if verdict is False:
            return False
        if verdict is None:
            result = None
    return result


def any_of(verdicts: Iterable[Verdict]) -> Verdict:
    verdicts = list(verdicts)
    return True if True in verdicts else None if None in verdicts else False


def direction(d: Diagram, a: str, b: str) -> float:
    """Direction of the ray from a to b in degrees."""
    (ax, ay), (bx, by) = d.points[a], d.points[b]
    return math.degrees(math.atan2(by - ay, bx - ax))


def angle_at(d: Diagram, a: str, b: str, c: str) -> float:
    """Size of the angle ABC in degrees, in [0, 180]."""
    turn = abs(direction(d, b, a) - direction(d, b, c)) % 360
    return min(turn, 360 - turn)


def distance(d: Diagram, a: str, b: str) -> float:
    return math.dist(d.points[a], d.points[b])


def line_angle(d: Diagram, a: str, b: str, c: str, e: str) -> float:
    """Angle between the lines AB and CE in degrees, in [0, 90]."""
    turn = abs(direction(d, a, b) - direction(d, c, e)) % 180
    return min(turn, 180 - turn)


def _gap(p: tuple[float, float], a: tuple[float, float], b: tuple[float, float]) -> float:
    """Distance of a place from the segment between two others."""
    (px, py), (ax, ay) = p, a
    ux, uy, px, py = b[0] - ax, b[1] - ay, px - ax, py - ay
    along, whole = px * ux + py * uy, ux * ux + uy * uy
    t = 0.0 if along <= 0 else 1.0 if along >= whole else along / whole
    return math.hypot(px - t * ux, py - t * uy)


def off_segment(d: Diagram, p: str, a: str, b: str) -> float:
    """Distance of P from the segment AB as a share of the diagram's size."""
    return _gap(d.points[p], d.points[a], d.points[b]) / d.size


def on_line(d: Diagram, p: str, a: str, b: str) -> Verdict:
    """P lies on the line through A and B, drawn there or not."""
    return _on_line(d, d.points[p], a, b)


def _on_line(d: Diagram, place: tuple[float, float], a: str, b: str) -> Verdict:
    (px, py), (ax, ay), (bx, by) = place, d.points[a], d.points[b]
    length = max(math.hypot(bx - ax, by - ay), 1e-9)
    return within(abs((bx - ax) * (py - ay) - (by - ay) * (px - ax)) / length / d.size, DISTANCE)


def drawn(d: Diagram, a: str, b: str) -> Verdict:
    """Whether a line is drawn from A to B: one segment carries both, or several do, from point to point."""
    if a == b:
        return False
    pair = (a, b) if a < b else (b, a)
    if pair not in d.drawn_lines:
        d.drawn_lines[pair] = _find_line(d, *pair)
    return d.drawn_lines[pair]


def line(d: Diagram, a: str, b: str) -> Verdict:
    """The line AB that a relation speaks of: where nobody drew it, the relation is not told, and not wrong."""
    return drawn(d, a, b) or None


def _find_line(d: Diagram, a: str, b: str) -> Verdict:
    if (a, b) in d.segments or (b, a) in d.segments:
        return True
    gaps = (max(off_segment(d, x, p, q) for x in (a, b)) for p, q in d.segments)
    verdict = within(min(gaps, default=math.inf), DISTANCE)
    if verdict is True:
        return True
    whole = distance(d, a, b)
    between = (
        p
        for p in d.points
        if max(distance(d, a, p), distance(d, p, b)) < whole and off_segment(d, p, a, b) <= DISTANCE[0]
    )
    return any_of([verdict, *(all_of([drawn(d, a, p), drawn(d, p, b)]) for p in between)])


def equal(d: Diagram, a: str, b: str, c: str, e: str) -> Verdict:
    return within(abs(math.log(max(distance(d, a, b), 1e-9) / max(distance(d, c, e), 1e-9))), LOG_RATIO)


def equal_angles(d: Diagram, first: tuple[str, str, str], second: tuple[str, str, str]) -> Verdict:
    return within(abs(angle_at(d, *first) - angle_at(d, *second)), ANGLE)


def straight(d: Diagram, a: str, b: str, c: str, e: str) -> Verdict:
    return within(line_angle(d, a, b, c, e), ANGLE)


def square(d: Diagram, a: str, b: str, c: str, e: str) -> Verdict:
    return within(90 - line_angle(d, a, b, c, e), ANGLE)


def between(d: Diagram, p: str, a: str, b: str) -> Verdict:
    """P lies on the segment AB, visibly away from its ends."""
    ends = min(distance(d, p, a), distance(d, p, b)) / d.size
    apart = True if ends > 0.04 else False if ends < 0.005 else None
    return all_of([line(d, a, b), within(off_segment(d, p, a, b), DISTANCE), apart])


def polygon(d: Diagram, *corners: str) -> Verdict:
    """Every side is drawn, no corner is flat, and no side crosses another."""
    n = len(corners)
    sides = [drawn(d, corners[i - 1], corners[i]) for i in range(n)]
    if False in sides:
        return False
    ways = [direction(d, corners[i - 1], corners[i]) for i in range(n)]
    turns = [(ways[(i + 1) % n] - ways[i] + 180) % 360 - 180 for i in range(n)]
    once_around = abs(abs(sum(turns)) - 360) < 1  # a bow-tie turns by 0 degrees in all, a pentagram by 720
    return all_of(
        [*sides, once_around, *(True if 12 < abs(t) < 168 else False if abs(t) < 4 else None for t in turns)]
    )


def outline(d: Diagram, *corners: str) -> Verdict:
    """The polygon that a relation speaks of: where nobody drew it, the relation is not told, and not wrong."""
    return polygon(d, *corners) or None


def same_sides(d: Diagram, *corners: str) -> Verdict:
    """The longest side is as long as the shortest: so that it is the same from whichever corner one begins."""
    sides = [distance(d, corners[i - 1], corners[i]) for i in range(len(corners))]
    return within(math.log(max(*sides, 1e-9) / max(min(sides), 1e-9)), LOG_RATIO)


def same_angles(d: Diagram, *corners: str) -> Verdict:
    n = len(corners)
    angles = [angle_at(d, corners[i - 1], corners[i], corners[(i + 1) % n]) for i in range(n)]
    return within(max(angles) - min(angles), ANGLE)


def right_corners(d: Diagram, a: str, b: str, c: str, e: str) -> Verdict:
    return all_of(square(d, x, y, y, z) for x, y, z in ((a, b, c), (b, c, e), (c, e, a), (e, a, b)))


def regular(d: Diagram, *corners: str) -> Verdict:
    return all_of([polygon(d, *corners), same_sides(d, *corners), same_angles(d, *corners)])


def radius(d: Diagram, o: str) -> float | None:
    return next((c.radius for c in d.circles if c.center == o), None)


def _radial(d: Diagram, p: str, o: str, verdict: Callable[[float], Verdict]) -> Verdict:
    """Judge P's distance from O, in radii; False where O is the centre of no circle."""
    r = radius(d, o)
    return False if r is None else verdict(distance(d, p, o) / r)


def on_circle(d: Diagram, p: str, o: str) -> Verdict:
    return _radial(d, p, o, lambda r: within(abs(r - 1), RADIUS))


def inside(d: Diagram, p: str, o: str) -> Verdict:
    return _radial(d, p, o, lambda r: True if r < 1 - RADIUS[1] else False if r > 1 - RADIUS[0] else None)


def outside(d: Diagram, p: str, o: str) -> Verdict:
    return _radial(d, p, o, lambda r: True if r > 1 + RADIUS[1] else False if r < 1 + RADIUS[0] else None)


def incircle(d: Diagram, o: str, *corners: str) -> Verdict:
    """The circle about O touches every side of the polygon."""
    r = radius(d, o)
    if r is None:
        return False
    gaps = [off_segment(d, o, corners[i - 1], corners[i]) * d.size / r - 1 for i in range(len(corners))]
    return all_of([outline(d, *corners), *(within(abs(g), RADIUS) for g in gaps)])


def circumcircle(d: Diagram, o: str, *corners: str) -> Verdict:
    return all_of([outline(d, *corners), *(on_circle(d, p, o) for p in corners)])


def radius_to(d: Diagram, p: str, o: str) -> Verdict:
    """OP is a radius of the circle about O; not told where it is one of the circle about P."""
    verdict = all_of([line(d, o, p), on_circle(d, p, o)])
    return verdict if on_circle(d, o, p) is False else verdict or None


def crossing(d: Diagram, p: str, a: str, b: str, c: str, e: str) -> Verdict:
    """AB and CE cross at P; not told where the lines do and the segments do not."""
    lines = ((a, b), (c, e))
    return all_of([*(on_line(d, p, *pair) for pair in lines), *(between(d, p, *pair) or None for pair in lines)])


def secant(d: Diagram, p: str, a: str, b: str, o: str) -> Verdict:
    """The line from P outside the circle meets it at A, then at B."""
    return all_of([between(d, a, p, b), on_circle(d, a, o), on_circle(d, b, o), outside(d, p, o)])


# --- triangles -------------------------------------------------------------------------------------------------------


def scalene(d: Diagram, *corners: str) -> Verdict:
    a, b, c = (math.log(max(distance(d, p, q), 1e-9)) for p, q in combinations(corners, 2))
    return all_of([polygon(d, *corners), above(min(abs(a - b), abs(b - c), abs(c - a)), SCALENE)])


def acute(d: Diagram, a: str, b: str, c: str) -> Verdict:
    widest = max(angle_at(d, a, b, c), angle_at(d, b, c, a), angle_at(d, c, a, b))
    return all_of([polygon(d, a, b, c), above(-widest, ACUTE)])


def obtuse(d: Diagram, a: str, b: str, c: str) -> Verdict:
    """Triangle ABC with its obtuse angle at A."""
    return all_of([polygon(d, a, b, c), above(angle_at(d, b, a, c), OBTUSE)])


def right(d: Diagram, a: str, b: str, c: str) -> Verdict:
    """Triangle ABC with its right angle at A."""
    return all_of([polygon(d, a, b, c), square(d, a, b, a, c)])


def isosceles(d: Diagram, a: str, b: str, c: str) -> Verdict:
    """Triangle ABC with AB = AC."""
    return all_of([polygon(d, a, b, c), equal(d, a, b, a, c)])


def similar(d: Diagram, *corners: str) -> Verdict:
    """Triangles ABC and DEF have equal angles at A and D, B and E, C and F."""
    (a, b, c), (x, y, z) = corners[:3], corners[3:]
    pairs = (((a, b, c), (x, y, z)), ((b, c, a), (y, z, x)), ((c, a, b), (z, x, y)))
    return all_of([outline(d, a, b, c), outline(d, x, y, z), *(equal_angles(d, *pair) for pair in pairs)])


def congruent(d: Diagram, *corners: str) -> Verdict:
    (a, b, c), (x, y, z) = corners[:3], corners[3:]
    sides = (equal(d, a, b, x, y), equal(d, b, c, y, z), equal(d, c, a, z, x))
    return all_of([similar(d, *corners), *sides])


def centroid(d: Diagram, g: str, *corners: str) -> Verdict:
    x, y = (sum(d.points[p][i] for p in corners) / 3 - d.points[g][i] for i in (0, 1))
    return all_of([outline(d, *corners), within(math.hypot(x, y) / d.size, DISTANCE)])


def orthocenter(d: Diagram, h: str, a: str, b: str, c: str) -> Verdict:
    heights = (square(d, h, a, b, c), square(d, h, b, c, a), square(d, h, c, a, b))
    return all_of([outline(d, a, b, c), *heights])


def incenter(d: Diagram, i: str, a: str, b: str, c: str) -> Verdict:
    halves = (((b, a, i), (i, a, c)), ((c, b, i), (i, b, a)), ((a, c, i), (i, c, b)))
    return all_of([outline(d, a, b, c), *(equal_angles(d, *pair) for pair in halves)])


# --- bisecting -------------------------------------------------------------------------------------------------------


def perpendicular_bisector(d: Diagram, a: str, b: str, c: str, e: str) -> Verdict:
    """AB is perpendicular to CE and goes through its middle; not told where only the line does and not the segment."""
    (cx, cy), (ex, ey) = d.points[c], d.points[e]
    middle = ((cx + ex) / 2, (cy + ey) / 2)
    reaches = within(_gap(middle, d.points[a], d.points[b]) / d.size, DISTANCE) or None
    return all_of([line(d, a, b), line(d, c, e), square(d, a, b, c, e), _on_line(d, middle, a, b), reaches])


def angle_bisector(d: Diagram, o: str, e: str, a: str, b: str) -> Verdict:
    """OE halves the angle AOB."""
    lines = [line(d, o, p) for p in (e, a, b)]
    half = angle_at(d, a, o, b) / 2
    off = max(abs(half - angle_at(d, arm, o, e)) for arm in (a, b))  # E is not on the far side of O
    return all_of([*lines, equal_angles(d, (a, o, e), (e, o, b)), within(off, ANGLE)])


# --- what is printed -------------------------------------------------------------------------------------------------


def same_object(d: Diagram, first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    """Whether two segments, or two angles, are the same part of the drawing: with D on AB, angle DAC is BAC."""
    if len(first) < 3:
        return sorted(first) == sorted(second)
    if first[1] != second[1]:
        return False

    def same_ray(p: str, q: str) -> bool:
        turn = abs(direction(d, first[1], p) - direction(d, first[1], q)) % 360
        return p == q or min(turn, 360 - turn) < 1.5

    (a, _, b), (x, _, y) = first, second
    return (same_ray(a, x) and same_ray(b, y)) or (same_ray(a, y) and same_ray(b, x))


def marks_on(d: Diagram, kind: str, points: tuple[str, ...]) -> list[Mark]:
    """The marks of that kind printed on that segment or angle."""
    return [m for m in d.marks if m.kind == kind and same_object(d, m.points, points)]


def printed(d: Diagram, fact: Fact) -> Verdict:
    texts = [m.text for m in marks_on(d, fact.kind, fact.points)]
    return None if not texts else fact.value in texts


def look_equal(d: Diagram, first: tuple[str, ...], second: tuple[str, ...]) -> Verdict:
    """Whether two segments are equally long, or two angles equally wide, on the coordinates."""
    return equal(d, *first, *second) if len(first) == 2 else equal_angles(d, first, second)


def equal_by_marks(d: Diagram, kind: str, first: tuple[str, ...], second: tuple[str, ...]) -> Verdict:
    """Equality as exams print it: as many ticks or arcs. Marks and looks that contradict one another prove nothing."""
    measured = look_equal(d, first, second)
    counts = [{m.count for m in marks_on(d, kind, part)} for part in (first, second)]
    if counts[0] & counts[1]:
        return None if measured is False else True
    if all(counts):
        return None if measured is True else False
    return False if measured is False else None
