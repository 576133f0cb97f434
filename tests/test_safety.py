"""What is saved runs nobody's code to load, and the code that travels with it does nothing when it is imported."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from datasets import DatasetDict
from peft import LoraConfig, get_peft_model

from modeling_mmgeo import MMGeoLMModel
from tests.model_cards.folders import rows_folder
from tests.pickles import pickles_in
from tests.tiny import KINDS, tiny_mmclip, tiny_mmgeolm
from tests.trainers.rows import questions

# Imports what was saved, by name and with nothing of ours on the path, while Python reports all it opens and calls.
WATCHED = """
import os, sys
folder = sys.argv[1]
sys.path.insert(0, os.path.dirname(folder))
import torch, transformers, PIL.Image, numpy
from transformers import AltCLIPModel, CLIPModel, LlavaForConditionalGeneration, LlavaProcessor, SiglipModel
from transformers.models.llava.modeling_llava import LlavaMultiModalProjector
installed = tuple(os.path.realpath(path) for path in (sys.prefix, sys.base_prefix, os.path.dirname(torch.__path__[0])))
seen = []

def watch(event, arguments):
    out = ("socket.", "subprocess.", "os.system", "os.exec", "os.fork", "urllib.", "shutil.", "ctypes.")
    if event.startswith(out) or event in ("os.remove", "os.rename", "os.mkdir", "os.rmdir"):
        seen.append((event, str(arguments)))
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        path, mode = os.path.realpath(os.fsdecode(arguments[0])), arguments[1] or "r"
        code = path.endswith((".py", ".pyc", ".so")) or path.startswith(installed)
        if not code or set(mode) & set("wax+"):
            seen.append((event, path + " " + mode))

sys.addaudithook(watch)
package = os.path.basename(folder)
for name in sorted(os.listdir(folder)):
    if name.endswith(".py"):
        __import__(package + "." + name[:-3])
assert not seen, seen
print(sum(name.startswith(package + ".") for name in sys.modules))
open(os.path.join(folder, "probe"), "w").close()
assert seen, "the watch is blind"
"""


def test_code_that_travels_touches_nothing_when_imported(tmp_path):
    for part in tiny_mmgeolm():
        part.save_pretrained(tmp_path / "travelled")
    files = list((tmp_path / "travelled").glob("*.py"))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    child = subprocess.run(
        [sys.executable, "-P", "-B", "-c", WATCHED, str(tmp_path / "travelled")],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert child.returncode == 0, child.stderr[-3000:]
    assert child.stdout.split() == [str(len(files))] and len(files) >= 6


@pytest.mark.parametrize("kind", KINDS)
def test_no_saved_folder_holds_a_pickle(tmp_path, kind):
    mmclip, mmclip_processor = tiny_mmclip(kind)
    mmgeolm, processor = tiny_mmgeolm(kind)
    lora = LoraConfig(r=2, target_modules=r".*language_model.*\.q_proj", modules_to_save=["multi_modal_projector"])
    saved = {
        "mmclip": (mmclip, mmclip_processor),
        "mmgeolm": (mmgeolm, processor),
        "headless": (MMGeoLMModel(mmgeolm.config),),
        "adapter": (get_peft_model(mmgeolm, lora),),
    }
    for name, parts in saved.items():
        for part in parts:
            part.save_pretrained(tmp_path / name)
    DatasetDict({"train": questions(2)}).save_to_disk(tmp_path / "questions")
    rows_folder(tmp_path / "rows")
    assert pickles_in(tmp_path) == []
    assert len(list(tmp_path.rglob("*.safetensors"))) == len(saved)


def test_pickles_are_found_by_name_and_by_content(tmp_path):
    import torch

    (tmp_path / "checkpoint-3").mkdir()
    for name in ("checkpoint-3/optimizer.pt", "checkpoint-3/model.dat", "optimizer.pt", "notes.txt"):
        torch.save([1], tmp_path / name)
    Path(tmp_path, "plain.txt").write_text("text")
    assert pickles_in(tmp_path) == ["checkpoint-3/model.dat", "notes.txt", "optimizer.pt"]
