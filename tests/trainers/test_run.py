"""Where a command resumes."""

import pytest
from transformers import TrainingArguments

from trainers.run import checkpoint_to_resume


def arguments(folder, resume=None):
    return TrainingArguments(output_dir=str(folder), use_cpu=True, resume_from_checkpoint=resume)


def test_the_last_complete_checkpoint_is_found(tmp_path):
    assert checkpoint_to_resume(arguments(tmp_path / "absent")) is None
    assert checkpoint_to_resume(arguments(tmp_path)) is None
    for step in (5, 10, 20):
        (tmp_path / f"checkpoint-{step}").mkdir()
    for step in (5, 10):  # the one at 20 was cut off
        (tmp_path / f"checkpoint-{step}" / "trainer_state.json").write_text("{}")
    last = str(tmp_path / "checkpoint-10")
    assert checkpoint_to_resume(arguments(tmp_path)) == last
    assert checkpoint_to_resume(arguments(tmp_path, "true")) == last
    assert checkpoint_to_resume(arguments(tmp_path, "no")) is None
    first = str(tmp_path / "checkpoint-5")
    assert checkpoint_to_resume(arguments(tmp_path, first)) == first
    with pytest.raises(ValueError, match="no complete checkpoint"):
        checkpoint_to_resume(arguments(tmp_path, str(tmp_path / "checkpoint-20")))
