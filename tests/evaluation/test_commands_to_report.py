"""From the commands to the page: what every measurement writes, the report reads and shows, with nothing left over."""

import json
import re
from html import unescape

import pytest
import yaml

from data_scripts import shards
from data_scripts.build_hard_negatives import BuildArguments, build
from data_scripts.build_sft import SftArguments
from data_scripts.build_sft import build as build_sft
from evaluation import ablation, answer_accuracy, contamination, grade, hit_at_1, report, robustness, run_benchmark
from evaluation.hard_negative_exam import sit
from evaluation.report.results_files import NEEDED, find_results
from tests.data_scripts.samples import fake_encode
from tests.tiny import tiny_llava, tiny_llm, tiny_mmclip, tiny_tokenizer

from .benchmarks import layouts

TRAINING = {"per_device_train_batch_size": 2, "use_cpu": True, "max_text_negatives": 0, "save_strategy": "no"}


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """Two tiny models, rows of hard negatives, questions, and a benchmark."""
    folder = tmp_path_factory.mktemp("parts")
    for name, (model, processor) in {"mmclip": tiny_mmclip(), "llava": tiny_llava()}.items():
        model.save_pretrained(folder / name)
        processor.save_pretrained(folder / name)
    for part in (tiny_llm(), tiny_tokenizer(frame=False)):
        part.save_pretrained(folder / "llm")
    sizes = {"num_test_rows": 3, "image_size": 64, "num_workers": 1}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "SHARD_SIZE", 4)
        negatives = {"num_retrieved": 0, "num_image_negatives": 2, "num_rule_negatives": 2}
        build(BuildArguments(str(folder / "rows"), num_rows=4, configs=["with_markings"], **negatives, **sizes))
        build_sft(SftArguments(str(folder / "questions"), num_rows=2, **sizes))
    layouts.we_math(folder / "we_math")
    return folder


@pytest.fixture
def run(command, parts, exam, tmp_path, monkeypatch):
    """The folder of a run in which every command has measured."""
    monkeypatch.setattr("evaluation.contamination.encode", lambda name, texts: fake_encode(texts))
    folder = tmp_path / "run"
    mmclip, llava = ("--model", parts / "mmclip"), ("--model", parts / "llava", "--max_new_tokens", 3)
    rows, we_math = ("--dataset", parts / "rows"), ("--benchmark", "we_math", "--data_dir", parts / "we_math")
    questions = ("--dataset", parts / "questions")
    config = folder.with_name("ablation.yaml")
    conditions = [{"name": "before", "phases": []}, {"name": "image only"}]
    options = {"title": "Kinds", "max_steps": 1, "seeds": [0], "training": TRAINING, "conditions": conditions}
    stage = {"max_steps": 1, "per_device_train_batch_size": 2, "use_cpu": True, "save_strategy": "no"}
    lmm = {"questions": str(parts / "questions"), "llm": str(parts / "llm"), "align": stage, "sft": stage}
    lmm |= {"answers": {"max_new_tokens": 3}}
    config.write_text(yaml.safe_dump(options | {"perturbations": ["rotation"], "lmm": lmm}))
    warm = ("--model_name_or_path", parts / "mmclip", "--dataset_name", parts / "rows")
    for main, *words in (
        (hit_at_1.main, *mmclip, *rows, "--output", folder / "hit_at_1.json"),
        (sit.main, *mmclip, "--exam", exam.folder, "--output_dir", folder / "exam"),
        (robustness.main, *mmclip, *rows, "--output_dir", folder / "robust", "--perturbations", "font", "rotation"),
        (robustness.main, *llava, *we_math, "--output_dir", folder / "robust-lmm", "--perturbations", "rotation"),
        (robustness.main, *llava, *questions, "--output_dir", folder / "redrawn", "--perturbations", "font"),
        (run_benchmark.main, *llava, *we_math, "--output_dir", folder / "we_math"),
        (grade.main, *we_math, "--predictions", folder / "we_math" / "predictions.jsonl", "--output",
         folder / "graded.json"),
        (answer_accuracy.main, *llava, *questions, "--output_dir", folder / "answers"),
        (contamination.main, *we_math, "--train", parts / "questions", "--output_dir", folder / "contamination"),
        (ablation.main, "--config", config, *warm, "--output_dir", folder / "ablation"),
    ):  # fmt: skip
        status, _, err = command(main, *words)
        assert status == 0, err
    return folder


def test_the_report_reads_what_every_command_writes(command, run, tmp_path):
    page = tmp_path / "page" / "report.html"
    status, out, err = command(report.main, "--run", run, "--output", page)
    assert status == 0, err
    assert "not shown" not in out
    assert {file.result["measure"] for file in find_results(run).all} == set(NEEDED) - {"load_back"}
    html, tables = unescape(page.read_text(encoding="utf-8")), page.with_suffix(".md").read_text(encoding="utf-8")

    titles = (
        "Beside the paper's figures",
        "Hit@1: is the true partner ranked first?",
        "The hard-negative exam",
        "Robustness: the same questions on changed figures",
        "Benchmarks",
        "Answer accuracy",
        "Kinds (test; differences to before)",
        "Kinds: answers (differences to before)",
        "Kinds: changed figures (test; against clean ones)",
        "Contamination: test questions found among training rows",
        "Figures of the paper",
    )
    for title in titles:
        assert re.search(rf"^## {re.escape(title)}", tables, re.MULTILINE), title
        assert f"<h2>{title}" in html, title
    pictures = ("Hit@1 per candidate set", "Ablation: Kinds", "Contamination: we_math")
    for picture in (*pictures, "Robustness: mmclip on rows", "Robustness: llava on we_math"):
        assert f'<h2>{picture}</h2>\n<img src="data:image/png;base64,' in html, picture
    assert html.count('<figure class="failure">') > 5 and "Answers to held-out questions" in html

    # every figure is that of its file
    hits = json.loads((run / "hit_at_1.json").read_text())["sets"]["image"]
    assert f"| mmclip | rows (test) | image | {hits['accuracy']:.1%} |" in tables
    metrics = json.loads((run / "we_math" / "results.json").read_text())["metrics"]
    assert f"| llava | we_math (testmini) | S1 | {metrics['S1']['value']:.1%} |" in tables
    assert f"| predictions.jsonl | we_math (testmini) | S1 | {metrics['S1']['value']:.1%} |" in tables
    turned = json.loads((run / "robust-lmm" / "results.json").read_text())["perturbations"]["rotation"]["sets"]
    row = f"| llava | we_math (testmini) | turned by 30° | answer accuracy | {turned['answers']['clean']:.1%} |"
    assert row in tables
    assert re.search(
        r"^\| llava \| questions \(test\) \| another font \| answer accuracy \|.* 3 \|$", tables, re.MULTILINE
    )
    ablated = json.loads((run / "ablation" / "results.json").read_text())
    trained = ablated["tests"]["test"]["image only"]["sets"]
    assert f"| image only | image | {100 * trained['image']['accuracy']:.1f} |" in tables
    answered = ablated["answers"]["image only"]["sets"]["held-out questions"]
    assert f"| image only | held-out questions | {100 * answered['accuracy']:.1f} |" in tables
    seen = json.loads((run / "contamination" / "contamination.json").read_text())
    assert f"| we_math | questions (2) | {seen['num_questions']} | {seen['num_same']} |" in tables
