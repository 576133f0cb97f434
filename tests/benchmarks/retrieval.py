"""Speed and memory of retrieval negatives: captions encoded, neighbours found, negatives judged.

    python -m tests.benchmarks.retrieval --num_vectors 100000

The neighbours are compared in the same run with the obvious way, to sort the whole matrix of similarities, at a number
of vectors for which that fits into memory.
"""

import json
import tempfile
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
from trl import TrlParser

from data_scripts.cli import require_at_least, run_command
from data_scripts.diagram.caption import caption
from data_scripts.negatives.encoding import encode_captions, load_encoder
from data_scripts.negatives.nearest import nearest
from data_scripts.negatives.retrieval import RetrievalOptions, figure_judge, retrieve
from data_scripts.shards import write_text
from data_scripts.sources import procedural

from .measure import Measured, in_own_process, measured


@dataclass
class BenchmarkArguments:
    """How much to measure."""

    num_captions: int = field(default=2000, metadata={"help": "Procedural captions to encode and to judge."})
    num_vectors: int = field(default=100_000, metadata={"help": "Random unit vectors to search."})
    num_sorted: int = field(default=8000, metadata={"help": "Vectors for which the whole matrix is sorted as well."})
    dim: int = field(default=384, metadata={"help": "Dimensions of the random vectors (MiniLM has 384)."})
    top_k: int = field(default=100, metadata={"help": "Neighbours per vector."})
    output: str = field(default="runs/benchmarks/retrieval.json", metadata={"help": "Where the figures go."})

    def __post_init__(self) -> None:
        require_at_least(self, num_captions=2, num_vectors=2, num_sorted=2, dim=1, top_k=1)


def write_vectors(count: int, dim: int, path: Path) -> None:
    vectors = np.random.default_rng(0).standard_normal((count, dim), dtype=np.float32)
    np.save(path, vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def search(path: Path, count: int, top_k: int, keep: bool) -> Measured:
    """Neighbours of the first vectors of a mapped file; the result is their numbers, where they are to be kept."""
    vectors = np.load(path, mmap_mode="c")[:count]
    list(nearest(vectors[:2], 1))  # imports what it needs
    return measured(lambda: [ids for ids, _ in nearest(vectors, top_k) if keep])


def sort_whole_matrix(path: Path, count: int, top_k: int) -> Measured:
    """The same by a full sort."""
    vectors = np.load(path, mmap_mode="c")[:count]

    def sort() -> np.ndarray:
        scores = vectors @ vectors.T
        np.fill_diagonal(scores, -np.inf)
        return np.argsort(-scores, axis=1, kind="stable")[:, :top_k].copy()

    return measured(sort)


def encode_and_judge(count: int, work: Path) -> tuple[Measured, Measured]:
    """Procedural captions through the embedded MiniLM, then ten proven negatives of each row."""
    diagrams = [procedural.figure_at(0, "train", i)[1].diagram for i in range(count)]
    captions = [caption(diagram.facts, i) for i, diagram in enumerate(diagrams)]
    load_encoder()  # imports what it needs
    encoding = measured(lambda: encode_captions(captions, "embedded", work))
    judge = figure_judge([diagram.to_json() for diagram in diagrams])
    judged = measured(lambda: sum(map(len, retrieve(encoding.result, judge, RetrievalOptions(), Counter()))))
    return replace(encoding, result=None), judged


def cost(call: Measured) -> dict[str, float]:
    return {name: value for name, value in asdict(replace(call, result=None)).items() if name != "result"}


def run(args: BenchmarkArguments) -> dict:
    """All measures: seconds, megabytes and ratios of one run on one machine."""
    with tempfile.TemporaryDirectory() as folder:
        work, path = Path(folder), Path(folder) / "vectors.npy"
        in_own_process(write_vectors, max(args.num_vectors, args.num_sorted), args.dim, path)
        whole = in_own_process(search, path, args.num_vectors, args.top_k, False)
        ours = in_own_process(search, path, args.num_sorted, args.top_k, True)
        naive = in_own_process(sort_whole_matrix, path, args.num_sorted, args.top_k)
        encoding, judged = in_own_process(encode_and_judge, args.num_captions, work)
    pairs = zip(ours.result, naive.result, strict=True)
    return {
        "arguments": asdict(args),
        "encoding": cost(encoding),
        "judging": cost(judged),
        "negatives_per_row": judged.result / args.num_captions,
        "search": cost(whole),
        "embeddings_mb": args.num_vectors * args.dim * 4 / 2**20,
        "search_of_num_sorted": cost(ours),
        "full_sort_of_num_sorted": cost(naive),
        "neighbours_in_common": float(np.mean([np.isin(a, b).mean() for a, b in pairs])),
        "times_faster": naive.cpu_seconds / ours.cpu_seconds,
        "times_less_memory": naive.peak_mb / ours.peak_mb,
    }


def main() -> None:
    (args,) = TrlParser(BenchmarkArguments).parse_args_and_config()
    figures = run(args)
    Path(args.output).parent.mkdir(parents=True, exist_ok=True)
    write_text(json.dumps(figures, indent=1), Path(args.output))
    search, faster, less = (figures[name] for name in ("search", "times_faster", "times_less_memory"))
    for name, unit in (("encoding", "captions"), ("judging", "rows")):
        rates = (args.num_captions / figures[name][clock] for clock in ("seconds", "cpu_seconds"))
        print("{}: {:.0f} {unit}/s, {:.0f} per second of processor time".format(name, *rates, unit=unit))
    print(
        f"top {args.top_k} of {args.num_vectors} vectors: {search['seconds']:.0f} s, {search['cpu_seconds']:.0f} s of "
        f"processor time, {search['peak_mb']:.0f} MB ({figures['embeddings_mb']:.0f} MB of it the vectors)"
    )
    print(f"a full sort of {args.num_sorted}: {faster:.1f} times the processor time, {less:.1f} times the memory")
    print(f"written to {args.output}")


if __name__ == "__main__":
    run_command(main)
