"""The families of figures: which constructions follow one another, and what may be printed on them.

A plan is written as exam figures are told: `triangle ABC; cevian ABCD` draws any construction of the group `triangle`
on three new points, then any of the group `cevian` from A to a new point D of BC; `=altitude ABCD` is that
construction and no other. Letters stand for the letters a figure draws; O stays O, the centre or the origin. A choice
among the constructions of a group is uniform, so that a figure and its edited copies have the same marks on average.
"""

from dataclasses import dataclass

import numpy as np

from ..diagram.constructions import group
from ..diagram.program import Part

Plan = list[tuple[str, tuple[str, ...]]]


@dataclass(frozen=True)
class Family:
    """A plan and the parts that may be printed: coordinates (1 letter), lengths (2), angles (3)."""

    plan: str
    parts: str

    def draw(self, rng: np.random.Generator, names: list[str]) -> tuple[Plan, list[Part]]:
        """The steps with constructions at random on the drawn letters, and the parts under those letters."""
        letters = dict(zip(sorted(set(self.plan) & set("ABCDEFGHMPQTV")), names, strict=False)) | {"O": "O"}
        plan: Plan = []
        for step in self.plan.split("; "):
            name, points = step.split()
            if name.startswith("="):
                name = name[1:]
            else:
                members = group(name)
                name = members[int(rng.integers(len(members)))].name
            plan.append((name, tuple(letters[p] for p in points)))
        return plan, [tuple(letters[p] for p in part) for part in self.parts.split()]


FAMILIES: dict[str, Family] = {
    # triangles
    "triangle": Family("triangle ABC", "AB BC CA ABC BCA CAB"),
    "triangle_cevian": Family("triangle ABC; cevian ABCD", "AB AC BD DC AD BAD CAD ABD ACD ADC"),
    "two_cevians": Family("triangle ABC; cevian ABCD; cevian BCAE", "AB BD DC AE EC BAD CBE ABE ADC"),
    "triangle_center": Family("triangle ABC; center ABCDEG", "AB BD DC AE EC ACB AGB"),
    "triangle_cut": Family("triangle ABC; cut ABCDE", "BC DE AD DB AE EC ABC BAC ADE ACB"),
    "triangle_extension": Family("triangle ABC; extension ABCD", "AB AC BC CD BAC ABC ACD ACB"),
    "right_triangle_altitude": Family("=right_triangle ABC; =altitude ABCD", "AB AC BD DC AD ABC ACB"),
    "cevian_midpoint": Family("triangle ABC; cevian ABCD; midpoint ADE; link BE", "AB AC BD DC BE ABE ACB CAD"),
    "triangle_circle": Family("triangle ABC; triangle_circle ABCO", "AB BC CA ABC BCA CAB"),
    "triangle_pair": Family("pair ABCDEF", "AB BC CA DE EF FD ABC BCA CAB DEF EFD FDE"),
    # quadrilaterals
    "quadrilateral": Family("quadrilateral ABCD", "AB BC CD DA DAB ABC BCD CDA"),
    "quadrilateral_diagonals": Family("quadrilateral ABCD; diagonals ABCDE", "AB BC CD DA AE BE AEB DAE CBE"),
    "quadrilateral_point": Family("quadrilateral ABCD; midpoint ABE; link DE", "AE EB BC CD DA DE ADE AED BCD"),
    "quadrilateral_height": Family("quadrilateral ABCD; cevian DABE", "AE EB BC CD DA DE ADE DAE BCD"),
    "quadrilateral_crosscut": Family("quadrilateral ABCD; crosscut ABCDEF", "AB CD AE ED EF BF FC DAB ABC AEF"),
    "quadrilateral_diagonal_foot": Family(
        "quadrilateral ABCD; link AC; cevian BACE", "AB BC CD DA BE AE EC ABE CBE CDA"
    ),
    # more corners
    "pentagon": Family("pentagon ABCDE", "AB BC CD DE EA ABC BCD CDE DEA EAB"),
    "hexagon": Family("hexagon ABCDEF", "AB BC CD DE EF FA ABC BCD CDE DEF EFA FAB"),
    "octagon": Family("octagon ABCDEFGH", "AB BC CD DE EF FG GH HA ABC CDE EFG GHA"),
    "pentagon_diagonals": Family("pentagon ABCDE; link AC; link AD", "AB BC CD DE EA AC CAD ABC AED BAC"),
    "hexagon_diagonals": Family("hexagon ABCDEF; link AD; link AC", "AB BC CD DE EF FA AC ABC CAD DEF"),
    # lines
    "line_crossing": Family("cross ABCDM", "AM MB CM MD AMC BMC"),
    "vertical_angles": Family("cross ABCDM; ray BCME", "AM MB AMC BME CME AMD BMD"),
    "parallel_lines": Family("lines ABCDEFGH", "EGB AGE GHD CHG AGH BGH GHC"),
    "parallel_bend": Family("bend ABCDE", "AE CE AB CD BAE AEC ECD"),
    # circles
    "circle_chord": Family("circle O; chord OAB; third_point OABC", "AB AC BC ACB CAB ABC"),
    "central_angle": Family("circle O; central OAB", "OA OB AOB"),
    "central_and_inscribed": Family("circle O; central OAB; third_point OABC", "OA OB AC BC AOB ACB OAC"),
    "two_chords": Family("circle O; two_chords OABCDP", "AP PB CP PD APC BPC APD"),
    "tangent": Family("circle O; touch OAB", "OA AB"),
    "tangent_line": Family("circle O; touch OAP; link OP", "OA AP OP AOP APO"),
    "two_tangents": Family("circle O; two_tangents OABP", "OA PA PB APB AOB"),
    "secants": Family("circle O; secants OPABCD", "PA AB PC CD APC"),
    "tangent_secant": Family("circle O; tangent_secant OPTAB", "OT PT PA AB TPA TOP"),
    "inscribed_quadrilateral": Family("inscribed OABCD", "AB BC CD DA DAB ABC BCD CDA"),
    "square_circle": Family("=square ABCD; square_circle ABCDO", "AB BC CD DA"),
    # coordinate axes
    "axes_line": Family("axes O; axes_line OAB", "A B"),
    "axes_intercepts": Family("axes O; axes_intercepts OABPQ", "P Q"),
    "axes_parabola": Family("axes O; parabola OVPQ", "V P Q"),
}
