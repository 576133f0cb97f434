"""On a CPU, tokens without a label take no part in the loss of a language model, nor in its time.

TRL scores every token of a batch against the whole vocabulary where there is no Triton, and leaves those of questions
and figures out afterwards. They are three of four or more, and a step of SmolLM2-135M takes 1.6 times as long for it
(`python -m tests.benchmarks.labelled_tokens --rounds 2 --batch_size 4`).

Promise: loss, gradients and metrics are those of TRL.
"""

from typing import Any

import torch
from peft import PeftModel
from torch import nn
from transformers.utils import ModelOutput

from .answer_collator import IGNORED


class LabelledTokens:
    """Mixed into an `SFTTrainer` before it."""

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> torch.Tensor | tuple[torch.Tensor, ModelOutput]:
        """TRL's; the hidden states of unlabelled tokens do not reach the head, which elsewhere TRL sees to itself."""
        smoothed = self.compute_loss_func is not None or self.label_smoother is not None
        if self.args.device.type != "cpu" or return_outputs or smoothed:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        following = inputs["labels"][:, 1:]
        labelled = following != IGNORED

        def keep_labelled(module: nn.Module, args: tuple, outputs: ModelOutput) -> ModelOutput:
            outputs["last_hidden_state"] = outputs.last_hidden_state[:, :-1][labelled][None]
            return outputs

        inputs = {name: value for name, value in inputs.items() if name != "labels"}
        inputs["shift_labels"] = following[labelled][None]
        language = self.model.get_base_model() if isinstance(self.model, PeftModel) else self.model
        hook = language.base_model.register_forward_hook(keep_labelled)
        try:
            return super().compute_loss(model, inputs, False, num_items_in_batch)
        finally:
            hook.remove()
