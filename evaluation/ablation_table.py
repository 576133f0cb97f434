"""From the hits of every run to a table and a plot with intervals.

All models sit the same test, so a condition's hits are a matrix of seeds and anchors. Its accuracy is the mean of the
matrix, and the 95% interval a percentile bootstrap that draws both seeds and anchors anew: it covers what another seed
and what other test figures would give. Differences to the baseline draw the same anchors (and, where both have them,
the same seeds) on both sides, since figures that are hard for one are hard for the other.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
import numpy as np

from evaluation.ablation_runs import Condition
from trainers.candidate_sets import SET_NAMES

RESAMPLES = 2000
MEAN = "mean"  # of the sets that have anchors
MEAN_OF_SETS = "mean of the sets"
HIT_SETS = (*SET_NAMES, MEAN)


def summarise(
    runs: Mapping[tuple[str, int], Mapping[str, dict | None]],
    conditions: Sequence[Condition],
    baseline: str,
    names: Sequence[str] = HIT_SETS,
) -> dict[str, dict]:
    """Per condition that has a run, its seeds and the figures of each set.

    Args:
        runs: by condition and seed, the sets of a Hit@1 result with `hits` and `chance`; a set no row has is None.
        conditions: in the order of the table.
        baseline: name of the condition that differences are taken to.
        names: of the sets; `MEAN` is that of the others.
    """
    by_seed = {
        condition.name: {seed: sets for (name, seed), sets in runs.items() if name == condition.name}
        for condition in conditions
    }
    hits = {name: _hits(sets, names) for name, sets in by_seed.items() if sets}
    summary = {}
    for name, of_sets in hits.items():
        paired = by_seed[name].keys() == by_seed[baseline].keys()
        first = next(iter(by_seed[name].values()))
        figures = {}
        for set_name, matrices in of_sets.items():
            base = hits[baseline].get(set_name) if name != baseline and baseline in hits else None
            chances = [first[n]["chance"] for n in (of_sets if set_name == MEAN else (set_name,)) if n != MEAN]
            figures[set_name] = _figures(matrices, base, paired) | {
                "chance": None if None in chances else float(np.mean(chances)),
                "num_anchors": sum(matrix.shape[1] for matrix in matrices),
            }
        summary[name] = {"seeds": list(by_seed[name]), "sets": figures}
    return summary


def summarise_robustness(
    runs: Mapping[tuple[str, int], Mapping[str, dict]], conditions: Sequence[Condition]
) -> dict[str, dict]:
    """Per condition that has a run, what each perturbation takes from it: differences to its own clean figures.

    Args:
        runs: by condition and seed, the perturbations of a result of `evaluation.robustness` with hits.
        conditions: in the order of the table.
    """
    summary: dict[str, dict] = {}
    for condition in conditions:
        by_seed = {seed: found for (name, seed), found in runs.items() if name == condition.name}
        for perturbation, of in next(iter(by_seed.values()), {}).items():
            sets = {seed: found[perturbation]["sets"] for seed, found in by_seed.items()}
            changed, clean = _hits(sets, HIT_SETS), _hits(sets, HIT_SETS, "clean_hits")
            figures = {name: _figures(changed[name], clean[name], True) for name in changed if changed[name]}
            entry = {"title": of["title"], "seeds": list(by_seed), "sets": figures}
            summary.setdefault(condition.name, {})[perturbation] = entry
    return summary


def summarise_answers(
    runs: Mapping[tuple[str, int], Mapping[str, dict]], conditions: Sequence[Condition], baseline: str
) -> dict[str, dict]:
    """The same of the answers of LMMs, on the questions that every one of them was asked.

    Args:
        runs: by condition and seed, what `ablation_answers.answer` returns.
        conditions: in the order of the table.
        baseline: name of the condition that differences are taken to.
    """
    exams = list(next(iter(runs.values()), {}))
    asked = {exam: sorted(set.intersection(*(set(of[exam]["hits"]) for of in runs.values()))) for exam in exams}
    sets = {
        key: {exam: {**of[exam], "hits": [of[exam]["hits"][row] for row in rows]} for exam, rows in asked.items()}
        for key, of in runs.items()
    }
    return summarise(sets, conditions, baseline, [exam for exam in exams if asked[exam]])


def _hits(
    by_seed: Mapping[int, Mapping[str, dict | None]], names: Sequence[str], of: str = "hits"
) -> dict[str, list[np.ndarray]]:
    """Hits `[seeds, anchors]` of every set that has anchors, and those of all sets for their mean."""
    found = {
        name: [np.array([sets[name][of] for sets in by_seed.values()], dtype=float)]
        for name in names
        if name != MEAN and all(sets[name] for sets in by_seed.values())
    }
    return found | ({MEAN: [matrix for (matrix,) in found.values()]} if MEAN in names else {})


def _figures(matrices: Sequence[np.ndarray], base: Sequence[np.ndarray] | None, paired: bool) -> dict:
    """Accuracy with its interval and that of every seed; with a baseline, the difference to it.

    Args:
        matrices: hits `[seeds, anchors]` of the sets to be averaged.
        base: those of the baseline.
        paired: whether both have the same seeds.
    """
    rng = np.random.default_rng(0)
    anchors = [_weights(matrix.shape[1], rng) for matrix in matrices]
    seeds = _weights(len(matrices[0]), rng)
    means = _resampled(matrices, seeds, anchors)
    result = {
        "accuracy": float(np.mean([matrix.mean() for matrix in matrices])),
        "interval_95": _interval(means),
        "by_seed": np.mean([matrix.mean(1) for matrix in matrices], axis=0).tolist(),
    }
    if base is not None:
        others = seeds if paired else _weights(len(base[0]), rng)
        result["difference"] = result["accuracy"] - float(np.mean([matrix.mean() for matrix in base]))
        result["difference_interval_95"] = _interval(means - _resampled(base, others, anchors))
    return result


def _weights(count: int, rng: np.random.Generator) -> np.ndarray:
    """How often each of `count` things is drawn, as a share, in every resample, `[RESAMPLES, count]`."""
    return rng.multinomial(count, np.full(count, 1 / count), size=RESAMPLES) / count


def _resampled(matrices: Sequence[np.ndarray], seeds: np.ndarray, anchors: Sequence[np.ndarray]) -> np.ndarray:
    """The mean of the matrices' means in every resample, `[RESAMPLES]`."""
    return np.mean([((seeds @ m) * drawn).sum(1) for m, drawn in zip(matrices, anchors, strict=True)], axis=0)


def _interval(values: np.ndarray) -> list[float]:
    return [float(value) for value in np.percentile(values, [2.5, 97.5])]


def markdown_table(result: Mapping) -> str:
    """The results as Markdown: a table per test, a line per condition, and the runs that failed."""
    lines = [f"# {result['title']}", ""]
    for test, summary in result["tests"].items():
        if not summary:
            continue
        if len(result["tests"]) > 1:
            lines += [f"## {test}", ""]
        lines += _summary_lines(summary, HIT_SETS, "chance")
    steps = result["arguments"]["max_steps"]
    lines += [
        f"Hit@1 in %, 95% intervals over seeds and test anchors in brackets; {steps} steps each. An arrow says that "
        f"the interval of the difference to {result['baseline']!r}, on the same anchors, lies above or below 0.",
        "",
    ]
    lines += _robustness_lines(result)
    if answers := result.get("answers"):
        lines += ["## Answers", "", *_summary_lines(answers, names_of(answers), "without looking")]
        lines += [
            "Accuracy in % of LMMs that got each tower as their eye, with 95% intervals over seeds and questions; "
            "without looking: always the most frequent answer, or a guess among the choices.",
            "",
        ]
    for entry in result["failed"]:
        lines.append(f"- failed: {entry['condition']}, seed {entry['seed']}: {entry['reason']}")
    return "\n".join(lines).rstrip() + "\n"


def names_of(summary: Mapping[str, dict]) -> list[str]:
    """The sets that any condition has, in order."""
    return list(dict.fromkeys(name for entry in summary.values() for name in entry["sets"]))


def _summary_lines(summary: Mapping[str, dict], columns: Sequence[str], without: str) -> list[str]:
    """A table of a summary: a line per condition, and one of what is right without knowing anything."""
    names = [name for name in columns if name in names_of(summary)]
    heads = [MEAN_OF_SETS if name == MEAN else name for name in names]
    lines = ["| condition | " + " | ".join(heads) + " | seeds |", "|---" * (len(names) + 2) + "|"]
    for condition, entry in summary.items():
        cells = [_cell(entry["sets"].get(name)) for name in names]
        lines.append(f"| {condition} | " + " | ".join(cells) + f" | {len(entry['seeds'])} |")
    first = next(iter(summary.values()))["sets"]
    chances = [first[name]["chance"] if name in first else None for name in names]
    told = ["" if chance is None else f"{100 * chance:.1f}" for chance in chances]
    return [*lines, f"| {without} | " + " | ".join(told) + " | |", ""]


def _robustness_lines(result: Mapping) -> list[str]:
    """A table per test that was also measured on changed figures."""
    lines: list[str] = []
    for test, conditions in result.get("robustness", {}).items():
        entries = [(name, of) for name, perturbations in conditions.items() for of in perturbations.values()]
        names = [name for name in (*SET_NAMES, MEAN) if any(name in of["sets"] for _, of in entries)]
        if not names:
            continue
        title = "Robustness" if len(result["robustness"]) == 1 else f"Robustness: {test}"
        lines += [f"## {title}", "", "| condition | figures | " + " | ".join(names) + " |"]
        lines.append("|---" * (len(names) + 2) + "|")
        for condition, of in entries:
            cells = [_change_cell(of["sets"].get(name)) for name in names]
            lines.append(f"| {condition} | {of['title']} | " + " | ".join(cells) + " |")
        lines += ["", "Change of Hit@1 in points against the same model on the same figures as they are.", ""]
    return lines


def _change_cell(figures: Mapping | None) -> str:
    if figures is None:
        return ""
    low, high = (100 * value for value in figures["difference_interval_95"])
    return f"{100 * figures['difference']:+.1f} [{low:+.1f}, {high:+.1f}]"


def _cell(figures: Mapping | None) -> str:
    if figures is None:
        return ""
    low, high = (100 * value for value in figures["interval_95"])
    sign = ""
    if "difference" in figures:
        below, above = figures["difference_interval_95"]
        sign = " ↑" if below > 0 else " ↓" if above < 0 else ""
    return f"{100 * figures['accuracy']:.1f} [{low:.1f}, {high:.1f}]{sign}"


def plot(result: Mapping, path: Path) -> None:
    """Draw a panel per set and a row of panels per test: accuracy with its interval, every seed as a small dot."""
    rows = [(test, summary, HIT_SETS) for test, summary in result["tests"].items() if summary]
    what = "Hit@1 in %, 95% intervals over seeds and test anchors"
    if answers := result.get("answers"):
        rows.append(("answers", answers, names_of(answers)))
        what = "Hit@1, and accuracy of answers, in %, 95% intervals over seeds and test items"
    most, width = max(len(summary) for _, summary, _ in rows), max(len(names) for *_, names in rows)
    with matplotlib.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        from matplotlib.figure import Figure

        figure = Figure(figsize=(13, (0.42 * most + 1.1) * len(rows) + 0.4), layout="constrained")
        panels = figure.subplots(len(rows), width, sharey="row", squeeze=False)
        for row, (test, summary, names) in zip(panels, rows, strict=True):
            for axes, name in zip(row, names, strict=False):
                _panel(axes, summary, name)
                axes.set_title(MEAN_OF_SETS if name == MEAN else name)
            for axes in row[len(names) :]:
                axes.set_axis_off()
            row[0].set_yticks(range(len(summary)), list(summary))
            row[0].set_ylim(len(summary) - 0.4, -0.6)
            if len(rows) > 1:
                row[0].set_ylabel(test)
        figure.suptitle(f"{result['title']}: {what}", fontsize=11)
        figure.savefig(path.with_name(f".{path.name}"), dpi=130, format="png", metadata={"Software": None})
    path.with_name(f".{path.name}").replace(path)


def _panel(axes: "matplotlib.axes.Axes", summary: Mapping[str, dict], name: str) -> None:
    for place, entry in enumerate(summary.values()):
        if (figures := entry["sets"].get(name)) is None:
            continue
        mean = 100 * figures["accuracy"]
        low, high = (100 * value for value in figures["interval_95"])
        axes.plot([low, high], [place, place], color="#27527d", linewidth=2, solid_capstyle="round", zorder=2)
        axes.plot([100 * v for v in figures["by_seed"]], [place] * len(figures["by_seed"]), "o", color="#27527d",
                  markersize=3, alpha=0.35, zorder=3)  # fmt: skip
        axes.plot(mean, place, "o", color="#27527d", markersize=6.5, zorder=4)
        if figures["chance"] is not None:
            axes.axvline(100 * figures["chance"], color="#999999", linewidth=0.8, linestyle="--", zorder=1)
    axes.tick_params(left=False)
    axes.grid(axis="x", color="#e6e6e6", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.margins(x=0.08)
