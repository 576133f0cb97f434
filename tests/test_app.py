"""The page in a real browser: every tab does what it says, at any width, and no file but a visitor's own is served."""

import shutil
import urllib.error
import urllib.request
from functools import partial

import numpy as np
import pytest
from PIL import Image

gradio = pytest.importorskip("gradio", reason="the page needs gradio: pip install 'mmgeo[app]'")
playwright_api = pytest.importorskip("playwright.sync_api", reason="a browser is driven by playwright")

import app  # noqa: E402
from evaluation.encoding import DualEncoder  # noqa: E402
from evaluation.generation import Answerer, GenerationSettings  # noqa: E402
from evaluation.page.layout import Models, build_page  # noqa: E402
from evaluation.page.models import stream_answer  # noqa: E402
from tests.tiny import tiny_mmclip, tiny_mmgeolm  # noqa: E402

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
WAIT = 60_000  # milliseconds, on a busy machine
ALL_READ_OUT = "[...document.querySelectorAll('img')].every(image => image.alt)"

needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium: apt-get install chromium")


@pytest.fixture(scope="module")
def address():
    model, processor = tiny_mmclip()
    lmm, lmm_processor = tiny_mmgeolm()
    answerer = Answerer(lmm.eval(), lmm_processor, GenerationSettings(8))
    page = build_page(Models(DualEncoder(model.eval(), processor, "tiny"), partial(stream_answer, answerer)))
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, **app.launch_options())
    yield url
    page.close()


@pytest.fixture(scope="module")
def browser():
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(params=[(1280, 900, "light"), (390, 844, "dark")], ids=["desktop", "phone"])
def page(browser, address, request):
    width, height, scheme = request.param
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    context.set_default_timeout(WAIT)
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address)
    page.get_by_label("Family of figures").first.wait_for()
    box = page.get_by_text("Print lengths and angles").first.bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= width, "what is printed is chosen outside the window"
    yield page
    assert page.evaluate("document.scrollingElement.scrollWidth <= window.innerWidth"), (
        "the page is wider than its window"
    )
    context.close()
    assert not errors


@needs_browser
def test_the_data_engine_shows_what_changed(page):
    page.locator("mark").first.wait_for()
    before = page.locator(".caption").first.inner_text()
    page.get_by_role("button", name="Next figure").first.click()
    playwright_api.expect(page.locator(".caption").first).not_to_have_text(before, timeout=WAIT)
    assert page.get_by_label("Figure number").first.input_value() == "2"
    page.get_by_label("Figure number").first.fill("7")
    page.keyboard.press("Enter")
    playwright_api.expect(page.locator("mark").first).to_be_visible(timeout=WAIT)


@needs_browser
def test_figures_are_read_out(page):
    page.locator("mark").first.wait_for()
    about = page.locator(".caption").first.inner_text()
    caption = about.removeprefix("Its caption").strip()
    playwright_api.expect(page.get_by_role("img", name=caption)).to_be_visible(timeout=WAIT)
    page.get_by_role("button", name="Next figure").first.click()
    playwright_api.expect(page.locator(".caption").first).not_to_have_text(about, timeout=WAIT)
    playwright_api.expect(page.get_by_role("img", name=caption)).not_to_be_attached(timeout=WAIT)
    assert page.evaluate(ALL_READ_OUT)


@needs_browser
def test_a_negative_is_chosen_by_keyboard(page):
    page.locator("mark").first.wait_for()
    changed = page.locator(".caption").last
    before = changed.inner_text()
    page.locator(".thumbnail-item").nth(1).focus()
    page.keyboard.press("Enter")
    playwright_api.expect(changed).not_to_have_text(before, timeout=WAIT)


@needs_browser
def test_labels_lie_over_no_text_and_over_no_figure(page):
    page.locator("mark").first.wait_for()
    covered = page.evaluate("""() => [...document.querySelectorAll(".html-container.label-padding")].map(text => {
        const label = text.parentElement.querySelector("label").getBoundingClientRect();
        const range = document.createRange();
        range.selectNodeContents(text);
        return Math.max(...[...range.getClientRects()].map(line => label.bottom - line.top));
    })""")
    assert len(covered) == 3 and max(covered) <= 0
    gallery = page.get_by_test_id("block-label").filter(has_text="Its negatives").first.bounding_box()
    figure = page.locator(".thumbnail-item").first.bounding_box()
    assert figure["y"] >= gallery["y"] + gallery["height"] and figure["width"] > 120
    overlaps = page.evaluate("""() => [...document.querySelectorAll(".thumbnail-item")].map(item => {
        const picture = item.querySelector("img"), box = picture.getBoundingClientRect();
        const bottom = box.bottom - parseFloat(getComputedStyle(picture).paddingBottom);
        return bottom - item.querySelector(".caption-label").getBoundingClientRect().top;
    })""")
    assert overlaps and max(overlaps) <= 0


@needs_browser
def test_a_riddle_is_posed_and_solved(page):
    page.get_by_role("tab", name="Which is true?").click()
    page.get_by_role("radio").nth(1).check()
    page.get_by_role("button", name="Show MMCLIP's scores").click()
    page.locator("table.scores tr.true").wait_for()
    assert page.locator("table.scores tr.true").count() == 1
    assert page.locator("table.scores tr.false").count() > 4
    assert page.evaluate(ALL_READ_OUT)
    playwright_api.expect(page.get_by_role("img", name="The figure of the riddle", exact=True)).to_be_visible()
    playwright_api.expect(page.get_by_text("The true caption beats, by kind of edit")).to_be_visible()


@needs_browser
def test_a_question_about_an_upload_is_answered(page, tmp_path):
    path = tmp_path / "figure.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (48, 48), dtype=np.uint8)).save(path)
    page.get_by_role("tab", name="Ask").click()
    page.locator("input[type=file]").first.set_input_files(path)
    page.get_by_label("Question").fill("A B C")
    page.get_by_text(path.stem).first.wait_for()
    page.get_by_role("button", name="Ask", exact=True).click()
    playwright_api.expect(page.get_by_label("Answer")).not_to_have_value("", timeout=WAIT)


@needs_browser
def test_a_broken_upload_is_refused_in_words(page, tmp_path):
    path = tmp_path / "broken.png"
    path.write_bytes(b"no picture")
    page.get_by_role("tab", name="Ask").click()
    page.get_by_label("Question").fill("A B C")
    page.get_by_role("button", name="Ask", exact=True).click()
    page.get_by_text("There is no figure yet").first.wait_for()
    page.locator("input[type=file]").first.set_input_files(path)
    page.get_by_text("broken").first.wait_for()
    page.get_by_role("button", name="Ask", exact=True).click()
    page.get_by_text("cannot be read as a picture").first.wait_for()


@pytest.mark.parametrize("path", ["/etc/passwd", "pyproject.toml", "../pyproject.toml", "app.py"])
def test_no_file_of_the_machine_is_served(address, path):
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{address}gradio_api/file={path}")
    assert refused.value.code in (403, 404)


def test_a_tab_without_its_model_says_so():
    texts = [block.value for block in build_page(Models()).blocks.values() if isinstance(block, gradio.Markdown)]
    assert any("--mmclip" in text for text in texts) and any("--mmgeolm" in text for text in texts)


def test_models_that_are_not_named_lie_beside_the_page(tmp_path, monkeypatch):
    monkeypatch.setattr(app, "CHECKPOINTS", tmp_path / "checkpoints")
    assert (app.checkpoint(app.ENCODERS), app.checkpoint(app.ANSWERERS)) == (None, None)
    for name, config, content in (
        ("llm", "config.json", '{"model_type": "llama"}'),
        ("mmclip-tiny", "config.json", '{"model_type": "mmclip"}'),
        ("mmgeolm-tiny", "adapter_config.json", "{}"),
    ):
        (tmp_path / "checkpoints" / name).mkdir(parents=True)
        (tmp_path / "checkpoints" / name / config).write_text(content)
    found = [str(tmp_path / "checkpoints" / name) for name in ("mmclip-tiny", "mmgeolm-tiny")]
    assert [app.checkpoint(app.ENCODERS), app.checkpoint(app.ANSWERERS)] == found
    shutil.copytree(found[0], tmp_path / "checkpoints" / "another")
    with pytest.raises(ValueError, match="holds 2 that would do, .*another and .*mmclip-tiny: name one"):
        app.checkpoint(app.ENCODERS)
