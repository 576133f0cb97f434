"""The runs of an ablation: a condition trained with a seed, phase after phase, and measured on the candidate sets.

Each training is `trainers.train_mmclip` with the options that its condition names. Promises: what is finished is never
done again, whatever killed the ablation in between, and a training that was cut off goes on from its last checkpoint;
a run's folder is named by everything that decides on its result, so other options or other data never meet it.
"""

import contextlib
import gc
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback
from trl import TrlParser

from evaluation.hit_at_1 import HitAtOneArguments, evaluate
from evaluation.results import weights_fingerprint, write_json
from evaluation.robustness import RobustnessArguments
from evaluation.robustness import evaluate as evaluate_robustness
from trainers.data_arguments import DataArguments
from trainers.hard_negative_config import HardNegativeConfig
from trainers.scratch import ScratchConfig
from trainers.train_mmclip import ModelArguments
from trainers.train_mmclip import main as train_mmclip

OURS = ("output_dir", "max_steps", "seed", "model_name_or_path", "config")  # options no condition may set
WEIGHTS = "model.safetensors*"


@dataclass(frozen=True)
class Phase:
    """One training: its options, and how many of the run's steps it takes."""

    options: Mapping[str, Any]
    steps: int


@dataclass(frozen=True)
class Condition:
    """What is compared: a name for tables, and the trainings that make it. Without any it is the base model itself."""

    name: str
    phases: tuple[Phase, ...]


@dataclass(frozen=True)
class Run:
    """A condition with a seed, and the folder that holds all of it."""

    condition: Condition
    seed: int
    folder: Path

    @property
    def steps(self) -> int:
        return sum(phase.steps for phase in self.condition.phases)

    def phase_folder(self, number: int) -> Path:
        return self.folder / f"phase-{number + 1}"

    def model(self, base: str) -> str:
        """Where the model of this run is, once it is trained."""
        return str(self.phase_folder(len(self.condition.phases) - 1)) if self.condition.phases else base


def read_conditions(conditions: Sequence[Mapping[str, Any]], common: Mapping[str, Any], steps: int) -> list[Condition]:
    """Conditions as a configuration file lists them: `name`, and options of `trainers.train_mmclip`.

    A condition of several trainings lists them under `phases`, each with its options and its `share` of the steps
    (equal shares if not given); an empty list trains nothing.

    Args:
        conditions: what the file lists.
        common: options of all trainings, which a condition may replace.
        steps: optimizer steps of every condition.

    Raises:
        ValueError: naming the condition, if a name is missing or given twice, an option is unknown or not for it to
            set, shares do not add up to 1, or a phase has no step.
    """
    result: list[Condition] = []
    for number, entry in enumerate(conditions, 1):
        if not isinstance(entry, Mapping) or not entry.get("name"):
            raise ValueError(f"condition number {number} has no name: give it one, as in `- name: image only`")
        name, options = str(entry["name"]), {key: value for key, value in entry.items() if key != "name"}
        if slug(name) in [slug(other.name) for other in result]:
            raise ValueError(f"there are two conditions {name!r}: their folders and rows could not be told apart")
        listed = options.pop("phases", [{}])
        phases = []
        for phase in listed:
            chosen = dict(common) | options | {key: value for key, value in phase.items() if key != "share"}
            _check_options(chosen, name)
            phases.append((chosen, float(phase.get("share", 1 / len(listed)))))
        if listed and abs(sum(share for _, share in phases) - 1) > 1e-6:
            raise ValueError(f"the shares of condition {name!r} must add up to 1")
        result.append(Condition(name, tuple(_with_steps(phases, steps, name))))
    if not result:
        raise ValueError("there are no conditions to compare: list them in the --config file")
    return result


def _with_steps(phases: Sequence[tuple[dict, float]], steps: int, name: str) -> list[Phase]:
    """Phases with whole numbers of steps that add up to `steps`."""
    made, before, given = [], 0.0, 0
    for options, share in phases:
        before += share
        until = round(before * steps)
        if until <= given:
            raise ValueError(f"a phase of condition {name!r} has no step: raise max_steps or its share")
        made.append(Phase(options, until - given))
        given = until
    return made


def _check_options(options: Mapping[str, Any], name: str) -> None:
    known = {
        field
        for arguments in (ModelArguments, DataArguments, HardNegativeConfig)
        for field in arguments.__dataclass_fields__
    }
    if taken := sorted(set(options) & set(OURS)):
        raise ValueError(f"condition {name!r} sets {', '.join(taken)}, which the ablation itself gives every run")
    if unknown := sorted(set(options) - known):
        raise ValueError(f"condition {name!r} sets {', '.join(unknown)}, which trainers.train_mmclip does not know")


def slug(name: str) -> str:
    """A name for folders."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "condition"


def fingerprint(place: str) -> str:
    """What tells the content behind a folder from another one of that name: its files and their sizes; else itself."""
    folder = Path(place)
    if not folder.is_dir():
        return place
    files = sorted(p for p in folder.rglob("*") if p.suffix in (".parquet", ".arrow") and ".build" not in p.parts)
    listed = [(str(p.relative_to(folder)), p.stat().st_size) for p in files]
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()[:16]


def digest_of(decides: Any) -> str:
    """Short hash of everything that decides on a result, to name its folder by."""
    return hashlib.sha256(json.dumps(decides, sort_keys=True, default=str).encode()).hexdigest()[:16]


def plan(
    conditions: Sequence[Condition], seeds: Sequence[int], base: str, folder: Path, every_seed: bool = False
) -> list[Run]:
    """All runs, seed by seed, so that an ablation that is cut short has every condition with fewer seeds.

    Args:
        conditions: what is compared. One without training has one run, since every seed would give the same model.
        seeds: of the trainings.
        base: the model that all start from.
        folder: of the ablation.
        every_seed: give conditions without training a run per seed as well, for what comes after the model.
    """
    runs = []
    for seed in seeds:
        for condition in conditions:
            if not (condition.phases or every_seed or seed == seeds[0]):
                continue
            data = [fingerprint(str(phase.options["dataset_name"])) for phase in condition.phases]
            decides = {
                "phases": [asdict(phase) for phase in condition.phases],
                "base": weights_fingerprint(base) or base,
                "data": data,
            }
            where = folder / "runs" / f"{slug(condition.name)}-{digest_of(decides)[:10]}" / f"seed-{seed}"
            runs.append(Run(condition, seed, where))
    return runs


def arguments_of(phase: Phase, seed: int, model: str, output: Path) -> list[str]:
    """The command line of `trainers.train_mmclip` for a phase."""
    options = dict(phase.options) | {
        "model_name_or_path": model,
        "output_dir": str(output),
        "max_steps": phase.steps,
        "seed": seed,
    }
    return as_words(options)


def as_words(options: Mapping[str, Any]) -> list[str]:
    """Options as a command line has them; those that are None are left to their defaults."""
    words: list[str] = []
    for name, value in options.items():
        if value is None:
            continue
        if isinstance(value, (list, tuple)):
            words += [f"--{name}", *map(str, value)]
        else:
            words.append(f"--{name}={json.dumps(value) if isinstance(value, dict) else value}")
    return words


def check_runs(runs: Sequence[Run], base: str) -> None:
    """Refuse options that contradict each other before the first training.

    Raises:
        ValueError: naming the condition.
    """
    for condition in {run.condition.name: run.condition for run in runs}.values():
        for number, phase in enumerate(condition.phases):
            arguments = arguments_of(phase, 0, base, Path(f"phase-{number + 1}"))
            parser = TrlParser((ModelArguments, DataArguments, ScratchConfig, HardNegativeConfig), exit_on_error=False)
            try:
                parser.parse_args_and_config(arguments)
            except (Exception, SystemExit) as error:
                raise ValueError(f"condition {condition.name!r}: {error}") from error


def one_line(error: BaseException) -> str:
    """Why a run failed, in a line."""
    said = " ".join(str(error).split())[:300]
    return said if isinstance(error, ValueError) and said else f"{type(error).__name__}: {said}".rstrip(": ")


class Progress(TrainerCallback):
    """Tells how many steps of the run are done, those of earlier sessions included."""

    def __init__(self, advance: Callable[[int], Any]) -> None:
        self.advance, self.seen = advance, 0

    def on_train_begin(self, args, state, control, **kwargs):
        self._tell(state.global_step)

    def on_step_end(self, args, state, control, **kwargs):
        self._tell(state.global_step)

    def _tell(self, step: int) -> None:
        self.advance(step - self.seen)
        self.seen = step


def train(run: Run, base: str, advance: Callable[[int], Any]) -> str:
    """Train what is not trained yet; the folder of the model.

    What the trainings print goes to `log.txt` beside the models.

    Args:
        run: what to train.
        base: the model to start from.
        advance: told how many steps were done, or found done.
    """
    model = base
    for number, phase in enumerate(run.condition.phases):
        output = run.phase_folder(number)
        finished = output / "finished.json"
        if finished.is_file() and list(output.glob(WEIGHTS)):
            advance(phase.steps)
        else:
            output.mkdir(parents=True, exist_ok=True)
            arguments = arguments_of(phase, run.seed, model, output)
            with heavy_work(run):
                train_mmclip(arguments, [Progress(advance)])
            write_json(finished, {"arguments": arguments, "steps": phase.steps})
        model = str(output)
    return model


@contextlib.contextmanager
def heavy_work(run: Run) -> Iterator[None]:
    """What is said inside goes to `log.txt` of the run, and the memory it took is free afterwards."""
    run.folder.mkdir(parents=True, exist_ok=True)
    with (
        open(run.folder / "log.txt", "a", encoding="utf-8") as log,
        contextlib.redirect_stdout(log),
        contextlib.redirect_stderr(log),
    ):
        yield
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def measure(run: Run, base: str, tests: Mapping[str, HitAtOneArguments], advance: Callable[[int], Any]) -> dict:
    """Hit@1 of a run on every test, from its folder where it was measured before; trains first where needed.

    Args:
        run: which one.
        base: the model that trainings start from.
        tests: by name; the model is filled in.
        advance: told how many steps were done.
    """
    results = measured_before(run, tests)
    if len(results) == len(tests):
        advance(run.steps)
        return results
    model = train(run, base, advance)
    for name, arguments in tests.items():
        if name not in results:
            with heavy_work(run):
                result = evaluate(replace(arguments, model=model, keep_hits=True))
            results[name] = result | {"test_fingerprint": _test(arguments)}
            write_json(_result_file(run, name), results[name])
    return results


def measure_robustness(
    run: Run, base: str, tests: Mapping[str, HitAtOneArguments], perturbations: Sequence[str]
) -> dict[str, dict]:
    """What a trained run loses on changed figures of every test, by `evaluation.robustness`, which keeps what is done.

    Args:
        run: which one.
        base: the model that trainings start from.
        tests: by name.
        perturbations: names of those to measure; none if empty.

    Returns:
        The perturbations of its result by test, with the hits of every anchor, changed and clean.
    """
    results = {}
    for name, test in tests.items() if perturbations else ():
        folder = run.folder / f"robustness-{slug(name)}-{_test(test)}"
        there = folder / "results.json"
        found = json.loads(there.read_text(encoding="utf-8"))["perturbations"] if there.is_file() else {}
        if not set(perturbations) <= found.keys():
            arguments = RobustnessArguments(
                model=run.model(base),
                dataset=test.dataset,
                dataset_config=test.dataset_config,
                split=test.split,
                perturbations=list(perturbations),
                num_candidates=test.num_candidates,
                batch_size=test.batch_size,
                output_dir=str(folder),
                keep_hits=True,
            )
            with heavy_work(run):
                found = evaluate_robustness(arguments)["perturbations"]
        results[name] = {perturbation: found[perturbation] for perturbation in perturbations}
    return results


def measured_before(run: Run, tests: Mapping[str, HitAtOneArguments]) -> dict[str, dict]:
    """The results that a run's folder holds of these tests, by name."""
    results = {}
    for name, arguments in tests.items():
        path = _result_file(run, name)
        if path.is_file() and (there := json.loads(path.read_text())).get("test_fingerprint") == _test(arguments):
            results[name] = there
    return results


def _result_file(run: Run, test: str) -> Path:
    return run.folder / f"hit_at_1-{slug(test)}.json"


def _test(arguments: HitAtOneArguments) -> str:
    """What tells one test from another: the rows, and how they are asked about."""
    decides = asdict(arguments) | {"dataset": fingerprint(arguments.dataset)}
    for other in ("model", "output", "batch_size", "keep_hits", "trust_remote_code"):
        decides.pop(other)
    return digest_of(decides)
