"""Answers of an ablation: the tower of every run becomes the eye of an LMM, which is tuned and asked.

That is what the paper's tables measure (MMGeoLM, arXiv 2505.20152). The block `lmm` of a configuration, or the YAML
file that `--lmm` names, says how:

    questions: sft               # rows of data_scripts.build_sft: to tune on, and to be asked from the held-out ones
    llm: embedded                # the language model, if not the one that the recipe of `align` names
    align: {config: trainers/recipes/align_tiny.yaml, max_steps: 300}  # options of trainers.train_mmgeolm
    sft: {config: trainers/recipes/sft_tiny.yaml, max_steps: 300}      # the same
    answers: {max_rows: 500, max_new_tokens: 128}    # options of evaluation.answer_accuracy
    benchmarks: [{benchmark: geoqa, data_dir: GeoQA}]  # each with options of evaluation.run_benchmark
    blank_images: true           # ask everything again with white paper in place of the figures
    keep_models: false           # remove an LMM's weights once it has answered

`align` trains on the rows of the ablation unless it names others. Without benchmarks the held-out questions are asked;
with some, only if `answers` is there, too. All LMMs take the same rows, steps and order: the seed of a run is that of
its LMM, so the base tower has one per seed. The accuracy is that on all questions asked. Promises are those of
`ablation_runs`: what is finished is never done again, and folders are named by everything that decides on the result.
"""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from trl import TrlParser

from evaluation import answer_accuracy, run_benchmark
from evaluation.ablation_runs import Run, as_words, digest_of, fingerprint, heavy_work, one_line, slug, train
from evaluation.answer_accuracy import AnswerAccuracyArguments
from evaluation.benchmarks.prompts import render
from evaluation.loading import load_rows, rows_fingerprint
from evaluation.predictions import PredictionFile
from evaluation.results import weights_fingerprint, write_json
from evaluation.run_benchmark import RunBenchmarkArguments
from trainers import train_mmgeolm
from trainers.data_arguments import DataArguments
from trainers.mmgeolm_config import ModelArguments, StageConfig, check_model

OURS = ("stage", "output_dir", "seed", "mmclip", "model_name_or_path")  # options of a stage that the ablation gives
START = {"align": "mmclip", "sft": "model_name_or_path"}  # the option that names what a stage starts from
BLANKED = ", figure blanked"
NO_MATTER = ("model", "output_dir", "batch_size", "trust_remote_code")  # options that no answer depends on
WEIGHTS = "*.safetensors*"

Exam = AnswerAccuracyArguments | RunBenchmarkArguments


@dataclass(frozen=True)
class Stage:
    """A training of the LMM: its options, and the hash of them, of its rows and of the stage before."""

    name: str
    options: Mapping[str, Any]
    digest: str

    def folder(self, run: Run) -> Path:
        return run.folder / f"{self.name}-{self.digest[:10]}"

    def arguments(self, start: str, seed: int, output: Path) -> list[str]:
        """The command line of `trainers.train_mmgeolm`."""
        ours = {"stage": self.name, START[self.name]: start, "output_dir": str(output), "seed": seed}
        return as_words({**self.options, **ours})


@dataclass(frozen=True)
class LMM:
    """How every tower is made into an LMM, and what that is asked."""

    stages: tuple[Stage, ...]
    exams: Mapping[str, Exam]  # by the name of their column; the model is filled in
    digests: Mapping[str, str]  # of the exams
    keep_models: bool

    def answers_folder(self, run: Run, exam: str) -> Path:
        digest = digest_of([self.stages[-1].digest, self.digests[exam]])
        return run.folder / f"answers-{slug(exam)}-{digest[:10]}"

    def answered(self, run: Run) -> bool:
        """Whether the run's folder holds the answers to every exam."""
        return all((self.answers_folder(run, exam) / "results.json").is_file() for exam in self.exams)


@dataclass(frozen=True)
class LMMOptions:
    """The block `lmm`, as described above."""

    questions: str
    llm: str | None = None
    align: Mapping[str, Any] = field(default_factory=dict)
    sft: Mapping[str, Any] = field(default_factory=dict)
    answers: Mapping[str, Any] | None = None
    benchmarks: Sequence[Mapping[str, Any]] = ()
    blank_images: bool = False
    keep_models: bool = True


def read_yaml(path: str) -> dict:
    """A YAML file of options. Raises ValueError if there is none."""
    try:
        found = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise ValueError(f"{path} holds no options: expected lines as in `max_steps: 300`")
    return found


def made(kind: Callable, options: Any, what: str, **ours: Any) -> Any:
    """Arguments of a command from options of a configuration.

    Raises:
        ValueError: naming `what`, if an option is missing, unknown or set by the ablation itself.
    """
    if not isinstance(options, Mapping):
        raise ValueError(f"{what} must hold options, as in `max_rows: 500`, not {options!r}")
    known = {option.name for option in fields(kind)}
    if wrong := sorted({*options} & {*ours} | {*options} - known):
        raise ValueError(f"{what} sets {', '.join(wrong)}: expected some of {', '.join(sorted(known - {*ours}))}")
    try:
        return kind(**options, **ours)
    except TypeError as error:  # a required option
        raise ValueError(f"{what}: {error}") from None


def read_lmm(block: Mapping[str, Any], dataset_name: str, dataset_config: str | None) -> LMM:
    """The block `lmm`, everything it names checked, so that no training is in vain.

    Args:
        block: as the configuration file lists it.
        dataset_name: rows that `align` takes unless told otherwise.
        dataset_config: their configuration.

    Raises:
        ValueError: naming the part of the block, if an option is missing, unknown, contradicts another or is not for
            it to set, or rows or a benchmark cannot be read.
    """
    options = made(LMMOptions, block, "lmm")
    llm = {} if options.llm is None else {"llm": options.llm}
    rows = {"dataset_name": dataset_name, "dataset_config": dataset_config}
    align = _stage("align", options.align, llm, rows, None)
    sft = _stage("sft", options.sft, {}, {"dataset_name": options.questions}, align)
    exams = _exams(options)
    return LMM((align, sft), exams, {name: _exam_digest(exam) for name, exam in exams.items()}, options.keep_models)


def _stage(name: str, given: Mapping[str, Any], ours: Mapping, rows: Mapping, before: Stage | None) -> Stage:
    what = f"lmm: {name}"
    if not isinstance(given, Mapping) or {*given} & {*OURS, *ours}:
        raise ValueError(f"{what} must hold options of trainers.train_mmgeolm other than {', '.join([*OURS, *ours])}")
    recipe = read_yaml(given["config"]) if "config" in given else {}
    if recipe.get("stage", name) != name:
        raise ValueError(f"{what} names {given['config']}, a recipe of stage {recipe['stage']}")
    options = {key: value for key, value in {**recipe, **given}.items() if key not in (*OURS, "config")} | {**ours}
    options = {"report_to": "none", "disable_tqdm": True} | ({} if "dataset_name" in options else {**rows}) | options
    parts = (ModelArguments, DataArguments, StageConfig)
    if unknown := sorted({*options} - {option for part in parts for option in part.__dataclass_fields__}):
        raise ValueError(f"{what} sets {', '.join(unknown)}, which trainers.train_mmgeolm does not know")
    language_model = options.get("llm") and weights_fingerprint(options["llm"])
    decides = [options, fingerprint(str(options["dataset_name"])), language_model, before and before.digest]
    stage = Stage(name, options, digest_of(decides))
    try:
        words = stage.arguments("the tower", 0, Path(name))
        model, data, args = TrlParser(parts, exit_on_error=False).parse_args_and_config(words)
        check_model(model, args)
        train_mmgeolm.load_rows(data, args.do_eval)
    except (Exception, SystemExit) as error:
        raise ValueError(f"{what}: {error}") from error
    return stage


def _exams(options: LMMOptions) -> dict[str, Exam]:
    """What every LMM is asked, by name."""
    ours = {"model": "", "output_dir": "", "blank_images": False}
    exams: dict[str, Exam] = {}
    if options.answers is not None or not options.benchmarks:
        answers, what = options.answers or {}, "lmm: answers"
        exams["held-out questions"] = made(AnswerAccuracyArguments, answers, what, dataset=options.questions, **ours)
    for number, entry in enumerate(options.benchmarks, 1):
        exam = made(RunBenchmarkArguments, entry, f"lmm: benchmark number {number}", **ours)
        name = f"{exam.benchmark} ({exam.split})" if exam.split else exam.benchmark
        if name in exams:
            raise ValueError(f"lmm: there are two benchmarks {name}, which could not be told apart")
        exams[name] = exam
    if options.blank_images:
        exams |= {f"{name}{BLANKED}": replace(exam, blank_images=True) for name, exam in exams.items()}
    return exams


def _exam_digest(exam: Exam) -> str:
    """What tells one exam from another: its questions, and how they are asked."""
    decides = {name: value for name, value in asdict(exam).items() if name not in NO_MATTER}
    if isinstance(exam, RunBenchmarkArguments):
        asked = run_benchmark.fingerprint(exam.list_items(Counter()), partial(render, exam.template()))
        return digest_of(decides | {"questions": asked})
    rows = load_rows(exam.dataset, exam.split, answer_accuracy.COLUMNS, exam.dataset_config)
    asked = [rows_fingerprint(rows, answer_accuracy.ASKED), fingerprint(exam.dataset)]
    return digest_of(decides | {"dataset": None, "questions": asked})


def train_lmm(run: Run, base: str, lmm: LMM) -> str:
    """Train the stages that are not trained yet; the folder of the LMM.

    Args:
        run: whose MMCLIP gives the tower.
        base: the model that MMCLIPs start from.
        lmm: how the LMM is trained.
    """
    model = ""
    for stage in lmm.stages:
        output = stage.folder(run)
        finished = output / "finished.json"
        if not (finished.is_file() and list(output.glob(WEIGHTS))):
            start = model or train(run, base, lambda steps: None)
            output.mkdir(parents=True, exist_ok=True)
            arguments = stage.arguments(start, run.seed, output)
            try:
                with heavy_work(run):
                    train_mmgeolm.main(arguments)
            except Exception as error:
                raise ValueError(f"{stage.name} of the LMM: {one_line(error)}") from error
            write_json(finished, {"arguments": arguments})
        model = str(output)
    return model


def answer(run: Run, base: str, lmm: LMM) -> dict[str, dict]:
    """What the LMM with a run's tower answers, from its folder where it was asked before; trained first where needed.

    Args:
        run: whose MMCLIP gives the tower.
        base: the model that MMCLIPs start from.
        lmm: how the LMM is trained and what it is asked.

    Returns:
        By exam `hits` (by the question's number whether it was answered rightly; what could not be asked is missing)
        and `chance` (what answering without a look at the question gives, or None).
    """
    for name, exam in lmm.exams.items():
        folder = lmm.answers_folder(run, name)
        if (folder / "results.json").is_file():
            continue
        arguments = replace(exam, model=train_lmm(run, base, lmm), output_dir=str(folder))
        measure = run_benchmark if isinstance(exam, RunBenchmarkArguments) else answer_accuracy
        with heavy_work(run):
            measure.evaluate(arguments)
    if not lmm.keep_models:
        _remove_weights(run, lmm)
    return {name: _read_answers(lmm.answers_folder(run, name)) for name in lmm.exams}


def _read_answers(folder: Path) -> dict:
    result = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    if result["measure"] == "benchmark":
        chances = [of["chance"] for of in result["metrics"].values() if of and of["num_rows"] == result["num_rows"]
                   and "chance" in of]  # fmt: skip
        hits = {number: verdict["right"] for number, verdict in enumerate(result["verdicts"])}
        return {"hits": hits, "chance": chances[0] if chances else None}
    with PredictionFile(folder / "predictions.jsonl") as file:
        hits = {row: line["correct"] for row, line in file.done.items() if "skipped" not in line}
    return {"hits": hits, "chance": result["overall"]["baseline"]["accuracy"]}


def _remove_weights(run: Run, lmm: LMM) -> None:
    """Make room: what is left of an LMM are its logs and answers."""
    for stage in lmm.stages:
        for path in stage.folder(run).glob("checkpoint-*"):
            shutil.rmtree(path)
        for path in stage.folder(run).glob(WEIGHTS):
            path.unlink()
