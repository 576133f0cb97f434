"""The official scripts' verdicts, mistakes included, on responses that were followed through each script by hand."""

import pytest

from evaluation.benchmarks.item import CHOICE, EXPRESSION, NUMBER, Item
from evaluation.graders.official import OFFICIAL
from evaluation.graders.verdicts import RULES, judge

ANGLES = ("30°", "45°", "60°", "90°")
CHOICE_OF_ANGLE = Item("1", "?", (), ANGLES, "C", CHOICE)
STATEMENT = Item("1", "?", (), ("True", "False"), "B", CHOICE)
WHOLE = Item("1", "?", (), None, "30", NUMBER, {"answer_type": "integer"})
DECIMAL = Item("1", "?", (), None, "1.2", NUMBER, {"answer_type": "float", "precision": "1"})
ROOT = Item("1", "?", (), None, r"2\sqrt{3}", EXPRESSION)
PARTS = Item("1", "?", (), None, "30, 150", EXPRESSION)
LINE = Item("1", "?", (), None, "y=2x+1", EXPRESSION)
INTERVAL = Item("1", "?", (), None, "[0,3)", EXPRESSION)
SHARE = Item("1", "?", (), None, "0.5", NUMBER)

# benchmark, item, response, right there, right here
CASES = [
    ("geoqa", CHOICE_OF_ANGLE, "Answer:C", True, True),
    ("geoqa", CHOICE_OF_ANGLE, "Answer: C", False, True),  # a space
    ("geoqa", CHOICE_OF_ANGLE, r"\boxed{C}", False, True),
    ("geoqa", CHOICE_OF_ANGLE, "Therefore, option C is selected.", True, True),
    ("geoqa", CHOICE_OF_ANGLE, "So the answer is (C)", True, True),
    ("geoqa", CHOICE_OF_ANGLE, "The angle is 60. So it is C. Done", True, True),
    ("geoqa", CHOICE_OF_ANGLE, "Answer:B, no. Answer:C", False, True),  # the first counts there
    ("geoqa", CHOICE_OF_ANGLE, "60°", False, True),
    ("we_math", CHOICE_OF_ANGLE, "<Answer>: <<C>>", True, True),
    ("we_math", CHOICE_OF_ANGLE, "Answer: C. 60°", True, True),
    ("we_math", CHOICE_OF_ANGLE, "Answer: (C)", False, True),
    ("we_math", CHOICE_OF_ANGLE, "**C**", False, True),
    ("we_math", CHOICE_OF_ANGLE, r"\boxed{C}", False, True),
    ("we_math", CHOICE_OF_ANGLE, "Answer: c", False, True),
    ("we_math", CHOICE_OF_ANGLE, "Consider the figure: the angle is 45°", True, False),  # it begins with a C
    ("mathvista", CHOICE_OF_ANGLE, "60°", True, True),
    ("mathvista", CHOICE_OF_ANGLE, "The answer is (C)", True, True),
    ("mathvista", CHOICE_OF_ANGLE, r"\boxed{61^\circ}", True, False),  # nearest as text is 60°
    ("mathvista", WHOLE, "30", True, True),
    ("mathvista", WHOLE, "The answer is 30.9", True, False),
    ("mathvista", WHOLE, "The answer is 30°", False, True),
    ("mathvista", DECIMAL, "1.23", True, True),
    ("mathvista", DECIMAL, r"The answer is \frac{6}{5}", False, True),
    ("mm_math", ROOT, r"\boxed{\sqrt{12}}", True, True),
    ("mm_math", ROOT, r"2\sqrt{3}", False, True),  # no box
    ("mm_math", ROOT, r"\boxed{3.46}", True, False),  # within 0.01
    ("mm_math", ROOT, r"Half is \boxed{\sqrt3}, all \boxed{2\sqrt3}", False, True),  # every box counts there
    ("mm_math", ROOT, r"\boxed{2\sqrt{3}\text{cm}}", True, True),
    ("mm_math", PARTS, r"\boxed{150} or \boxed{30}", True, True),
    ("mm_math", PARTS, r"\boxed{30,150}", True, True),
    ("mm_math", PARTS, r"\boxed{30}", False, False),
    ("mm_math", SHARE, r"\boxed{50}", True, False),  # as a percentage
    ("mm_math", SHARE, r"\boxed{\frac{1}{2}}", True, True),
    ("mm_math", LINE, r"\boxed{y-2x=1}", True, True),
    ("mm_math", LINE, r"\boxed{2y-4x=2}", True, True),
    ("mm_math", LINE, r"\boxed{y-2x=2}", False, False),
    ("mm_math", LINE, r"\boxed{2x+1}", True, True),
    ("mm_math", INTERVAL, r"\boxed{[0, 3)}", True, True),
    ("mm_math", INTERVAL, r"\boxed{[0, 3]}", False, False),
    ("visonlyqa", CHOICE_OF_ANGLE, "(c)", True, True),
    ("visonlyqa", CHOICE_OF_ANGLE, "c", True, True),
    ("visonlyqa", STATEMENT, "It is False", True, True),
    ("visonlyqa", STATEMENT, "True or False? Answer: False", True, True),  # asked of a model
    ("math_vision", CHOICE_OF_ANGLE, r"\boxed{C}", True, True),
    ("math_vision", CHOICE_OF_ANGLE, "So it must be C.", True, True),
    ("math_vision", CHOICE_OF_ANGLE, "C\nbecause", True, True),
    ("math_vision", CHOICE_OF_ANGLE, "(C) 60°", False, True),
    ("math_vision", ROOT, r"The answer is 3.46", True, False),  # rounded to two places
    ("math_vision", ROOT, r"\boxed{\sqrt{12}}", True, True),
    ("math_vision", ROOT, r"\boxed{AB=2\sqrt{3}}", True, True),
    ("math_vision", ROOT, r"\boxed{2\sqrt{3} inches}", False, True),
    ("math_vision", PARTS, "30, 150", False, True),  # blanks are dropped on one side only
    ("math_vision", PARTS, "150, 30", False, True),
]


@pytest.mark.parametrize(("benchmark", "item", "response", "there", "here"), CASES)
def test_official_verdicts_beside_ours(benchmark, item, response, there, here):
    assert OFFICIAL[benchmark](item, response).right is there
    assert RULES.get(benchmark, judge)(item, response).right is here


@pytest.mark.parametrize(
    ("benchmark", "item", "response", "by_model"),
    [
        ("mathvista", WHOLE, "30", False),
        ("mathvista", WHOLE, "The answer is 30", True),
        ("mathvista", CHOICE_OF_ANGLE, "60°", False),
        ("mathvista", CHOICE_OF_ANGLE, "(C)", True),
        ("visonlyqa", CHOICE_OF_ANGLE, "(c) it is", False),
        ("visonlyqa", CHOICE_OF_ANGLE, "(a) or (c)?", True),
        ("visonlyqa", CHOICE_OF_ANGLE, "(C)", True),  # upper case is no option there
        ("geoqa", CHOICE_OF_ANGLE, "I do not know", False),
    ],
)
def test_says_where_a_language_model_would_be_asked(benchmark, item, response, by_model):
    assert OFFICIAL[benchmark](item, response).by_model is by_model
