"""Where figures come from: one file per origin. Each gives `SourceFigure`s with a stable id."""
