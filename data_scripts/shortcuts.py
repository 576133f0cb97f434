"""Can a positive be told from its negatives without reading it? What every build reports about itself.

A model trained on figures finds every shortcut that the drawing leaves open: more ink, a larger file, one mark more, a
figure that sits elsewhere. Here a classifier is given one such property at a time and has to tell positives from image
negatives. An area under the ROC curve of 0.5 is what rows without a shortcut show.

Rows are compared out of fold, so a property is not learned by heart: `auc` over single pictures, and `paired` within
each pair, which is closer to what contrastive training sees (share of pairs in which the positive scores higher).
"""

from collections.abc import Mapping, Sequence

import numpy as np

from .diagram import Diagram
from .diagram.drawing import Drawing

MAX_PAIRS = 5000
FOLDS = 5
Measure = dict[str, list[float]]  # property -> numbers that describe it


def measure(pixels: np.ndarray, num_bytes: int, diagram: Diagram, drawing: Drawing) -> Measure:
    """What can be seen of a picture without reading it.

    Args:
        pixels: grey values, `[size, size]` uint8, black on white.
        num_bytes: size of the stored file.
        diagram: the figure.
        drawing: the figure as it was laid out.
    """
    dark = pixels < 128
    rows, columns = np.flatnonzero(dark.any(1)), np.flatnonzero(dark.any(0))
    side, ink = pixels.shape[0], int(np.count_nonzero(dark))
    edges = [rows[0], rows[-1], columns[0], columns[-1]] if ink else [0, 0, 0, 0]
    centre = [float(np.dot(dark.sum(axis), np.arange(side))) / max(ink, 1) for axis in (0, 1)]
    marks = [len(diagram.marks), len(drawing.texts), len(drawing.lines), len(drawing.arcs), len(drawing.dots)]
    return {
        "ink": [ink / side**2],
        "file size": [num_bytes],
        "mark count": marks,
        "position": [round(float(v) / side, 4) for v in (*edges, *centre)],
        "style": [round(float(pixels[dark].mean()), 2) if ink else 0.0, drawing.style.font_size],
        "letters": _letters(diagram),
    }


def _letters(diagram: Diagram) -> list[float]:
    """Whether letters follow the alphabet around the figure, and whether centres are called O, as printers like it."""
    middle = np.mean(list(diagram.points.values()), axis=0)
    around = sorted(diagram.points, key=lambda p: float(np.arctan2(*(np.array(diagram.points[p]) - middle)[::-1])))
    follows = [ord(b) - ord(a) == 1 for a, b in zip(around, around[1:] + around[:1], strict=True)]
    backwards = [ord(a) - ord(b) == 1 for a, b in zip(around, around[1:] + around[:1], strict=True)]
    centres = [c.center == "O" for c in diagram.circles]
    return [float(sum(follows)), float(sum(backwards)), float(sum(centres)), float("O" in diagram.points)]


def measure_shortcuts(pairs: Sequence[tuple[Measure, Measure]]) -> dict[str, object]:
    """How well each property alone tells positives from negatives.

    Args:
        pairs: measures of a positive and of one of its negatives.

    Returns:
        `{"pairs": n, "ink": {"auc": 0.5, "paired": 0.5}, ...}`; without properties if there are too few pairs to say.
    """
    report: dict[str, object] = {"pairs": len(pairs)}
    if len(pairs) < 2 * FOLDS:
        return report
    for name in pairs[0][0]:
        values = np.array([[positive[name], negative[name]] for positive, negative in pairs], dtype=float)
        report[name] = _tell_apart(values)
    return report


def _tell_apart(values: np.ndarray) -> Mapping[str, float]:
    """Train on four fifths of the pairs, judge the rest, `[pairs, 2, numbers]`: positives first."""
    from sklearn.ensemble import HistGradientBoostingClassifier  # a second to import, once per build
    from sklearn.metrics import roc_auc_score

    folds = np.arange(len(values)) % FOLDS
    scores = np.zeros(values.shape[:2])
    for fold in range(FOLDS):
        known, asked = values[folds != fold], values[folds == fold]
        model = HistGradientBoostingClassifier(max_iter=40, max_depth=3, early_stopping=False, random_state=0)
        model.fit(known.reshape(-1, known.shape[2]), np.tile([1, 0], len(known)))
        scores[folds == fold] = model.predict_proba(asked.reshape(-1, asked.shape[2]))[:, 1].reshape(-1, 2)
    auc = roc_auc_score(np.tile([1, 0], len(values)), scores.ravel())
    difference = scores[:, 0] - scores[:, 1]
    return {"auc": round(float(auc), 4), "paired": round(float((np.sign(difference) / 2 + 0.5).mean()), 4)}
