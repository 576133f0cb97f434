"""Curves of the rewards of a reinforcement run, as a picture beside its checkpoints."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

matplotlib.use("Agg")
from matplotlib.figure import Figure

FILE = "reward_curves.png"
SMOOTHED = 10  # steps in the running mean that is drawn over the single steps


def curves(log_history: Sequence[dict[str, Any]]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Steps and mean rewards of each function, and of their weighted sum, from the logs of TRL's GRPOTrainer."""
    found: dict[str, list[tuple[int, float]]] = {}
    for log in log_history:
        for key, value in log.items():
            name = key.removeprefix("rewards/").removesuffix("/mean")
            if key == "reward" or (key.startswith("rewards/") and key.endswith("/mean")):
                found.setdefault("weighted sum" if key == "reward" else name, []).append((log["step"], value))
    points = {name: np.array(pairs, dtype=float).reshape(-1, 2) for name, pairs in found.items()}
    points = {name: pairs[~np.isnan(pairs[:, 1])] for name, pairs in points.items()}  # steps without such a question
    return {name: (pairs[:, 0], pairs[:, 1]) for name, pairs in points.items() if len(pairs)}


def running_mean(values: np.ndarray, width: int = SMOOTHED) -> np.ndarray:
    """Mean over the last `width` values, or as many as there are."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - width, 0)
    return (total[ends] - total[starts]) / (ends - starts)


def draw_curves(log_history: Sequence[dict[str, Any]], path: Path) -> bool:
    """Draw the curves; False where nothing has been logged yet. The file is there as a whole or not at all."""
    found = curves(log_history)
    if not found:
        return False
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    for place, (name, (steps, values)) in enumerate(found.items()):
        axes.plot(steps, values, color=f"C{place}", alpha=0.3, linewidth=0.8)
        axes.plot(steps, running_mean(values), color=f"C{place}", label=name)
    axes.set(xlabel="step", ylabel="mean reward of a batch", title="Rewards")
    # From 0 to 1 wherever rewards keep to it, so that pictures of two runs can be compared.
    lowest, highest = (pick(float(pick(values)) for _, values in found.values()) for pick in (min, max))
    axes.set_ylim(min(lowest, 0.0) - 0.03, max(highest, 1.0) + 0.03)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(alpha=0.3)
    axes.legend()
    temporary = path.with_name(f".{path.name}.tmp")
    figure.savefig(temporary, format="png", dpi=120)
    temporary.replace(path)
    return True


class RewardCurves(TrainerCallback):
    """Draws the curves whenever a checkpoint is saved, and at the end."""

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object) -> None:
        if state.is_world_process_zero:
            draw_curves(state.log_history, Path(args.output_dir, FILE))

    on_train_end = on_save
