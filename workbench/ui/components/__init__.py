"""What the pages draw with scripts of their own: hit lists, the reader of texts, pages of a PDF."""
