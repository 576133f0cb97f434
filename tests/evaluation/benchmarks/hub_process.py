"""Child of test_hub.py: puts benchmarks on the loopback Hub as they are published, then reads them by their Hub ids.

Takes a folder for the layouts; prints JSON: for each benchmark the ids of its items, in order, with a digest of their
images.
"""

import contextlib
import hashlib
import json
import sys
from pathlib import Path

from datasets import Dataset, DatasetDict, Features, Image, List, Value
from huggingface_hub import HfApi

from evaluation.benchmarks import BENCHMARKS, Item
from tests.data_scripts.sources.layouts import picture
from tests.evaluation.benchmarks import layouts


def pixels(number: int) -> dict:
    return {"bytes": picture(number), "path": None}


def push_we_math() -> None:
    rows = [row for steps in (2, 3) for row in layouts.we_math_rows(1, steps)]
    rows = [row | {"image_path": pixels(index)} for index, row in enumerate(rows)]
    Dataset.from_list(rows).cast_column("image_path", Image()).push_to_hub("own/we_math", split="testmini")


def push_mathvista() -> None:
    rows = [row | {"decoded_image": pixels(int(row["pid"]))} for row in layouts.mathvista_rows()]
    rows = Dataset.from_list(rows).cast_column("decoded_image", Image())
    DatasetDict(testmini=rows, test=rows).push_to_hub("own/mathvista")


def push_visonlyqa(folder: Path) -> None:
    layouts.visonlyqa(folder)
    text = ("question", "answer", "image_path", "image_category", "task_category", "question_type", "source", "id")
    features = Features({name: Value("string") for name in text})
    features |= {"response_options": List(Value("string")), "decoded_image": Image()}
    splits = {}
    for index, task in enumerate(("triangle", "quadrilateral", "length", "angle", "area", "diameter_radius")):
        row = layouts.visonlyqa_row(index, "geometry", task, f"{task}: true or false?", ["True", "False"], "True")
        row = {name: row.get(name) for name in features} | {"decoded_image": pixels(index)}
        splits[f"geometry__{task}"] = Dataset.from_list([row], features=Features(features))
    splits["charts__extraction"] = splits["geometry__angle"]
    DatasetDict(splits).push_to_hub("own/visonlyqa")


def push_mm_math(folder: Path) -> None:
    HfApi().create_repo("own/mm_math", repo_type="dataset")
    HfApi().upload_folder(folder_path=layouts.mm_math(folder), repo_id="own/mm_math", repo_type="dataset")


def told(item: Item) -> list[str]:
    content = b"".join(image["bytes"] or b"unreadable" for image in item.images)
    return [item.id, item.answer, hashlib.sha256(content).hexdigest()[:8]]


def main() -> None:
    folder, found = Path(sys.argv[1]), {}
    with contextlib.redirect_stdout(sys.stderr):
        push_we_math()
        push_mathvista()
        push_visonlyqa(folder / "visonlyqa")
        push_mm_math(folder / "mm_math")
        for name in ("we_math", "mathvista", "visonlyqa", "mm_math"):
            found[name] = [told(item) for item in BENCHMARKS[name].read(f"own/{name}")]
        try:
            list(BENCHMARKS["we_math"].read("own/nothing"))
        except ValueError as error:
            found["missing"] = str(error)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
