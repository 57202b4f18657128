"""`parse`: what the parser makes of files, a JSON line for each."""

import sys

from workbench.cli.files import Reading
from workbench.cli.flags import Flags, method
from workbench.cli.output import write_json
from workbench.parsers import PARSERS


def run(arguments: list[str]) -> int:
    """Write {document, media, parser, text, sections, pages, warnings} for each file."""
    flags = Flags(
        "parse", "What the parser makes of each file, a JSON line for each. Offsets count code points of text."
    )
    flags.add_argument("files", nargs="+", metavar="FILE", help="files, or folders of them")
    flags.add_method("parser", PARSERS, prefix="parser-")
    given = flags.read(arguments)
    reading = Reading(given["files"], method(PARSERS, "parser", given, prefix="parser-"))
    for document in reading:
        write_json(
            {
                "document": document.name,
                "media": document.media_type,
                "parser": document.parser,
                "text": document.text,
                "sections": [
                    {"kind": s.kind, "level": s.level, "start": s.span.start, "end": s.span.end, "title": s.title}
                    for s in document.sections
                ],
                "pages": [{"page": n, "start": span.start, "end": span.end} for n, span in document.pages],
                "warnings": list(document.warnings),
            }
        )
        sys.stdout.flush()
    return reading.status
