"""The page Decision: choose, export, review, audit, look back, ask an assistant."""
