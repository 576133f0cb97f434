"""Child of test_remote_code.py: a user's machine, which has the saved folders and not this package.

Usage: python -P fresh_process.py REQUEST, a JSON file with the folders. Writes what it found as JSON to `answer` of
the request and tensors next to it.
"""

import json
import sys


class Blocker:
    """Makes the package unimportable even where it is installed."""

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"modeling_mmgeo", "tests"}:
            raise ModuleNotFoundError(f"{name} is blocked")


sys.meta_path.insert(0, Blocker())

import torch  # noqa: E402
from PIL import Image  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from transformers import (  # noqa: E402
    AutoConfig,
    AutoModel,
    AutoModelForImageTextToText,
    AutoModelForZeroShotImageClassification,
    AutoProcessor,
    pipeline,
)


def use_mmclip(folder: str, figure: Image.Image, captions: list[str]) -> dict:
    config = AutoConfig.from_pretrained(folder, trust_remote_code=True)
    processor = AutoProcessor.from_pretrained(folder, trust_remote_code=True)
    model = AutoModel.from_pretrained(folder, trust_remote_code=True).eval()
    zero_shot = AutoModelForZeroShotImageClassification.from_pretrained(folder, trust_remote_code=True).eval()
    batch = processor(text=captions, images=[figure])
    with torch.no_grad():
        logits, again = model(**batch).logits_per_image, zero_shot(**batch).logits_per_image
    classify = pipeline("zero-shot-image-classification", model=folder, trust_remote_code=True)
    scores = {
        entry["label"]: entry["score"]
        for entry in classify(figure, candidate_labels=captions, hypothesis_template="{}")
    }
    names = [type(thing).__name__ for thing in (config, processor, model, zero_shot)]
    return {
        "model": model,
        "processor": processor,
        "tensors": {"mmclip": logits, "mmclip_zero_shot": again},
        "names": names,
        "scores": [scores[caption] for caption in captions],
    }


def use_mmgeolm(folder: str, figure: Image.Image, messages: list[dict]) -> dict:
    config = AutoConfig.from_pretrained(folder, trust_remote_code=True)
    processor = AutoProcessor.from_pretrained(folder, trust_remote_code=True)
    model = AutoModelForImageTextToText.from_pretrained(folder, trust_remote_code=True).eval()
    headless = AutoModel.from_pretrained(folder, trust_remote_code=True).eval()
    text = processor.apply_chat_template(messages, add_generation_prompt=True)
    inputs = processor(images=figure, text=text, return_tensors="pt")
    generated = model.generate(**inputs, max_new_tokens=5, do_sample=False)
    with torch.no_grad():
        logits = model(**inputs).logits
        hidden = headless(**inputs).last_hidden_state
    write = pipeline("image-text-to-text", model=folder, trust_remote_code=True)
    messages = [{"role": "user", "content": [{"type": "image", "image": figure}, *messages[0]["content"][1:]]}]
    written = write(text=messages, max_new_tokens=5, do_sample=False, return_full_text=False)
    return {
        "model": model,
        "processor": processor,
        "tensors": {"mmgeolm": logits, "hidden": hidden, "generated": generated},
        "names": [type(thing).__name__ for thing in (config, processor, model, headless)],
        "written": written[0]["generated_text"],
        "tied": model.lm_head.weight is model.get_input_embeddings().weight,
    }


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as file:
        request = json.load(file)
    try:
        import modeling_mmgeo  # noqa: F401
    except ModuleNotFoundError:
        pass
    else:
        raise SystemExit("the package can be imported, so this process proves nothing")
    figure = Image.open(request["figure"])
    answer, tensors = {}, {}
    for name, use, extra in (
        ("mmclip", use_mmclip, request["captions"]),
        ("mmgeolm", use_mmgeolm, request["messages"]),
    ):
        found = use(request[name], figure, extra)
        model, processor = found.pop("model"), found.pop("processor")
        model.save_pretrained(request[f"{name}_again"])
        processor.save_pretrained(request[f"{name}_again"])
        again = use(request[f"{name}_again"], figure, extra)  # what this process saved must travel on
        for key, value in found.pop("tensors").items():
            tensors[key], tensors[f"{key}_again"] = value.contiguous(), again["tensors"][key].contiguous().clone()
        tensors[f"{name}_skipping"] = use(request[f"{name}_skipping"], figure, extra)["tensors"][name].contiguous()
        answer[name] = found
    # The finder of an editable install is there in every process of its environment; it is not the package.
    ours = (name for name in sys.modules if "mmgeo" in name and not name.startswith("__editable__"))
    answer["modules"] = sorted(name for name in ours if "transformers_modules" not in name)
    save_file(tensors, request["tensors"])
    with open(request["answer"], "w", encoding="utf-8") as file:
        json.dump(answer, file)


if __name__ == "__main__":
    main()
