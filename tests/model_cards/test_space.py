"""A Space's folder is whole: its page starts inside it, with its own models, and a push takes it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub import SpaceCard
from packaging.requirements import Requirement

from model_cards.folder_check import check_folder
from model_cards.space import SpaceArguments, make_space, rooms
from tests.checkpoints import LLM, stand_ins
from tests.model_cards.folders import digest
from trainers.adapter_parts import AdapterParts, write_parts

ROOT = Path(__file__).parents[2]
# Starts the page as `python app.py` does, but looks at it instead of serving it.
START = """
import json, sys
from pathlib import Path
sys.path[0] = str(Path.cwd())
import gradio
from PIL import Image
started = {}
gradio.Blocks.launch = lambda page, **options: started.update(page=page, options=options)
import app
loaded, load_models = [], app.load_models
app.load_models = lambda *names: loaded.append(load_models(*names)) or loaded[0]
sys.argv = ["app.py"]
app.main()
blocks = started["page"].blocks.values()
print(json.dumps({
    "texts": [block.value or "" for block in blocks if isinstance(block, gradio.Markdown)],
    "host": started["options"]["server_name"],
    "embeddings": list(loaded[0].encoder.captions(["a square ABCD"]).shape),
    "answered": len(list(loaded[0].answer(Image.new("RGB", (32, 32), "white"), "Find x"))),
    "modules": sorted({m.__file__ for name, m in sys.modules.items()
                       if name.split(".")[0] in sys.argv_rooms and getattr(m, "__file__", None)}),
}))
""".replace("sys.argv_rooms", repr(rooms()))


@pytest.fixture(scope="module")
def space(tmp_path_factory) -> Path:
    """A Space with stand-ins for the models; what they name is on no Hub."""
    pytest.importorskip("gradio", reason="the page needs gradio: pip install 'mmgeo[app]'")
    root = tmp_path_factory.mktemp("space")
    stand_ins(root)
    models = {name: str(root / "checkpoints" / f"{name}-tiny") for name in ("mmclip", "mmgeolm")}
    with pytest.raises(ValueError, match="loads its language model from the Hub"):
        make_space(SpaceArguments(str(root / "space"), **models))
    write_parts(Path(models["mmgeolm"]), AdapterParts(mmclip="mmclip-tiny", llm=LLM))
    before = digest(root / "checkpoints")
    said = make_space(SpaceArguments(str(root / "space"), **models, models=["org/mmclip-tiny"]))
    assert said.startswith(f"written to {root / 'space'}: ")
    assert digest(root / "checkpoints") == before
    return root / "space"


def test_the_hub_is_told_how_to_run_it(space):
    card = SpaceCard.load(space / "README.md")
    requirements = (space / "requirements.txt").read_text().splitlines()
    pins = {pin.name: str(pin.specifier) for pin in map(Requirement, requirements[1:])}
    assert (card.data.sdk, card.data.app_file, card.data.models) == ("gradio", "app.py", ["org/mmclip-tiny", LLM])
    assert f"=={card.data.sdk_version}" == pins["gradio"]
    constraints = (ROOT / "constraints.txt").read_text().splitlines()
    assert f"torch{pins['torch']}" in constraints and f"transformers{pins['transformers']}" in constraints
    assert len(card.data.short_description) <= 60  # the Hub takes no more
    for name in ("mmclip-tiny", "mmgeolm-tiny"):
        assert (
            f"(checkpoints/{name}/README.md)" in card.text and (space / "checkpoints" / name / "README.md").is_file()
        )


def test_everything_is_there(space):
    contents = check_folder(space)
    assert (contents.kind, contents.repo_type, contents.left_out) == ("space", "space", [])
    assert {name.split("/")[0] for name in contents.files} == {
        *("README.md", "app.py", "requirements.txt", "checkpoints", *rooms())
    }
    for room in rooms():
        files = {p.relative_to(ROOT) for p in (ROOT / room).rglob("*") if p.is_file() and p.suffix != ".pyc"}
        assert files == {p.relative_to(space) for p in (space / room).rglob("*") if p.is_file()}


def test_the_page_starts_inside_the_folder(space, tmp_path):
    (space.parent / "checkpoints" / "llm").rename(tmp_path / "llm")
    elsewhere = tmp_path / "pushed"
    elsewhere.mkdir()
    for name in check_folder(space).files:
        (elsewhere / name).parent.mkdir(parents=True, exist_ok=True)
        (elsewhere / name).write_bytes((space / name).read_bytes())
    (tmp_path / "llm").rename(elsewhere / "checkpoints" / "llm")  # in place of the Hub
    write_parts(elsewhere / "checkpoints" / "mmgeolm-tiny", AdapterParts(mmclip="mmclip-tiny", llm="llm"))
    child = subprocess.run(
        [sys.executable, "-c", START],
        cwd=elsewhere,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"SPACE_ID": "org/mmgeo"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert child.returncode == 0, child.stderr[-4000:]
    seen = json.loads(child.stdout.splitlines()[-1])
    assert seen["modules"] and all(Path(module).is_relative_to(elsewhere) for module in seen["modules"])
    assert not any("needs an MM" in text for text in seen["texts"])
    assert seen["host"] == "0.0.0.0" and seen["embeddings"] == [1, 12] and seen["answered"] > 0


def test_it_is_pushed_as_a_space(space, pusher, hub):
    ended = pusher.push(space, "org/page")
    assert ended.status == 0 and f"pushed to {hub.url}/spaces/org/page (space, " in ended.out, ended.err
    assert set(hub.files("space", "org/page")) == {*check_folder(space).files, ".gitattributes"}


def test_what_cannot_be_a_space(space, tmp_path):
    checkpoints = space / "checkpoints"
    models = {"mmclip": str(checkpoints / "mmclip-tiny"), "mmgeolm": str(checkpoints / "mmgeolm-tiny")}
    for change, said in (
        ({"output_dir": str(space)}, "is there already"),
        ({"mmclip": ""}, "sees through mmclip-tiny: give its folder as --mmclip"),
        ({"mmclip": str(tmp_path / "mmclip-tiny")}, "mmclip-tiny is no folder"),
    ):
        with pytest.raises(ValueError, match=said):
            make_space(SpaceArguments(**{"output_dir": str(tmp_path / "space"), **models, **change}))
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "app.py").write_text("")
    (tmp_path / "README.md").write_text("---\nsdk: gradio\napp_file: app.py\n---\n")
    with pytest.raises(ValueError, match="lacks requirements.txt: make the Space again"):
        check_folder(tmp_path)


def test_a_space_needs_no_model(tmp_path):
    make_space(SpaceArguments(str(tmp_path / "space"), mmclip="", mmgeolm=""))
    text = SpaceCard.load(tmp_path / "space" / "README.md").text
    assert "Data engine" in text and "checkpoints" not in text and "Ask" not in text
