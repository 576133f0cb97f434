"""A table of ablations: the same training under several conditions and seeds, measured on the candidate sets.

    python -m evaluation.ablation --config evaluation/ablations/negative_types.yaml --model_name_or_path warm
    --dataset_name rows --output_dir runs/ablations/negative_types

The configuration lists conditions, each a set of options of `trainers.train_mmclip` or several such trainings one
after the other; all take the same number of steps from the same model, with the same seeds. With `perturbations`,
every model is also measured on changed figures (`evaluation.robustness`), paired with the clean ones. With `lmm`, its
tower also becomes the eye of an LMM that is tuned and asked, which is what the paper's tables measure; a block of the
configuration, or a YAML file of its own, says how (see `ablation_answers`):

    lmm:
      questions: sft                                     # rows of data_scripts.build_sft
      align: {config: trainers/recipes/align_tiny.yaml, max_steps: 300}
      sft: {config: trainers/recipes/sft_tiny.yaml, max_steps: 300}
      benchmarks: [{benchmark: geoqa, data_dir: GeoQA}]  # if left out, the held-out questions are asked
      blank_images: true                                 # ask once more with the figures blanked

After every run `results.json`, `table.md` and `plot.png` are written anew, with 95% intervals over seeds and test
anchors or questions (see `ablation_table`).

Start it again after a kill, or with more seeds: what is finished is not done again. A run that fails is one line with
its reason, and the others go on.
"""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm
from trl import TrlParser

from data_scripts.cli import require_at_least, run_command
from data_scripts.shards import write_text
from evaluation.ablation_answers import LMM, answer, read_lmm, read_yaml
from evaluation.ablation_runs import (
    Condition,
    check_runs,
    measure,
    measure_robustness,
    measured_before,
    one_line,
    plan,
    read_conditions,
)
from evaluation.ablation_table import markdown_table, plot, summarise, summarise_answers, summarise_robustness
from evaluation.hit_at_1 import HitAtOneArguments
from evaluation.loading import load_rows
from evaluation.perturbations import PERTURBATIONS
from evaluation.results import library_versions, weights_fingerprint, write_json
from trainers.candidate_sets import COLUMNS


@dataclass
class AblationArguments:
    """Train and measure every condition of a table."""

    model_name_or_path: str | None = field(
        default=None,
        metadata={"help": "Folder or Hub id of the model that all start from (required), such as a warmed-up one."},
    )
    dataset_name: str | None = field(
        default=None, metadata={"help": "Folder or Hub id of rows of hard negatives to train on (required)."}
    )
    output_dir: str | None = field(default=None, metadata={"help": "Folder for runs and results (required)."})
    title: str = field(default="Hit@1", metadata={"help": "Heading of the table and the plot."})
    dataset_config: str | None = field(
        default=None, metadata={"help": "Configuration of the data set to train on; a condition may name another one."}
    )
    test_dataset_name: str | None = field(
        default=None, metadata={"help": "Rows to measure on (default: those that are trained on)."}
    )
    test_configs: list[str] | None = field(
        default=None,
        metadata={"help": "Configurations to measure on, one table each (default: the one that is trained on)."},
    )
    test_split: str = field(default="test", metadata={"help": "Split to measure on."})
    max_steps: int = field(default=1000, metadata={"help": "Optimizer steps of every condition, over all its phases."})
    seeds: list[int] = field(default_factory=lambda: [0, 1, 2], metadata={"help": "Seeds of the trainings."})
    training: dict = field(
        default_factory=dict,
        metadata={"help": "Options of trainers.train_mmclip for all trainings (in the --config file)."},
    )
    conditions: list[dict] = field(
        default_factory=list,
        metadata={
            "help": "What is compared, each with a name and options (in the --config file); {dataset_name} in an "
            "option stands for --dataset_name."
        },
    )
    only: list[str] | None = field(
        default=None, metadata={"help": "Names of the conditions to train (default: all of the configuration)."}
    )
    baseline: str | None = field(
        default=None,
        metadata={
            "help": "Condition that differences are taken to (default, or where --only leaves it out: the first)."
        },
    )
    perturbations: list[str] | None = field(
        default=None,
        metadata={
            "help": "Also measure every model on figures changed in these ways (default: none).",
            "choices": list(PERTURBATIONS),
        },
    )
    lmm: dict | str | None = field(
        default=None,
        metadata={
            "help": "How each tower becomes the eye of an LMM that is tuned and asked: a block of the --config file, "
            "or a YAML file of its own (default: it does not)."
        },
    )
    batch_size: int = field(default=64, metadata={"help": "Images or captions encoded at once when measuring."})

    def __post_init__(self) -> None:
        for name in ("model_name_or_path", "dataset_name", "output_dir"):
            if not getattr(self, name):
                raise ValueError(f"--{name} is missing: {self.__dataclass_fields__[name].metadata['help']}")
        require_at_least(self, max_steps=1, batch_size=1)
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"--seeds must be different numbers, at least one, not {self.seeds}")
        if unknown := sorted(set(self.perturbations or ()) - set(PERTURBATIONS)):
            raise ValueError(
                f"unknown perturbations {', '.join(unknown)}: expected some of {', '.join(PERTURBATIONS)}"
            )

    def read_conditions(self) -> list[Condition]:
        """The conditions, with the data set and the options that all trainings share."""
        rows = {"dataset_name": self.dataset_name, "dataset_config": self.dataset_config}
        common = {**rows, "report_to": "none", "disable_tqdm": True, **self.training}
        listed = _filled_in(self.conditions, self.dataset_name)
        found = read_conditions(listed, common, self.max_steps)
        names = [condition.name for condition in found]
        if unknown := sorted(set(self.only or ()) - set(names)):
            raise ValueError(f"--only names no condition {', '.join(unknown)}: they are {', '.join(names)}")
        found = [condition for condition in found if self.only is None or condition.name in self.only]
        if self.baseline is not None and self.baseline not in names:
            raise ValueError(f"--baseline {self.baseline!r} is none of the conditions {', '.join(names)}")
        return found

    def read_lmm(self) -> LMM | None:
        """How towers are made into LMMs and what those are asked, if they are."""
        if not self.lmm:
            return None
        block = read_yaml(self.lmm) if isinstance(self.lmm, str) else self.lmm
        return read_lmm(_filled_in(block, self.dataset_name), self.dataset_name, self.dataset_config)

    def tests(self) -> dict[str, HitAtOneArguments]:
        """What every model is measured on, by name."""
        rows = self.test_dataset_name or self.dataset_name
        return {
            config or "test": HitAtOneArguments(
                model="", dataset=rows, split=self.test_split, dataset_config=config, batch_size=self.batch_size
            )
            for config in (self.test_configs or [self.dataset_config])
        }


def _filled_in(value: Any, dataset_name: str) -> Any:
    """Conditions with `{dataset_name}` replaced in every string."""
    if isinstance(value, dict):
        return {key: _filled_in(part, dataset_name) for key, part in value.items()}
    if isinstance(value, list):
        return [_filled_in(part, dataset_name) for part in value]
    return value.replace("{dataset_name}", dataset_name) if isinstance(value, str) else value


@dataclass
class Findings:
    """What the runs gave so far, by condition and seed."""

    hits: dict[tuple[str, int], dict] = field(default_factory=dict)  # see `measure`
    changed: dict[tuple[str, int], dict] = field(default_factory=dict)  # see `measure_robustness`
    answers: dict[tuple[str, int], dict] = field(default_factory=dict)  # see `answer`
    failed: list[dict] = field(default_factory=list)


def ablate(args: AblationArguments) -> dict:
    """Train and measure; returns the content of `results.json`.

    Raises:
        ValueError: before the first training, if conditions are not what `trainers.train_mmclip` takes, stages of
            an LMM not what `trainers.train_mmgeolm` takes, or there is nothing to measure on.
    """
    conditions, base, tests = args.read_conditions(), args.model_name_or_path, args.tests()
    runs = plan(conditions, args.seeds, base, Path(args.output_dir), every_seed=bool(args.lmm))
    check_runs(runs, base)
    for test in tests.values():
        load_rows(test.dataset, test.split, COLUMNS, test.dataset_config)
    lmm, found = args.read_lmm(), Findings()
    with tqdm(total=sum(run.steps for run in runs), unit="step", desc=args.title, dynamic_ncols=True) as bar:
        for run in runs:
            bar.set_postfix_str(f"{run.condition.name}, seed {run.seed}")
            key, before = (run.condition.name, run.seed), bar.n
            new = len(measured_before(run, tests)) < len(tests) or (lmm is not None and not lmm.answered(run))
            try:
                if run.condition.phases or run.seed == args.seeds[0]:  # without training all seeds have one model
                    found.hits[key] = measure(run, base, tests, bar.update)
                    found.changed[key] = measure_robustness(run, base, tests, args.perturbations or ())
                if lmm is not None:
                    found.answers[key] = answer(run, base, lmm)
            except (Exception, SystemExit) as error:
                found.failed.append({"condition": run.condition.name, "seed": run.seed, "reason": one_line(error)})
                bar.write(f"failed: {run.condition.name}, seed {run.seed}: {found.failed[-1]['reason']}")
            bar.update(before + run.steps - bar.n)  # what a failed run leaves undone
            if new or args.perturbations or run is runs[-1]:
                result = write_results(args, conditions, found)
    return result


def write_results(args: AblationArguments, conditions: list[Condition], found: Findings) -> dict:
    """Write `results.json`, `table.md` and `plot.png` of what is measured so far."""
    folder = Path(args.output_dir)
    names = [condition.name for condition in conditions]
    baseline = args.baseline if args.baseline in names else names[0]
    result = {
        "measure": "ablation",
        "title": args.title,
        "arguments": asdict(args),
        "model_fingerprint": weights_fingerprint(args.model_name_or_path),
        "baseline": baseline,
        "conditions": [asdict(condition) for condition in conditions],
        "tests": {
            test: summarise({key: sets[test]["sets"] for key, sets in found.hits.items()}, conditions, baseline)
            for test in args.tests()
        },
        "robustness": {
            test: summarise_robustness({key: of[test] for key, of in found.changed.items()}, conditions)
            for test in (args.tests() if args.perturbations else ())
        },
        "answers": summarise_answers(found.answers, conditions, baseline),
        "failed": found.failed,
        "versions": library_versions(),
    }
    write_json(folder / "results.json", result)
    write_text(markdown_table(result), folder / "table.md")
    if found.hits or found.answers:
        plot(result, folder / "plot.png")
    return result


def main() -> None:
    (args,) = TrlParser(AblationArguments).parse_args_and_config()
    result = ablate(args)
    print(markdown_table(result))
    print(f"written to {args.output_dir}: results.json, table.md, plot.png")
    if result["failed"]:
        raise ValueError(f"{len(result['failed'])} runs failed, see above; the same command tries them again")


if __name__ == "__main__":
    run_command(main)
