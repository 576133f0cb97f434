"""The folder of a data set: what lies there already and is not ours."""

import pytest

from data_scripts.assemble import Assembly


def test_a_readme_of_others_is_refused_before_the_work_and_a_card_of_ours_is_not(tmp_path):
    Assembly(tmp_path / "new", "key", {})
    (tmp_path / "README.md").write_text("a user's project")
    with pytest.raises(ValueError, match="README.md would be replaced by the data set's card"):
        Assembly(tmp_path, "key", {})
    (tmp_path / ".build").mkdir()  # of a build that was cut after its card
    Assembly(tmp_path, "key", {})
    (tmp_path / ".build").rmdir()
    (tmp_path / "build_report.json").touch()
    Assembly(tmp_path, "key", {})
