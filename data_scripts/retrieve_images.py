"""Rows with retrieved figures as image negatives, instead of edits of the row's own figure.

    python -m data_scripts.retrieve_images --dataset rows --output_dir rows-retrieved

To compare both kinds of image negatives (`evaluation/ablations/image_negatives.yaml`): edited figures differ from the
positive in one thing, retrieved ones are other figures whose captions resemble its caption. Everything else stays as
it is. A retrieved figure is kept where coordinates prove both that its caption is false of the positive and that the
positive's caption is false of it, as for edits; what is not proven is left out and counted in `build_report.json`.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path

from datasets import Dataset, get_dataset_config_names
from tqdm.auto import tqdm
from trl import TrlParser

from .assemble import Assembly, remove_work
from .build_options import options_for_rows, refuse_same_folder
from .cli import require_at_least, run_command
from .decontamination.items import open_splits
from .diagram import Diagram
from .negatives.image import first_false
from .rows import FEATURES, VERIFIED
from .shards import fingerprint, write_parquet

VERSION = 1
SHARD = 1024  # rows of a file
EDIT = "retrieved"  # the kind of edit that a figure of another row stands for

CARD = """---
tags:
- geometry
- hard-negatives
{data_files}
---

# Geometry figures with retrieved figures as image negatives

Made of other rows by `data_scripts.retrieve_images`: the image negatives of a figure are the figures whose captions
were retrieved for it. `build_report.json` counts what was kept and what was dropped.
"""


@dataclass
class RetrieveImagesArguments:
    """Which rows to take, and where to put the new ones."""

    dataset: str = field(metadata={"help": "Folder or Hub id of rows of data_scripts.build_hard_negatives."})
    output_dir: str = field(metadata={"help": "Folder for the data set."})
    num_image_negatives: int = field(default=10, metadata={"help": "Retrieved figures per row, at most."})

    def __post_init__(self) -> None:
        require_at_least(self, num_image_negatives=1)
        refuse_same_folder(self, "dataset")


def with_retrieved_images(rows: Dataset, most: int, dropped: Counter[str]) -> Iterator[dict]:
    """The rows with up to `most` retrieved figures as image negatives, in the order of their retrieved captions.

    Args:
        rows: of one split, images still encoded; retrieved captions are of the same split.
        most: figures per row.
        dropped: counts what is left out, by reason.

    Raises:
        ValueError: if the rows lack a column.
    """
    if missing := sorted({"retrieved_ids", "facts", "script", "image", "caption"} - set(rows.column_names)):
        raise ValueError(f"the rows lack {', '.join(missing)}: build them with data_scripts.build_hard_negatives")
    places = {row_id: place for place, row_id in enumerate(rows["id"])}
    facts, others = rows["facts"], rows.select_columns(["image", "caption", "script"])

    @lru_cache(maxsize=1024)
    def diagram(place: int) -> Diagram:
        return Diagram.from_json(facts[place])

    for place, row in enumerate(rows):
        found = []
        for row_id in row["retrieved_ids"]:
            if len(found) == most:
                break
            if (other := places.get(row_id)) is None:
                dropped["retrieved image: its row is not there"] += 1
            elif any(first_false(diagram(a).facts, diagram(b)) is None for a, b in ((place, other), (other, place))):
                dropped["retrieved image: not proven false both ways"] += 1
            else:
                found.append(others[other])
        yield {**row, **_columns(found)}


def _columns(found: list[Mapping]) -> dict[str, list]:
    return {
        "negative_images": [other["image"] for other in found],
        "negative_captions": [other["caption"] for other in found],
        "negative_scripts": [other["script"] for other in found],
        "negative_edits": [EDIT] * len(found),
        "negative_grades": [VERIFIED] * len(found),
    }


def build(args: RetrieveImagesArguments) -> dict:
    """Write the data set and return the report written beside it.

    Raises:
        ValueError: if the rows cannot be read, or none has a retrieved figure that is proven to be a negative.
    """
    try:
        configs = get_dataset_config_names(args.dataset)
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot load the data set {args.dataset}: {str(error).rstrip('.')}") from error
    key = fingerprint({**asdict(args), "version": VERSION})
    assembly = Assembly(Path(args.output_dir), key, dict.fromkeys(configs, FEATURES))
    remove_work(assembly.staging)
    counts: dict[str, dict] = {}
    for config in configs:
        folder = assembly.staging / config
        folder.mkdir(parents=True, exist_ok=True)
        for split, rows in open_splits(args.dataset, streaming=False, config=config)[0].items():
            dropped: Counter[str] = Counter()
            made = tqdm(
                with_retrieved_images(rows, args.num_image_negatives, dropped), f"{config} {split}", total=len(rows)
            )
            kept = _write(made, folder, split, len(rows))
            counts.setdefault(config, {})[split] = {
                "kept": {"rows": len(rows), "image negatives": kept},
                "dropped": dict(sorted(dropped.items())),
            }
    if not any(split["kept"]["image negatives"] for splits in counts.values() for split in splits.values()):
        remove_work(assembly.work)
        raise ValueError(f"no row of {args.dataset} has retrieved captions whose figures are negatives")
    arguments = options_for_rows(args, places=("dataset",))
    return assembly.publish({"arguments": arguments, "version": VERSION, "configs": counts}, CARD)


def _write(rows: Iterator[dict], folder: Path, split: str, number: int) -> int:
    """Write the rows of a split; how many image negatives they have."""
    files, kept, block = -(-number // SHARD), 0, []
    for place, row in enumerate(rows, 1):
        block.append(row)
        kept += len(row["negative_images"])
        if len(block) == SHARD or place == number:
            name = f"{split}-{(place - 1) // SHARD:05d}-of-{files:05d}.parquet"
            write_parquet(block, FEATURES, folder / name)
            block = []
    return kept


def main() -> None:
    (args,) = TrlParser(RetrieveImagesArguments).parse_args_and_config()
    report = build(args)
    for config, splits in report["configs"].items():
        for split, counts in splits.items():
            kept, dropped = counts["kept"], sum(counts["dropped"].values())
            print(
                f"{config} {split}: {kept['rows']} rows, {kept['image negatives']} image negatives; {dropped} dropped"
            )
    print(f"written to {args.output_dir}")


if __name__ == "__main__":
    run_command(main)
