"""The page Experiments: where a configuration loses answers, and which of many wins."""
