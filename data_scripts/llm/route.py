"""From a question and its answer to a row of hard negatives, written by a language model step by step.

Script, caption, negative captions, one edited script per negative: each step is one call whose answer is kept, so the
whole is run again for nothing after an interruption. Scripts run in the sandbox only; one that fails, or draws what no
exam prints, is repaired once with the message. What fails is counted by step and reason; a row goes on with the
negatives it has, and is dropped if it has none. Source: MMGeoLM section 3.2, with the grading of `grading` in place of
"it ran".
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from PIL import Image

from ..diagram.diagram import EDIT_KINDS
from ..png import encode_picture
from . import pictures
from .answers import EditedCaption, Unreadable, read_caption, read_captions, read_script
from .cache import Answer
from .captions import meaning, why_no_negative
from .client import CallFailed, ChatClient
from .grading import DROPPED, Drawn, ParseCaption, checkable, contradiction, grade, verdicts
from .problems import Problem
from .prompts import prompt
from .sandbox import ScriptFailed
from .script_reader import read_diagram
from .script_scene import Unread

SOURCE = "llm"
# What prints words around the figure: the paper's rules allow none, and pixels do not tell them from letters.
TITLE = re.compile(r"\.(?:title|suptitle|set_title|legend|[xy]label|set_[xy]label)\((?!\s*[\"']{2}\s*\))")


@dataclass(frozen=True)
class RouteOptions:
    """What a row holds; part of what makes two builds the same."""

    num_image_negatives: int = 10
    image_size: int = 336
    markings: bool = True  # False: letters only, no printed lengths and angles

    @property
    def num_captions(self) -> int:
        """Negative captions asked for: some will not do."""
        return self.num_image_negatives + -(-self.num_image_negatives // 5)

    @property
    def edit_counts(self) -> dict[str, int]:
        """How many captions of each kind of edit are asked for."""
        kinds = EDIT_KINDS if self.markings else tuple(k for k in EDIT_KINDS if k != "value")
        return {k: len(range(i, self.num_captions, len(kinds))) for i, k in enumerate(kinds) if i < self.num_captions}


class BadPicture(ScriptFailed):
    """A script ran and drew what no exam prints."""


class Dropped(Exception):
    """A step came to nothing; the message is "step: reason", fit for counting."""


def _failure(error: ScriptFailed) -> str:
    """A script's failure in few words, for counting: messages name lines and values, of which there is no end."""
    if isinstance(error, BadPicture):
        return str(error).split(":")[0]
    exception = re.match(r"[A-Z]\w*(?:Error|Exception|Exit|Interrupt)\b", str(error))
    words = f"failed with {exception.group()}" if exception else re.split(r"[;:(]|\d", str(error))[0].strip()[:40]
    return f"the script {words}"


@dataclass
class Outcome:
    """What became of one problem: its row or None, and counts of what happened on the way."""

    row: dict | None = None
    dropped: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)  # answers, their tokens, repairs, scripts not read
    unanswered: int = 0  # calls that got no answer: to be tried again another time


@dataclass(frozen=True)
class Route:
    """The steps with what they need.

    Args:
        client: asks the language model.
        render: runs a script in the sandbox and returns its PNG; raises ScriptFailed.
        parse_caption: the statements of a caption, as far as they are understood.
        options: what a row holds.
    """

    client: ChatClient
    render: Callable[[str], bytes]
    parse_caption: ParseCaption
    options: RouteOptions

    def run(self, problem: Problem, rng: np.random.Generator) -> Outcome:
        """The row of a problem; a pure function of the problem, the options and the model's answers.

        Args:
            problem: question and answer.
            rng: for the waits between tries alone.

        Raises:
            LLMUnavailable, SandboxUnavailable: if the whole run cannot go on.
        """
        return _Run(self, problem, rng).outcome()


class _Run:
    def __init__(self, route: Route, problem: Problem, rng: np.random.Generator) -> None:
        self.route, self.problem, self.rng = route, problem, rng
        self.options = route.options
        self.result = Outcome()

    def outcome(self) -> Outcome:
        try:
            positive = self.positive()
            kept = self.negatives(positive)
            if not kept:
                raise Dropped("row: no negative")
            self.result.row = self.row(positive, kept)
        except Dropped as reason:
            self.result.dropped[str(reason)] += 1
        return self.result

    # --- steps ---------------------------------------------------------------------------------------------------

    def positive(self) -> Drawn:
        script, image = self.drawing(
            "script_from_question", question=self.problem.question, answer=self.problem.answer
        )
        answer = self.ask("caption_from_script", script=script)
        try:
            caption = read_caption(answer.text)
        except Unreadable as error:
            raise Dropped(f"caption_from_script: {error}") from None
        positive = self.drawn(caption, script, image)
        if contradiction(positive) is not None:
            raise Dropped("caption_from_script: false of its own image")
        return positive

    def negatives(self, positive: Drawn) -> list[tuple[Drawn, EditedCaption, str]]:
        """The negatives that were kept, each with its caption's edits and its grade."""
        kept: list[tuple[Drawn, EditedCaption, str]] = []
        for edited in self.negative_captions(positive.caption):
            if len(kept) == self.options.num_image_negatives:
                break
            try:
                negative = self.negative(positive, edited)
                graded = grade(positive, negative)
                if graded.grade == DROPPED:
                    raise Dropped(f"negative: {graded.reason}")
                if not all(pictures.differ(negative.image, other.image) for other, _, _ in kept):
                    raise Dropped("negative: image the same as another's")
            except Dropped as reason:
                self.result.dropped[str(reason)] += 1
                continue
            if graded.reason:
                self.result.counts[f"{graded.grade}: {graded.reason}"] += 1
            kept.append((negative, edited, graded.grade))
        return kept

    def negative_captions(self, caption: str) -> list[EditedCaption]:
        counts = self.options.edit_counts
        answer = self.ask("negative_captions", caption=caption, count=self.options.num_captions, counts=counts)
        try:
            captions, refused = read_captions(answer.text)
        except Unreadable as error:
            raise Dropped(f"negative_captions: {error}") from None
        self.result.dropped.update(f"negative_captions: {reason}" for reason in refused)
        seen, kept = set(), []
        for edited in captions[: 2 * self.options.num_captions]:  # however many the model wrote
            reason = why_no_negative(caption, edited.text)
            if reason is None and meaning(edited.text) in seen:
                reason = "the same as another"
            if reason is None:
                seen.add(meaning(edited.text))
                kept.append(edited)
            else:
                self.result.dropped[f"negative_captions: {reason}"] += 1
        return kept

    def negative(self, positive: Drawn, edited: EditedCaption) -> Drawn:
        script, image = self.drawing(
            "edited_script", script=positive.script, caption=positive.caption, negative_caption=edited.text
        )
        return self.drawn(edited.text, script, image)

    # --- what the steps share ------------------------------------------------------------------------------------

    def ask(self, step: str, **values: object) -> Answer:
        messages = prompt(step, markings=self.options.markings, **values)
        try:
            answer = self.route.client.complete(messages, self.rng)
        except CallFailed:
            self.result.unanswered += 1
            raise Dropped(f"{step}: no answer from the model") from None
        self.result.counts["answers"] += 1
        if answer.finish_reason == "length":
            self.result.counts["answers cut off by --max_tokens"] += 1
        if answer.prompt_tokens is None or answer.completion_tokens is None:
            self.result.counts["answers without a token count"] += 1
        else:
            self.result.counts.update({"input": answer.prompt_tokens, "output": answer.completion_tokens})
        return answer

    def drawing(self, step: str, **values: object) -> tuple[str, Image.Image]:
        """A script and its image, with one repair of whatever went wrong when it ran."""
        script = self.script(step, **values)
        try:
            return script, self.image(script)
        except ScriptFailed as error:
            message = str(error)
        script = self.script("repair", script=script, error=message)
        try:
            image = self.image(script)
        except ScriptFailed as error:
            raise Dropped(f"{step}: {_failure(error)}, repaired in vain") from None
        self.result.counts["scripts repaired"] += 1
        return script, image

    def script(self, step: str, **values: object) -> str:
        try:
            return read_script(self.ask(step, **values).text)
        except Unreadable as error:
            raise Dropped(f"{step}: {error}") from None

    def image(self, script: str) -> Image.Image:
        if TITLE.search(script):
            raise BadPicture("the drawing has a title, a legend or a label of an axis: leave it out")
        image = pictures.open_png(self.route.render(script))
        fault = pictures.fault(image)
        if fault:
            raise BadPicture(fault)
        return pictures.to_square(image, self.options.image_size)

    def drawn(self, caption: str, script: str, image: Image.Image) -> Drawn:
        try:
            diagram = read_diagram(script)
        except Unread as reason:
            diagram = None
            self.result.counts[f"unread: {reason}"] += 1
        return Drawn(caption, script, image, checkable(self.route.parse_caption(caption)), diagram)

    def row(self, positive: Drawn, kept: list[tuple[Drawn, EditedCaption, str]]) -> dict:
        """The row in the project's columns; `facts` stands empty where the script could not be read."""
        counts = self.result.counts
        counts["image negatives"] += len(kept)
        for _, edited, graded in kept:
            counts[f"grade: {graded}"] += 1
            counts.update(f"image edit: {kind}" for kind in edited.edits.split("+"))
        return {
            "id": f"{SOURCE}/{self.problem.id}",
            "source": SOURCE,
            "image": _png(positive.image),
            "caption": positive.caption,
            "script": positive.script,
            "negative_images": [_png(negative.image) for negative, _, _ in kept],
            "negative_captions": [negative.caption for negative, _, _ in kept],
            "negative_scripts": [negative.script for negative, _, _ in kept],
            "negative_edits": [edited.edits for _, edited, _ in kept],
            "negative_grades": [graded for _, _, graded in kept],
            "rule_captions": [],
            "rule_edits": [],
            "retrieved_captions": [],
            "retrieved_ids": [],
            "facts": _facts(positive),
        }


def _png(image: Image.Image) -> dict:
    return {"bytes": encode_picture(image), "path": None}


def _facts(drawn: Drawn) -> str:
    """Diagram and statements as JSON, if every point of it has a letter and every statement is seen to be true."""
    if drawn.diagram is None or any(len(name) > 1 for name in drawn.diagram.points):
        return ""
    judged = zip(drawn.facts, verdicts(drawn.facts, drawn.diagram), strict=True)
    return replace(drawn.diagram, facts=tuple(f for f, verdict in judged if verdict)).to_json()
