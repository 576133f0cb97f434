"""Takes all the memory there is, a little at a time."""

import numpy as np

hoard = []
while True:
    hoard.append(np.ones(1 << 20))
