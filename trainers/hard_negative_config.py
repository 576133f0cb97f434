"""Arguments of `HardNegativeTrainer`: those of `transformers.Trainer`, and what hard negatives add.

The defaults are the paper's (MMGeoLM, arXiv 2505.20152) where it names one; see `recipes/paper_altclip.yaml` for a
whole run.
"""

from dataclasses import dataclass, field

from transformers import TrainingArguments

from .collators import TEXT_FAMILIES
from .losses import LOSS_TYPES
from .muon import MuonArguments
from .precision import choose_bf16
from .run import sharded


@dataclass
class HardNegativeConfig(MuonArguments, TrainingArguments):
    """How an MMCLIP is trained.

    Raises:
        ValueError: if the settings leave nothing to learn or nothing to learn from.
    """

    # What hard negatives add
    loss_type: str = field(
        default="softmax",
        metadata={
            "help": "softmax (CLIP, the paper) or sigmoid (SigLIP; trains the backbone's logit bias, which a softmax "
            "does not depend on and keeps as it is)."
        },
    )
    in_batch_negatives: bool = field(
        default=False,
        metadata={"help": "Let the other rows' captions and images be negatives, too. Off is the paper's Eq. 2."},
    )
    in_batch_epochs: int = field(
        default=0,
        metadata={
            "help": "Begin with this many epochs on pairs alone, the other rows being the negatives, and go "
            "on with hard negatives: the paper's best schedule, in one run. num_train_epochs counts both."
        },
    )
    share_hard_negatives: bool = field(
        default=False,
        metadata={"help": "Let the hard negatives of the other rows be negatives, too, except where they hold."},
    )
    gather_across_devices: bool | None = field(
        default=None,
        metadata={
            "help": "Take in-batch and shared negatives from the rows of all processes. On by default where there are "
            "several processes and such negatives."
        },
    )
    max_image_negatives: int = field(default=10, metadata={"help": "Most negative images per row and step; 0: none."})
    max_text_negatives: int = field(default=10, metadata={"help": "Most negative captions per row and step; 0: none."})
    text_families: list[str] = field(
        default_factory=lambda: list(TEXT_FAMILIES),
        metadata={"help": "Which captions serve as text negatives: rule, retrieval or both."},
    )
    image_weight: float = field(
        default=1.0, metadata={"help": "Weight of the image loss (a caption against negative images)."}
    )
    text_weight: float = field(
        default=1.0, metadata={"help": "Weight of the text loss (an image against negative captions)."}
    )
    max_logit_scale: float = field(
        default=100.0, metadata={"help": "The logit scale is held at or under this value after every step."}
    )
    freeze_vision: bool = field(
        default=False, metadata={"help": "Keep the vision tower and its projection as they are (and without dropout)."}
    )
    freeze_text: bool = field(
        default=False, metadata={"help": "Keep the text tower and its projection as they are (and without dropout)."}
    )
    precompute_frozen_embeddings: bool = field(
        default=False,
        metadata={
            "help": "Send each distinct image or text through a frozen tower once, before training, and look its "
            "embedding up in every step. The losses stay the same up to rounding; pays from the second epoch on, and "
            "where contents recur. Evaluations send each through once as ever."
        },
    )
    frozen_embeddings_dir: str | None = field(
        default=None,
        metadata={
            "help": "Where these embeddings lie, for runs that share a frozen tower and rows. Default: the folder "
            "_frozen_embeddings of output_dir, which no push takes along."
        },
    )

    mini_batch_size: int | None = field(
        default=None,
        metadata={
            "help": "Gradient caching: send a batch through the towers in mini-batches of at most this many images "
            "and texts, with the gradients of the whole batch and the memory of one. Costs a second forward pass. "
            "Without it, all at once."
        },
    )
    text_group_size: int | None = field(
        default=None,
        metadata={
            "help": "Encode the texts of a batch in groups of this many of similar length, each padded to its own "
            "longest; faster where lengths differ, the same up to rounding. Without it, all at once."
        },
    )
    share_text_prefixes: bool = field(
        default=False,
        metadata={
            "help": "Encode beginnings that texts of a batch share only once; faster the more texts there are, the "
            "same up to rounding. For causal text towers (CLIP's); there it replaces --text_group_size."
        },
    )
    image_group_size: int | None = field(
        default=None,
        metadata={
            "help": "Where the model skips blank patches: encode images in groups of this many with similarly many "
            "inked patches; faster where figures differ, the same up to rounding. Without it, all at once."
        },
    )

    max_unreadable_share: float = field(
        default=0.01,
        metadata={
            "help": "Rows whose image cannot be read are skipped; the run stops when there are more than this share "
            "of an epoch's rows (one is always let pass)."
        },
    )

    # Other defaults than the Trainer's
    output_dir: str | None = field(
        default="runs/mmclip", metadata={"help": "Where checkpoints, logs and the finished model go."}
    )
    learning_rate: float = field(default=2e-5, metadata={"help": "Peak learning rate of AdamW."})
    lr_scheduler_type: str = field(default="cosine", metadata={"help": "Shape of the learning rate's decay."})
    warmup_steps: float = field(
        default=0.03, metadata={"help": "Steps of linear warm-up; below 1, their share of all steps."}
    )
    num_train_epochs: float = field(default=1.0, metadata={"help": "Passes over the training rows."})
    per_device_train_batch_size: int = field(default=5, metadata={"help": "Positives per device and step."})
    per_device_eval_batch_size: int = field(
        default=64, metadata={"help": "Images and captions per device that evaluation encodes at once."}
    )
    logging_steps: float = field(
        default=10, metadata={"help": "Log every so many steps; below 1, every such share of all steps."}
    )
    ddp_find_unused_parameters: bool | None = field(
        default=False, metadata={"help": "Off: the trainer freezes what the loss does not use, so nothing is missing."}
    )
    remove_unused_columns: bool = field(
        default=False, metadata={"help": "Must stay off: the collator reads columns that the model does not know."}
    )

    def __post_init__(self) -> None:
        if isinstance(self.text_families, str):
            self.text_families = [self.text_families]
        if self.loss_type not in LOSS_TYPES:
            raise ValueError(f"There is no loss_type {self.loss_type!r}: choose one of {', '.join(LOSS_TYPES)}.")
        if unknown := sorted(set(self.text_families) - set(TEXT_FAMILIES)):
            raise ValueError(f"text_families knows no {', '.join(unknown)}: choose of {', '.join(TEXT_FAMILIES)}.")
        if min(self.max_image_negatives, self.max_text_negatives) < 0:
            raise ValueError("max_image_negatives and max_text_negatives must be 0 or more.")
        if min(self.image_weight, self.text_weight) < 0 or self.image_weight + self.text_weight == 0:
            raise ValueError(
                f"image_weight {self.image_weight} and text_weight {self.text_weight} must be 0 or more, and not "
                "both 0."
            )
        if not 0 <= self.max_unreadable_share <= 1:
            raise ValueError(f"max_unreadable_share must be between 0 and 1, got {self.max_unreadable_share}.")
        if self.max_logit_scale <= 0:
            raise ValueError(f"max_logit_scale must be above 0, got {self.max_logit_scale}: CLIP's is 100.")
        if self.freeze_vision and self.freeze_text:
            raise ValueError("freeze_vision and freeze_text together leave nothing to train: drop one of them.")
        if self.precompute_frozen_embeddings and not (self.freeze_vision or self.freeze_text):
            raise ValueError(
                "precompute_frozen_embeddings needs a frozen tower: set freeze_vision or freeze_text, or drop it."
            )
        if self.frozen_embeddings_dir is not None and not self.precompute_frozen_embeddings:
            raise ValueError("frozen_embeddings_dir is of no use without precompute_frozen_embeddings: add it.")
        self._check_schedule()
        for name in ("mini_batch_size", "text_group_size", "image_group_size"):
            if (size := getattr(self, name)) is not None and size < 1:
                raise ValueError(f"{name} must be 1 or more, got {size}: leave it out to take all at once.")
        if self.remove_unused_columns:
            raise ValueError("remove_unused_columns must be off: it would drop the negatives before they are read.")
        if self.share_hard_negatives and not (
            (self.max_image_negatives and self.image_weight)
            or (self.max_text_negatives and self.text_families and self.text_weight)
        ):
            raise ValueError(
                "share_hard_negatives has nothing to share: allow max_image_negatives or max_text_negatives above 0 "
                "with a weight above 0, or drop it."
            )
        across_rows = self.in_batch_negatives or self.share_hard_negatives or self.in_batch_epochs > 0
        if self.gather_across_devices and not across_rows:
            raise ValueError(
                "gather_across_devices has nothing to compare across rows: set in_batch_negatives, in_batch_epochs or "
                "share_hard_negatives, or drop it."
            )
        choose_bf16(self)
        super().__post_init__()
        self.check_muon(self)
        if self.gather_across_devices is None:
            self.gather_across_devices = across_rows and self.world_size > 1
        self._check_processes()
        self.accelerator_config.dispatch_batches = False
        self.dataloader_pin_memory &= self.device.type != "cpu"  # pinning without an accelerator only warns

    @property
    def rows_at_once(self) -> int:
        """Rows of a batch that are compared with each other."""
        return self.per_device_train_batch_size * (self.world_size if self.gather_across_devices else 1)

    def _check_processes(self) -> None:
        """Refuse what does not go with the way in which the processes share the work."""
        if self.precompute_frozen_embeddings and sharded(self):
            raise ValueError(
                "precompute_frozen_embeddings cannot go with FSDP or DeepSpeed: no process has a whole tower. "
                "Drop it, or train with plain DDP."
            )
        for name in ("mini_batch_size", "text_group_size", "image_group_size"):
            if getattr(self, name) is not None and sharded(self):
                raise ValueError(
                    f"{name} cannot go with FSDP or DeepSpeed: ragged batches make different numbers of calls in "
                    "different processes, and sharded layers wait for each other at every call. Drop it, or train "
                    "with plain DDP."
                )
        for name in ("share_hard_negatives", "in_batch_epochs"):
            if getattr(self, name) and self.per_device_train_batch_size * self.world_size == 1:
                raise ValueError(
                    f"{name} needs another row in the batch: set per_device_train_batch_size to 2 or more."
                )
        # Negatives are flat blocks with owners: a batch cut along its first dimension would tear them from their rows.
        if self.accelerator_config.split_batches or self.accelerator_config.dispatch_batches:
            raise ValueError(
                "accelerator_config may set neither split_batches nor dispatch_batches: batches are ragged."
            )

    def _check_schedule(self) -> None:
        """Refuse a schedule that leaves one of its two phases empty."""
        if self.in_batch_epochs < 0:
            raise ValueError(f"in_batch_epochs must be 0 or more, got {self.in_batch_epochs}.")
        if self.in_batch_epochs and not (self.max_image_negatives or (self.max_text_negatives and self.text_families)):
            raise ValueError(
                "in_batch_epochs goes on with hard negatives, and none are allowed: raise max_image_negatives or "
                "max_text_negatives, or set in_batch_negatives instead."
            )
        if self.max_steps <= 0 and 0 < self.num_train_epochs <= self.in_batch_epochs:
            raise ValueError(
                f"in_batch_epochs {self.in_batch_epochs} of num_train_epochs {self.num_train_epochs:g} leave none for "
                "hard negatives: raise num_train_epochs, which counts both, or set in_batch_negatives instead."
            )
