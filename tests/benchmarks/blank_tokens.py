"""Do answers suffer where blank tokens stay out of the language model? Two small MMGeoLMs are trained to find out.

    python -m tests.benchmarks.blank_tokens

The question is in which of nine fields a short line lies; so the answer is in the position of the inked patches, and
it is lost if leaving tokens out loses their places. Both models have the same parts, figures, order and steps; one is
trained on all tokens and one without the blank ones. Each answers held-out figures in both ways.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from tqdm import tqdm
from transformers import CLIPConfig, LlamaConfig, LlamaForCausalLM
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from trl import TrlParser

from data_scripts.cli import require_at_least, run_command
from data_scripts.shards import write_text
from modeling_mmgeo import MMCLIPModel, MMCLIPProcessor, MMGeoLMForConditionalGeneration, MMGeoLMProcessor
from tests.benchmarks.blank_patches import TEXT, seconds
from tests.tiny import tiny_tokenizer

SIDE, FIELDS = 96, 3
TOWER = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 3, "num_attention_heads": 4}
LLM = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
PROMPT = "<image>\nFind the line: "


@dataclass
class BenchmarkArguments:
    """How much to train and to ask."""

    steps: int = field(default=300, metadata={"help": "Steps of training, each on fresh figures."})
    batch_size: int = field(default=16, metadata={"help": "Figures per step."})
    num_test: int = field(default=180, metadata={"help": "Held-out figures."})
    learning_rate: float = field(default=2e-3, metadata={"help": "Of AdamW, decaying to 0."})
    seed: int = field(default=0, metadata={"help": "Draws weights and figures."})
    output: str = field(default="runs/benchmarks/blank_tokens.json", metadata={"help": "Where the figures go."})

    def __post_init__(self) -> None:
        require_at_least(self, steps=1, batch_size=1, num_test=1)


def draw(rng: np.random.Generator) -> tuple[Image.Image, str]:
    """A short line in one of nine fields, and the field's number."""
    number = int(rng.integers(FIELDS**2))
    image, width = Image.new("RGB", (SIDE, SIDE), "white"), SIDE // FIELDS
    corner = np.array([number % FIELDS, number // FIELDS]) * width
    ends = corner + rng.integers(3, width - 3, size=(2, 2))
    ImageDraw.Draw(image).line([tuple(map(int, end)) for end in ends], fill="black", width=2)
    return image, str(number + 1)


def build(seed: int) -> tuple[MMGeoLMForConditionalGeneration, MMGeoLMProcessor]:
    """A small MMGeoLM with fresh weights, and a processor that keeps at least four patches."""
    torch.manual_seed(seed)
    image = {"image_size": SIDE, "patch_size": 8}
    mmclip = MMCLIPModel.from_backbone(CLIPConfig(text_config=TEXT, vision_config={**TOWER, **image}))
    size = {"height": SIDE, "width": SIDE}
    image_processor = CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size=size)
    tokenizer = tiny_tokenizer(frame=False)
    processor = MMGeoLMProcessor.from_parts(
        MMCLIPProcessor.from_parts(image_processor, tokenizer, mmclip.config), tokenizer
    )
    processor.min_patches = 4
    llm = LlamaForCausalLM(LlamaConfig(**LLM, vocab_size=len(tokenizer), max_position_embeddings=512))
    return MMGeoLMForConditionalGeneration.from_parts(mmclip, llm, processor.image_token_id), processor


def batches(args: BenchmarkArguments, processor: MMGeoLMProcessor) -> Iterator[dict[str, torch.Tensor]]:
    """Figures with questions and answers, the loss on the answer alone."""
    rng = np.random.default_rng([args.seed, 0])
    for _ in range(args.steps):
        images, answers = zip(*(draw(rng) for _ in range(args.batch_size)), strict=True)
        texts = [PROMPT + answer for answer in answers]
        inputs = processor(
            images=[[image] for image in images], text=texts, padding=True, padding_side="left", return_tensors="pt"
        )
        labels = torch.full_like(inputs["input_ids"], -100)
        labels[:, -1] = inputs["input_ids"][:, -1]
        yield {**inputs, "labels": labels}


def train(args: BenchmarkArguments, drop: bool) -> tuple[MMGeoLMForConditionalGeneration, MMGeoLMProcessor, float]:
    """A trained model, its processor, and the processor seconds it took."""
    model, processor = build(args.seed)
    processor.drop_blank_tokens = drop
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.learning_rate, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=args.steps)

    def fit() -> None:
        what = "without blank tokens" if drop else "with all tokens"
        for batch in tqdm(batches(args, processor), desc=what, total=args.steps, mininterval=3):
            model(**batch, use_cache=False).loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()

    spent = seconds(fit)[0]
    return model.eval(), processor, spent


@torch.inference_mode()
def accuracy(
    args: BenchmarkArguments, model: MMGeoLMForConditionalGeneration, processor: MMGeoLMProcessor, drop: bool
) -> dict:
    """Share of held-out figures answered correctly, and tokens of a prompt."""
    rng = np.random.default_rng([args.seed, 1])
    processor.drop_blank_tokens, hits, lengths = drop, 0, []
    for _ in range(args.num_test):
        image, answer = draw(rng)
        inputs = processor(images=image, text=PROMPT, return_tensors="pt")
        said = model.generate(**inputs, max_new_tokens=1, do_sample=False, pad_token_id=0)[0, -1]
        hits += processor.tokenizer.decode(said) == answer
        lengths.append(inputs["input_ids"].shape[1])
    return {"accuracy": hits / args.num_test, "prompt_tokens": float(np.mean(lengths))}


def run(args: BenchmarkArguments) -> dict:
    """Accuracies by how a model was trained and how it is asked."""
    figures: dict = {"arguments": asdict(args), "load_average": os.getloadavg()[0], "chance": 1 / FIELDS**2}
    torch.set_num_threads(1)
    for name, drop in (("all_tokens", False), ("without_blank_tokens", True)):
        model, processor, spent = train(args, drop)
        figures[f"trained_on_{name}"] = {"training_cpu_seconds": spent} | {
            f"asked_with_{way}": accuracy(args, model, processor, asked)
            for way, asked in (("all_tokens", False), ("without_blank_tokens", True))
        }
    return figures


def main() -> None:
    (args,) = TrlParser(BenchmarkArguments).parse_args_and_config()
    figures = run(args)
    Path(args.output).parent.mkdir(parents=True, exist_ok=True)
    write_text(json.dumps(figures, indent=1), Path(args.output))
    for trained, measured in figures.items():
        if trained.startswith("trained"):
            for asked, result in measured.items():
                if asked.startswith("asked"):
                    print(
                        f"{trained}, {asked}: {result['accuracy']:.1%}, {result['prompt_tokens']:.0f} tokens a prompt"
                    )
    print(f"chance {figures['chance']:.1%}; written to {args.output}")


if __name__ == "__main__":
    run_command(main)
