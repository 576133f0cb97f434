"""What a number of positives teaches: Hit@1 on held-out rows after the same training rows, ours and theirs.

    python -m tests.benchmarks.training_quality

The contenders of `tests.benchmarks.training` train the same small dual encoder, from the same weights, on the same
procedural rows in the same order, and `evaluation.hit_at_1` measures each on held-out figures, with 95% bootstrap
intervals. Ours leaves out blank patches, and runs twice: with the row's own negatives, as the plain loop, and with the
other rows and their negatives besides, as sentence-transformers. Fresh weights learn slowly; name a warmed-up model
(`trainers.warm_up_vision`) to see more.
"""

import json
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

from transformers import AutoModel, CLIPProcessor
from trl import TrlParser

from data_scripts.cli import require_at_least, run_command
from data_scripts.shards import write_text
from evaluation.hit_at_1 import HitAtOneArguments, evaluate
from modeling_mmgeo import MMCLIPModel, MMCLIPProcessor
from trainers.rows import load_split
from trainers.scratch import ScratchConfig, scratch_mmclip
from trainers.train_mmclip import all_captions

from .measure import in_own_process
from .training import build, parse_case
from .training_contenders import Contender, Turns, mmgeo, plain_loop, sentence_transformers, trimmed

SIZES = {"image_size": 112, "vision_layers": 5, "text_hidden_size": 128, "text_layers": 2, "text_heads": 4}
SIZES |= {"text_intermediate_size": 512, "max_text_length": 192}  # as in trainers/recipes/tiny.yaml
SETS = {"image": ("random", "image"), "text": ("random", "rule", "retrieval")}
ACROSS_ROWS = {"in_batch_negatives": True, "share_hard_negatives": True}
CONTENDERS = [
    Contender("plain loop", plain_loop),
    Contender("sentence-transformers", sentence_transformers),
    Contender("mmgeo, as the plain loop", mmgeo),
    Contender("mmgeo", mmgeo, ACROSS_ROWS),
]


@dataclass
class QualityArguments:
    """How much to train and to measure."""

    cases: list[str] = field(
        default_factory=lambda: ["image:5", "text:10"], metadata={"help": "Kind and number of each row's negatives."}
    )
    num_positives: int = field(default=2000, metadata={"help": "Training rows, each taken once."})
    num_test_rows: int = field(default=300, metadata={"help": "Held-out rows."})
    batch_size: int = field(default=16, metadata={"help": "Positives per step."})
    model: str | None = field(
        default=None, metadata={"help": "Folder of an MMCLIP to start from; else fresh weights."}
    )
    seed: int = field(default=0, metadata={"help": "Seed of the fresh weights and of the intervals."})
    output: str = field(default="runs/benchmarks/training_quality.json", metadata={"help": "Where the figures go."})

    def __post_init__(self) -> None:
        require_at_least(self, num_positives=1, num_test_rows=1, batch_size=2)
        for text in self.cases:
            parse_case(text, self.batch_size)


def start_model(args: QualityArguments, rows: Path, folder: Path) -> str:
    """The model that all start from, as a stock backbone with its processor."""
    if args.model is None:
        captions = all_captions(load_split(str(rows), "train", "with_markings"))
        model, processor = scratch_mmclip(captions, ScratchConfig(**SIZES), args.seed)
    else:
        model, processor = MMCLIPModel.from_pretrained(args.model), MMCLIPProcessor.from_pretrained(args.model)
    model.backbone.save_pretrained(folder)
    CLIPProcessor(processor.image_processor, processor.tokenizer).save_pretrained(folder)
    return str(folder)


def train_into(folder: str, contender: Contender, text: str, args: QualityArguments, rows: str, model: str) -> int:
    """Train on a case's rows and save the stock backbone with its processor; the number of rows trained on."""
    case = parse_case(text, args.batch_size)
    train = trimmed(load_split(rows, "train", "with_markings"), case, args.num_positives)
    steps = len(train) // case.batch_size
    train = train.select(range(steps * case.batch_size))
    trained = contender.train(case, train, model, Turns(), steps, seed=args.seed, **contender.options)
    backbone = AutoModel.from_pretrained(model)
    backbone.load_state_dict(stock_weights(trained))
    backbone.save_pretrained(folder)
    CLIPProcessor.from_pretrained(model).save_pretrained(folder)
    return len(train)


def train_and_measure(contender: Contender, text: str, args: QualityArguments, rows: str, model: str) -> dict:
    """Hit@1 on the candidate sets of a case after training on its rows."""
    with tempfile.TemporaryDirectory() as folder:
        positives = train_into(folder, contender, text, args, rows, model)
        sets = measure(folder, rows, skip_blank_patches=contender.train is mmgeo)  # as it was trained
    return {"positives": positives} | {name: sets[name] for name in SETS[parse_case(text, 1).kind]}


def measure(stock: str, rows: str, skip_blank_patches: bool) -> dict:
    """Hit@1 of a stock model, as an MMCLIP, on all sets of the held-out rows."""
    model, processor = MMCLIPModel.from_backbone(stock), MMCLIPProcessor.from_backbone(stock)
    model.config.skip_blank_patches = skip_blank_patches
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        processor.save_pretrained(folder)
        return evaluate(HitAtOneArguments(model=folder, dataset=rows, dataset_config="with_markings"))["sets"]


def stock_weights(trained) -> dict:
    """The weights of a stock backbone, from whichever module a contender gave back."""
    for prefix in ("backbone.", "0.model.", "0.auto_model."):
        weights = {
            name.removeprefix(prefix): value for name, value in trained.state_dict().items() if name.startswith(prefix)
        }
        if weights:
            return weights
    return trained.state_dict()


def run(args: QualityArguments) -> dict:
    """All cases; figures are written, and said, as they come."""
    figures: dict = {"arguments": asdict(args), "cases": {}}
    Path(args.output).parent.mkdir(parents=True, exist_ok=True)
    most = {
        kind: max((parse_case(t, 1).negatives for t in args.cases if t.startswith(kind)), default=0) for kind in SETS
    }
    with tempfile.TemporaryDirectory() as work:
        rows = Path(work) / "rows"
        spare = args.num_positives + args.num_positives // 10  # some rows have too few negatives
        build(rows, spare, most["image"], most["text"], args.num_test_rows)
        model = start_model(args, rows, Path(work) / "model")
        for text in args.cases:
            case = parse_case(text, args.batch_size)
            print(f"{case.name}, {args.num_positives} positives")
            for contender in CONTENDERS:
                result = in_own_process(train_and_measure, contender, text, args, str(rows), model)
                figures["cases"].setdefault(case.name, {})[contender.name] = result
                write_text(json.dumps(figures, indent=1), Path(args.output))
                print(f"  {contender.name:<26}" + "; ".join(in_words(name, result[name]) for name in SETS[case.kind]))
    return figures


def in_words(name: str, measured: dict) -> str:
    low, high = measured["interval_95"]
    return f"{name} {measured['accuracy']:.1%} [{low:.1%}, {high:.1%}]"


def main() -> None:
    (args,) = TrlParser(QualityArguments).parse_args_and_config()
    run(args)
    print(f"written to {args.output}")


if __name__ == "__main__":
    run_command(main)
