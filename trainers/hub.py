"""Folders and pushes of a training that hold what the Hub takes: weights as safetensors, code, processor, no pickle.

transformers' Trainer pickles its arguments beside the weights and, pushing during a training, sends them along but not
the code that travels with a model. Here each push is one commit of the files that loading needs, taken from the last
checkpoint. The card it begins with says that nothing was measured, until `model_cards` writes a full one.

Promises: a push that fails costs no step; the next one, or the last, sends everything. No token is ever shown.
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from huggingface_hub import CommitInfo, CommitOperationAdd, CommitOperationDelete, HfApi, ModelCardData
from transformers.trainer_utils import HubStrategy
from transformers.utils import logging
from transformers.utils.hub import PushInProgress

from data_scripts.hub_errors import explained, explanation, without_tokens

from .run import drop_pickled_arguments

logger = logging.get_logger(__name__)

TRAVELS = (".safetensors", ".json", ".py", ".jinja", ".txt", ".model", ".md", ".png")
STAYS = ("trainer_state.json",)
STAGED = "_push"  # beside the checkpoints, where clearing old ones does not reach it while it is sent
CARD = """---
{metadata}
---

# {name}

From a training that may still be going on; nothing has been measured. The full card is written at its end by
`python -m model_cards.write_card`.

```python
from transformers import {auto}, AutoProcessor
model = {auto}.from_pretrained("{repo_id}", trust_remote_code=True)
processor = AutoProcessor.from_pretrained("{repo_id}", trust_remote_code=True)
```
"""


def travelling(folder: str | os.PathLike) -> list[Path]:
    """The files of a saved model or checkpoint that the Hub takes."""
    return sorted(path for path in Path(folder).iterdir() if path.suffix in TRAVELS and path.name not in STAYS)


def link(source: str, target: str) -> None:
    """A second name for a file, or a copy where the disk knows no such thing."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


class HubReady:
    """Mixin for a Trainer, named before it: what it saves and pushes is fit for the Hub."""

    pipeline_tag, auto_class = "image-text-to-text", "AutoModelForImageTextToText"  # of what it trains

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """None: the Trainer's own would state figures of the training as results."""

    def _save(self, output_dir: str | None = None, state_dict: dict | None = None) -> None:
        card = Path(output_dir or self.args.output_dir, "README.md")
        earlier = card.read_bytes() if card.is_file() else None
        super()._save(output_dir, state_dict)
        drop_pickled_arguments(str(card.parent))
        if earlier is not None:
            card.write_bytes(earlier)
        elif self.args.should_save:  # peft writes a form to be filled in, and calls it a card
            card.unlink(missing_ok=True)

    def init_hf_repo(self, token: str | None = None, private: bool | None = None) -> None:
        """Create the repository, before anything is trained.

        Raises:
            ValueError: if the Hub refuses or cannot be reached, or --hub_strategy would send optimizer states.
        """
        if self.args.hub_strategy in (HubStrategy.CHECKPOINT, HubStrategy.ALL_CHECKPOINTS):
            raise ValueError(
                f"--hub_strategy {self.args.hub_strategy.value} would put pickled optimizer states on the Hub: use "
                "every_save, or end."
            )
        with explained(
            f"Creating {self.args.hub_model_id or 'a repository'} on the Hub", token or self.args.hub_token
        ):
            super().init_hf_repo(token, private)

    def push_folder(
        self,
        folder: str | os.PathLike,
        message: str,
        blocking: bool = True,
        replaced: Sequence[str] = (),
        token: str | None = None,
        revision: str | None = None,
        private: bool | None = None,
    ) -> CommitInfo | Any:
        """Send the files of a folder that loading needs, as one commit; with `blocking=False` as a Future.

        Args:
            folder: a saved model or checkpoint.
            message: of the commit.
            blocking: whether to wait until all is sent.
            replaced: files of earlier pushes that go in the same commit, if they are there.
            token: with the right to write; default: `hub_token` of the arguments.
            revision: branch that gets the commit; default: `hub_revision` of the arguments, or the main branch.
            private: whether a repository that is not there yet is made private; default: `hub_private_repo` of the
                arguments.

        Raises:
            ValueError: if the Hub refuses or cannot be reached.
        """
        if self.hub_model_id is None:
            self.init_hf_repo(token, private)
        token, revision = token or self.args.hub_token, revision or self.args.hub_revision
        api = HfApi(token=token, library_name="mmgeo")
        files = travelling(folder)
        operations = [CommitOperationAdd(path_in_repo=file.name, path_or_fileobj=file) for file in files]
        with explained(f"Pushing to {self.hub_model_id}", token):
            operations += [
                CommitOperationDelete(path_in_repo=name, is_folder=False)
                for name in replaced
                if api.file_exists(self.hub_model_id, name, revision=revision)
            ]
            if all(file.name != "README.md" for file in files) and not api.file_exists(
                self.hub_model_id, "README.md", revision=revision
            ):
                operations.append(CommitOperationAdd(path_in_repo="README.md", path_or_fileobj=self._first_card()))
            return api.create_commit(
                self.hub_model_id, operations, commit_message=message, revision=revision, run_as_future=not blocking
            )

    def _first_card(self) -> bytes:
        """Metadata by which the Hub knows what this is, and no figure."""
        metadata = ModelCardData(
            library_name="transformers", pipeline_tag=self.pipeline_tag, tags=["geometry", "multimodal"]
        )
        name = self.hub_model_id.rpartition("/")[-1]
        fill = {"metadata": metadata.to_yaml(), "name": name, "repo_id": self.hub_model_id, "auto": self.auto_class}
        return CARD.format(**fill).encode()

    def _push_from_checkpoint(self, checkpoint_folder: str) -> None:
        if not self.is_world_process_zero() or self.args.hub_strategy == HubStrategy.END:
            return
        if self.push_in_progress is not None and not self.push_in_progress.is_done():
            if not self.args.hub_always_push:
                return
            self.push_in_progress.wait_until_done()
        self._tell_failed_push()
        self.callback_handler.on_push_begin(self.args, self.state, self.control)
        staged = Path(self.args.output_dir, STAGED)
        shutil.rmtree(staged, ignore_errors=True)
        staged.mkdir()
        for file in travelling(checkpoint_folder):
            link(str(file), str(staged / file.name))
        try:
            job = self.push_folder(staged, f"Training in progress, step {self.state.global_step}", blocking=False)
        except ValueError as error:
            logger.warning(f"{error}. The training goes on, and the next push sends everything.")
        else:
            self.push_in_progress = PushInProgress([job])

    def _tell_failed_push(self) -> None:
        """Warn if the last push in the background failed: nobody else asks for its result."""
        for job in self.push_in_progress.jobs if self.push_in_progress is not None else ():
            if (error := job.exception()) is not None:
                told = without_tokens(explanation(error), self.args.hub_token)
                logger.warning(f"A push to {self.hub_model_id} failed: {told}. The training goes on.")
        self.push_in_progress = None

    def _finish_current_push(self) -> None:
        if getattr(self, "push_in_progress", None) is not None:
            self.push_in_progress.wait_until_done()
            self._tell_failed_push()
        shutil.rmtree(Path(self.args.output_dir, STAGED), ignore_errors=True)

    def push_to_hub(
        self,
        commit_message: str = "End of training",
        blocking: bool = True,
        token: str | None = None,
        revision: str | None = None,
        private: bool | None = None,
        **kwargs: Any,
    ) -> Any:
        """Save the model and push it; see `push_folder`. Options of Trainer's card are ignored."""
        self.save_model(_internal_call=True)
        if not self.is_world_process_zero():
            return None
        self._finish_current_push()
        return self.push_folder(
            self.args.output_dir, commit_message, blocking, token=token, revision=revision, private=private
        )
