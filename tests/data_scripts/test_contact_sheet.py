"""The picture of a build: every negative says how it differs."""

import pytest

from data_scripts.contact_sheet import contact_sheet, difference

from .samples import row_of


def test_contact_sheet_names_the_differences():
    rows = [row_of(i) for i in range(2)]
    canvas = contact_sheet(rows, columns=3)
    labels = [ax.get_xlabel() for ax in canvas.axes if ax.get_visible()]
    assert sum(label.startswith("Now: ") for label in labels) == sum(min(2, len(r["negative_images"])) for r in rows)
    assert not any("same statements" in label for label in labels)
    with pytest.raises(ValueError, match="at least one row"):
        contact_sheet([])
    assert difference("W is at (2, -2). AB = 5.", "W is at (3, -2). AB = 5.") == "W is at (3, -2)"
