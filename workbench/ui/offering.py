"""Documents to choose from: all of a small corpus; of a large one those whose names hold what is typed."""

from collections.abc import Iterable
from itertools import islice

import streamlit as st

from workbench.documents import Corpus

MOST_OFFERED = 200
"""Documents in a list to choose from: every one is sent to the browser at every run."""


def offered(corpus: Corpus, key: str, chosen: Iterable[str]) -> list[str]:
    """The ids of the documents to choose from, those `chosen` among them; draws a box to find others where it must."""
    if len(corpus) <= MOST_OFFERED:
        return [d.id for d in corpus]
    part = st.text_input(
        "Find a document", key=key, type="search", placeholder=f"part of one of {len(corpus):,} names"
    ).lower()
    named = islice((d.id for d in corpus if part in d.name.lower()), MOST_OFFERED)
    return list(dict.fromkeys([*(id for id in chosen if id in corpus), *named]))


def name_of(corpus: Corpus, id: str) -> str:
    """The document's name, for a list of ids."""
    return corpus.document(id).name if id in corpus else id
