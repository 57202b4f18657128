"""The page Experiments: where a pipeline loses answers, and which of many configurations wins."""
