"""The report shows what the run holds, and nothing else; what it does not know it lists."""

import json
import re
from html import unescape

import pytest

from data_scripts import shards
from data_scripts.build_hard_negatives import BuildArguments, build
from data_scripts.build_sft import SftArguments
from data_scripts.build_sft import build as build_sft
from evaluation.hard_negative_exam import sit
from evaluation.report import main, write_report
from evaluation.report.command import labels
from evaluation.report.results_files import NEEDED, find_results
from evaluation.report.tables import PAPER, hit_lines
from tests.tiny import tiny_mmclip

ENTRY = {"accuracy": 0.4321, "interval_95": [0.4, 0.5], "chance": 0.0909, "mean_candidates": 11.0, "num_anchors": 57}
VALUE = {"value": 0.6543, "interval_95": [0.6, 0.7], "num_rows": 754, "chance": 0.25}
WHAT = {"model": "you/mmclip", "dataset": "you/rows", "split": "test"}
HITS = {"measure": "hit_at_1", **WHAT, "sets": {"random": ENTRY, "retrieval": None, "rule": ENTRY, "image": ENTRY}}
BENCHMARK = {
    "measure": "benchmark", "benchmark": "geoqa", "model": "you/mmgeolm", "split": "test",
    "metrics": {"accuracy": VALUE, "none": None},
}  # fmt: skip
ROBUST = {"accuracy": 0.31, "clean": 0.35, "difference": -0.04, "interval_95": [-0.07, -0.01], "num_anchors": 60}
ROBUSTNESS = {
    "measure": "robustness", **WHAT, "metric": "hit_at_1",
    "perturbations": {"blur": {"title": "out of focus", "sets": {"rule": ROBUST, "image": None}}},
}  # fmt: skip
ABLATION = {
    "measure": "ablation", "title": "Kinds of negatives", "baseline": "in-batch",
    "tests": {"with_markings": {
        "in-batch": {"seeds": [0], "sets": {"rule": ENTRY}},
        "image | only": {"seeds": [0, 1], "sets": {"rule": ENTRY | {
            "difference": 0.0123, "difference_interval_95": [-0.01, 0.03]}}},
    }},
    "answers": {"in-batch": {"seeds": [0], "sets": {"geoqa": ENTRY | {"chance": None}}}},
}  # fmt: skip
CONTAMINATION = {
    "measure": "contamination", "benchmark": "we_math", "train": ["you/rows"], "num_questions": 200, "num_same": 3
}  # fmt: skip


def put(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / f"{name}.json").write_text(content if isinstance(content, str) else json.dumps(content))
    return folder


def read(output):
    return output.read_text(encoding="utf-8"), output.with_suffix(".md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run as `make walkthrough` lays it out."""
    folder = tmp_path_factory.mktemp("run") / "procedural"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "SHARD_SIZE", 3)
        sizes = {"num_test_rows": 2, "image_size": 96, "num_workers": 1}
        build(BuildArguments(str(folder / "rows"), num_rows=4, num_retrieved=0, **sizes))
        build_sft(SftArguments(str(folder / "questions"), num_rows=2, **sizes))
    put(folder, **{"hit_at_1-mmclip": HITS, "hit_at_1-warm": HITS | {"model": "you/warm"}})
    history = {"log_history": [{"step": 5, "loss": 2.0}, {"step": 10, "loss": 1.0}]}
    put(folder / "mmclip", trainer_state=history, config={})
    overall = ENTRY | {"baseline": {"accuracy": 0.2}, "num_rows": 2}
    settings = {"dataset": str(folder / "questions"), "dataset_config": None, "split": "test"}
    result = {"measure": "answer_accuracy", "model": "you/mmgeolm", **settings, "overall": overall, "kinds": {}}
    put(folder / "answers", settings=settings, results=result)
    line = {"row": 1, "kind": "k", "answer": "7", "text": "So \\boxed{7} <b>", "correct": True}
    (folder / "answers" / "predictions.jsonl").write_text(json.dumps(line) + "\n")
    return folder


def test_the_page_holds_what_was_measured(run, tmp_path):
    output = tmp_path / "page" / "report.html"
    assert write_report(run, output).not_shown == []
    page, tables = read(output)
    assert page.count("43.2%") == 7 and page.count("<td>57</td>") == 6  # two models on three sets; answers
    assert page.count("data:image/png;base64,") == 4  # contact sheet, curves, Hit@1, one answered figure
    assert "So \\boxed{7} &lt;b&gt;" in page  # what a model says is text, never markup
    assert not re.search(r'src="(?!data:)', page) and "Loaded back" not in page and "not shown" not in page
    assert "| you/warm | you/rows (test) | rule | 43.2% | 40.0% to 50.0% | 9.1% | 11.0 | 57 |" in tables
    index = (tmp_path / "page" / "report-model_index.yaml").read_text()
    assert "Hit@1 (rule set)" in index and "0.4321" in index and "you/mmgeolm" in index


def test_results_that_share_their_names_are_told_apart(tmp_path):
    """As `make walkthrough` lays them out: the same file names, on figures of two sources."""
    for source in ("procedural", "geometry3k"):
        put(tmp_path / source, **{"hit_at_1-mmclip": HITS, "letters": HITS | {"dataset_config": "letters_only"}})
    results = find_results(tmp_path)
    panels = {title: lines[0].values.keys() for title, lines in hit_lines(results, labels(results, tmp_path)).items()}
    assert panels == {
        "you/rows (test)": {f"you/mmclip ({source}/hit_at_1-mmclip)" for source in ("procedural", "geometry3k")},
        "you/rows, letters_only (test)": {f"you/mmclip ({source}/letters)" for source in ("procedural", "geometry3k")},
    }


def test_every_kind_of_result_has_its_table(tmp_path):
    folder = put(tmp_path / "run", a=BENCHMARK, b=ROBUSTNESS, c=ABLATION, d=CONTAMINATION, e=HITS)
    assert write_report(folder, tmp_path / "r.html").not_shown == []
    page, tables = read(tmp_path / "r.html")
    for row in (
        "| you/mmgeolm | geoqa (test) | accuracy | 65.4% | 60.0% to 70.0% | 25.0% | 754 |",
        "| you/mmclip | you/rows (test) | out of focus | Hit@1, rule | 35.0% | 31.0% | -4.0 | -7.0 to -1.0 | 60 |",
        "| image \\| only | rule | 43.2 | 40.0 to 50.0 | 9.1 | +1.2 | -1.0 to 3.0 | 2 |",
        "| in-batch | geoqa | 43.2 | 40.0 to 50.0 |  |  |  | 1 |",
        "| we_math | you/rows (?) | 200 | 3 | 1.5% |",
        "| geoqa, accuracy | you/mmgeolm | 65.4 | 60.0 to 70.0 | MMCLIP 69.2; in-batch random 56.3;",
        "| image, Hit@1 | you/mmclip | 43.2 | 40.0 to 50.0 | AltCLIP, image negatives 23.0 |",
    ):
        assert row in tables
    for line in tables.splitlines():
        if re.fullmatch(r"\|.*[^-| ].*\|", line):  # every cell of the Markdown stands on the page as well
            for cell in re.split(r"(?<!\\)\|", line.strip("|")):
                assert cell.strip() in unescape(page)
    assert "mm_math, hard" in tables.partition("nothing here was measured against")[2]


def test_the_papers_figures_are_those_of_the_paper():
    values = {(e["of"], e["metric"]): e["values"] for e in PAPER["figures"]}
    assert values["we_math", "S3"] == {"MMCLIP": 36.4, "in-batch random": 35.1, "AltCLIP as released": 32.7}
    assert values["negative types, 1:10", "GeoQA"]["all"] == 58.2 and "2505.20152" in PAPER["source"]
    assert all(entry["where"] and entry["values"] for entry in PAPER["figures"])


def test_unknown_and_damaged_files_are_listed(tmp_path, command):
    folder = put(
        tmp_path / "run",
        damaged="{",
        array=[1],
        other={"measure": "weight"},
        odd={"measure": ["list"]},
        thin={"measure": "hit_at_1"},
        bench={"measure": "benchmark", "benchmark": "geoqa", "metrics": {}},
        settings={"no": "result"},
    )
    put(folder / "model", config={}, tokenizer={"large": 1})
    (folder / "notes.txt").write_text("nothing")
    status, out, err = command(main, "--run", folder, "--output", tmp_path / "r.html")
    assert status == 0, err
    page, tables = read(tmp_path / "r.html")
    for name, reason in (
        ("damaged.json", "cannot be read"),
        ("array.json", "nothing that is known here"),
        ("other.json", "nothing that is known here (weight)"),
        ("odd.json", "nothing that is known here"),
        ("thin.json", "lacks model, dataset, split, sets"),
        ("bench.json", "lacks split"),
    ):
        for text in (out, unescape(page), tables):
            assert re.search(rf"{name}.*{re.escape(reason)}", text)
    assert "tokenizer" not in page and "settings.json" not in page and "Nothing has been measured yet" in tables


def test_an_empty_run_gives_an_empty_page(tmp_path):
    (tmp_path / "run").mkdir()
    write_report(tmp_path / "run", tmp_path / "report.html")
    assert "%" not in (tmp_path / "report.html").read_text(encoding="utf-8").split("</style>")[1]
    with pytest.raises(ValueError, match="no run at"):
        write_report(tmp_path / "nowhere", tmp_path / "report.html")


def test_parts_of_unfinished_work_are_no_results(tmp_path):
    put(tmp_path / "exam" / "sections", part={"entries": []})
    put(tmp_path / "exam", settings={})
    put(tmp_path / ".hidden", x=HITS)
    put(tmp_path / "runs", second=HITS)  # a folder of that name is no part unless it lies beside a measurement
    found = find_results(put(tmp_path, hits=HITS))
    assert [file.path.name for file in found.all] == ["hits.json", "second.json"] and not found.not_shown
    assert set(NEEDED) >= {"hit_at_1", "hard_negative_exam", "robustness", "ablation", "benchmark", "contamination"}


@pytest.fixture(scope="module")
def sat(exam, tmp_path_factory):
    """A model that has sat the small exam."""
    folder = tmp_path_factory.mktemp("sat")
    model, processor = tiny_mmclip("clip")
    model.save_pretrained(folder / "mmclip")
    processor.save_pretrained(folder / "mmclip")
    sit.evaluate(sit.SitArguments(str(folder / "mmclip"), str(exam.folder), str(folder / "run" / "exam")))
    return folder / "run"


def test_failures_show_what_was_chosen_and_why_it_is_wrong(exam, sat, tmp_path):
    results = write_report(sat, tmp_path / "r.html")
    assert results.not_shown == []
    page, tables = read(tmp_path / "r.html")
    assert page.count('<figure class="failure">') >= 10
    cards = page.split('<figure class="failure">')[1:]
    for card in cards:
        assert len(re.findall(r'class="true"', card)) == 1 and len(re.findall(r'class="chosen"', card)) == 1
        assert ("false of the figure: " if "<li class" in card else "not so in the chosen figure: ") in card
        series = re.search(r"<b>(\w+), ", card)[1]
        assert ("Kind of edit: " in card) is (series in ("rule", "image"))
        count = card.count("<li class") or card.count("<img class")
        assert 2 <= count <= 11
    assert "geometry3k, with_markings" in tables and "Hit@1 (retrieval_100 set, caption to images)" in (
        tmp_path / "r-model_index.yaml"
    ).read_text(encoding="utf-8")


def test_without_the_exam_the_gallery_is_left_out_and_said(sat, tmp_path):
    folder = tmp_path / "run" / "exam"
    result = json.loads((sat / "exam" / "results.json").read_text())
    put(folder, results=result | {"exam": str(tmp_path / "gone")})
    (folder / "predictions.jsonl").write_text((sat / "exam" / "predictions.jsonl").read_text())
    results = write_report(tmp_path / "run", tmp_path / "r.html")
    assert "failures on the exam cannot be shown" in results.not_shown[0][1]
    assert "caption to images" in read(tmp_path / "r.html")[1]
