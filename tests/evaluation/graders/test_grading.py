"""The grader decides like a teacher, on a table of answers, and survives whatever a model may write."""

import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.graders import is_correct
from evaluation.graders.answer_text import extract_answer, normalise

# prediction, gold answer, right?
TABLE = [
    # degrees and other units
    ("45°", "45", True),
    (r"\boxed{45^\circ}", "45", True),
    (r"\boxed{45^{\circ}}", "45°", True),
    (r"\boxed{\text{45 degrees}}", "45", True),
    (r"\boxed{45\text{ degrees}}", r"45^\circ", True),
    (r"\boxed{45\degree}", "45", True),
    (r"45 radians", "45 degrees", False),
    ("5 cm", "5", True),
    ("5", "5 cm", True),
    ("5cm", "5 cm", True),
    ("5 cm", "5 m", False),
    (r"12\text{ cm}^2", "12 cm^2", True),
    ("12 square cm", "12 cm²", True),
    ("12 cm^3", "12 cm^2", False),
    ("7 units", "7", True),
    (r"\boxed{2\sqrt{3}\text{ cm}}", "2√3", True),
    # several boxes, and boxes in a text
    (r"First \boxed{30}, no: \boxed{40}", "40", True),
    (r"First \boxed{30}, no: \boxed{40}", "30", False),
    (r"So \boxed{\frac{1}{2}} it is.", "0.5", True),
    (r"\boxed{40} and then \boxed{", "40", True),
    (r"the answer is \boxed{}", "40", False),
    (r"\fbox{40}", "40", True),
    (r"The answer is $40^\circ$.", "40", True),
    (r"**Answer:** 40", "40", True),
    ("Answer: 40 because the angles add up to 180.", "40", True),
    ("Answer: 30\nWait. Answer: 40", "30", False),
    ("#### 40", "40", True),
    ("答案：40", "40", True),
    ("Let x be 3. Then x = 40", "40", True),
    # numbers
    ("40.0", "40", True),
    ("+40", "40", True),
    ("-40", "40", False),
    ("−40", "-40", True),
    ("30.9", "30", False),
    ("50", "0.5", False),
    ("50%", "0.5", True),
    (r"50\%", "50", True),
    ("1,000", "1000", True),
    ("1000", "1,000", True),
    ("8/11", r"\frac{8}{11}", True),
    (r"\dfrac{8}{11}", r"\frac{16}{22}", True),
    (r"\frac12", "1/2", True),
    (r"3\frac{1}{2}", "3.5", True),
    ("3 1/2", "7/2", True),
    ("½", "0.5", True),
    ("0.33333", "1/3", False),
    ("1000001", "1000000", False),
    ("There are 3 triangles", "3", True),
    ("0.33333333", "1/3", True),
    ("0.33", "1/3", False),
    ("1/0", "1", False),
    ("3:4", r"\frac{3}{4}", True),
    # roots and formulas
    (r"2\sqrt3", r"\sqrt{12}", True),
    ("2√3", r"2\sqrt{3}", True),
    ("2*sqrt(3)", r"2\sqrt{3}", True),
    (r"\frac{\sqrt{2}}{2}", r"\frac{1}{\sqrt{2}}", True),
    ("3.46", r"2\sqrt{3}", False),
    ("12π", r"12\pi", True),
    (r"37.7", r"12\pi", False),
    (r"\sin 30^\circ", r"\frac{1}{2}", True),
    (r"(x+1)^2", "x^2+2x+1", True),
    (r"(x+1)^2", "x^2+1", False),
    ("x^10", "x^{10}", True),
    # names on the left
    ("x = 5", "5", True),
    ("5", "x=5", True),
    ("x = 5", "y = 5", False),
    (r"\angle ABC = 40^\circ", "40", True),
    ("AB = CD = 5", "5", True),
    # several values
    ("30, 150", "30, 150", True),
    ("150 or 30", "30, 150", True),
    ("30 或 150", "30, 150", True),
    (r"30^\circ \text{ and } 150^\circ", "30, 150", True),
    ("30150", "30, 150", False),
    ("30", "30, 150", False),
    ("30, 150", "30", False),
    ("30, 30", "30, 150", False),
    (r"\pm 3", "3, -3", True),
    (r"2\pm\sqrt{3}", r"2+\sqrt{3}, 2-\sqrt{3}", True),
    ("(1,2)", "(2,1)", False),
    ("(1, 2)", "(1,2)", True),
    (r"\left(1, \frac{1}{2}\right)", "(1, 0.5)", True),
    ("[0, 3)", "[0, 3]", False),
    # choices
    ("Answer: (C)", "C", True),
    ("**C**", "C", True),
    (r"\boxed{C}", "C", True),
    ("answer: c", "C", True),
    ("Answer: C. 45", "C", True),
    ("Answer: A or C", "A", False),
    ("Answer: A or C", "C", False),
    ("As shown, AB = 5", "A", False),
    ("(B) 8/11", "B", True),
    ("(B) 8/11", "8/11", True),
    ("(B) 8/11", "(B) 8/11", True),
    ("B", "(B) 8/11", True),
    ("8/11", "(B) 8/11", True),
    ("(B) 5", "(B) 8/11", False),
    ("(C) 8/11", "(B) 8/11", False),
    # names of points and segments
    (r"\boxed{D}", "D", True),
    ("The point is D.", "D", True),
    ("point D", "D", True),
    ("segment AB", "AB", True),
    (r"\boxed{\overline{AB}}", "AB", True),
    (r"\boxed{BA}", "AB", False),
    (r"\boxed{ab}", "AB", False),
    (r"\boxed{ABC}", "AB", False),
    (r"\boxed{5}", "D", False),
    ("Yes.", "yes", True),
    ("no", "yes", False),
    ("isosceles triangle", "isosceles triangle", True),
    # nothing
    ("", "40", False),
    ("I do not know how this could be done", "40", False),
]


@pytest.mark.parametrize(("prediction", "answer", "right"), TABLE)
def test_decides_like_a_teacher(prediction, answer, right):
    assert is_correct(prediction, answer) is right


def test_tolerance_is_asked_for():
    assert is_correct("3.46", r"2\sqrt{3}", tolerance=0.01)
    assert not is_correct("3.3", r"2\sqrt{3}", tolerance=0.01)
    assert is_correct("0.33", "1/3", tolerance=0.02)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"a \boxed{x^{2}} b", "x^{2}"),
        (r"\boxed{\boxed{4}}", "4"),
        (r"\boxed{1} \boxed{2", "1"),
        (r"cut off: \boxed{2", None),
        ("The answer is 7. It is prime.", "7"),
        ("There are 3 points", "3 points"),
        ("Answer: A or C", None),
        ("", None),
        (" \n\t", None),
    ],
)
def test_extracts_the_last_answer(text, answer):
    assert extract_answer(text) == answer


HOSTILE = {
    "million digits": "1" * 10**6,
    "million digits in a box": r"\boxed{" + "7" * 10**6 + "}",
    "tower": "9**9**9",
    "tower in latex": r"\boxed{9^{9^{9}}}",
    "tower of brackets": r"\boxed{((9^{20})^{20})^{20}}",
    "slow expansion": r"\boxed{(x+y+z+1)^{20}(x-y)^{20}}",
    "factorial": r"\boxed{100000!}",
    "sum": r"\boxed{\sum_{i=1}^{10^9} i}",
    "open boxes": r"\boxed{" * 50_000,
    "open brackets": "(" * 150 + "1",
    "nested roots": r"\boxed{" + r"\sqrt{" * 25 + "2" + "}" * 26,
    "nested text": r"\text{" * 20_000 + "}" * 20_000,
    "cues": "answer is answer: " * 50_000,
    "control characters": "\x00\x1b[2J\x07" * 1000,
    "surrogate": "\ud800 \\boxed{4\ud800}",
    "exponent": "1e999999999",
    "division by zero": r"\frac{1}{0}",
    "python": r"\boxed{__import__('os').abort()}",
    "commas": r"\boxed{" + "1," * 90 + "}",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_is_wrong_in_time(text):
    is_correct(r"\sqrt{8}", r"2\sqrt{2}")  # the math-verify process is up
    for answer in ("1", r"\sqrt{2}", "(x+y+z+1)^{19}", "AB"):
        start = time.perf_counter()
        assert is_correct(text, answer) is False
        assert time.perf_counter() - start < 2


def test_nothing_a_model_writes_is_run(tmp_path):
    for wrap in ("{}", r"\boxed{{{}}}", "Answer: {}", "${}$"):
        is_correct(wrap.format(f"open('{tmp_path}/run', 'w').close()"), "x+1")
        is_correct("x+1", wrap.format(f"open('{tmp_path}/run', 'w').close()"))
    assert not (tmp_path / "run").exists()


def test_grades_outside_the_main_thread():
    verdicts = []
    thread = threading.Thread(target=lambda: verdicts.append(is_correct(r"\sqrt{18}", r"3\sqrt{2}")))
    thread.start()
    thread.join(timeout=60)
    assert verdicts == [True]


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200), st.text(max_size=60))
def test_any_text_gets_a_verdict(prediction, answer):
    assert is_correct(prediction, answer) in (True, False)
    assert len(normalise(prediction).splitlines()) <= 1


@settings(max_examples=60, deadline=None)
@given(st.integers(-9999, 9999), st.integers(1, 999))
def test_a_fraction_equals_itself_in_every_notation(numerator, denominator):
    plain = f"{numerator}/{denominator}"
    sign = "-" if numerator < 0 else ""
    assert is_correct(plain, plain)
    assert is_correct(rf"\boxed{{{sign}\frac{{{abs(numerator)}}}{{{denominator}}}}}", plain)
    assert is_correct(rf"\boxed{{\frac{{{numerator * 3}}}{{{denominator * 3}}}}}", plain)
    assert not is_correct(f"{numerator + 2}/{denominator}", plain)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-999, 999), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_a_list_is_unordered_and_a_tuple_is_not(values, random):
    shuffled = random.sample(values, len(values))
    join = ", ".join
    assert is_correct(f"\\boxed{{{join(map(str, shuffled))}}}", join(map(str, values)))
    if len(values) > 1:
        same = shuffled == values
        assert is_correct(f"\\boxed{{({join(map(str, shuffled))})}}", f"({join(map(str, values))})") is same
