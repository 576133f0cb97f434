"""Reads the token file through numpy: fromfile, memmap, loadtxt, genfromtxt and load."""

import numpy as np

READERS = (
    lambda path: np.fromfile(path, dtype=np.uint8).tobytes().decode(),
    lambda path: bytes(np.memmap(path, mode="r")).decode(),
    lambda path: str(np.loadtxt(path, dtype=str)),
    lambda path: str(np.genfromtxt(path, dtype=str)),
    lambda path: str(np.load(path, allow_pickle=True)),
)
errors = []
for read in READERS:
    try:
        raise SystemExit("LOOT " + read("@secret@"))
    except (OSError, ValueError, ImportError) as error:
        errors.append(error)
raise errors[0]
