"""Speed of MMGeoLM beside stock LLaVA with the same parts: import, loading, generation, and prefill on line drawings.

    python -m tests.benchmarks.modeling
    python -m tests.benchmarks.modeling --sizes tiny --rounds 2

Ours and the stock model take turns in one process (imports: in fresh processes), and the median over the rounds of
their ratio is reported, in seconds of processor time: on a machine that has nothing else to do it says what the clock
says, and it remains comparable on a busy one. Greedy answers are compared as well: a faster model that says something
else would be no gain.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from statistics import median

import torch
from PIL import Image
from tqdm import tqdm
from transformers import AutoModelForImageTextToText, AutoTokenizer, LlamaConfig, LlamaForCausalLM
from trl import TrlParser

from data_scripts.cli import require_at_least, run_command
from data_scripts.shards import write_text
from model_cards.export import to_llava
from modeling_mmgeo import MMCLIPModel, MMCLIPProcessor, MMGeoLMForConditionalGeneration, MMGeoLMProcessor
from tests.benchmarks.blank_patches import FAMILIES, IMAGE, TEXT, TOWER, drawings, seconds
from tests.tiny import tiny_tokenizer

IMPORTS = {
    "ours": "import modeling_mmgeo",
    "stock": "from transformers import LlavaForConditionalGeneration",
}
TINY_TOWER = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2}
TINY_LLM = {"hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4}
QUESTION = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Find the angle ABC."}]}]
# What each ratio must not exceed ("most") or fall short of ("least").
TARGETS = {
    "import": ("most", 1.2),
    "load": ("most", 1.2),
    "tokens_per_second": ("least", 1.0),
    "prefill": ("least", 1.3),
}
Models = dict[str, torch.nn.Module]  # "ours" and "stock"


@dataclass
class BenchmarkArguments:
    """What to measure, and how often."""

    sizes: list[str] = field(
        default_factory=lambda: ["tiny", "smollm2"],
        metadata={"help": "tiny: two million weights. smollm2: ViT-S/16 and the embedded SmolLM2-135M."},
    )
    rounds: int = field(default=5, metadata={"help": "Times that ours and stock take turns, after one to warm up."})
    import_rounds: int = field(default=5, metadata={"help": "The same for imports; 0 leaves them out."})
    num_figures: int = field(default=4, metadata={"help": "Procedural drawings of 224 px, one question on each."})
    new_tokens: int = field(default=32, metadata={"help": "Tokens generated per question."})
    output: str = field(default="runs/benchmarks/modeling.json", metadata={"help": "Where the figures go."})

    def __post_init__(self) -> None:
        require_at_least(self, rounds=1, import_rounds=0, num_figures=1, new_tokens=2)
        if unknown := set(self.sizes) - {"tiny", "smollm2"}:
            raise ValueError(f"--sizes must be tiny, smollm2 or both, got {', '.join(sorted(unknown))}")


def build(size: str) -> tuple[MMGeoLMForConditionalGeneration, MMGeoLMProcessor]:
    """An MMGeoLM with fresh weights, but for a language model that is there, and its processor."""
    torch.manual_seed(0)
    if size == "tiny":
        tokenizer, tower = tiny_tokenizer(frame=False), TINY_TOWER
        llm = LlamaForCausalLM(LlamaConfig(**TINY_LLM, vocab_size=len(tokenizer), max_position_embeddings=1024))
    else:
        from data_scripts.embedded import smollm2_folder  # only now: it unpacks a model on first use

        llm, tower = smollm2_folder(), TOWER
        tokenizer = AutoTokenizer.from_pretrained(llm)
    make_config, make_image_processor = FAMILIES["clip"]
    mmclip = MMCLIPModel.from_backbone(make_config(text_config=TEXT, vision_config={**tower, **IMAGE}))
    mmclip_processor = MMCLIPProcessor.from_parts(make_image_processor(), tiny_tokenizer(), mmclip.config)
    processor = MMGeoLMProcessor.from_parts(mmclip_processor, tokenizer)
    model = MMGeoLMForConditionalGeneration.from_parts(mmclip, llm, processor.image_token_id, dtype=torch.float32)
    return model.eval(), processor


def alternate(calls: dict[str, Callable[[], object]], rounds: int, what: str) -> dict[str, list[float]]:
    """Mean processor seconds of each call per round, in which the calls take turns there and back.

    Whoever comes second may find caches warm or memory in pieces: so everyone comes first and last as often. A first
    round warms up and does not count.
    """
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for turn in tqdm(range(rounds + 1), desc=what, mininterval=3):
        spent = dict.fromkeys(calls, 0.0)
        for name, call in [*calls.items(), *reversed(calls.items())]:
            spent[name] += seconds(call)[0] / 2
        for name, mean in spent.items() if turn else ():
            taken[name].append(mean)
    return taken


def ratio(above: list[float], below: list[float]) -> float:
    """Median over the rounds of the ratio of two measurements of the same round."""
    return median(a / b for a, b in zip(above, below, strict=True))


def spread(above: list[float], below: list[float]) -> list[float]:
    """Least and largest ratio of a round: what of a ratio is noise."""
    ratios = [a / b for a, b in zip(above, below, strict=True)]
    return [min(ratios), max(ratios)]


def import_seconds(statement: str) -> float:
    """Processor seconds of an import in a fresh process."""
    code = f"import time; started = time.process_time(); {statement}; print(time.process_time() - started)"
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def measure_imports(rounds: int) -> dict:
    """Import of our package beside that of transformers' LLaVA."""
    taken: dict[str, list[float]] = {name: [] for name in IMPORTS}
    for turn in tqdm(range(rounds + 1), desc="imports", mininterval=3):  # the first fills the disk's cache
        for name, statement in IMPORTS.items():
            spent = import_seconds(statement)
            if turn:
                taken[name].append(spent)
    return {f"{name}_seconds": median(spent) for name, spent in taken.items()} | {"ratio": ratio(*taken.values())}


def measure_loading(model: MMGeoLMForConditionalGeneration, rounds: int) -> dict:
    """`from_pretrained` of the saved model beside that of the stock LLaVA with the same weights."""
    with tempfile.TemporaryDirectory() as folder:
        for name, saved in (("ours", model), ("stock", to_llava(model))):
            saved.save_pretrained(Path(folder) / name)
        load = {
            name: lambda name=name: AutoModelForImageTextToText.from_pretrained(Path(folder) / name)
            for name in ("ours", "stock")
        }
        taken = alternate(load, rounds, "loading")
    return {f"{name}_seconds": median(spent) for name, spent in taken.items()} | {"ratio": ratio(*taken.values())}


def prepared(processor: MMGeoLMProcessor, figures: list[Image.Image], drop: bool) -> list[dict]:
    """The question on each figure, with or without the tokens of blank patches."""
    processor.drop_blank_tokens = drop
    text = processor.apply_chat_template(QUESTION, add_generation_prompt=True)
    inputs = [processor(images=[figure], text=[text], return_tensors="pt") for figure in figures]
    processor.drop_blank_tokens = False
    return inputs


@torch.inference_mode()
def measure_generation(models: Models, inputs: list[dict], tokens: int, rounds: int) -> dict:
    """Tokens per second of greedy generation, prefill included, and whether both say the same."""
    options = {"max_new_tokens": tokens, "min_new_tokens": tokens, "do_sample": False, "pad_token_id": 0}

    def generate(one: torch.nn.Module) -> list[list[int]]:
        return [one.generate(**part, **options)[0].tolist() for part in inputs]

    calls = {name: lambda one=one: generate(one) for name, one in models.items()}
    taken = alternate(calls, rounds, "generation")
    per_second = {name: [tokens * len(inputs) / spent for spent in spents] for name, spents in taken.items()}
    return {f"{name}_tokens_per_second": median(rates) for name, rates in per_second.items()} | {
        "ratio": ratio(per_second["ours"], per_second["stock"]),
        "spread": spread(per_second["ours"], per_second["stock"]),
        "same_tokens": generate(models["ours"]) == generate(models["stock"]),
    }


@torch.inference_mode()
def measure_prefill(models: Models, processor: MMGeoLMProcessor, figures: list[Image.Image], rounds: int) -> dict:
    """Seconds to the first token: stock, ours, ours without blank tokens, and with a tower that skips them as well."""
    model, stock = models["ours"], models["stock"]
    whole, fewer = prepared(processor, figures, False), prepared(processor, figures, True)

    def prefill(one: torch.nn.Module, inputs: list[dict], skip: bool) -> None:
        model.config.skip_blank_patches = skip
        for part in inputs:
            one(**part, logits_to_keep=1, use_cache=True)
        model.config.skip_blank_patches = False

    calls = {
        "stock": lambda: prefill(stock, whole, False),
        "ours": lambda: prefill(model, whole, False),
        "without_blank_tokens": lambda: prefill(model, fewer, False),
        "without_blank_tokens_and_patches": lambda: prefill(model, fewer, True),
    }
    taken = alternate(calls, rounds, "prefill")
    choosing = alternate(
        {name: lambda drop=drop: prepared(processor, figures, drop) for name, drop in (("off", False), ("on", True))},
        rounds,
        "processor",
    )
    return {
        "prompt_tokens": median(part["input_ids"].shape[1] for part in whole),
        "prompt_tokens_without_blank": median(part["input_ids"].shape[1] for part in fewer),
        "seconds_per_figure": {name: median(spent) / len(figures) for name, spent in taken.items()},
        "processor_seconds_per_figure": {name: median(spent) / len(figures) for name, spent in choosing.items()},
        "times_faster": {name: ratio(taken["stock"], spent) for name, spent in taken.items() if name != "stock"},
    }


def ratios(figures: dict) -> Iterator[tuple[str, str, float]]:
    """What a target is set for: its name, where it was measured, and the ratio."""
    if "import" in figures:
        yield "import", "", figures["import"]["ratio"]
    for size, measured in figures["sizes"].items():
        yield "load", size, measured["load"]["ratio"]
        yield "tokens_per_second", size, measured["generation"]["ratio"]
        yield "prefill", size, measured["prefill"]["times_faster"]["without_blank_tokens"]


def run(args: BenchmarkArguments) -> dict:
    """All measurements, and which targets are met."""
    torch.set_num_threads(1)  # processor time of several threads counts their waiting for each other
    started = time.perf_counter()
    figures: dict = {"arguments": asdict(args), "load_average": os.getloadavg()[0]}
    if args.import_rounds:
        figures["import"] = measure_imports(args.import_rounds)
    figures_drawn = [Image.fromarray(pixels) for pixels in islice(drawings(), args.num_figures)]
    figures["sizes"] = {}
    for size in args.sizes:
        model, processor = build(size)
        models = {"ours": model, "stock": to_llava(model)}
        inputs = prepared(processor, figures_drawn, False)
        figures["sizes"][size] = {
            "parameters": sum(p.numel() for p in model.parameters()),
            "load": measure_loading(model, args.rounds),
            "generation": measure_generation(models, inputs, args.new_tokens, args.rounds),
            "prefill": measure_prefill(models, processor, figures_drawn, args.rounds),
        }
    figures["targets"] = [
        {"what": what, "size": size, "ratio": value, TARGETS[what][0]: TARGETS[what][1]}
        | {"met": value <= TARGETS[what][1] if TARGETS[what][0] == "most" else value >= TARGETS[what][1]}
        for what, size, value in ratios(figures)
    ]
    return figures | {"seconds": time.perf_counter() - started}


def main() -> None:
    (args,) = TrlParser(BenchmarkArguments).parse_args_and_config()
    figures = run(args)
    Path(args.output).parent.mkdir(parents=True, exist_ok=True)
    write_text(json.dumps(figures, indent=1), Path(args.output))
    for target in figures["targets"]:
        bound = "most" if "most" in target else "least"
        print(
            f"{target['what']:<20}{target['size']:<10}{target['ratio']:>7.3f} times stock, at {bound} "
            f"{target[bound]}: {'met' if target['met'] else 'missed'}"
        )
    print(f"written to {args.output} (load {figures['load_average']:.1f})")


if __name__ == "__main__":
    run_command(main)
