"""Tables of a report beyond those of the cards: ablations, contamination, and our figures beside the paper's."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from evaluation.report.plots import Line
from evaluation.report.results_files import ResultFile, Results
from evaluation.result_tables import ResultTable, answering_model, data_name, public_name, result_tables, table_cell

PAPER: dict[str, Any] = json.loads(Path(__file__).with_name("paper.json").read_text(encoding="utf-8"))


def all_tables(results: Results) -> list[ResultTable]:
    """Every table that the results give, in the order in which they are read best."""
    tables = [*result_tables([file.result for file in results.all if file.result["measure"] != "load_back"])]
    tables += [table for file in results.of("ablation") for table in ablation_tables(file.result)]
    tables += [contamination_table(results.of("contamination"))] if results.of("contamination") else []
    beside, others = paper_tables(results)
    return [*beside, *tables, *others]


def percent(share: float) -> str:
    return f"{100 * share:.1f}"


def interval(ends: Iterable[float]) -> str:
    low, high = ends
    return f"{100 * low:.1f} to {100 * high:.1f}"


def ablation_tables(result: dict) -> Iterator[ResultTable]:
    """A table per test of an ablation and one of answers: a line for each condition and candidate set or exam."""
    header = ("Condition", "Set", "Hit@1", "95% interval", "Chance", "Difference", "95% interval", "Seeds")
    for test, conditions in result["tests"].items():
        if rows := ablation_rows(conditions):
            title = f"{result['title']} ({test}; differences to {result['baseline']})"
            yield ResultTable(title, header, rows)
    if rows := ablation_rows(result.get("answers", {})):
        header = ("Condition", "Questions", "Accuracy", "95% interval", "Without looking", *header[5:])
        yield ResultTable(f"{result['title']}: answers (differences to {result['baseline']})", header, rows)
    yield from ablation_robustness_tables(result)


def ablation_rows(conditions: dict[str, dict]) -> list[tuple[str, ...]]:
    """The lines of conditions, each of whose sets has an accuracy and, but for the baseline, a difference."""
    rows = []
    for condition, entry in conditions.items():
        for name, of in entry["sets"].items():
            chance = "" if of["chance"] is None else percent(of["chance"])
            change = ("", "")
            if "difference" in of:
                change = (f"{100 * of['difference']:+.1f}", interval(of["difference_interval_95"]))
            seeds = str(len(entry.get("seeds", ())) or "")
            shares = (percent(of["accuracy"]), interval(of["interval_95"]), chance)
            rows.append((table_cell(condition), table_cell(name), *shares, *change, seeds))
    return rows


def ablation_robustness_tables(result: dict) -> Iterator[ResultTable]:
    """A table per test of an ablation whose models were also measured on changed figures."""
    header = ("Condition", "Figures", "Set", "Hit@1", "95% interval", "Change", "95% interval", "Seeds")
    for test, conditions in result.get("robustness", {}).items():
        rows = []
        for condition, perturbations in conditions.items():
            for of in perturbations.values():
                for name, entry in of["sets"].items():
                    shares = (percent(entry["accuracy"]), interval(entry["interval_95"]))
                    change = (f"{100 * entry['difference']:+.1f}", interval(entry["difference_interval_95"]))
                    cells = (table_cell(condition), table_cell(of["title"]), name, *shares, *change)
                    rows.append((*cells, str(len(of["seeds"]))))
        if rows:
            yield ResultTable(f"{result['title']}: changed figures ({test}; against clean ones)", header, rows)


def contamination_table(files: list[ResultFile]) -> ResultTable:
    """How much of each benchmark the training rows hold."""
    header = ("Benchmark", "Training rows", "Questions", "Found again", "Share", "Same text", "Same figure")
    rows = []
    for result in (file.result for file in files):
        train = ", ".join(map(public_name, result.get("train", [])))
        same = (result["num_same"], result.get("num_same_text", ""), result.get("num_same_image", ""))
        share = f"{result['num_same'] / result['num_questions']:.1%}" if result["num_questions"] else ""
        count = f"{train} ({result.get('num_train_rows', '?')})"
        cells = (result["benchmark"], count, result["num_questions"], same[0], share, *same[1:])
        rows.append(tuple(table_cell(str(cell)) for cell in cells))
    return ResultTable("Contamination: test questions found among training rows", header, rows)


def paper_of(measure: str, of: str, metric: str | None = None) -> dict | None:
    """The paper's figures on the same thing, in %, or None."""
    for entry in PAPER["figures"]:
        if entry["measure"] == measure and entry["of"] == of and metric in (None, entry["metric"]):
            return entry
    return None


def paper_tables(results: Results) -> tuple[list[ResultTable], list[ResultTable]]:
    """Our figures beside the paper's, and those of the paper that nothing here was measured against; none if empty."""
    rows, met = [], []
    for measure, of, metric, model, value, ends in comparable(results):
        if (entry := paper_of(measure, of, metric)) is not None:
            met.append(id(entry))
            theirs = (told(entry), table_cell(entry["where"]))
            rows.append((f"{of}, {entry['metric']}", table_cell(model), value, ends, *theirs))
    others = [
        (f"{entry['of']}, {entry['metric']}", told(entry), table_cell(entry["where"]))
        for entry in PAPER["figures"]
        if results.all and id(entry) not in met
    ]
    header = ("Figure", "Model", "Ours", "95% interval", "The paper's", "Where")
    beside = ResultTable(f"Beside the paper's figures ({PAPER['source']}), in %", header, rows)
    title = f"Figures of the paper ({PAPER['source']}) that nothing here was measured against, in %"
    without = ResultTable(title, ("Figure", "The paper's", "Where"), others)
    return [beside] * bool(rows), [without] * bool(others)


def told(entry: dict) -> str:
    """All of the paper's figures on one thing."""
    return "; ".join(f"{whose} {value:.1f}" for whose, value in entry["values"].items())


def comparable(results: Results) -> Iterator[tuple[str, str, str | None, str, str, str]]:
    """What the paper may have a figure for: measure, thing, metric, model, our value and interval as text, in %."""
    for result in (file.result for file in results.of("benchmark")):
        blank = " (blank images)" if result.get("blank_images") else ""
        for name, entry in result["metrics"].items():
            if entry is not None:
                model, ends = answering_model(result) + blank, interval(entry["interval_95"])
                yield "benchmark", result["benchmark"], name, model, percent(entry["value"]), ends
    for result in (file.result for file in results.of("hit_at_1")):
        for name, entry in result["sets"].items():
            if entry is not None:
                model, ends = public_name(result["model"]), interval(entry["interval_95"])
                yield "hit_at_1", name, None, model, percent(entry["accuracy"]), ends
    for result in (file.result for file in results.of("hard_negative_exam")):
        for entry in result["entries"]:
            # the paper's image set ranks images, all others captions
            if (entry["set"] == "image") is (entry["direction"] == "caption_to_images"):
                model = f"{public_name(result['model'])} (exam, {entry['source']}, {entry['config']})"
                ends = interval(entry["interval_95"])
                yield "hit_at_1", entry["set"], None, model, percent(entry["accuracy"]), ends
    for result in (file.result for file in results.of("robustness")):
        if result.get("metric") == "answer_accuracy":
            data = result.get("benchmark") or public_name(result["dataset"])
            for name, of in result["perturbations"].items():
                for entry in filter(None, of["sets"].values()):
                    change, ends = f"{100 * entry['difference']:+.1f}", interval(entry["interval_95"])
                    yield "answer robustness", name, None, f"{answering_model(result)} on {data}", change, ends


def hit_lines(results: Results, labels: dict[Path, str]) -> dict[str, list[Line]]:
    """Hit@1 of all models, a panel per data set."""
    panels: dict[str, dict[str, Line]] = {}
    for file in results.of("hit_at_1"):
        panel = panels.setdefault(data_name(file.result), {})
        for name, entry in file.result["sets"].items():
            if entry is not None:
                line = panel.setdefault(name, Line(name, chance=entry["chance"]))
                line.values[labels[file.path]] = (entry["accuracy"], *entry["interval_95"])
    return {title: list(lines.values()) for title, lines in panels.items()}


def exam_lines(results: Results, labels: dict[Path, str]) -> dict[str, list[Line]]:
    """The exam, a panel per source and configuration."""
    panels: dict[str, dict[str, Line]] = {}
    for file in results.of("hard_negative_exam"):
        for entry in file.result["entries"]:
            panel = panels.setdefault(f"{entry['source']}, {entry['config']}", {})
            label = f"{entry['set']}, {entry['direction'].replace('_', ' ')}"
            line = panel.setdefault(label, Line(label, chance=entry["chance"]))
            line.values[labels[file.path]] = (entry["accuracy"], *entry["interval_95"])
    return {title: list(lines.values()) for title, lines in panels.items()}


def benchmark_lines(results: Results, labels: dict[Path, str]) -> dict[str, list[Line]]:
    """Benchmarks, a panel each, with the paper's figures."""
    panels: dict[str, dict[str, Line]] = {}
    for file in results.of("benchmark"):
        name = file.result["benchmark"]
        for metric, entry in file.result["metrics"].items():
            if entry is not None:
                paper = (paper_of("benchmark", name, metric) or {"values": {}})["values"]
                line = Line(metric, chance=entry.get("chance"), paper={who: v / 100 for who, v in paper.items()})
                line = panels.setdefault(name, {}).setdefault(metric, line)
                line.values[labels[file.path]] = (entry["value"], *entry["interval_95"])
    return {title: list(lines.values()) for title, lines in panels.items()}
