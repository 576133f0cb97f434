"""What holds for every test: no network, no telemetry, one thread."""

import os

# Before any import of transformers or datasets, which read these once.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

os.environ["OMP_NUM_THREADS"] = "1"  # for the processes that tests start, too

import torch

torch.set_num_threads(1)  # tiny models gain nothing from a second thread, and wait for it on a busy machine
