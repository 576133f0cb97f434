"""Where a training or an export left a pickle: whoever loads a folder should run nobody's code."""

from pathlib import Path

from model_cards.folder_check import is_pickle

# What transformers writes to resume from, into checkpoints alone; a push leaves it out.
RESUME_STATE = ("optimizer.pt", "scheduler.pt", "rng_state.pth", "rng_state_0.pth", "scaler.pt")


def pickles_in(folder: Path) -> list[str]:
    """Pickles under any name below a saved folder, but for the resume state of its checkpoints."""
    return [
        str(path.relative_to(folder))
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not (path.parent.name.startswith("checkpoint-") and path.name in RESUME_STATE)
        and is_pickle(path)
    ]
