"""Whatever a model may write is graded in time, and nothing of it is run."""

import time

import pytest

from evaluation.benchmarks.item import CHOICE, EXPRESSION, NUMBER, Item
from evaluation.graders import equality, grading, is_correct
from evaluation.graders.metrics import METRICS
from evaluation.graders.official import OFFICIAL
from evaluation.graders.verdicts import RULES, judge

HOSTILE = {
    "nothing": "",
    "a million letters": "word " * 200_000,
    "a million letters without a space": "a" * 10**6,
    "million digits": "1" * 10**6,
    "million digits in a box": r"\boxed{" + "7" * 10**6 + "}",
    "million digits behind a comma": "Answer: 0." + "3" * 10**6,
    "a million lines": "\n" * 10**6,
    "million stops": "." * 10**6,
    "a letter before a million stops": "D\n" + "." * 10**6 + "x",
    "a letter and thousands of commas": "D" + ", " * 9_000 + "\nD\n" + ",;" * 500 + "x",
    "a value before thousands of words": "5\n" + "so the side is " * 1_300,
    "a judgement before thousands of brackets": "True. " + "(" * 19_000,
    "denials": "it cannot be " * 1_500 + "7",
    "roots and circles": r"\boxed{" + "sqrt pi " * 24 + "}",
    "factors": r"\boxed{" + "2(3)" * 40 + "}",
    "terms of a ratio": r"\boxed{" + "A:" * 90 + "B=7:2}",
    "thousands of spaces": "D\n" + " " * 19_000 + "x",
    "blanks and breaks": "D" + " \n\t" * 6_000 + "x",
    "answers to nothing": "answer" + " " * 15_000 + "answer is" + " " * 4_000 + "(A",
    "sentences": "option A is " * 80_000,
    "tower": "9**9**9",
    "tower in latex": r"\boxed{9^{9^{9}}}",
    "tower of brackets": r"\boxed{((9^{20})^{20})^{20}}",
    "slow expansion": r"\boxed{(x+y+z+1)^{20}(x-y)^{20}}",
    "huge exponent": r"\boxed{2^{999999999}}",
    "huge root": r"\boxed{\sqrt[999999999]{2}}",
    "factorial": r"\boxed{100000!}",
    "factorial of factorial": "Answer: ((9!)!)!",
    "sum": r"\boxed{\sum_{i=1}^{10^9} i}",
    "integral": r"\boxed{\int_0^{10^9} e^{e^x} dx}",
    "open boxes": r"\boxed{" * 50_000,
    "closed boxes": r"\boxed{1}" * 50_000,
    "nested boxes": r"\boxed{" * 20_000 + "1" + "}" * 20_000,
    "open brackets": "(" * 150 + "1",
    "deep brackets": "Answer: " + "(" * 90 + "1" + ")" * 90,
    "deep brackets without an end": "(" * 500_000,
    "nested fractions": r"\boxed{" + r"\frac{1}{" * 20 + "2" + "}" * 21,
    "nested roots": r"\boxed{" + r"\sqrt{" * 25 + "2" + "}" * 26,
    "nested text": r"\text{" * 20_000 + "}" * 20_000,
    "cues": "answer is answer: " * 50_000,
    "Chinese cues": "答案是答案：选" * 50_000,
    "letters of choices": "A. B. C. D. " * 80_000,
    "equals": "=" * 10**6,
    "control characters": "\x00\x1b[2J\x07" * 1000,
    "surrogate": "\ud800 \\boxed{4\ud800}",
    "exponent": "1e999999999",
    "exponent of ten": r"\boxed{1\times 10^{999999999}}",
    "division by zero": r"\frac{1}{0}",
    "python": r"\boxed{__import__('os').abort()}",
    "lambda": "Answer: (lambda f: f(f))(lambda f: f(f))",
    "commas": r"\boxed{" + "1," * 90 + "}",
    "ratio": "Answer: " + ":".join("1" * 90),
    "plus-minus": r"\boxed{" + r"\pm 1, " * 20 + "}",
    "comparisons": r"\boxed{" + "1 < " * 40 + "x}",
}
ITEMS = {
    NUMBER: Item("1", "?", (), None, "7", NUMBER, {"answer_type": "float", "precision": "2"}),
    EXPRESSION: Item("1", "?", (), None, r"2\sqrt{2}, (x+y+z+1)^{6}", EXPRESSION),
    CHOICE: Item("1", "?", (), ("5", r"\sqrt{2}", "(x+y+z+1)^{6}", r"(0, \infty)"), "B", CHOICE),
}


@pytest.fixture(autouse=True)
def the_algebra_is_up():
    is_correct(r"\sqrt{8}", r"2\sqrt{2}")


def seconds(function, *arguments) -> float:
    """The time of a call: the best of three, since other programs may have the processor for a while."""
    taken = []
    for _ in range(3):
        grading._compared.cache_clear()
        start = time.perf_counter()
        function(*arguments)
        taken.append(time.perf_counter() - start)
        if taken[-1] < 2:
            break
    return min(taken)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_responses_are_wrong_in_time(text):
    for kind, item in ITEMS.items():
        for rule in {judge, *RULES.values()}:
            assert seconds(rule, item, text) < 2
            assert rule(item, text).right is False, f"{kind}: {rule(item, text).answer}"


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_responses_get_an_official_verdict_in_time(text):
    for rule in OFFICIAL.values():
        for item in ITEMS.values():
            if item.choices or rule not in (OFFICIAL["visonlyqa"], OFFICIAL["geoqa"], OFFICIAL["we_math"]):
                assert seconds(rule, item, text) < 2


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_gold_answers_do_no_harm(text):
    assert seconds(is_correct, "Answer: 2", text[:1000]) < 2
    assert seconds(is_correct, text, text[:1000]) < 2


def test_nothing_a_model_writes_is_run(tmp_path):
    for wrap in ("{}", r"\boxed{{{}}}", "Answer: {}", "${}$"):
        is_correct(wrap.format(f"open('{tmp_path}/run', 'w').close()"), "x+1")
        is_correct("x+1", wrap.format(f"open('{tmp_path}/run', 'w').close()"))
        for official in OFFICIAL.values():
            official(ITEMS[CHOICE], wrap.format(f"open('{tmp_path}/run', 'w').close()"))
    assert not (tmp_path / "run").exists()


TOO_LARGE = (
    *("tower", "tower in latex", "tower of brackets", "slow expansion", "huge exponent", "huge root", "factorial"),
    *("sum", "deep brackets", "open brackets", "nested roots", "nested fractions", "python"),
)


def test_hostile_responses_do_not_reach_the_algebra(monkeypatch):
    def reached(*arguments):
        raise AssertionError(f"math-verify was asked {arguments}")

    monkeypatch.setattr(equality, "symbolically_equal", reached)
    for name in TOO_LARGE:
        grading._compared.cache_clear()
        assert not is_correct(HOSTILE[name], "x^2+1"), name


def test_every_benchmark_has_figures_and_an_official_verdict():
    assert METRICS.keys() == OFFICIAL.keys() and RULES.keys() <= METRICS.keys()
