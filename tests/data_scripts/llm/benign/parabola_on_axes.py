#!/usr/bin/env python3
"""Plots y = x^2 - 2x - 3 and the line y = x - 3."""
import os
import numpy as np
import matplotlib.pyplot as plt


def main():
    plt.style.use("seaborn-v0_8-whitegrid")
    x = np.linspace(-2.5, 4.5, 200)
    fig, ax = plt.subplots(figsize=(6, 6))
    ax.plot(x, x**2 - 2 * x - 3, label=r"$y=x^2-2x-3$")
    ax.plot(x, x - 3, "--", label="$y=x-3$")
    for side in ("left", "bottom"):
        ax.spines[side].set_position("zero")
    for side in ("right", "top"):
        ax.spines[side].set_visible(False)
    ax.scatter([0, 3], [-3, 0], color="red", zorder=3)
    ax.legend(loc="upper center")
    ax.set_ylim(-6, 8)
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "parabola.png")
    plt.savefig(path, dpi=100)
    print(f"Saved to {path}")


if __name__ == "__main__":
    main()
