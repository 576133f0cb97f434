"""Reading what a model wrote: tolerant of what stands around it, firm against nonsense."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_scripts.llm.answers import Unreadable, read_caption, read_captions, read_script
from data_scripts.llm.prompts import STEPS, prompt

CODE = "import matplotlib.pyplot as plt\nplt.savefig('figure.png')"


@pytest.mark.parametrize(
    "answer",
    [
        f"```python\n{CODE}\n```",
        f"Sure! Here is it:\n```\n{CODE}\n```\nIt draws a triangle.",
        f"```Python3 title=x\n{CODE}\n```",
        f"<think>\n```python\nwrong\n```\n</think>\n```py\n{CODE}\n```",
        f"```bash\npip install matplotlib\n```\nthen\n```python\n{CODE}\n```",
        f"```python\nimport matplotlib\n```\nbetter:\n```python\n{CODE}\n```",
        f"```python\n{CODE}",
        CODE,
    ],
)
def test_scripts_are_found(answer):
    assert read_script(answer) == CODE + "\n"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "empty answer"),
        ("<think>hm", "empty answer"),
        ("I cannot draw.", "no script"),
        ("```python\nprint('hello')\n```", "no script"),
        ("matplotlib is a library.", "no script"),
        ("```python\nimport matplotlib\n" + "x = 1\n" * 5000 + "```", "more than 20000"),
    ],
)
def test_no_script_is_refused(answer, reason):
    with pytest.raises(Unreadable, match=reason):
        read_script(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "△ABC is drawn with AB ⊥ BC.",
        "△ABC is drawn with AB ⊥ BC",
        '"△ABC is drawn with AB ⊥ BC."',
        "**Caption:** △ABC is drawn\nwith $AB$ ⊥ `BC`.",
        "Here is the caption:\n\n△ABC is drawn with AB ⊥ BC.",
        "```\n△ABC is drawn with AB ⊥ BC.\n```",
        "<think>which?</think>△ABC is drawn with AB ⊥ BC.",
        r"\(\triangle ABC\) is drawn with $AB \perp BC$.",
    ],
)
def test_captions_are_found(answer):
    assert read_caption(answer) == "△ABC is drawn with AB ⊥ BC."


def test_degrees_are_written_as_signs():
    assert read_caption(r"$\angle ABC = 40^\circ$, $\angle ACB = 50^{\circ}$") == "∠ABC = 40°, ∠ACB = 50°."


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "empty"),
        ("yes", "names no point"),
        ("a nice drawing of things", "names no point"),
        ("A B " * 600, "more than 2000"),
        ("plt.plot A to B", "code"),
    ],
)
def test_no_caption_is_refused(answer, reason):
    with pytest.raises(Unreadable, match=reason):
        read_caption(answer)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ('[{"caption": "AB ∥ CD.", "edits": ["relation"]}]', [("AB ∥ CD.", "relation")]),
        (
            'Sure [1]:\n```json\n[{"caption": "AB ∥ CD", "edit": "relation and value"}]\n``` done [2]',
            [("AB ∥ CD.", "relation+value")],
        ),
        ('["AB ∥ CD.", "AB = 5.",]', [("AB ∥ CD.", "unnamed"), ("AB = 5.", "unnamed")]),
        ('[{"text": "AB ∥ CD", "kind": "nonsense"}, {"caption": "cut o', [("AB ∥ CD.", "unnamed")]),
        (
            "1. AB ∥ CD.\n2) **Order:** AC ∥ BD.\n- [value] AB = 5.\n(4) All of ABCD: a square",
            [
                ("AB ∥ CD.", "unnamed"),
                ("AC ∥ BD.", "order"),
                ("AB = 5.", "value"),
                ("All of ABCD: a square.", "unnamed"),
            ],
        ),
    ],
)
def test_lists_are_found(answer, expected):
    captions, refused = read_captions(answer)
    assert [(c.text, c.edits) for c in captions] == expected and refused == []


def test_bad_items_are_counted_and_the_rest_is_kept():
    captions, refused = read_captions('[{"caption": "AB ∥ CD."}, {"note": 1}, "no", 7, "lost"]')
    assert [c.text for c in captions] == ["AB ∥ CD."]
    assert refused == ["an item without a caption", "a caption that names no point"]


@pytest.mark.parametrize(
    ("answer", "reason"), [("", "empty"), ("no idea", "no list"), ("[]", "no list"), ("[[1, 2]]", "no list")]
)
def test_no_list_is_refused(answer, reason):
    with pytest.raises(Unreadable, match=reason):
        read_captions(answer)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.text(st.sampled_from('[]{}",:`\n ABC1.)-*#plt\\matplotlib<think>'), max_size=120))
def test_any_text_is_read_or_refused(text):
    for read in (read_script, read_caption, read_captions):
        try:
            read(text)
        except Unreadable as refused:
            assert str(refused)


VALUES = {
    "question": "Is AB ⊥ BC? {{ not a template }}",
    "answer": "Yes.",
    "script": "SCRIPT",
    "caption": "CAPTION.",
    "negative_caption": "OTHER.",
    "error": "NameError",
    "count": 12,
    "counts": {"order": 6, "value": 6},
    "markings": True,
}


@pytest.mark.parametrize("step", STEPS)
def test_prompts_hold_what_they_are_given_as_it_stands(step):
    needs = {
        "script_from_question": ("{{ not a template }}", "Yes."),
        "caption_from_script": ("SCRIPT", "△", "∠", "⊥", "∥"),
        "negative_captions": ("CAPTION.", "Write 12 captions", "`order` (6)", "`value` (6)", "At least two letters"),
        "edited_script": ("SCRIPT", "CAPTION.", "OTHER."),
        "repair": ("SCRIPT", "NameError"),
    }
    (message,) = prompt(step, **VALUES)
    assert message["role"] == "user"
    assert all(part in message["content"] for part in needs[step])
    assert "{%" not in message["content"]


@pytest.mark.parametrize("step", STEPS)
def test_a_prompt_that_lacks_a_value_fails(step):
    with pytest.raises(Exception, match="is undefined"):
        prompt(step)


def test_letters_only_asks_for_no_numbers():
    with_marks, letters = (
        [prompt(s, **{**VALUES, "markings": m})[0]["content"] for s in STEPS[:2]] for m in (True, False)
    )
    assert "Letters only" in letters[0] and "Letters only" not in with_marks[0]
    assert "Give no lengths" in letters[1] and "Give no lengths" not in with_marks[1]
