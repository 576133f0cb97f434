"""Values: where they end, which are one, how much they are."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_scripts.phrases.values import normal_value, number, read_value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5.", "5"),
        ("5.5, so", "5.5"),
        ("5 and", "5"),
        ("5cm", "5cm"),
        ("5 cm long", "5 cm"),
        (r"5\text{ cm}.", r"5\text{ cm}"),
        ("5 circles", "5"),
        (r"5\sqrt{3} is", r"5\sqrt{3}"),
        (r"5 \sqrt { 3 }", r"5 \sqrt { 3 }"),
        ("5√3", "5√3"),
        ("2x + 1 = 7", "2x + 1"),
        ("(2x+1)° and", "(2x+1)°"),
        ("40 degrees", "40 degrees"),
        (r"40^{\circ}$", r"40^{\circ}"),
        (r"40^\circ", r"40^\circ"),
        (r"\frac{1}{2}x+3", r"\frac{1}{2}x+3"),
        ("x^2 - 4", "x^2 - 4"),
        ("(3, -2).", "(3, -2)"),
        ("2AB", "2"),
        ("5 - CD", "5"),
    ],
)
def test_a_value_ends_where_it_should(text, value):
    assert text[: read_value(text, 0)[1]] == value


@pytest.mark.parametrize("text", ["", "AB", "=5", "(see", "(", r"\sqrt", "and", "°"])
def test_what_is_no_value_begins_none(text):
    assert read_value(text, 0) is None


@pytest.mark.parametrize(
    "forms",
    [
        ("5", "5 cm", "5cm", r"5\text{ cm}", "5 units"),
        ("40°", "40 degrees", r"40^\circ", r"40^{\circ}", "40 °"),
        (r"5\sqrt{3}", "5√3", "5√(3)", r"5 \sqrt { 3 }", r"5\sqrt3"),
        ("2x+1°", "(2x+1)°", "(2x + 1) degrees"),
        ("x^{2}", "x^2", "x²"),
        (r"\frac{1}{2}", r"\dfrac{1}{2}"),
        ("(3,-2)", "(3, -2)"),
    ],
)
def test_forms_of_one_value_are_one(forms):
    assert {normal_value(form) for form in forms} == {forms[0]}


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        ("5", 5),
        ("40°", 40),
        (r"5\sqrt{3}", 5 * math.sqrt(3)),
        (r"\frac{1}{2}", 0.5),
        ("2(1+3)", 8),
        ("2^{3}", 8),
        ("3π", 3 * math.pi),
        ("6/4", 1.5),
        ("7-2*3", 1),
    ],
)
def test_a_value_without_variable_is_a_number(value, amount):
    assert number(value) == pytest.approx(amount)


@pytest.mark.parametrize("value", ["x", "2x+1", "", "1/0", r"\sqrt{0-1}", "9^{999}", "1:2", "(3,-2)"])
def test_other_values_are_none(value):
    assert number(value) is None


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.text(alphabet="0123456789xy.+-*/^(){}√°\\sqrtfac ", max_size=40))
def test_any_text_is_read_without_error(text):
    ends = read_value(text, 0)
    assert ends is None or 0 < ends[0] <= ends[1] <= len(text)
    assert normal_value(normal_value(text)) == normal_value(text) or ends is None or ends[1] < len(text)
    number(normal_value(text))
