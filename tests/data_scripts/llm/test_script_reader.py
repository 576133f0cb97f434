"""Scripts are followed, not run, and read into the diagram a person would see, or not at all."""

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_scripts.diagram import Fact
from data_scripts.diagram.drawing import NoRoom, Style, lay_out
from data_scripts.diagram.facts import check
from data_scripts.diagram.script import to_script
from data_scripts.llm.grading import checkable
from data_scripts.llm.script_reader import read_diagram
from data_scripts.llm.script_scene import Unread, printed
from data_scripts.llm.script_values import Unfollowed, follow

from ..samples import programs

HEAD = """import math
import numpy as np
import matplotlib.pyplot as plt
fig, ax = plt.subplots(figsize=(6, 6))
"""
TAIL = """
ax.set_aspect("equal")
ax.axis("off")
plt.savefig("figure.png", dpi=100)
"""
POINTS = "A = (0.0, 3.0)\nB = (0.0, 0.0)\nC = (4.0, 0.0)\n"
LETTERS = 'ax.text(-0.3, 3.1, "A")\nax.text(-0.3, -0.3, "B")\nax.text(4.2, -0.2, "$C$")\n'
RIGHT = Fact("right_triangle", ("B", "A", "C"))

WAYS = {
    "plot": """for p, q in [(A, B), (B, C), (C, A)]:
    ax.plot([p[0], q[0]], [p[1], q[1]], color="black")
""",
    "polygon": "ax.add_patch(plt.Polygon([A, B, C], fill=False))\n",
    "one line": "ax.plot(*zip(A, B, C, A), 'k-', lw=2)\n",
    "arrays": "P = np.array([A, B, C, A])\nplt.plot(P[:, 0], P[:, 1], 'k')\n",
    "function": """def segment(p, q, **style):
    pass
def draw(p, q, width=2):
    ax.plot([p[0], q[0]], [p[1], q[1]], 'k', linewidth=width)
draw(A, B)
draw(B, C, width=1)
draw(q=A, p=C)
""".replace("def segment(p, q, **style):\n    pass\n", ""),
    "dictionary": """points = {"A": A, "B": B, "C": C}
names = list(points)
for i in range(len(names)):
    (x0, y0), (x1, y1) = points[names[i]], points[names[(i + 1) % 3]]
    ax.plot([x0, x1], [y0, y1], color='black')
""",
    "computed": """M = ((A[0] + C[0]) / 2, (A[1] + C[1]) / 2)
half = math.dist(A, C) / 2
turn = math.radians(90)
Q = (B[0] + 4 * math.sin(turn), B[1] + 4 * math.cos(turn))
xs = [p[0] for p in (A, B, Q, A)]
ys = [p[1] for p in (A, B, Q, A)]
ax.plot(xs, ys, "-k")
""",
    "main": """def main():
    ax.add_line(plt.Line2D([A[0], B[0], C[0], A[0]], [A[1], B[1], C[1], A[1]], color="k"))
if __name__ == "__main__":
    main()
""",
}


@pytest.mark.parametrize("way", WAYS)
def test_ways_to_draw_a_triangle(way):
    diagram = read_diagram(HEAD + POINTS + WAYS[way] + LETTERS + TAIL)
    assert set(diagram.points) == {"A", "B", "C"}
    assert check(RIGHT, diagram) is True
    assert check(Fact("right_triangle", ("A", "B", "C")), diagram) is False


def test_the_printed_letter_counts_not_the_name_in_the_script():
    swapped = LETTERS.replace('"A"', '"x"').replace('"B"', '"A"').replace('"x"', '"B"')
    diagram = read_diagram(HEAD + POINTS + WAYS["plot"] + swapped + TAIL)
    assert diagram.points["A"] == (0.0, 0.0) and diagram.points["B"] == (0.0, 3.0)
    assert check(Fact("right_triangle", ("A", "B", "C")), diagram) is True
    assert check(RIGHT, diagram) is False


def test_a_point_without_a_printed_letter_has_none():
    diagram = read_diagram(HEAD + POINTS + WAYS["plot"] + LETTERS.replace('ax.text(4.2, -0.2, "$C$")', "") + TAIL)
    assert "C" not in diagram.points and len(diagram.points) == 3
    assert check(RIGHT, diagram) is False


@pytest.mark.parametrize(
    "circle",
    [
        "ax.add_patch(plt.Circle(O, 3, fill=False))",
        "ax.add_patch(plt.Circle(O, radius=3.0, facecolor='none'))",
        "t = np.linspace(0, 2 * np.pi, 200)\nax.plot(O[0] + 3 * np.cos(t), O[1] + 3 * np.sin(t), 'k')",
        "from matplotlib.patches import Arc\nax.add_patch(Arc(O, 6, 6))",
    ],
)
def test_circles_in_their_forms(circle):
    script = f"""{HEAD}O = (1.0, 1.0)\nP = (4.0, 1.0)\n{circle}
ax.plot([O[0], P[0]], [O[1], P[1]], "k")
ax.plot(*O, "ko", markersize=3)
ax.text(0.8, 0.7, "O")\nax.text(4.1, 1.1, "P")\n{TAIL}"""
    diagram = read_diagram(script)
    assert [round(c.radius, 3) for c in diagram.circles] == [3.0]
    assert check(Fact("radius", ("P", "O")), diagram) is True


MARKS = """ax.text(-0.25, 1.5, "3", ha="right")
ax.text(2.0, -0.35, r"$4$ cm")
ax.text(3.1, 0.2, r"$37^\\circ$")
ax.plot([0.3, 0.3, 0.0], [0.0, 0.3, 0.3], "k")
ax.add_patch(plt.matplotlib.patches.Arc(C, 1.2, 1.2, theta1=143, theta2=180))
"""


def test_printed_values_belong_to_what_they_stand_beside():
    diagram = read_diagram(
        HEAD + POINTS + WAYS["plot"] + MARKS.replace("plt.matplotlib.patches.Arc", "plt.Arc") + LETTERS + TAIL
    )
    assert len(diagram.segments) == 3, "a mark was taken for a line"
    assert check(Fact("length", ("B", "A"), "3"), diagram) is True
    assert check(Fact("length", ("A", "B"), "4"), diagram) is False
    assert check(Fact("angle", ("A", "C", "B"), "37°"), diagram) is True
    assert check(Fact("angle", ("B", "C", "A"), "40°"), diagram) is False
    assert check(Fact("length", ("A", "C"), "5"), diagram) is None


def test_a_value_between_two_sides_belongs_to_none():
    diagram = read_diagram(HEAD + POINTS + WAYS["plot"] + 'ax.text(1.0, 0.75, "7")\n' + LETTERS + TAIL)
    assert diagram.marks == ()


OFFSETS = """offsets = {"A": (-0.3, 0.1), "B": (-0.3, -0.3), "C": (0.2, -0.2)}
for name, (x, y) in {"A": A, "B": B, "C": C}.items():
    dx, dy = offsets[name]
    ax.text(x + dx, y + dy, f"${name}$", fontsize=14, ha="center", va="center")
"""


def test_offsets_of_letters_are_no_points():
    diagram = read_diagram(HEAD + POINTS + WAYS["plot"] + OFFSETS + TAIL)
    assert diagram.points == {"A": (0.0, 3.0), "B": (0.0, 0.0), "C": (4.0, 0.0)}


def test_a_letter_at_a_crossing_belongs_to_it():
    paths = "[([0, 4, 4, 0, 0], [0, 0, 3, 3, 0]), ([0, 4], [0, 3]), ([0, 4], [3, 0])]"
    lines = f"for xs, ys in {paths}:\n    ax.plot(xs, ys, 'k')\n"
    places = "zip('ABCDP', [-0.2, 4.2, 4.2, -0.2, 2.0], [-0.2, -0.2, 3.2, 3.2, 1.2])"
    diagram = read_diagram(HEAD + lines + f"for name, x, y in {places}:\n    ax.text(x, y, name)\n" + TAIL)
    assert check(Fact("intersect", tuple("PACBD")), diagram) is True
    assert check(Fact("rectangle", tuple("ABCD")), diagram) is True


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("ax.mystery(A)\n", "a call of mystery"),
        ("ax.hlines(1, 0, 3)\n", "a call of hlines"),
        ("while True:\n    pass\n", "a statement While"),
        ("x = [[[" + "1" + "]]]\nx.append(2)\nax.plot(x, x)\n", "values that are not known"),
        ("ax.plot(unknown, [1, 2])\n", "values that are not known"),
        ("x = unknown + 1\n", "a name that is not known"),
        ("n = 10\nfor i in range(30):\n    n = n * n\n", "a huge number"),
        ("t = np.linspace(0, 3.14, 50)\nax.plot(3 * np.cos(t), np.sin(t), 'k')\n", "a large curve"),
        ("ax.add_patch(plt.Circle(B, 3, color='black'))\n", "a filled circle"),
        ("ax.annotate('', A, C, arrowprops=dict(arrowstyle='->'))\n", "an arrow"),
        ("ax.text(0.5, 0.5, 'D', transform=ax.transAxes)\n", "placed on the page"),
        ("ax.text(9, 9, 'D')\n", "a letter away from every point"),
        ("ax.text(0.2, 0.2, 'A')\n", "named twice"),
        ("ax.plot([1.8, 2.2], [3, 3], 'ko')\nax.text(2.0, 3.2, 'D')\n", "a letter between two points"),
        ("for i in range(10**7):\n    pass\n", "a long range"),
        ("a = [1]\nfor i in range(300):\n    a = a + a\n", "arithmetic on lists"),
        ("def f(x):\n    return f(x)\nf(1)\n", "a function of its own"),
        ("class T:\n    pass\n", "a statement ClassDef"),
        ("exec('x')\n", "a name that is not known"),
        ("().__class__\n", "a member of a value"),
        ("this is no python\n", "no Python"),
        ("return 3\n", "without a meaning"),
    ],
)
def test_what_is_not_understood_stays_unread(body, reason):
    with pytest.raises(Unread, match=reason):
        read_diagram(HEAD + POINTS + WAYS["plot"] + body + LETTERS + TAIL)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("lw=2", "lw=0", "may not be seen"),
        ("lw=2", "alpha=0", "may not be seen"),
        ("lw=2", "alpha=0.1", "may not be seen"),
        ("lw=2", "visible=False", "may not be seen"),
        ("lw=2", "color='#fefefe'", "may not be seen"),
        ("'k-'", "'w-'", "may not be seen"),
        ("ax.plot(*zip(A, B, C, A), 'k-', lw=2)", "ax.fill(*zip(A, B, C), color='white')", "may not be seen"),
        ("ax.text(-0.3, 3.1, ", "ax.text(-0.3, 3.1, color='w', s=", "may not be seen"),
        ("# end", "ax.cla()", "cleared"),
        ("# end", "fig, ax = plt.subplots()", "cleared"),
        ("# end", "ax.set_visible(False)", "hidden later"),
        ("# end", "plt.xlim(1, 5)", "beyond the axes"),
        ("# end", "ax.set_ylim(bottom=0.5)", "beyond the axes"),
        ("# end", "ax.axis([-1, 5, -1, 2])", "beyond the axes"),
        ("# end", "ax.set(xlim=(-1, 3))", "beyond the axes"),
        ("# end", "ax.set_facecolor('black')", "a dark page"),
        ("lw=2", "lw=2, color='#336699', alpha=0.9", None),
        ("'k-'", "'C1--'", None),
        ("# end", "ax.set_xlim(5, -1)\nax.set_ylim([-1, 4])", None),
        ("# end", "ax.add_patch(plt.Polygon([A, B, C], facecolor='lightblue', alpha=0.3))", None),
    ],
)
def test_what_nobody_sees_is_not_read(old, new, reason):
    body = f"{POINTS}{WAYS['one line']}{LETTERS}# end\n"
    assert old in body
    script = HEAD + body.replace(old, new) + TAIL
    if reason is None:
        assert check(RIGHT, read_diagram(script)) is True
    else:
        with pytest.raises(Unread, match=reason):
            read_diagram(script)


def test_without_equal_scale_coordinates_show_nothing():
    with pytest.raises(Unread, match="equal scale"):
        read_diagram(HEAD + POINTS + WAYS["plot"] + LETTERS + 'plt.savefig("f.png")\n')
    full = "fig = plt.figure(figsize=(4, 4))\nax = fig.add_axes([0, 0, 1, 1])\n"
    full += "ax.set_xlim(-1, 5)\nax.set_ylim(-2, {top})\n"
    body = POINTS + WAYS["plot"] + LETTERS
    assert check(RIGHT, read_diagram(HEAD + full.format(top=4) + body)) is True
    with pytest.raises(Unread, match="equal scale"):
        read_diagram(HEAD + full.format(top=9) + body)


def test_nothing_of_a_script_is_executed(tmp_path, capsys):
    trap = tmp_path / "trap"
    script = f"import os\nos.system('touch {trap}')\nopen({str(trap)!r}, 'w').write('x')\nprint('ran')\n"
    with pytest.raises(Unfollowed):
        follow(script)
    assert not trap.exists() and capsys.readouterr().out == ""


def test_printed_texts_lose_their_latex():
    assert printed(r"$60^\circ$") == printed(r"60^{\circ}") == printed("60°") == "60°"
    assert printed("$A$") == printed(r"$\mathrm{A}$") == "A"


@pytest.mark.parametrize("index", range(25))
def test_our_own_scripts_are_read_without_a_false_verdict(index):
    program = programs(25)[index]
    rng = np.random.default_rng(index)
    try:
        script = to_script(lay_out(program.diagram, Style.draw(rng, 336)))
    except NoRoom:
        pytest.skip("this figure is never drawn")
    try:
        diagram = read_diagram(script)
    except Unread as reason:
        assert "curve" in str(reason)
        return
    verdicts = [check(fact, diagram) for fact in checkable(program.diagram.facts)]
    assert False not in verdicts


def test_most_of_our_own_statements_are_proven_on_the_script_alone():
    proven = total = 0
    for index, program in enumerate(programs(25)):
        with contextlib.suppress(Unread, NoRoom):
            diagram = read_diagram(to_script(lay_out(program.diagram, Style.draw(np.random.default_rng(index), 336))))
            proven += sum(check(fact, diagram) is True for fact in checkable(program.diagram.facts))
        total += len(checkable(program.diagram.facts))
    assert proven > 0.7 * total


@settings(max_examples=150, derandomize=True, deadline=None)
@given(st.data())
def test_a_damaged_script_is_read_or_unread(data):
    lines = (HEAD + POINTS + WAYS["dictionary"] + WAYS["function"] + MARKS + LETTERS + TAIL).splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        edit = data.draw(st.sampled_from(["drop", "double", "cut", "swap", "digits"]))
        if edit == "drop":
            lines[at] = ""
        elif edit == "double":
            lines.insert(at, lines[at])
        elif edit == "cut":
            lines[at] = lines[at][: data.draw(st.integers(0, len(lines[at])))]
        elif edit == "swap":
            lines[at] = lines[at].replace("A", "C").replace("[", "(").replace("]", ")")
        else:
            lines[at] = lines[at].replace("0", data.draw(st.sampled_from(["1e308", "-1", "'x'", "None", "[]"])))
    try:
        read_diagram("\n".join(lines))
    except Unread as reason:
        assert str(reason)


@pytest.mark.parametrize("deep", ["(" * 3000 + "1" + ")" * 3000, "1+" * 5000 + "1", "[" * 900 + "]" * 900])
def test_deep_nesting_ends_well(deep):
    try:
        read_diagram(HEAD + POINTS + WAYS["plot"] + LETTERS + f"x = {deep}\n" + TAIL)
    except Unread as reason:
        assert "parsed" in str(reason)
