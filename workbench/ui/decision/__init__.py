"""The page Decision: choose, hand over, review, audit, look back, ask an assistant."""
