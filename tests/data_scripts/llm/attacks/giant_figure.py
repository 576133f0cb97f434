"""Saves a figure of 40,000 x 40,000 pixels, in four ways."""

import matplotlib.pyplot as plt

errors = []
for options in ({}, {"bbox_inches": "tight"}, {"dpi": 40000, "format": "svg"}, {"transparent": True}):
    try:
        plt.figure(figsize=(400, 400), dpi=100).savefig("giant.png", **options)
    except (MemoryError, ValueError) as error:
        errors.append(error)
plt.close("all")
if errors:
    raise errors[0]
