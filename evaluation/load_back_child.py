"""The fresh process of load_back.py: loads folders the way a stranger does, and cannot import the project.

Usage: python -P load_back_child.py request.json
"""

import importlib.abc
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

BLOCKED = ("modeling_mmgeo", "data_scripts", "trainers", "evaluation", "model_cards")
QUESTION = "Describe the figure."
CAPTIONS = ["a right triangle", "a circle", "two parallel lines"]


class _Blocker(importlib.abc.MetaPathFinder):
    """Makes the project's packages impossible to import, also where they are installed."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(
                f"{name} is blocked: remote code must not need the project's packages", name=name
            )


def timed(parts: dict, name: str, load: Callable[[], Any]) -> Any:
    """Load something and note its class, where that comes from, and the seconds it took."""
    start = time.perf_counter()
    loaded = load()
    seconds = round(time.perf_counter() - start, 3)
    parts[name] = {"class": type(loaded).__name__, "module": type(loaded).__module__, "seconds": seconds}
    return loaded


def load_mmclip(folder: str, image: Any) -> dict:
    """Load a dual encoder by every Auto class that serves it, and classify the image once."""
    from transformers import (
        AutoConfig,
        AutoModel,
        AutoModelForZeroShotImageClassification,
        AutoProcessor,
        pipeline,
    )

    parts: dict = {}
    for auto in (AutoConfig, AutoModel, AutoModelForZeroShotImageClassification, AutoProcessor):
        timed(parts, auto.__name__, lambda auto=auto: auto.from_pretrained(folder, trust_remote_code=True))
    task = "zero-shot-image-classification"
    classify = timed(parts, f"pipeline({task})", lambda: pipeline(task, model=folder, trust_remote_code=True))
    start = time.perf_counter()
    output = classify(image, candidate_labels=CAPTIONS)
    return {"parts": parts, "output": output, "seconds": round(time.perf_counter() - start, 3)}


def load_mmgeolm(folder: str, image: Any) -> dict:
    """Load an LMM by every Auto class that serves it, and ask it once about the image."""
    from transformers import AutoConfig, AutoModel, AutoModelForImageTextToText, AutoProcessor, pipeline

    parts: dict = {}
    for auto in (AutoConfig, AutoModel, AutoModelForImageTextToText, AutoProcessor):
        timed(parts, auto.__name__, lambda auto=auto: auto.from_pretrained(folder, trust_remote_code=True))
    task = "image-text-to-text"
    ask = timed(parts, f"pipeline({task})", lambda: pipeline(task, model=folder, trust_remote_code=True))
    messages = [
        {"role": "user", "content": [{"type": "image", "image": image}, {"type": "text", "text": QUESTION}]},
    ]
    start = time.perf_counter()
    output = ask(text=messages, max_new_tokens=16, do_sample=False, return_full_text=False)
    seconds = round(time.perf_counter() - start, 3)
    return {"parts": parts, "output": [answer["generated_text"] for answer in output], "seconds": seconds}


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as file:
        request = json.load(file)
    sys.meta_path.insert(0, _Blocker())
    # Fresh copies of the remote code: a cached one could hide a file that did not travel. Read once, at import.
    os.environ["HF_MODULES_CACHE"] = request["modules"]
    from PIL import Image

    image = Image.open(request["image"]).convert("RGB")
    loaders = {"mmclip": load_mmclip, "mmgeolm": load_mmgeolm}
    report = {kind: loaders[kind](folder, image) for kind, folder in request["folders"].items()}
    leaked = sorted(name for name in BLOCKED if name in sys.modules)
    if leaked:
        raise SystemExit(f"imported in spite of the block: {', '.join(leaked)}")
    with open(request["report"], "w", encoding="utf-8") as file:
        json.dump(report, file)


if __name__ == "__main__":
    main()
