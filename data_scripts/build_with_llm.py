"""Build rows of hard negatives that a language model writes, from questions with answers.

    python -m data_scripts.build_with_llm --questions exams.jsonl --model Qwen/Qwen2.5-72B-Instruct --output_dir rows
    python -m data_scripts.build_with_llm --questions exams.jsonl --model local --base_url http://127.0.0.1:8000 \\
        --output_dir rows

Per question: a script that draws its figure, a caption, negative captions, and an edited script for each. Scripts run
in the sandbox only. `--dry_run` says what that will cost. Answers are kept on disk, so an interrupted build goes on
where it was and pays for nothing twice; the same answers give the same bytes, whatever --num_workers.
"""

import json
import os
import shutil
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from huggingface_hub.constants import HF_HOME
from tqdm.auto import tqdm
from trl import TrlParser

from . import rows
from .assemble import name_by_content, refuse_foreign_card, remove_work
from .build_options import told_apart
from .cli import require_at_least, run_command
from .contact_sheet import write_contact_sheet
from .llm.cache import AnswerCache
from .llm.client import ChatClient, LLMUnavailable, Sampling, Server
from .llm.cost import Estimate, estimate, tokenizer_of
from .llm.problems import Columns, Problem, read_problems
from .llm.route import Outcome, Route, RouteOptions
from .llm.sandbox import Sandbox
from .phrases import parse_caption
from .shards import fingerprint, write_parquet, write_text

VERSION = 2  # of the rows: raised whenever the same answers give other bytes
CONFIGS = {"with_markings": True, "letters_only": False}
SHARD_SIZE = 32  # questions per shard
SHEET_ROWS = 6
MOST_PIXELS = 3000 * 3000  # of a drawing before it is scaled
# What does not change the rows, and so stands neither in the report nor in the name of the work folder.
RUN_OPTIONS = frozenset(
    ("num_workers", "sandbox_workers", "timeout", "max_tries", "cache_dir", "token_variable", "allow_unsafe_exec")
    + ("price_input", "price_output", "max_cost", "dry_run", "tokenizer")
)


@dataclass
class LLMArguments:
    """What to build, whom to ask, and where to put it."""

    questions: str = field(metadata={"help": "Questions with answers: .jsonl or .parquet file, folder, or Hub id."})
    model: str = field(metadata={"help": "The model to ask, by the name its server or the Hub knows it by."})
    output_dir: str = field(metadata={"help": "Folder for the data set."})
    base_url: str | None = field(default=None, metadata={"help": "Address of an OpenAI-compatible server."})
    provider: str | None = field(
        default=None, metadata={"help": "Inference Provider that serves the model (default: the Hub chooses)."}
    )
    token_variable: str | None = field(
        default=None,
        metadata={
            "help": "Environment variable that holds the token (default: the Hub login, or none with --base_url)."
        },
    )
    split: str = field(default="train", metadata={"help": "Split of the questions, where they are a data set."})
    question_column: str = field(default="question", metadata={"help": "Column of the questions."})
    answer_column: str = field(default="answer", metadata={"help": "Column of the answers."})
    id_column: str = field(default="id", metadata={"help": "Column of the ids (optional)."})
    max_questions: int | None = field(default=None, metadata={"help": "Take the first so many (default: all)."})
    num_image_negatives: int = field(default=10, metadata={"help": "Image negatives per row, at most."})
    image_size: int = field(default=336, metadata={"help": "Side of the images in pixels."})
    markings: str = field(
        default="with_markings",
        metadata={"help": "Print lengths and angles that the question states, or none.", "choices": list(CONFIGS)},
    )
    temperature: float | None = field(default=0.7, metadata={"help": "Sampling temperature."})
    top_p: float | None = field(default=None, metadata={"help": "Nucleus sampling (default: the server's)."})
    max_tokens: int = field(default=4096, metadata={"help": "Longest answer in tokens."})
    seed: int = field(default=0, metadata={"help": "Sent to the server; another seed asks everything anew."})
    num_workers: int = field(default=8, metadata={"help": "Calls at a time."})
    sandbox_workers: int = field(
        default_factory=lambda: os.cpu_count() or 1, metadata={"help": "Scripts that run at a time."}
    )
    timeout: float = field(default=120.0, metadata={"help": "Seconds of silence after which a call is tried again."})
    max_tries: int = field(default=5, metadata={"help": "Tries per call."})
    cache_dir: str = field(
        default=str(Path(HF_HOME) / "mmgeo" / "llm_answers"), metadata={"help": "Folder where answers are kept."}
    )
    price_input: float | None = field(default=None, metadata={"help": "Price of a million input tokens."})
    price_output: float | None = field(default=None, metadata={"help": "Price of a million output tokens."})
    max_cost: float | None = field(default=None, metadata={"help": "Refuse a run whose estimate may exceed this."})
    dry_run: bool = field(default=False, metadata={"help": "Print the estimate and stop."})
    tokenizer: str | None = field(
        default=None,
        metadata={"help": "Tokenizer for the estimate, folder or Hub id in the cache (default: the model)."},
    )
    allow_unsafe_exec: bool = field(
        default=False, metadata={"help": "Run scripts even where this machine cannot confine them."}
    )

    def __post_init__(self) -> None:
        if self.markings not in CONFIGS:
            raise ValueError(f"unknown markings '{self.markings}': expected one of {', '.join(CONFIGS)}")
        require_at_least(self, num_image_negatives=1, image_size=64, max_tokens=1, num_workers=1, sandbox_workers=1)
        require_at_least(self, max_tries=1, timeout=0.001, seed=0)
        if self.max_questions is not None:
            require_at_least(self, max_questions=1)
        if (self.price_input is None) != (self.price_output is None):
            raise ValueError("--price_input and --price_output go together")
        if self.max_cost is not None and self.price_input is None:
            raise ValueError("--max_cost needs --price_input and --price_output")
        self.server  # noqa: B018 - says what is wrong with the address before anything is read

    @property
    def server(self) -> Server:
        return Server(self.model, self.base_url, self.provider, self.token_variable)

    @property
    def columns(self) -> Columns:
        return Columns(self.question_column, self.answer_column, self.id_column)

    @property
    def options(self) -> RouteOptions:
        return RouteOptions(self.num_image_negatives, self.image_size, CONFIGS[self.markings])

    @property
    def shaping(self) -> dict[str, object]:
        """The arguments that shape the rows."""
        return {k: v for k, v in asdict(self).items() if k not in RUN_OPTIONS}


@dataclass(frozen=True)
class WorkFolder:
    """Finished shards of a build: rows as parquet, then counts as JSON, which say that the shard is whole."""

    folder: Path

    def parquet(self, number: int) -> Path:
        return self.folder / f"rows-{number:05d}.parquet"

    def counts(self, number: int) -> dict | None:
        """The counts of a finished shard; None where it is missing, or calls in it stayed without an answer."""
        try:
            counts = json.loads(self.parquet(number).with_suffix(".json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return None if counts["unanswered"] else counts

    def write(self, number: int, outcomes: Sequence[Outcome]) -> dict:
        made = [outcome.row for outcome in outcomes if outcome.row is not None]
        counts = {
            "rows": len(made),
            "unanswered": sum(outcome.unanswered for outcome in outcomes),
            "dropped": sum((outcome.dropped for outcome in outcomes), Counter()),
            "counts": sum((outcome.counts for outcome in outcomes), Counter()),
        }
        if made:
            write_parquet(made, rows.FEATURES, self.parquet(number))
        write_text(json.dumps(counts), self.parquet(number).with_suffix(".json"))
        return counts


def _outcomes(route: Route, problems: Sequence[tuple[int, Problem]], args: LLMArguments) -> Iterator[Outcome]:
    """What becomes of the problems, in their order, `num_workers` being worked on at a time."""

    def run(index: int, problem: Problem) -> Outcome:
        return route.run(problem, np.random.default_rng([args.seed, index]))

    with ThreadPoolExecutor(args.num_workers) as pool:
        waiting: deque[Future[Outcome]] = deque()
        try:
            for index, problem in problems:
                waiting.append(pool.submit(run, index, problem))
                if len(waiting) >= 2 * args.num_workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:  # what was asked is paid for: calls under way end, and their answers are kept
            for future in waiting:
                future.cancel()
            if waiting:
                route.client.stop("the build has stopped")


def _build_shards(problems: list[Problem], work: WorkFolder, args: LLMArguments, route: Route) -> list[dict]:
    """Counts of every shard, made now or found finished."""
    numbered = list(enumerate(problems))
    shards = [numbered[i : i + SHARD_SIZE] for i in range(0, len(numbered), SHARD_SIZE)]
    counts = [work.counts(number) for number in range(len(shards))]
    missing = [number for number, found in enumerate(counts) if found is None]
    outcomes = _outcomes(route, [item for number in missing for item in shards[number]], args)
    finished = len(numbered) - sum(len(shards[number]) for number in missing)
    with tqdm(total=len(numbered), initial=finished, desc="questions", unit="question") as bar:
        try:
            for number in missing:
                made = []
                for _ in shards[number]:
                    made.append(next(outcomes))
                    bar.update()
                counts[number] = work.write(number, made)
        except LLMUnavailable as error:
            raise LLMUnavailable(
                f"{str(error).rstrip('.')}. {bar.n} of {len(numbered)} questions were worked on; answers are kept in "
                f"{args.cache_dir}: run the same command again to go on"
            ) from None
        finally:
            outcomes.close()
    return counts


def _place(work: WorkFolder, counts: list[dict], target: Path) -> str:
    """Put the shards that have rows in place of what was there; returns the digest in their names."""
    filled = [number for number, shard in enumerate(counts) if shard["rows"]]
    target.mkdir(parents=True, exist_ok=True)
    for old in target.glob("train-*.parquet"):
        old.unlink()
    for place, number in enumerate(filled):
        final = target / f"train-{place:05d}-of-{len(filled):05d}.parquet"
        temporary = final.with_suffix(".part")
        shutil.copyfile(work.parquet(number), temporary)
        os.replace(temporary, final)
    return name_by_content(target)


def _report(problems: list[Problem], unread: Counter[str], counts: list[dict], args: LLMArguments) -> dict:
    kept: Counter[str] = Counter(rows=sum(shard["rows"] for shard in counts))
    answers: Counter[str] = Counter()
    dropped = sum((Counter(shard["dropped"]) for shard in counts), Counter(unread))
    for shard in counts:
        for name, count in shard["counts"].items():
            (kept if name.startswith(("grade: ", "image ", "plausible: ")) else answers)[name] += count
    places = {"questions": told_apart(args.questions), "model": told_apart(args.model)}
    return {
        "arguments": {name: value for name, value in (args.shaping | places).items() if name != "output_dir"},
        "version": VERSION,
        "splits": {
            "train": {
                "asked": len(problems),
                "kept": dict(sorted(kept.items())),
                "dropped": dict(sorted(dropped.items())),
            }
        },
        "answers": dict(sorted(answers.items())),
    }


CARD = """---
task_categories:
- zero-shot-image-classification
- image-text-to-text
tags:
- geometry
- hard-negatives
configs:
{configs}
---

# Geometry figures with hard negatives, written by a language model

Written by `{model}` from questions with answers, whose own licence holds. Scripts ran in a sandbox. `negative_grades`
says of each negative whether it was proven on coordinates (`verified`) or only contradicted by nothing (`plausible`).
`build_report.json` counts what was kept and what was dropped; `contact_sheet.png` shows the first rows.
"""


def _card(output: Path, model: str) -> str:
    """The card, naming each config that lies in the folder by the digest in its files' names."""
    entries = []
    for config in CONFIGS:
        files = sorted((output / config).glob("train-*.parquet"))
        if files:
            digest = files[0].stem.rsplit("-", 1)[-1]
            default = "" if entries else "  default: true\n"
            place = f"  data_files:\n  - split: train\n    path: {config}/train-*-{digest}.parquet"
            entries.append(f"- config_name: {config}\n{default}{place}")
    name = Path(model).name if Path(model).exists() else model  # a card should not tell where things lay on a disk
    return CARD.format(configs="\n".join(entries), model=name)


def prepare(args: LLMArguments) -> tuple[list[Problem], Counter[str], Estimate]:
    """The problems, what of the source was no problem, and what the run will ask of the model.

    Raises:
        ValueError: if the source cannot be read, or the run may cost more than --max_cost.
    """
    unread: Counter[str] = Counter()
    problems = read_problems(args.questions, args.columns, args.split, unread)[: args.max_questions]
    expected = estimate(problems, args.options, *tokenizer_of(args.tokenizer or args.model))
    if args.max_cost is not None and not args.dry_run:
        most = expected.most.cost(args.price_input, args.price_output)
        if most > args.max_cost:
            raise ValueError(
                f"the run may cost {most:.2f}, more than --max_cost {args.max_cost:g}: take fewer with "
                "--max_questions or --num_image_negatives, or look at --dry_run"
            )
    return problems, unread, expected


def build(args: LLMArguments, problems: list[Problem], unread: Counter[str]) -> tuple[dict, list[str]]:
    """Build the data set; returns the report that is written beside it, and what is to be said of this run alone.

    Raises:
        LLMUnavailable, SandboxUnavailable: if the model or the sandbox is not to be had; what is finished is kept.
        ValueError: if not one row could be made, or the folder holds a README that is no data set's card.
    """
    output = Path(args.output_dir)
    refuse_foreign_card(output)
    shaping = {k: v for k, v in args.shaping.items() if k not in ("output_dir", "questions")}
    key = fingerprint({**shaping, "problems": [asdict(p) for p in problems], "version": VERSION})
    work = WorkFolder(output / ".build" / key)
    work.folder.mkdir(parents=True, exist_ok=True)
    sampling = Sampling(args.temperature, args.top_p, args.max_tokens, args.seed)
    client = ChatClient(args.server, sampling, AnswerCache(args.cache_dir), args.timeout, args.max_tries)
    with Sandbox(args.sandbox_workers, max_pixels=MOST_PIXELS, allow_unsafe_exec=args.allow_unsafe_exec) as sandbox:
        route = Route(client, sandbox.render, lambda caption: parse_caption(caption).facts, args.options)
        counts = _build_shards(problems, work, args, route)
    report = _report(problems, unread, counts, args)
    write_text(json.dumps(report, indent=1, ensure_ascii=False), output / "build_report.json")
    unanswered = sum(shard["unanswered"] for shard in counts)
    silence = f"{unanswered} calls got no answer (the last: {client.last_failure})" if unanswered else ""
    if not report["splits"]["train"]["kept"]["rows"]:
        reasons = report["splits"]["train"]["dropped"]
        raise ValueError(f"no row could be made of {len(problems)} questions: {reasons}{silence and f'; {silence}'}")
    digest = _place(work, counts, output / args.markings)
    first = pq.read_table(next(iter(sorted((output / args.markings).glob(f"train-*-{digest}.parquet")))))
    write_contact_sheet(first.slice(0, SHEET_ROWS).to_pylist(), output / "contact_sheet.png")
    write_text(_card(output, args.model), output / "README.md")
    asked = ", ".join(f"{count} {what}" for what, count in sorted(client.counts.items()))
    notes = [f"calls of this run: {asked or 'none'}"]
    if unanswered:
        notes.append(f"{silence}: run the same command again to try them once more")
    else:
        remove_work(output / ".build")
    return report, notes


def main() -> None:
    (args,) = TrlParser(LLMArguments).parse_args_and_config()
    problems, unread, expected = prepare(args)
    print(expected.text(args.price_input, args.price_output))
    if args.dry_run:
        return
    report, notes = build(args, problems, unread)
    counts = report["splits"]["train"]
    kept = counts["kept"]
    grades = ", ".join(f"{count} {name.removeprefix('grade: ')}" for name, count in kept.items() if "grade" in name)
    print("\n".join(notes))
    print(f"train: {kept['rows']} of {counts['asked']} rows; negatives: {grades}")
    print(f"written to {args.output_dir} (see contact_sheet.png and build_report.json)")


if __name__ == "__main__":
    run_command(main)
