"""Terms: text and value are made together, and LaTeX readers agree with both."""

import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from latex2sympy2_extended import latex2sympy

from data_scripts.questions.terms import X, deg, degrees_text, num, root, value_text

numbers = st.integers(1, 60).map(num)
radicals = st.integers(2, 60).map(lambda n: root(num(n)))
leaves = st.one_of(
    numbers, radicals, st.tuples(st.integers(1, 9), st.integers(2, 9)).map(lambda f: num(sympy.Rational(*f)))
)


def combined(children):
    pairs = st.tuples(children, children)
    return st.one_of(
        pairs.map(lambda p: p[0] + p[1]),
        pairs.map(lambda p: p[0] - p[1]),
        pairs.map(lambda p: p[0] * p[1]),
        pairs.map(lambda p: p[0] / p[1] if p[1].value != 0 else p[0]),
        children.map(lambda p: p**2),
    )


@given(st.recursive(leaves, combined, max_leaves=5))
@settings(max_examples=120, derandomize=True, deadline=None)
def test_what_is_read_is_what_is_reckoned(term):
    read = latex2sympy(term.text.replace("·", "\\cdot")).evalf()
    assert abs(complex(read) - complex(term.value.evalf())) < 1e-6 * max(1.0, abs(complex(term.value.evalf())))


@given(st.integers(1, 30), st.integers(1, 12), st.integers(1, 50))
@settings(max_examples=60, derandomize=True, deadline=None)
def test_exact_values_are_read_back(numerator, denominator, radicand):
    value = sympy.Rational(numerator, denominator) * sympy.sqrt(radicand)
    for exact in (value, value * sympy.pi, 12 * sympy.pi - value, value + 3):
        assert sympy.simplify(latex2sympy(value_text(exact)) - exact) == 0


def test_texts_are_as_a_teacher_writes_them():
    assert value_text(2 * sympy.sqrt(13)) == r"2\sqrt{13}"
    assert value_text(sympy.Rational(5, 2) * sympy.sqrt(3)) == r"\frac{5\sqrt{3}}{2}"
    assert value_text(9 * sympy.pi - 18) == r"9\pi - 18"
    assert value_text(sympy.Tuple(3, -4)) == "(3, -4)"
    assert value_text(2 * X + 10) == "2x + 10"
    assert (num(3) - num(-1)).text == "3 - (-1)"
    assert ((num(2) + num(3)) * num(4)).text == "(2 + 3) · 4"
    assert (num(sympy.Rational(3, 4)) ** 2).text == r"(\frac{3}{4})^2"
    assert (deg(180) - deg(50)).text == "180° - 50°" and (deg(180) - deg(50)).unit == "°"


def test_degrees_are_printed_as_exams_do():
    assert [degrees_text(v) for v in (40, sympy.Rational(65, 2), 2 * X, 2 * X + 10)] == [
        "40",
        "32.5",
        "2x",
        "(2x + 10)",
    ]
    assert degrees_text(sympy.Rational(100, 3)) == r"\frac{100}{3}"
