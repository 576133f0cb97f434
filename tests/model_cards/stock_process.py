"""Child of test_export.py: a user with stock libraries and not this package, who loads exported folders.

Usage: python -P stock_process.py REQUEST, a JSON file. Writes what it found as JSON to `answer` of the request, and
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
from PIL import Image  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from sentence_transformers import SentenceTransformer  # noqa: E402
from transformers import AutoModel, AutoModelForImageTextToText, AutoProcessor, pipeline  # noqa: E402


def use_llava(folder: str, figure: Image.Image, messages: list[dict]) -> tuple[dict, dict]:
    processor = AutoProcessor.from_pretrained(folder)
    model, report = AutoModelForImageTextToText.from_pretrained(folder, output_loading_info=True)
    text = processor.apply_chat_template(messages, add_generation_prompt=True)
    inputs = processor(images=figure, text=text, return_tensors="pt")
    with torch.no_grad():
        logits = model(**inputs).logits
    generated = model.generate(**inputs, max_new_tokens=5, do_sample=False)
    chat = [{"role": "user", "content": [{"type": "image", "image": figure}, *messages[0]["content"][1:]]}]
    write = pipeline("image-text-to-text", model=folder)
    written = write(text=chat, max_new_tokens=5, do_sample=False, return_full_text=False)[0]["generated_text"]
    names = [type(part).__name__ for part in (model, processor, model.model.vision_tower)]
    return {"names": names, "written": written, "missing": any(map(bool, report.values()))}, {
        "logits": logits,
        "generated": generated,
    }


def use_dual_encoder(folder: str, figure: Image.Image, captions: list[str]) -> tuple[dict, dict]:
    processor, model = AutoProcessor.from_pretrained(folder), AutoModel.from_pretrained(folder)
    padding = "max_length" if "siglip" in model.config.model_type else True
    inputs = processor(text=captions, images=figure, padding=padding, truncation=True, return_tensors="pt")
    with torch.no_grad():
        output = model(**inputs)
    classify = pipeline("zero-shot-image-classification", model=folder)
    short = captions[:2]  # the pipeline does not cut
    scores = {
        entry["label"]: entry["score"] for entry in classify(figure, candidate_labels=short, hypothesis_template="{}")
    }
    return {
        "names": [type(model).__name__, type(processor).__name__],
        "scores": [scores[caption] for caption in short],
    }, {"texts": output.text_embeds, "images": output.image_embeds}


def use_sentence_transformer(folder: str, figure: Image.Image, captions: list[str]) -> tuple[dict, dict]:
    model = SentenceTransformer(folder, device="cpu")
    texts = model.encode(captions, convert_to_tensor=True)
    images = model.encode([figure, figure], convert_to_tensor=True)
    return {"modalities": sorted(model.modalities)}, {"texts": texts, "images": images[:1]}


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as file:
        request = json.load(file)
    figure = Image.open(request["figure"])
    users = {
        "llava": (use_llava, request["messages"]),
        "dual_encoder": (use_dual_encoder, request["captions"]),
        "sentence_transformer": (use_sentence_transformer, request["captions"]),
    }
    answer, tensors = {}, {}
    for name, folder in request["folders"].items():
        use, extra = users[name.partition("/")[2]]
        answer[name], found = use(folder, figure, extra)
        tensors |= {f"{name}/{key}": value.clone().contiguous() for key, value in found.items()}
    answer["modules"] = sorted(name for name in sys.modules if name.split(".")[0] in HIDDEN)
    save_file(tensors, request["tensors"])
    with open(request["answer"], "w", encoding="utf-8") as file:
        json.dump(answer, file)


if __name__ == "__main__":
    main()
