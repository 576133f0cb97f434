"""`HardNegativeTrainer`: `transformers.Trainer` for an MMCLIP on rows of hard negatives.

One forward pass per step embeds all images and all distinct texts; the loss is `hard_negative_loss`. Besides the loss
it logs what `meter.Meter` measures, averaged since the last log: the loss per term, Hit@1 per family of negatives, the
share of negatives that are solved already, and positives per second; and the logit scale and bias. Evaluation measures
Hit@1 on the four candidate sets (`eval_random_hit_at_1`, `eval_retrieval_hit_at_1`, `eval_rule_hit_at_1`,
`eval_image_hit_at_1`, their mean `eval_hit_at_1`), so that `--metric_for_best_model hit_at_1 --load_best_model_at_end
true` ends with the best checkpoint.

What saves time or memory gives the losses of plain training: bf16 nearly; gradient caching, gradient checkpointing,
precomputed embeddings of a frozen tower and `torch_compile` up to rounding. Ragged batches are compiled as whole
graphs, anew for many of the first steps: on two CPU cores inductor took 26 seconds for each, so it is off by default.

Promises: a batch without a single negative gives zero loss and no error; a data set without any fails before training;
a loss that is not finite ends the run with the names of the batch's rows, before the weights take harm;
evaluation encodes each image and each distinct text once, and gives the same figures whatever the batch size and the
number of processes, with the same negatives each time; a resumed run ends with the weights of one that was not
interrupted; what the loss does not use (SigLIP's logit bias in a softmax) is frozen, so that data-parallel training
does not wait for its gradient.
"""

import math
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import PeftConfig
from torch import nn
from transformers import ProcessorMixin, TrainerCallback
from transformers.utils import logging

from data_scripts.encoded_images import undecoded
from modeling_mmgeo import MMCLIPModel, MMCLIPOutput

from .checks import (
    check_batch_size,
    check_evaluation_rows,
    check_functions,
    check_one_split,
    check_rows,
    check_savings,
    check_sharding,
    check_stream,
    warn_of_half_precision,
)
from .collators import HardNegativeCollator
from .embedded_batch import BatchLayout, EmbeddedBatch
from .frozen_embeddings import FrozenEmbeddings, embed_frozen
from .frozen_towers import freeze
from .gathering import gather_batch
from .gradient_cache import backward_in_mini_batches
from .hard_negative_config import HardNegativeConfig
from .hub import HubReady
from .lora import add_adapter
from .losses import HardNegativeLoss
from .meter import Meter
from .muon import MuonTrainer
from .rows import Rows
from .set_evaluation import ContentCollator, EvaluationContents, item_embeddings, measure
from .sharding import shard_by_layers, value_of

logger = logging.get_logger(__name__)

MAX_NAMED_ROWS = 50  # rows named when a batch fails


class HardNegativeCallback(TrainerCallback):
    """Tells the collator the epoch, holds the logit scale down and ends a run on rows that cannot be read.

    Args:
        collator: the collator of the training rows.
        args: the limits.
        rows_per_epoch: rows that this process reads in an epoch.
    """

    def __init__(self, collator: Any, args: HardNegativeConfig, rows_per_epoch: float) -> None:
        self.collator = collator
        self.max_log_scale = math.log(args.max_logit_scale)
        self.max_unreadable = max(1.0, args.max_unreadable_share * rows_per_epoch)
        self.max_unreadable_share = args.max_unreadable_share
        self.skipped_before = 0

    def _num_skipped(self) -> int:
        return getattr(self.collator, "skipped", {}).get("rows", 0)

    def on_epoch_begin(self, args, state, control, **kwargs):
        # `state.epoch` is whole here, or, where a run resumes within an epoch, that epoch and a fraction.
        if hasattr(self.collator, "set_epoch"):
            self.collator.set_epoch(int((state.epoch or 0) + 1e-6))
        self.skipped_before = self._num_skipped()

    def on_step_end(self, args, state, control, model=None, **kwargs):
        logit_scale = model.backbone.logit_scale  # a logarithm; sharding puts another parameter in its place
        if logit_scale.requires_grad:
            with torch.no_grad():
                logit_scale.clamp_(max=self.max_log_scale)
        if (skipped := self._num_skipped() - self.skipped_before) > self.max_unreadable:
            raise ValueError(
                f"{skipped} rows of this epoch could not be read, more than --max_unreadable_share "
                f"{self.max_unreadable_share:g} allows: build the data set again, or raise the share."
            )


class HardNegativeTrainer(HubReady, MuonTrainer):
    """Trains an `MMCLIPModel` contrastively on ragged hard negatives.

    Args:
        model: the model; freezing flags of `args` are applied to it.
        args: a `HardNegativeConfig`.
        train_dataset: rows of hard negatives (a `datasets` data set; its images are not decoded here).
        eval_dataset: the same, or a dict of them; no streams.
        processing_class: the `MMCLIPProcessor`, saved with every checkpoint.
        data_collator: default: a `HardNegativeCollator` made from `args`.
        peft_config: trains adapters instead of the model, for example by `lora.mmclip_lora`.
        kwargs: what else `transformers.Trainer` takes.

    Raises:
        ValueError: if the rows cannot be trained on (see `check_rows`) or evaluated, the model is no `MMCLIPModel`,
            there is neither a processor nor a collator, an adapter would train a frozen tower, or a function is given
            that would never be called (`compute_metrics`, see `check_functions`).
    """

    loss_is_scaled_for_ga = False  # the loss is a mean over the batch, for the Trainer to divide

    pipeline_tag, auto_class = "zero-shot-image-classification", "AutoModel"

    def __init__(
        self,
        model: MMCLIPModel,
        args: HardNegativeConfig,
        train_dataset: Rows | None = None,
        eval_dataset: Rows | dict[str, Rows] | None = None,
        processing_class: ProcessorMixin | None = None,
        data_collator: HardNegativeCollator | None = None,
        peft_config: PeftConfig | None = None,
        **kwargs: Any,
    ) -> None:
        check_functions(kwargs)
        if getattr(getattr(model, "config", None), "model_type", None) != "mmclip":
            raise ValueError(
                f"HardNegativeTrainer trains an MMCLIPModel, got {type(model).__name__}: load one, or wrap a stock "
                "dual encoder, with MMCLIPModel.from_backbone."
            )
        check_one_split(train_dataset)
        if data_collator is None:
            if processing_class is None:
                raise ValueError(
                    "HardNegativeTrainer needs an MMCLIPProcessor to turn rows into batches: give processing_class, "
                    "or a data_collator that has one."
                )
            data_collator = HardNegativeCollator(
                processing_class,
                max_image_negatives=args.max_image_negatives,
                max_text_negatives=args.max_text_negatives,
                text_families=args.text_families,
                seed=args.seed if args.data_seed is None else args.data_seed,
                blank_if_empty=True,
                in_batch_epochs=args.in_batch_epochs,
            )
        train_dataset, eval_dataset = undecoded(train_dataset), undecoded(eval_dataset)
        if eval_dataset is not None and isinstance(data_collator, HardNegativeCollator):
            check_evaluation_rows(eval_dataset)
        if isinstance(train_dataset, Rows) and isinstance(data_collator, HardNegativeCollator):
            check_rows(train_dataset, data_collator, args.in_batch_negatives and args.rows_at_once > 1)
        if args.loss_type == "sigmoid" and getattr(model.backbone, "logit_bias", None) is None:
            raise ValueError(
                f"loss_type sigmoid needs a logit_bias, and a backbone of type {model.backbone.config.model_type!r} "
                "has none: train a SigLIP backbone, or choose loss_type softmax."
            )
        check_batch_size(train_dataset, args)
        check_stream(train_dataset, args)
        frozen = freeze(model, args.freeze_vision, args.freeze_text, logit_bias=args.loss_type != "sigmoid")
        check_savings(model, args)
        check_sharding(model, args)
        model.text_group_size = args.text_group_size
        model.share_text_prefixes = args.share_text_prefixes
        model.image_group_size = args.image_group_size
        if peft_config is not None:
            if args.muon_learning_rate is not None:
                raise ValueError(
                    "muon_learning_rate is for whole weight matrices, and LoRA trains factors: drop one of both."
                )
            model = add_adapter(model, peft_config, frozen)
        warn_of_half_precision(model, args.learning_rate)
        super().__init__(
            model=model,
            args=args,
            data_collator=data_collator,
            train_dataset=train_dataset,
            eval_dataset=eval_dataset,
            processing_class=processing_class,
            **kwargs,
        )
        if self.args.n_gpu > 1:
            raise ValueError(
                "HardNegativeTrainer cannot split a ragged batch over the GPUs of one process. Launch it with "
                "`accelerate launch` or `torchrun`, or make one GPU visible with CUDA_VISIBLE_DEVICES."
            )
        if self.is_fsdp_enabled:
            shard_by_layers(self.accelerator.state.fsdp_plugin, model)
        self._frozen = frozen
        self._meter = Meter(self.args.device)
        self._evaluated: dict[int, tuple[Rows, EvaluationContents]] = {}  # by the identity of the rows, held with them
        self.num_empty_batches = 0
        if hasattr(train_dataset, "__len__"):
            rows_per_epoch = len(train_dataset) / self.args.world_size
        else:
            rows_per_epoch = self.args.max_steps * self.args.gradient_accumulation_steps * self.args.train_batch_size
        self.add_callback(HardNegativeCallback(data_collator, self.args, rows_per_epoch))

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> torch.Tensor | tuple[torch.Tensor, MMCLIPOutput]:
        """Embed the batch once and contrast it; see `hard_negative_loss`."""
        self._hold_frozen_towers()
        layout, model_inputs = BatchLayout.split(inputs)
        outputs = model(**model_inputs)
        loss = self.contrast(
            layout, outputs.image_embeds, outputs.text_embeds, outputs.logit_scale, outputs.logit_bias
        )
        return (loss, outputs) if return_outputs else loss

    def training_step(
        self, model: nn.Module, inputs: dict[str, Any], num_items_in_batch: torch.Tensor | int | None = None
    ) -> torch.Tensor:
        """As in transformers; with `mini_batch_size`, by `backward_in_mini_batches`."""
        if self.args.mini_batch_size is None:
            return super().training_step(model, inputs, num_items_in_batch)
        model.train()
        self._hold_frozen_towers()
        if callable(getattr(self.optimizer, "train", None)):  # schedule-free optimizers
            self.optimizer.train()
        layout, model_inputs = BatchLayout.split(self._prepare_inputs(inputs))
        steps = self.current_gradient_accumulation_steps
        loss = backward_in_mini_batches(
            model,
            model_inputs,
            self.args.mini_batch_size,
            contrast=lambda *outputs: self.contrast(layout, *outputs),
            backward=lambda surrogate: self.accelerator.backward(surrogate / steps),
            no_sync=lambda: self.accelerator.no_sync(model),
        )
        return loss / steps

    def _hold_frozen_towers(self) -> None:
        """Back to evaluation mode, out of which `model.train()` took them."""
        for part in (part for parts in self._frozen.values() for part in parts):
            part.eval()

    @property
    def in_first_phase(self) -> bool:
        """Whether this is a step of training in the first `in_batch_epochs`, which have no hard negatives."""
        return self.model.training and (self.state.epoch or 0) + 1e-6 < self.args.in_batch_epochs

    def contrast(
        self,
        layout: BatchLayout,
        images: torch.Tensor | None,
        texts: torch.Tensor | None,
        logit_scale: torch.Tensor,
        logit_bias: torch.Tensor | None,
    ) -> torch.Tensor:
        """Loss of a batch, given the embeddings of its images and texts that the layout lacks; logs on the way.

        With `gather_across_devices` it is the loss of the rows of all processes, the same in each.
        """
        own = layout.embedded(images, texts)
        in_batch = self.args.in_batch_negatives or self.in_first_phase
        across_rows = self.args.gather_across_devices and (in_batch or self.args.share_hard_negatives)
        batch = gather_batch(own) if across_rows and self.args.world_size > 1 else own
        if (result := self._loss_of(batch, logit_scale, logit_bias, in_batch)) is None:
            return self._zero_loss(images, texts, logit_scale, logit_bias)
        if self.model.training and not torch.isfinite(result.loss):
            names = ", ".join(layout.row_names[:MAX_NAMED_ROWS]) + ", ..." * (len(layout.row_names) > MAX_NAMED_ROWS)
            raise ValueError(
                f"The loss is {result.loss.item()} in step {self.state.global_step + 1}, in a batch with the rows "
                f"{names}; the weights are those of the step before. Lower the learning rate, train in bf16 or "
                "float32 rather than fp16, or look at these rows."
            )
        self._meter.add_step(own, result, layout.negative_text_family)
        return result.loss

    def _loss_of(
        self,
        batch: EmbeddedBatch,
        logit_scale: torch.Tensor,
        logit_bias: torch.Tensor | None,
        in_batch_negatives: bool,
    ) -> HardNegativeLoss | None:
        """The loss that the arguments ask for; None where the batch has nothing to contrast."""
        options = {
            "in_batch_negatives": in_batch_negatives,
            "image_weight": self.args.image_weight,
            "text_weight": self.args.text_weight,
        }
        if not batch.has_terms(**options):
            return None
        options |= {"share_hard_negatives": self.args.share_hard_negatives, "loss_type": self.args.loss_type}
        return batch.loss(logit_scale, logit_bias, **options)

    def _zero_loss(self, *outputs: torch.Tensor | None) -> torch.Tensor:
        """Zero, with a gradient of zero for every parameter: data-parallel training waits for all of them."""
        self.num_empty_batches += 1
        if self.num_empty_batches == 1:
            logger.warning(
                "A batch has no negative and counts for nothing; further ones are not reported. Rows without "
                "negatives teach only with --in_batch_negatives and more than one row per batch."
            )
        return 0.0 * sum(output.sum().float() for output in outputs if output is not None)

    def prediction_step(
        self, model: nn.Module, inputs: dict, prediction_loss_only: bool, ignore_keys: list[str] | None = None
    ) -> tuple[torch.Tensor | None, tuple[torch.Tensor, torch.Tensor] | None, None]:
        """Items and embeddings of a batch of evaluation contents, for `evaluation_loop`.

        Of rows from another collator than ours, the loss.
        """
        inputs = self._prepare_inputs(inputs)
        with torch.no_grad(), self.compute_loss_context_manager():
            if "items" not in inputs:
                return self.compute_loss(model, inputs).detach(), None, None
            items = inputs.pop("items")
            outputs = model(**inputs)
            self._evaluated_scores = [
                None if value is None else value.detach().float().cpu()
                for value in (outputs.logit_scale, outputs.logit_bias)
            ]
            return None, (items, item_embeddings(items, outputs)), None

    def evaluation_loop(self, dataloader: Any, *args: Any, metric_key_prefix: str = "eval", **kwargs: Any) -> Any:
        """As in transformers, with Hit@1 on the candidate sets and the losses; see `set_evaluation.measure`."""
        output = super().evaluation_loop(dataloader, *args, metric_key_prefix=metric_key_prefix, **kwargs)
        contents = dataloader.dataset
        if not isinstance(contents, EvaluationContents):
            return output
        items, embeddings = map(torch.from_numpy, output.predictions)

        def loss_of(batch: EmbeddedBatch) -> HardNegativeLoss | None:
            return self._loss_of(batch, *self._evaluated_scores, self.args.in_batch_negatives)

        measured = measure(contents, items, embeddings, self.args.rows_at_once, loss_of)
        weights = {"image_loss": self.args.image_weight, "text_loss": self.args.text_weight}
        present = {name: weight for name, weight in weights.items() if name in measured}
        if sum(present.values()):
            measured["loss"] = sum(measured[name] * weight for name, weight in present.items()) / sum(present.values())
        output.metrics.update({f"{metric_key_prefix}_{name}": value for name, value in measured.items()})
        return output._replace(predictions=None, num_samples=len(contents.rows))

    def _get_dataloader(
        self, dataset: Any, description: str, *args: Any, is_training: bool = False, **kwargs: Any
    ) -> Any:
        """As in transformers; evaluation goes through what the rows hold, each image and text once."""
        if is_training or not isinstance(self.data_collator, HardNegativeCollator):
            dataset = undecoded(dataset)
            if isinstance(self.data_collator, HardNegativeCollator):
                self.data_collator.known = self._embed_frozen(dataset)
            return super()._get_dataloader(dataset, description, *args, is_training=is_training, **kwargs)
        if id(dataset) not in self._evaluated:
            quiet = self.args.disable_tqdm or not self.is_local_process_zero()
            self._evaluated[id(dataset)] = (dataset, EvaluationContents(dataset, self.data_collator, quiet))
        contents = self._evaluated[id(dataset)][1]
        replaced = self.data_collator, self.args.dataloader_drop_last
        self.data_collator, self.args.dataloader_drop_last = ContentCollator(self.data_collator.processor), False
        try:
            return super()._get_dataloader(contents, description, *args, is_training=is_training, **kwargs)
        finally:
            self.data_collator, self.args.dataloader_drop_last = replaced

    def _embed_frozen(self, rows: Any) -> dict[str, FrozenEmbeddings]:
        """What the frozen towers make of some rows, if they are asked once; of streams, nothing."""
        if not self.args.precompute_frozen_embeddings or not isinstance(rows, Dataset):
            return {}
        return embed_frozen(
            rows,
            self._frozen,
            self.accelerator.unwrap_model(self.model),
            self.data_collator.processor,
            self.data_collator.columns,
            Path(self.args.frozen_embeddings_dir or Path(self.args.output_dir, "_frozen_embeddings")),
            self.accelerator,
        )

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Add to a training log what was measured since the last one."""
        if "loss" in logs:
            logs |= self._meter.read(self.accelerator.gather)
            logs["positives_per_second"] = round(self._meter.speed(self.args.world_size), 3)
            backbone = self.accelerator.unwrap_model(self.model).backbone
            logs["logit_scale"] = value_of(backbone.logit_scale.exp())
            if self.args.loss_type == "sigmoid":
                logs["logit_bias"] = value_of(backbone.logit_bias)
            self._meter = Meter(self.args.device)
        super().log(logs, start_time)
