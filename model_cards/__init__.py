"""Cards for the Hub: what a model or a data set is, what it is worth, and how to load it."""
