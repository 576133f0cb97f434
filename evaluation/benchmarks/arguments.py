"""How commands are told which benchmark they work on, in the same words for all of them."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from tqdm.auto import tqdm

from . import BENCHMARKS, Benchmark, Item


@dataclass(kw_only=True)
class BenchmarkArguments:
    """Which benchmark, and where it lies."""

    benchmark: str = field(metadata={"help": "Name of the benchmark.", "choices": sorted(BENCHMARKS)})
    data_dir: str | None = field(
        default=None, metadata={"help": "Folder (or json, jsonl, parquet, zip) that holds the benchmark."}
    )
    data_id: str | None = field(
        default=None, metadata={"help": "Hub id of the benchmark; where it is published if neither is given."}
    )
    split: str | None = field(default=None, metadata={"help": "Split of the benchmark; its usual one if not given."})

    def check_place(self) -> None:
        """Raise ValueError if the place is given twice, or does not exist."""
        if self.benchmark not in BENCHMARKS:
            raise ValueError(
                f"unknown --benchmark {self.benchmark!r}: expected one of {', '.join(sorted(BENCHMARKS))}"
            )
        if self.data_dir is not None and self.data_id is not None:
            raise ValueError("give --data_dir or --data_id, not both")
        if self.data_dir is not None and not Path(self.data_dir).exists():
            raise ValueError(f"--data_dir {self.data_dir} does not exist")

    @property
    def source(self) -> Benchmark:
        """The benchmark itself."""
        return BENCHMARKS[self.benchmark]

    @property
    def place(self) -> str | None:
        """Where it is read from, None if no place is given and it has no home on the Hub."""
        return self.data_dir or self.data_id or self.source.home(self.split)

    def read(self, skipped: Counter[str] | None = None) -> Iterator[Item]:
        """The items, lazily. Raises ValueError as `Benchmark.read`."""
        return self.source.read(self.place, self.split, skipped)

    def list_items(self, skipped: Counter[str]) -> list[Item]:
        """All items, without their images.

        Raises:
            ValueError: if there is none, or as `Benchmark.read`.
        """
        items = [replace(item, images=()) for item in tqdm(self.read(skipped), desc="reading", unit="question")]
        if not items:
            reasons = "; ".join(f"{count} x {reason}" for reason, count in skipped.most_common(3))
            raise ValueError(f"{self.place} holds no question of {self.benchmark}: {reasons or 'it has no such rows'}")
        return items
