"""Which rows a training takes: its arguments, and the rows they name."""

from dataclasses import dataclass, field

from datasets import Dataset

from .rows import load_split


@dataclass
class DataArguments:
    """Which rows to train on."""

    dataset_name: str | None = field(default=None, metadata={"help": "Hub id or folder of the rows (required)."})
    dataset_config: str | None = field(
        default=None, metadata={"help": "Its configuration, if it has several: for example letters_only."}
    )
    train_split: str = field(default="train", metadata={"help": "Split to train on."})
    eval_split: str = field(
        default="test", metadata={"help": "Split to evaluate on, with --do_eval or an --eval_strategy."}
    )
    max_train_rows: int | None = field(default=None, metadata={"help": "Train on the first rows only."})
    max_eval_rows: int | None = field(default=None, metadata={"help": "Evaluate on the first rows only."})


def named_rows(data: DataArguments, do_eval: bool) -> list[Dataset]:
    """Training rows and, if asked for, evaluation rows, as they are stored.

    Raises:
        ValueError: if no data set is named, or it or a split is missing or empty.
    """
    if data.dataset_name is None:
        raise ValueError("Name the rows to train on: --dataset_name, a Hub id or a folder as data_scripts writes it.")
    parts = [(data.train_split, data.max_train_rows)]
    parts += [(data.eval_split, data.max_eval_rows)] if do_eval else []
    return [load_split(data.dataset_name, split, data.dataset_config, max_rows) for split, max_rows in parts]
