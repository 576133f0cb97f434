"""Similar triangles: cuts parallel to a side, crossing lines between parallels, pairs of triangles, areas."""

import numpy as np
import shapely
import sympy

from ..diagram import Diagram, Fact
from ..diagram.program import Unsound
from .figures import Printed, arcs, placed, ray
from .question import Asked, Draft, Solution, choose, kind, length, pick
from .terms import num


def _parts(rng: np.random.Generator) -> tuple[int, int]:
    """AD and DB, neither of them small beside the other."""
    while True:
        p, q = pick(rng, 2, 9), pick(rng, 2, 9)
        if p != q and max(p, q) <= 3 * min(p, q):
            return p, q


def _cut(n: list[str], p: int, q: int, ac: float, bc: float, printed: Printed) -> Diagram:
    """Triangle ABC with AB = p + q cut by DE parallel to BC, AD = p."""
    a, b, c, d, e = n[:5]
    ab = p + q
    if not 1.25 * max(ab, ac, bc) < (ab + ac + bc - max(ab, ac, bc)) or max(ab, ac, bc) > 2 * min(ab, ac, bc):
        raise Unsound("the triangle is too flat")
    at_a = float(np.degrees(np.arccos((ab**2 + ac**2 - bc**2) / (2 * ab * ac))))
    share = p / ab
    points = {a: np.zeros(2), b: ray(-120.0, ab), c: ray(-120.0 + at_a, ac)}
    points |= {d: share * points[b], e: share * points[c]}
    facts = [Fact("parallel_cut", (d, e, a, b, c))]
    return placed(points, [a + b + c + a, d + e], facts=facts, printed=printed)


@kind
def parallel_cut_side(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, d, e = n[:5]
    p, q = _parts(rng)
    base = pick(rng, 6, 16)
    short = sympy.Rational(base * p, p + q)
    inner = rng.random() < 0.5
    if short.q > 4:
        raise Unsound("the answer is no number of a school book")
    figure = _cut(
        n,
        p,
        q,
        float(pick(rng, 6, 16)),
        float(base),
        {(a, d): p, (d, b): q, **({(b, c): base} if inner else {(d, e): short})},
    )
    s = Solution(figure)
    s.step("", s.length(a, b), s.length(a, d) + s.length(d, b), num(p) + num(q))
    s.say(f"{d}{e} ∥ {b}{c}, so △{a}{d}{e} ∼ △{a}{b}{c}")
    s.step("", s.length(d, e) / s.length(b, c), s.length(a, d) / s.length(a, b))
    given = f"{d}{e} ∥ {b}{c}."
    if inner:
        s.step("", s.length(d, e), s.length(b, c) * s.length(a, d) / s.length(a, b), num(base) * num(p) / num(p + q))
        return s.ask(
            length(figure, d, e),
            sympy.Rational(base * p, q),
            sympy.Rational(base * q, p + q),
            sympy.Rational(base, 2),
            given=given,
        )
    s.step("", s.length(b, c), s.length(d, e) * s.length(a, b) / s.length(a, d), num(short) * num(p + q) / num(p))
    return s.ask(length(figure, b, c), short * q / p, short * (p + q) / q, short + q, given=given)


@kind
def parallel_cut_part(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, d, e = n[:5]
    p, q = _parts(rng)
    first = pick(rng, 2, 9)
    second = sympy.Rational(first * q, p)
    if second.q > 4:
        raise Unsound("the answer is no number of a school book")
    figure = _cut(n, p, q, float(first + second), float(pick(rng, 6, 16)), {(a, d): p, (d, b): q, (a, e): first})
    s = Solution(figure)
    s.step(
        f"{d}{e} ∥ {b}{c}, so it cuts the two sides in the same ratio",
        s.length(e, c) / s.length(a, e),
        s.length(d, b) / s.length(a, d),
    )
    s.step("", s.length(e, c), s.length(a, e) * s.length(d, b) / s.length(a, d), num(first) * num(q) / num(p))
    return s.ask(
        length(figure, e, c),
        sympy.Rational(first * p, q),
        first + second,
        abs(first + q - p) or first,
        given=f"{d}{e} ∥ {b}{c}.",
    )


@kind
def cut_area_ratio(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, d, e = n[:5]
    p, q = choose(rng, ((2, 1), (1, 1), (3, 2), (2, 3), (1, 2), (3, 1), (4, 3), (3, 4)))
    k = pick(rng, 2, 4)
    p, q = p * k, q * k
    figure = _cut(n, p, q, float(pick(rng, 6, 16)), float(pick(rng, 6, 16)), {(a, d): p, (d, b): q})
    s = Solution(figure)
    s.step("", s.length(a, b), s.length(a, d) + s.length(d, b), num(p) + num(q))
    s.say(f"{d}{e} ∥ {b}{c}, so △{a}{d}{e} ∼ △{a}{b}{c}")
    small, whole = (shapely.Polygon([figure.points[x] for x in corners]).area for corners in ((a, d, e), (a, b, c)))
    phrase = f"the ratio of the area of △{a}{d}{e} to that of △{a}{b}{c}"
    asked = Asked((phrase, f"the area of △{a}{d}{e} as a fraction of that of △{a}{b}{c}"), small / whole)
    ratio = s.step("", s.length(a, d) / s.length(a, b), num(p) / num(p + q))
    s.step("areas are in the square of this ratio", s.quantity("Ratio", asked), num(ratio) ** 2)
    return s.ask(asked, ratio, sympy.Rational(p * p, q * q), sympy.Rational(p, q), given=f"{d}{e} ∥ {b}{c}.")


@kind
def crossed_triangles(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, d, m = n[:5]
    p, q = _parts(rng)
    top = pick(rng, 4, 12)
    bottom = sympy.Rational(top * q, p)
    if bottom.q > 4 or not 0.7 < top / p < 1.6:
        raise Unsound("the answer is no number of a school book, or the figure is flat")
    # AD and BC cross at M, AB above and CD below
    points = {m: np.zeros(2), a: ray(125, p)}
    points[b] = points[a] + np.array([top, 0.0])
    points[c], points[d] = -q / p * points[b], -q / p * points[a]
    figure = placed(
        points,
        [a + b, c + d, a + d, b + c],
        facts=[Fact("parallel", (a, b, c, d)), Fact("intersect", (m, a, d, b, c))],
        printed={(a, m): p, (m, d): q, (a, b): top},
    )
    s = Solution(figure)
    s.say(f"{a}{b} ∥ {c}{d}, so △{m}{a}{b} ∼ △{m}{d}{c}")
    s.step("", s.length(c, d) / s.length(a, b), s.length(m, d) / s.length(a, m))
    s.step("", s.length(c, d), s.length(a, b) * s.length(m, d) / s.length(a, m), num(top) * num(q) / num(p))
    return s.ask(
        length(figure, c, d), sympy.Rational(top * p, q), abs(top + q - p) or 2 * top, top, given=f"{a}{b} ∥ {c}{d}."
    )


@kind
def similar_pair(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, d, e, f = n[:6]
    ratio = choose(rng, [sympy.Rational(*r) for r in ((3, 2), (4, 3), (5, 3), (5, 4), (2, 1))])
    ab, bc = pick(rng, 4, 10), pick(rng, 4, 10)
    at_b = pick(rng, 50, 80)
    if max(ab, bc) > 1.8 * min(ab, bc):
        raise Unsound("the triangles are too flat")
    points = {b: np.zeros(2), c: (bc, 0.0), a: ray(at_b, ab)}
    k, right = float(ratio), max(bc, float(points[a][0])) + 3.0
    points |= {e: (right, 0.0), f: (right + k * bc, 0.0), d: ray(at_b, k * ab) + np.array([right, 0.0])}
    de = ratio * ab
    figure = placed(points, [a + b + c + a, d + e + f + d], printed={(a, b): ab, (b, c): bc, (d, e): de})
    s = Solution(figure)
    s.step(f"△{a}{b}{c} ∼ △{d}{e}{f}", s.length(e, f) / s.length(b, c), s.length(d, e) / s.length(a, b))
    s.step("", s.length(e, f), s.length(b, c) * s.length(d, e) / s.length(a, b), num(bc) * num(de) / num(ab))
    return s.ask(length(figure, e, f), bc / ratio, bc + de - ab, de, given=f"△{a}{b}{c} ∼ △{d}{e}{f}.")


@kind
def antiparallel_cut(rng: np.random.Generator, n: list[str]) -> Draft:
    a, b, c, d, e = n[:5]
    ad, db, ae = pick(rng, 3, 8), pick(rng, 2, 8), pick(rng, 3, 8)
    ac = sympy.Rational(ad * (ad + db), ae)
    ec = ac - ae
    if ec.q > 3 or not 2 <= ec <= 10 or abs(ad * float(ac) - ae * (ad + db)) < 8:
        raise Unsound("the cut is parallel, or the answer no number of a school book")
    at_a = pick(rng, 50, 75)
    points = {a: np.zeros(2), b: ray(-120, ad + db), c: ray(-120 + at_a, float(ac))}
    points |= {d: ray(-120, ad), e: ray(-120 + at_a, ae)}
    figure = placed(
        points,
        [a + b + c + a, d + e],
        marks=arcs(a + d + e, a + c + b),
        printed={(a, d): ad, (d, b): db, (a, e): ae},
    )
    s = Solution(figure)
    s.step("", s.length(a, b), s.length(a, d) + s.length(d, b), num(ad) + num(db))
    s.say(f"∠{a}{d}{e} = ∠{a}{c}{b} and ∠{d}{a}{e} = ∠{c}{a}{b}, so △{a}{d}{e} ∼ △{a}{c}{b}")
    s.step("", s.length(a, c) / s.length(a, d), s.length(a, b) / s.length(a, e))
    s.step("", s.length(a, c), s.length(a, d) * s.length(a, b) / s.length(a, e), num(ad) * num(ad + db) / num(ae))
    s.step("", s.length(e, c), s.length(a, c) - s.length(a, e), num(ac) - num(ae))
    return s.ask(length(figure, e, c), ac, sympy.Rational(ae * db, ad), db)
