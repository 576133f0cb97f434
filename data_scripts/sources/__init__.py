"""Where figures come from: one file per origin. Each gives figures that can be rebuilt from a stable id."""
