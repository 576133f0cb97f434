"""Child of test_round_trip.py: a user with the Hub's libraries and not this package, who loads what was pushed.

Usage: python -P loading_process.py REQUEST, a JSON file. Writes what it found as JSON to `answer` of the request, and
tensors to `tensors`.
"""

import json
import sys

HIDDEN = {"modeling_mmgeo", "model_cards", "data_scripts", "trainers", "evaluation", "tests"}


class Blocker:
    """Makes the package unimportable even where it is installed."""

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in HIDDEN:
            raise ModuleNotFoundError(f"{name} is blocked")


sys.meta_path.insert(0, Blocker())

import torch  # noqa: E402
from datasets import load_dataset  # noqa: E402
from peft import PeftModel  # noqa: E402
from PIL import Image  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from transformers import AutoModel, AutoModelForImageTextToText, AutoProcessor, pipeline  # noqa: E402

REMOTE = {"trust_remote_code": True}


def summary(rows) -> dict:
    """What of a split must be the same wherever it is loaded from."""
    rows = list(rows)
    return {
        "ids": [row["id"] for row in rows],
        "captions": [row["caption"] for row in rows],
        "sizes": [row["image"].size for row in rows],
        "negatives": [len(row["negative_images"]) for row in rows],
    }


def load_rows(request: dict) -> dict:
    """Every config, plain and streamed; the older version by its revision; the branch; and the default config."""
    found: dict = {}
    for name in ("org/rows", "org/by-datasets"):
        for config in request["configs"]:
            plain = load_dataset(name, config)
            found[f"{name} {config}"] = {split: summary(rows) for split, rows in plain.items()}
            stream = load_dataset(name, config, split="train", streaming=True)
            found[f"{name} {config} streamed"] = summary(stream)
        found[f"{name} default"] = summary(load_dataset(name, split="train"))
    pinned = request["revision"]
    found["pinned"] = summary(load_dataset("org/rows", "letters_only", split="train", revision=pinned))
    found["branch"] = summary(load_dataset("org/rows", "letters_only", split="train", revision="next"))
    return found


def use_models(request: dict, figure: Image.Image) -> tuple[dict, dict]:
    """The models through their Auto classes and pipelines, and the adapter on its base."""
    captions, messages = request["captions"], request["messages"]
    processor = AutoProcessor.from_pretrained("org/mmclip", **REMOTE)
    alone = AutoProcessor.from_pretrained("org/processor", **REMOTE)
    mmclip = AutoModel.from_pretrained("org/mmclip", **REMOTE).eval()
    later = AutoModel.from_pretrained("org/mmclip-later", **REMOTE).eval()
    pinned = AutoModel.from_pretrained("org/versions", revision=request["model_revision"], **REMOTE).eval()
    newest = AutoModel.from_pretrained("org/versions", **REMOTE).eval()
    batch = processor(text=captions, images=[figure])  # for `later` too: the same class with other code, side by side
    reader = AutoProcessor.from_pretrained("org/mmgeolm", **REMOTE)
    mmgeolm = AutoModelForImageTextToText.from_pretrained("org/mmgeolm", **REMOTE).eval()
    text = reader.apply_chat_template(messages, add_generation_prompt=True)
    inputs = reader(images=figure, text=text, return_tensors="pt")
    with torch.no_grad():
        tensors = {"mmclip": mmclip(**batch).logits_per_image, "mmgeolm": mmgeolm(**inputs).logits}
        tensors["later"] = later(**batch).logits_per_image
        tensors["pinned"], tensors["newest"] = (model(**batch).logits_per_image for model in (pinned, newest))
        tensors["alone"] = mmclip(**alone(text=captions, images=[figure])).logits_per_image
    tensors = {name: tensor.clone() for name, tensor in tensors.items()}
    adapted = PeftModel.from_pretrained(mmgeolm, "org/adapter").eval()
    with torch.no_grad():
        tensors["adapter"] = adapted(**inputs).logits.clone()
    classify = pipeline("zero-shot-image-classification", model="org/mmclip", **REMOTE)
    write = pipeline("image-text-to-text", model="org/mmgeolm", **REMOTE)
    messages = [{"role": "user", "content": [{"type": "image", "image": figure}, *messages[0]["content"][1:]]}]
    said = write(text=messages, max_new_tokens=3, do_sample=False, return_full_text=False)
    classes = {
        "classes": [type(part).__name__ for part in (processor, mmclip, reader, mmgeolm)],
        "code": [
            getattr(sys.modules[type(part).__module__], "CODE_VERSION", 1) for part in (mmclip, later, pinned, newest)
        ],
        "labels": len(classify(figure, candidate_labels=captions)),
        "said": isinstance(said[0]["generated_text"], str),
    }
    return classes, tensors


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as file:
        request = json.load(file)
    try:
        import modeling_mmgeo  # noqa: F401
    except ModuleNotFoundError:
        pass
    else:
        raise SystemExit("the package can be imported, so this process proves nothing")
    models, tensors = use_models(request, Image.open(request["figure"]))
    answer = {"rows": load_rows(request), "models": models}
    answer["modules"] = sorted(name for name in sys.modules if name.split(".")[0] in HIDDEN)
    save_file(tensors, request["tensors"])
    with open(request["answer"], "w", encoding="utf-8") as file:
        json.dump(answer, file)


if __name__ == "__main__":
    main()
