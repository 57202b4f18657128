"""`chunk`: the chunks that a splitter cuts from files, a JSON line for each."""

import sys

from workbench import models
from workbench.cli.files import Reading, warnings
from workbench.cli.flags import Flags, method, pipeline_file
from workbench.cli.output import write_json
from workbench.diagnostics import chunk_tokens
from workbench.documents import Chunks
from workbench.parsers import PARSERS
from workbench.splitters import SPLITTERS
from workbench.tokens import BPE_ENCODINGS


def run(arguments: list[str]) -> int:
    """Write {document, start, end, text, tokens} for each chunk; and its header, where chunks have headers."""
    flags = Flags(
        "chunk",
        "The chunks of each file, a JSON line for each: text is the document's from start to end, in code points, and "
        "tokens counts it in the splitter's tokenizer.",
    )
    flags.add_argument("files", nargs="+", metavar="FILE", help="files, or folders of them")
    flags.add_argument("--config", metavar="P.yaml", help="a pipeline file; flags change what it says")
    flags.add_method("splitter", SPLITTERS)
    flags.add_method("parser", PARSERS, prefix="parser-")
    given = flags.read(arguments)
    base = pipeline_file(given["config"]) if given["config"] else None
    parser = method(PARSERS, "parser", given, base.parser if base else None, "parser-")
    splitter = method(SPLITTERS, "splitter", given, base.splitter if base else None)
    if splitter.tokenizer not in BPE_ENCODINGS:
        models.find(splitter.tokenizer)  # before any file is read

    reading = Reading(given["files"], parser)
    for document in reading:
        warnings(document)
        chunks = splitter(document)
        tokens = chunk_tokens(document, Chunks(document.id, chunks.spans), splitter.tokenizer)  # the header not counted
        for chunk, count in zip(chunks, tokens.tolist(), strict=True):
            place = {"document": document.name, "start": chunk.span.start, "end": chunk.span.end}
            header = {"header": chunk.header} if chunks.headers else {}
            write_json(place | {"text": document[chunk.span], "tokens": count} | header)
        sys.stdout.flush()
    return reading.status
