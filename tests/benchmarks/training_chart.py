"""The chart of `tests.benchmarks.training`: speed and memory by case, and what each saving brings."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

COLOURS = {
    "plain loop": "#9aa0a6",
    "sentence-transformers": "#e0a458",
    "sentence-transformers, cached": "#c9733d",
    "mmgeo": "#2a6f97",
    "mmgeo, mini-batches": "#74a9cf",
}


def draw_chart(figures: dict, path: Path) -> None:
    """Write the chart as PNG.

    Args:
        figures: what the benchmark measured: `cases` and `waterfalls`, by contender.
        path: where the picture goes.
    """
    waterfalls = figures["waterfalls"]
    figure, axes = plt.subplots(1, 2 + len(waterfalls), figsize=(11 + 4 * len(waterfalls), 4.2), layout="constrained")
    draw_bars(axes[0], figures["cases"], "positives_per_second", "positives per second")
    draw_bars(axes[1], figures["cases"], "peak_mb", "peak memory, GB", scale=1 / 1024)
    figure.legend(*axes[0].get_legend_handles_labels(), fontsize=8, frameon=False, loc="outside lower center", ncols=5)
    for ax, (case, rows) in zip(axes[2:], waterfalls.items(), strict=True):
        draw_waterfall(ax, case, rows)
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def draw_bars(ax: Axes, cases: dict, key: str, title: str, scale: float = 1.0) -> None:
    """One group of bars per case, one bar per contender."""
    names = list(next(iter(cases.values())))
    width = 0.8 / len(names)
    for number, name in enumerate(names):
        places = [group + (number - (len(names) - 1) / 2) * width for group in range(len(cases))]
        values = [rows[name][key] * scale for rows in cases.values()]
        ax.bar(places, values, width, label=name, color=COLOURS[name])
    ax.set_xticks(range(len(cases)), [case.replace(" negatives", "\nnegatives") for case in cases], fontsize=8)
    ax.set_title(title, fontsize=10)


def draw_waterfall(ax: Axes, case: str, rows: dict) -> None:
    """How many times as fast our trainer becomes, saving by saving."""
    speeds = [row["positives_per_cpu_second"] for row in rows.values()]
    times = [speed / speeds[0] for speed in speeds]
    places = range(len(times))
    ax.barh(places, times, color=[COLOURS["plain loop"]] + [COLOURS["mmgeo"]] * (len(times) - 1))
    for place, value, row in zip(places, times, rows.values(), strict=True):
        ax.text(value, place, f" {value:.2f}×, {row['peak_mb'] / 1024:.1f} GB", va="center", fontsize=8)
    ax.set_yticks(places, list(rows), fontsize=8)
    ax.set_xlim(0, 1.35 * max(times))
    ax.invert_yaxis()
    ax.set_title(f"our savings one by one, {case}", fontsize=10)
