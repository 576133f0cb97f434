"""The page itself, in Gradio: three tabs over `examples.py`, `judging.py` and an LMM.

Promise: a tab without its model says so and how to give it one; every input has a label; no visitor's file is opened
but through `uploads.py`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from data_scripts.sources import procedural
from evaluation.encoding import DualEncoder
from evaluation.page.examples import LAST_NUMBER, Example, Shown, draw_example, mark_differences
from evaluation.page.judging import Riddle, kinds_beaten, make_riddle, score, scores_table, verdict
from evaluation.page.uploads import MAX_BYTES, check_drawn, open_upload

MAX_QUESTION = 1000  # characters
PAPER = 448  # pixels of the drawing paper

CSS = """
.scores {width: 100%; border-collapse: collapse; table-layout: auto}
.scores th, .scores td {text-align: left; vertical-align: top; padding: .4em .5em;
  border-bottom: 1px solid var(--border-color-primary)}
.scores tr.true td {font-weight: 600}
.scores .score {min-width: 6.5em; white-space: nowrap}
.scores .bar {display: block; height: .45em; border-radius: 3px; background: var(--neutral-400); margin-bottom: .2em}
.scores tr.true .bar {background: var(--primary-500)}
mark {background: var(--primary-200); color: #111; padding: 0 .1em; border-radius: 2px}
@media (max-width: 640px) {
  .scores thead {position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%)}  /* read out */
  .scores tr {display: grid; grid-template-columns: 2em 1fr auto; border-bottom: 1px solid var(--border-color-primary)}
  .scores td {border: none}
  .scores td:nth-child(2) {grid-column: 2 / 4}
  .scores td:nth-child(3) {grid-column: 2}
  .grid-container {--grid-cols: 2 !important}
}
.caption {font-size: 1.05em; line-height: 1.5}
.html-container.label-padding {padding-top: 2.2rem}  /* clear of the label, which lies over the first line */
.grid-wrap {padding-top: 1.8rem}
.thumbnail-item img {box-sizing: border-box; padding-bottom: 1.9rem}  /* clear of what was edited, printed below */
"""

# System fonts: a page about letters shows plain ones, and asks no other server for them.
THEME = gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])

INTRO = """# mmgeo
Vision that can tell ∠ABC from ∠ACB. Figures are programs with checkable facts; one edit of the program makes a hard
negative, proven false on coordinates. MMCLIP learns from these, and MMGeoLM sees through it."""


@dataclass(frozen=True)
class Models:
    """What the page can ask."""

    encoder: DualEncoder | None = None
    # The answer so far, again and again, to a question about a figure.
    answer: Callable[[Image.Image, str], Iterator[str]] | None = None


def said(call: Callable[..., Any], *args: Any) -> Any:
    """The result of a call; a ValueError of ours becomes a message on the page."""
    try:
        return call(*args)
    except ValueError as error:
        raise gr.Error(str(error), print_exception=False) from error


def family_names() -> list[tuple[str, str]]:
    """Families as people read them, and as the program knows them."""
    return [(name.replace("_", " "), name) for name in procedural.FAMILIES]


def build_page(models: Models) -> gr.Blocks:
    """The whole page."""
    with gr.Blocks(title="mmgeo") as page:
        gr.Markdown(INTRO)
        with gr.Tab("Data engine"):
            _data_engine(page)
        with gr.Tab("Which is true?"):
            if models.encoder is None:
                gr.Markdown("This tab needs an MMCLIP: start the page with `--mmclip FOLDER`.")
            else:
                _riddles(page, models.encoder)
        with gr.Tab("Ask"):
            if models.answer is None:
                gr.Markdown("This tab needs an MMGeoLM: start the page with `--mmgeolm FOLDER`.")
            else:
                _questions(models.answer)
    return page


def _choice() -> tuple[gr.Dropdown, gr.Number, gr.Checkbox, gr.Button]:
    """The inputs that name an example, and a button for the next one."""
    with gr.Row(equal_height=True):
        family = gr.Dropdown(family_names(), value="triangle_cevian", label="Family of figures", min_width=180)
        number = gr.Number(1, precision=0, minimum=0, maximum=LAST_NUMBER, label="Figure number", min_width=120)
    markings = gr.Checkbox(True, label="Print lengths and angles")  # below: in the row, a phone would cut it off
    return family, number, markings, gr.Button("Next figure", variant="primary")


def _next(number: float | None) -> int:
    return (int(number or 0) + 1) % (LAST_NUMBER + 1)


def _data_engine(page: gr.Blocks) -> None:
    family, number, markings, button = _choice()
    with gr.Row():
        with gr.Column(min_width=280):
            positive = gr.Image(label="Positive", type="pil", interactive=False, buttons=["fullscreen"])
            caption = gr.HTML(label="Its caption", show_label=True, container=True, elem_classes="caption")
        with gr.Column(min_width=280):
            chosen = gr.Image(
                label="Edited figure (a hard negative)", type="pil", interactive=False, buttons=["fullscreen"]
            )
            changed = gr.HTML(label="What changed", show_label=True, container=True, elem_classes="caption")
    gallery = gr.Gallery(
        label="Its negatives: choose one",
        type="pil",
        columns=3,
        height="auto",
        object_fit="contain",
        allow_preview=False,
        buttons=[],
    )
    rules = gr.HTML(label="Captions that are false of the positive, by rule", show_label=True, container=True)
    with gr.Accordion("The script that draws the edited figure", open=False):
        script = gr.Code(label="matplotlib", language="python", interactive=False)
    state = gr.State()

    def show(family: str, number: float, markings: bool) -> tuple:
        example = said(draw_example, family, number, markings)
        pictures = [(negative.image, negative.edits.replace("+", ", ")) for negative in example.negatives]
        items = "".join(
            f"<li>{mark_differences(example.positive.caption, text)} <i>({escape(edits.replace('+', ', '))})</i></li>"
            for text, edits in example.rule_captions
        )
        about = escape(example.positive.caption)
        return example, _read_out(example.positive), about, pictures, f"<ul>{items}</ul>", *_negative(example, 0)

    def choose(example: Example, event: gr.SelectData) -> tuple:
        return _negative(example, event.index)

    shown = [state, positive, caption, gallery, rules, chosen, changed, script]
    inputs = [family, number, markings]
    gr.on([family.change, number.submit, markings.change], show, inputs, shown, show_progress="minimal")
    button.click(_next, number, number).then(show, inputs, shown, show_progress="minimal")
    gallery.select(choose, state, shown[-3:])
    page.load(show, inputs, shown, show_progress="hidden")


def _read_out(shown: Shown) -> gr.Image:
    """The figure, with its caption in its place for those who hear the page."""
    return gr.Image(shown.image, alt_text=shown.caption)


def _negative(example: Example, place: int) -> tuple[gr.Image, str, str]:
    negative = example.negatives[place]
    text = mark_differences(example.positive.caption, negative.caption)
    return _read_out(negative), f"{text} <i>({escape(negative.edits.replace('+', ', '))})</i>", negative.script


def _riddles(page: gr.Blocks, encoder: DualEncoder) -> None:
    family, number, markings, button = _choice()
    with gr.Row():
        figure = gr.Image(
            label="Figure",
            alt_text="The figure of the riddle",  # its caption would give the answer away
            type="pil",
            interactive=False,
            buttons=["fullscreen"],
            min_width=280,
        )
        guess = gr.Radio([], label="Which caption is true of it?", type="index", min_width=280)
    reveal = gr.Button("Show MMCLIP's scores", variant="primary")
    result = gr.Markdown()
    table = gr.HTML()
    gallery = gr.Gallery(
        label="The true caption with each figure",
        columns=3,
        height="auto",
        object_fit="contain",
        allow_preview=False,
        buttons=[],
    )
    state = gr.State()

    def pose(family: str, number: float, markings: bool) -> tuple:
        example = said(draw_example, family, number, markings, encoder.image_size)
        riddle = make_riddle(example, np.random.default_rng(int(number)))
        captions = [f"{place + 1}. {candidate.caption}" for place, candidate in enumerate(riddle.candidates)]
        return riddle, riddle.example.positive.image, gr.Radio(captions, value=None), "", "", []

    def show(riddle: Riddle | None, guess: int | None) -> tuple[str, str, list]:
        if riddle is None:
            raise gr.Error("Choose a figure first: press Next figure.", print_exception=False)
        scores = score(riddle, encoder)
        figures = [riddle.example.positive, *riddle.example.negatives]
        pictures = [
            (one.image, f"{'edited: ' + one.edits.replace('+', ', ') if one.edits else 'the figure'}, {value:.3f}")
            for one, value in zip(figures, scores.images, strict=True)
        ]
        return (
            f"{verdict(riddle, scores, guess)}\n\n{kinds_beaten(riddle, scores)}",
            scores_table(riddle, scores),
            pictures,
        )

    posed = [state, figure, guess, result, table, gallery]
    inputs = [family, number, markings]
    gr.on([family.change, number.submit, markings.change], pose, inputs, posed, show_progress="minimal")
    button.click(_next, number, number).then(pose, inputs, posed, show_progress="minimal")
    page.load(pose, inputs, posed, show_progress="hidden")
    reveal.click(show, [state, guess], [result, table, gallery], show_progress="minimal")


def _questions(answer: Callable[[Image.Image, str], Iterator[str]]) -> None:
    drawing = gr.State(False)
    with gr.Row():
        with gr.Column(min_width=280), gr.Tabs():
            with gr.Tab("Upload") as upload_tab:
                upload = gr.File(label=f"Figure, at most {MAX_BYTES >> 20} MB", file_types=["image"], type="filepath")
            with gr.Tab("Draw") as draw_tab:
                paper = gr.Sketchpad(
                    label="Draw with mouse or finger",
                    type="pil",
                    canvas_size=(PAPER, PAPER),
                    brush=gr.Brush(default_size=3, colors=["#000000"], color_mode="fixed"),
                )
        with gr.Column(min_width=280):
            seen = gr.Image(
                label="What the model sees",
                alt_text="The figure that was asked about",
                type="pil",
                interactive=False,
                buttons=["fullscreen"],
                height=280,
            )
            question = gr.Textbox(label="Question", max_length=MAX_QUESTION, lines=2, placeholder="What is ∠ABC?")
            ask = gr.Button("Ask", variant="primary")
    reply = gr.Textbox(label="Answer", lines=6, interactive=False)
    upload_tab.select(lambda: False, outputs=drawing)
    draw_tab.select(lambda: True, outputs=drawing)

    def respond(path: str | None, drawn: dict | None, is_drawn: bool, question: str) -> Iterator[tuple]:
        image = said(check_drawn, (drawn or {}).get("composite")) if is_drawn else said(open_upload, path)
        if not question.strip():
            raise gr.Error("There is no question yet: type one.", print_exception=False)
        yield image, ""
        for text in said(answer, image, question.strip()[:MAX_QUESTION]):
            yield image, text

    gr.on([ask.click, question.submit], respond, [upload, paper, drawing, question], [seen, reply])
