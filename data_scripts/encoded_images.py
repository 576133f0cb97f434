"""Data sets whose images stay encoded: `datasets` decodes them as rows are read, where one broken file ends the run.

So rows give `{"bytes", "path"}`, and whoever decodes an image meets a damaged one where it can be skipped and counted.
"""

from typing import Any

from datasets import Dataset, Features, Image, IterableDataset, List
from datasets.fingerprint import Hasher


def undecoded(rows: Any) -> Any:
    """The same rows with images as `{"bytes", "path"}`; nothing is copied. What is no data set passes through.

    Args:
        rows: a data set, a stream, or a dict of them.

    Raises:
        ValueError: if a transform is set on the rows, which would be left out.
    """
    if isinstance(rows, dict):
        return {name: undecoded(part) for name, part in rows.items()}
    if not isinstance(rows, (Dataset, IterableDataset)) or rows.features is None:
        return rows
    if isinstance(rows, Dataset) and rows.format["type"] == "custom":
        raise ValueError(
            "The rows have a transform (set_transform, with_transform), which would be left out, since images are "
            "read here as they are stored: apply it with rows.map(...) or, anew in every epoch, with "
            "rows.to_iterable_dataset().map(...)."
        )
    features = _set_decoding(rows.features, False)
    if isinstance(rows, IterableDataset):
        return rows if features == rows.features else rows.cast(features)
    info = rows.info.copy()
    info.features = features
    # `cast` would write every image once more to disk, although the stored bytes stay the same. The fingerprint is
    # another, since what is made of these rows is.
    fingerprint = Hasher.hash([rows._fingerprint, "undecoded"])
    return Dataset(rows.data, info=info, split=rows.split, indices_table=rows._indices, fingerprint=fingerprint)


def decoded_features(features: Features) -> Features:
    """The features as they were before `undecoded` left the images encoded."""
    return _set_decoding(features, True)


def _set_decoding(features: Features, decode: bool) -> Features:
    """The features with the decoding of images, also in lists, switched on or off."""

    def image(feature: object) -> object:
        if isinstance(feature, Image):
            return Image(decode=decode)
        if isinstance(feature, List) and isinstance(feature.feature, Image):
            return List(Image(decode=decode), length=feature.length)
        return feature

    return Features({name: image(feature) for name, feature in features.items()})
