"""Where a command resumes."""

import pytest
from transformers import TrainingArguments

from trainers.run import checkpoint_to_resume


def arguments(folder, resume=None):
    return TrainingArguments(output_dir=str(folder), use_cpu=True, resume_from_checkpoint=resume)


def test_the_last_complete_checkpoint_is_found(tmp_path):
    assert checkpoint_to_resume(arguments(tmp_path / "absent")) is None
    assert checkpoint_to_resume(arguments(tmp_path)) is None
    for step, state in ((5, '{"global_step": 5}'), (10, '{"global_step": 10}'), (15, '{"global_step": 1'), (20, None)):
        (tmp_path / f"checkpoint-{step}").mkdir()
        if state is not None:  # the one at 15 was cut off within its last file, that at 20 before
            (tmp_path / f"checkpoint-{step}" / "trainer_state.json").write_text(state)
    last = str(tmp_path / "checkpoint-10")
    assert checkpoint_to_resume(arguments(tmp_path)) == last
    assert checkpoint_to_resume(arguments(tmp_path, "true")) == last
    assert checkpoint_to_resume(arguments(tmp_path, "no")) is None
    first = str(tmp_path / "checkpoint-5")
    assert checkpoint_to_resume(arguments(tmp_path, first)) == first
    with pytest.raises(ValueError, match="no complete checkpoint"):
        checkpoint_to_resume(arguments(tmp_path, str(tmp_path / "checkpoint-20")))
