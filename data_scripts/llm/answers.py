"""Reading what a model wrote: a script, a caption, a list of captions, out of whatever stands around them.

Tolerant of fences with or without a language, of thinking aloud, of prose before and after, of JSON lists and of
numbered lists; nonsense is refused by name. Nothing here trusts the text: a script that is read still runs in the
sandbox only.
"""

import json
import re
from dataclasses import dataclass

from ..diagram.diagram import EDIT_KINDS
from ..phrases.lexer import SYMBOLS

FENCE = re.compile(r"```[ \t]*([\w+-]*)[^\n]*\n(.*?)(?:\n[ \t]*```|\Z)", re.DOTALL)
THOUGHTS = re.compile(r"<(think|thinking|reasoning)>.*?(?:</\1>|\Z)", re.DOTALL | re.IGNORECASE)
ITEM = re.compile(r"^\s*(?:\(?\d{1,2}[.):]|[-*•])\s+(.*)$")
NAMES = "|".join(EDIT_KINDS)
KIND = re.compile(rf"^\W*(?:{NAMES})\b(?:\s*[,+&/]\s*(?:{NAMES})\b)*(?:\W*[:\-–—]|[\])]+)\s*", re.IGNORECASE)
PREAMBLE = re.compile(r"^(?:sure|certainly|of course|here(?: is|'s| are)|the caption is|caption)\b[^:\n]*:\s*", re.I)
LONGEST_CAPTION = 2000  # characters
LONGEST_SCRIPT = 20_000
UNNAMED = "unnamed"  # the kind of an edit of which the model did not say the kind


class Unreadable(ValueError):
    """The answer does not hold what was asked for; the message is short and fit for counting."""


@dataclass(frozen=True)
class EditedCaption:
    """A negative caption and the kinds of its edits, joined by "+" in the order of EDIT_KINDS."""

    text: str
    edits: str


def _without_thoughts(text: str) -> str:
    return THOUGHTS.sub("", text).strip()


def read_script(text: str) -> str:
    """The Python script in an answer: its longest fenced block that draws, or the whole text where it is code alone.

    Raises:
        Unreadable: if there is no code that draws with matplotlib, or too much of it.
    """
    text = _without_thoughts(text)
    if not text:
        raise Unreadable("empty answer")
    blocks = [code for language, code in FENCE.findall(text) if language.lower() in ("", "py", "python", "python3")]
    if not blocks and "```" not in text and re.match(r"(?:#|import |from )", text):
        blocks = [text]
    drawing = [b for b in blocks if "matplotlib" in b or "plt." in b]
    if not drawing:
        raise Unreadable("no script in the answer")
    script = max(drawing, key=len).strip() + "\n"
    if len(script) > LONGEST_SCRIPT:
        raise Unreadable(f"a script of more than {LONGEST_SCRIPT} characters")
    return script


# LaTeX that models write in spite of what they were asked for. A sign before a name stands close to it.
_LATEX = [(r"\^?\{?\\circ\}?|\\degree(?![a-z])", "°"), (r"\\[(),;! ]", " ")]
_LATEX += [
    (re.escape(tex) + r"(?![a-z])" + (r"\s*" if sign in "△∠⊙▱" else ""), sign)
    for sign, forms in SYMBOLS.items()
    for tex in forms
    if tex[0] == "\\"
]


def _without_markup(text: str) -> str:
    for tex, sign in _LATEX:
        text = re.sub(tex, sign, text)
    return re.sub(r"\*\*|__|`|\$", "", text)


def tidy_caption(text: str) -> str:
    """One line without markup, quotes around it, or a missing full stop.

    Raises:
        Unreadable: if no caption of a figure can be in it.
    """
    text = " ".join(_without_markup(text).split()).strip("\"'“” ")
    if not text:
        raise Unreadable("empty answer")
    if len(text) > LONGEST_CAPTION:
        raise Unreadable(f"a caption of more than {LONGEST_CAPTION} characters")
    if not re.search(r"(?<![A-Za-z])[A-Z]{1,8}(?![A-Za-z])", text) or len(text.split()) < 2:
        raise Unreadable("a caption that names no point")
    if "import " in text or "plt." in text:
        raise Unreadable("code in place of a caption")
    return text if text.endswith((".", "!", "?")) else text + "."


def read_caption(text: str) -> str:
    """The caption in an answer.

    Raises:
        Unreadable: if there is none.
    """
    text = _without_thoughts(text)
    fenced = FENCE.findall(text)
    if fenced:
        text = max((body for _, body in fenced), key=len)
    lines = [ITEM.sub(r"\1", line).strip() for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].endswith(":"):  # "Here is the caption:"
        lines = lines[1:]
    return tidy_caption(PREAMBLE.sub("", _without_markup(" ".join(lines))))


def _kinds(named: object) -> str:
    words = " ".join(map(str, named)) if isinstance(named, list) else str(named or "")
    found = [k for k in EDIT_KINDS if re.search(rf"\b{k}", words.lower())]
    return "+".join(found) or UNNAMED


def _json_items(text: str) -> list[object]:
    """The items of the first JSON list, complete ones alone where the list is cut off, whatever follows it."""
    decoder = json.JSONDecoder()
    start = text.find("[")
    while start >= 0:
        items, at = [], start + 1
        while True:
            at = re.compile(r"[\s,]*").match(text, at).end()
            if at >= len(text) or text[at] not in '{"':
                break
            try:
                item, at = decoder.raw_decode(text, at)
            except ValueError:
                break
            items.append(item)
        if items:
            return items
        start = text.find("[", start + 1)
    return []


def _from_json(item: object) -> tuple[str, str] | None:
    if isinstance(item, str):
        return item, UNNAMED
    if not isinstance(item, dict):
        return None
    text = next((item[k] for k in ("caption", "text", "negative_caption") if isinstance(item.get(k), str)), None)
    named = next((item[k] for k in ("edits", "edit", "kinds", "kind", "type") if k in item), "")
    return None if text is None else (text, _kinds(named))


def _from_lines(text: str) -> list[tuple[str, str]]:
    found = []
    for line in text.splitlines():
        item = ITEM.match(line)
        if item:
            body = re.sub(r"\*\*", "", item.group(1))
            kind = KIND.match(body)
            found.append((body[kind.end() :], _kinds(kind.group(0))) if kind else (body, UNNAMED))
    return found


def read_captions(text: str) -> tuple[list[EditedCaption], list[str]]:
    """The captions of a list, JSON or numbered, and why items were refused.

    Raises:
        Unreadable: if there is no list.
    """
    text = _without_thoughts(text)
    if not text:
        raise Unreadable("empty answer")
    items = [_from_json(item) for item in _json_items(text)] or _from_lines(text)
    if not items:
        raise Unreadable("no list in the answer")
    captions, refused = [], []
    for item in items:
        try:
            if item is None:
                raise Unreadable("an item without a caption")
            captions.append(EditedCaption(tidy_caption(item[0]), item[1]))
        except Unreadable as error:
            refused.append(str(error))
    return captions, refused
