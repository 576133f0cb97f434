"""Third stage of MMGeoLM: reinforcement with rewards that can be verified, by TRL's GRPOTrainer.

    python -m trainers.reinforce_mmgeolm --config trainers/recipes/grpo_tiny.yaml --model_name_or_path M \
        --dataset_name Q --figures F --output_dir O

The model answers each question several times, and what was better than its own average is made likelier (GRPO,
arXiv 2402.03300). `Q` are questions with their answers (`data_scripts.build_sft`), judged by value; `F` are figures
with their facts (`data_scripts.build_hard_negatives`), about which questions of perception are asked whose truth the
figure knows. Either may be left out. The rewards of each function are logged, and drawn in `reward_curves.png`.

This goes beyond the paper. As in every stage, the command goes on from its last checkpoint when started again.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pyarrow.compute as pc
from datasets import Dataset, Features, Image, List, Value, concatenate_datasets
from transformers import set_seed
from transformers.processing_utils import ProcessorMixin
from transformers.utils import logging
from trl import GRPOConfig, GRPOTrainer, TrlParser

from data_scripts.cli import require_at_least, run_command
from data_scripts.diagram import Diagram
from data_scripts.encoded_images import undecoded
from data_scripts.perception import ask_about

from .answer_collator import as_messages
from .hub import HubReady
from .lora import save_trained
from .mmgeolm_config import FreezeArguments, ModelArguments, check_model, compute_type, lora_config
from .mmgeolm_model import (
    freeze,
    hold_in_float32,
    load_model,
    load_processor,
    match_computation,
    reader_of_base,
)
from .precision import choose_bf16
from .reward_curves import RewardCurves
from .rewards import ANSWER, REWARDS
from .rows import check_columns, decode_image, load_split
from .run import train

logger = logging.get_logger(__name__)

TEXT = Value("string")
FEATURES = Features(
    {
        "images": List(Image()),
        "prompt": List({"role": TEXT, "content": TEXT}),
        "answer": TEXT,
        "judged_as": TEXT,
        "kind": TEXT,
    }
)


@dataclass
class QuestionArguments:
    """Which questions to ask."""

    dataset_name: str | None = field(
        default=None, metadata={"help": "Hub id or folder of questions with `prompt`, `images` and `answer`."}
    )
    dataset_config: str | None = field(default=None, metadata={"help": "Its configuration, if it has several."})
    figures: str | None = field(
        default=None,
        metadata={"help": "Hub id or folder of figures with `image` and `facts`, for questions of perception."},
    )
    figures_config: str | None = field(default=None, metadata={"help": "Its configuration, if it has several."})
    questions_per_figure: int = field(default=2, metadata={"help": "Questions of perception asked of each figure."})
    train_split: str = field(default="train", metadata={"help": "Split to train on, of both."})
    max_train_rows: int | None = field(default=None, metadata={"help": "Use the first rows only, of each."})


@dataclass
class ReinforceConfig(FreezeArguments, GRPOConfig):
    """TRL's `GRPOConfig` with the defaults that suit figures."""

    output_dir: str | None = field(
        default="runs/mmgeolm-grpo", metadata={"help": "Where everything this run makes goes."}
    )
    reward_weights: list[float] | None = field(
        default_factory=lambda: [1.0, 1.0, 0.1],
        metadata={"help": "Weights of the rewards: for the answer, for what was read off the figure, for one box."},
    )
    max_completion_length: int | None = field(default=256, metadata={"help": "Longest answer, in tokens."})
    activation_checkpointing: bool | None = field(
        default=None, metadata={"help": "Save memory by computing activations twice; worth it for large models."}
    )
    gradient_checkpointing: bool | None = field(default=None, metadata={"help": "Older name of the same."})
    bf16: bool | None = field(
        default=None,
        metadata={"help": "Compute in bfloat16; by default where the hardware has it, unless --use_cpu is given."},
    )

    def __post_init__(self) -> None:
        if len(self.reward_weights or REWARDS) != len(REWARDS):
            raise ValueError(
                f"--reward_weights wants {len(REWARDS)} numbers, for {', '.join(r.__name__ for r in REWARDS)}; "
                f"got {len(self.reward_weights)}."
            )
        self.freeze_language_model = bool(self.freeze_language_model)
        choose_bf16(self)
        super().__post_init__()
        self.dataloader_pin_memory &= self.device.type != "cpu"


class ReinforceTrainer(HubReady, GRPOTrainer):
    """TRL's trainer, whose folders and pushes hold what the Hub takes and no pickle."""

    def _generate_single_turn(self, *args: Any, **kwargs: Any) -> tuple:
        # Where what is trained is held in float32, only autocast brings it together with the rest.
        with self.accelerator.autocast():
            return super()._generate_single_turn(*args, **kwargs)


def question_batch(rows: dict[str, list]) -> dict[str, list]:
    """A batch of worked questions as GRPO rows; those without a readable image are left out."""
    made: dict[str, list] = {name: [] for name in FEATURES}
    kinds = rows.get("kind") or [ANSWER] * len(rows["answer"])
    for images, prompt, answer, kind in zip(rows["images"], rows["prompt"], rows["answer"], kinds, strict=True):
        if images and all(decode_image(image) is not None for image in images):
            _add(made, images, as_messages(prompt, "user"), answer, ANSWER, kind)
    return made


def perception_batch(rows: dict[str, list], numbers: list[int], number: int, seed: int) -> dict[str, list]:
    """Questions of perception about a batch of figures as GRPO rows. The draw follows from the place of the row."""
    made: dict[str, list] = {name: [] for name in FEATURES}
    for place, image, facts in zip(numbers, rows["image"], rows["facts"], strict=True):
        try:
            diagram = Diagram.from_json(facts)
        except ValueError:
            continue
        if decode_image(image) is None:
            continue
        for asked in ask_about(diagram, number, np.random.default_rng([seed, place])):
            _add(made, [image], as_messages(asked.prompt, "user"), asked.answer, asked.judged_as, asked.kind)
    return made


def _add(made: dict[str, list], *values: Any) -> None:
    for name, value in zip(FEATURES, values, strict=True):
        made[name].append(value)


def load_questions(data: QuestionArguments, seed: int) -> Dataset:
    """All questions to train on, those of both kinds.

    Raises:
        ValueError: if none is named, or they are missing, lack columns, or not one can be used.
    """
    require_at_least(data, questions_per_figure=1)
    parts = list(_parts(data, seed))
    if not parts:
        raise ValueError(
            "Name what to ask: --dataset_name (questions with answers), --figures (figures with facts), or both."
        )
    return concatenate_datasets(parts)


def _parts(data: QuestionArguments, seed: int) -> Iterator[Dataset]:
    perception = partial(perception_batch, number=data.questions_per_figure, seed=seed)
    for name, config, needed, make, by_place in (
        (data.dataset_name, data.dataset_config, ("prompt", "images", "answer"), question_batch, False),
        (data.figures, data.figures_config, ("image", "facts"), perception, True),
    ):
        if name is None:
            continue
        rows = load_split(name, data.train_split, config, data.max_train_rows)
        check_columns(rows, needed, f"The data set {name}")
        rows = undecoded(rows.select_columns([c for c in (*needed, "kind") if c in rows.column_names]))
        asked = rows.map(
            make,
            batched=True,
            batch_size=100,
            with_indices=by_place,
            remove_columns=rows.column_names,
            features=FEATURES,
            desc=f"Questions from {name}",
        )
        if len(asked) == 0:
            raise ValueError(f"Not one row of {name} has a readable image to ask about: check its columns.")
        logger.info(f"{len(asked)} questions from {len(rows)} rows of {name}")
        yield asked


def check_blank_tokens(processor: ProcessorMixin, questions: Dataset) -> None:
    """Refuse questions on several images if the tokens of blank patches are left out.

    TRL cuts the mask of the tokens left by questions and not by images.

    Raises:
        ValueError: with the way out.
    """
    most = pc.max(pc.list_value_length(questions.data.column("images"))).as_py()
    if processor.drop_blank_tokens and most > 1:
        raise ValueError(
            "With the tokens of blank patches left out, a question can be trained on only if it has one image: leave "
            "out the questions that have several, or set drop_blank_tokens to false in processor_config.json."
        )


def main(arguments: list[str] | None = None) -> None:
    """Run the command; `arguments` default to those of the command line."""
    parser = TrlParser((ModelArguments, QuestionArguments, ReinforceConfig))
    model_arguments, data, args = parser.parse_args_and_config(arguments)
    check_model(model_arguments, args)
    set_seed(args.seed)
    questions = load_questions(data, args.seed)
    processor = load_processor(model_arguments)
    check_blank_tokens(processor, questions)
    model = load_model(model_arguments, processor, compute_type(args))
    freeze(model, args.frozen)
    lora = lora_config(model_arguments, args)
    hold_in_float32(model, args, lora is not None)
    trainer = ReinforceTrainer(
        model=model,
        reward_funcs=list(REWARDS),
        args=args,
        train_dataset=questions,
        processing_class=processor,
        peft_config=lora,
        callbacks=[RewardCurves()],
    )
    match_computation(trainer)
    train(trainer, str)
    save_trained(trainer, model_arguments, reader_of_base(model_arguments, processor))


if __name__ == "__main__":
    run_command(main)
