"""The views of the page Models: models side by side, the index, the retrievers, and what the cache holds."""
