"""How the models are made: losses, collators, trainers and the commands that run them.

- `train_mmclip` trains an MMCLIP: `hard_negative_trainer` with its `hard_negative_config`, `collators`, `losses`,
  `candidate_sets` and `set_evaluation`. `average_mmclip` and `grow_mmclip` make one of others.
- `warm_up_text` and `warm_up_vision` come before contrast: `fact_codes`, `patch_targets`, `warm_up_figures`.
  `join_towers` makes one of what each left.
- `warm_up_projector`, `train_mmgeolm` and `reinforce_mmgeolm` are the stages of an MMGeoLM; `join_adapter` makes a
  tuned adapter whole again.
- What they share: `rows` and `data_arguments`, `run` and `hub`, `lora`, `muon`, `precision`, `memory`, and what makes
  batches larger (`gathering`, `gradient_cache`) or cheaper (`frozen_embeddings`).

README.md shows the commands, EXPERIMENTS.md tells what each of them gave.
"""
