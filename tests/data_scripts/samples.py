"""Figures and records that several tests of this room use."""

import io
import json
import os
import zipfile
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_scripts.diagram import Circle, Diagram, Mark
from data_scripts.diagram.program import Program
from data_scripts.diagram.traced import TracedFigure
from data_scripts.negatives.encoding import SentenceEncoder
from data_scripts.rows import CONFIGS, RowOptions, build_rows
from data_scripts.sources import geometry3k, procedural

SHARED = Path(os.environ.get("MMGEO_SHARED", Path(__file__).parents[3] / "shared"))
LOGIC_FORMS = SHARED / "data" / "geometry3k" / "logic_forms.zip"
needs_logic_forms = pytest.mark.skipif(
    not LOGIC_FORMS.is_file(), reason=f"no Geometry3K logic forms at {LOGIC_FORMS}: set MMGEO_SHARED to run this"
)


def figure(points: str, lines: str = "", circles: str = "", marks: tuple[Mark, ...] = ()) -> Diagram:
    """A diagram written briefly: `figure("A 0 0 B 4 0 C 0 3", "AB BC CA", "O 2")`."""
    words, rings = points.split(), circles.split()
    return Diagram(
        points={words[i]: (float(words[i + 1]), float(words[i + 2])) for i in range(0, len(words), 3)},
        segments=tuple((a, b) for a, b in lines.split()),
        circles=tuple(Circle(rings[i], float(rings[i + 1])) for i in range(0, len(rings), 2)),
        marks=marks,
    )


@cache
def programs(count: int, seed: int = 0) -> tuple[Program, ...]:
    """The first figures of the procedural source."""
    return tuple(procedural.figure_at(seed, "train", i)[1] for i in range(count))


@cache
def real_figures(count: int) -> tuple[TracedFigure, ...]:
    """The first readable figures of Geometry3K; only for tests that need its logic forms."""
    records, found = geometry3k.load_records(LOGIC_FORMS), []
    for number in geometry3k.record_numbers(records, "train"):
        if len(found) == count:
            break
        try:
            found.append(geometry3k.read_record(records[number], geometry3k.Counter()))
        except ValueError:
            continue
    return tuple(found)


def traced_triangle() -> TracedFigure:
    """A triangle with the foot of its altitude, printed values and ticks, as a source would give it."""
    drawn = figure(
        "A 30 80 B 0 0 C 100 0 D 30 0",
        "AB BC CA AD",
        marks=(
            Mark("length", ("A", "C"), "2x+3"),
            Mark("angle", ("A", "B", "C"), "69°"),
            Mark("right_angle", ("A", "D", "C")),
        ),
    )
    return TracedFigure(drawn)


def record(**changes: object) -> dict:
    """A clean Geometry3K record: a right triangle with the midpoint of its longest side on a circle about it."""
    clean = {
        "point_positions": {"A": [0.0, 300.0], "B": [400.0, 300.0], "C": [0.0, 0.0], "M": [200.0, 150.0]},
        "line_instances": ["AB", "BC", "CA", "BM", "MC"],
        "circle_instances": ["M"],
        "diagram_logic_forms": [
            "Perpendicular(Line(A, B), Line(A, C))",
            "Equals(LengthOf(Line(A, B)), 8)",
            "PointLiesOnLine(M, Line(B, C))",
            "PointLiesOnCircle(A, Circle(M, radius_0_0))",
            "PointLiesOnCircle(B, Circle(M, radius_0_0))",
            "Equals(LengthOf(Line(B, M)), LengthOf(Line(M, C)))",
        ],
    }
    return {**clean, **changes}


def write_zip(path: Path, records: dict, member: str = f"logic_forms/{geometry3k.MEMBER}") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, json.dumps(records))
    return path


def pixels(image: dict) -> np.ndarray:
    """The grey values of an undecoded image of a row, `[height, width]`."""
    with Image.open(io.BytesIO(image["bytes"])) as opened:
        return np.asarray(opened.convert("L"))


def row_of(index: int, **options: object) -> dict:
    """The row of a procedural figure, small."""
    sizes = {"image_size": 96, "num_image_negatives": 3, "num_rule_negatives": 2, **options}
    dropped = {config: Counter() for config in CONFIGS}
    rng = np.random.default_rng(index)
    built = build_rows(programs(index + 1)[index], f"p/{index}", "p", rng, RowOptions(**sizes), dropped)
    assert built is not None
    return built[CONFIGS[0]].row


def fake_encoder(retriever: str = "", exact: bool = False) -> SentenceEncoder:
    """Letter counts in place of a sentence encoder, `[captions, 128]`: similar texts are near."""

    def encode(captions: list[str]) -> np.ndarray:
        return np.array([[caption.count(chr(c)) for c in range(128)] for caption in captions], dtype=np.float32)

    return SentenceEncoder("letter counts", encode)


def fake_encode(texts: list[str]) -> np.ndarray:
    """The same, L2-normalised."""
    counts = fake_encoder().encode(list(texts))
    return counts / np.linalg.norm(counts, axis=1, keepdims=True)
