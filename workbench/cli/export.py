"""`export`: a pipeline as code for another framework, as a bundle of data, or as a library's use."""

from pathlib import Path

from workbench.cli import DONE, WRONG_INPUT
from workbench.cli.files import corpus_of, store_here
from workbench.cli.flags import Flags, pipeline_file
from workbench.cli.output import Progress, warn, write_json
from workbench.errors import GoldenError, SpecError
from workbench.exports import TARGETS, export, support
from workbench.golden import read_golden


def run(arguments: list[str]) -> int:
    """Write the folder; say what the target does with each part, and each file."""
    flags = Flags(
        "export",
        "A folder that runs without the workbench. What the target cannot express is told, and refused where the code "
        "would be wrong. `verify` proves the folder.",
    )
    flags.add_argument("docs", nargs="*", metavar="DOCS", help="files or folders, whose parsed text goes along")
    flags.add_argument("--config", required=True, metavar="P.yaml", help="the pipeline file")
    flags.add_argument("--target", required=True, metavar="TARGET", help=f"one of {', '.join(TARGETS)}")
    flags.add_argument("--out", required=True, metavar="DIR", help="the folder to write")
    flags.add_argument("--golden", metavar="G", help="a golden set, whose questions verify asks")
    given = flags.read(arguments)
    target: str = given["target"]
    if target not in TARGETS:
        raise SpecError(f"--target ({target!r}) must be one of {', '.join(TARGETS)}")
    pipeline = pipeline_file(given["config"])
    notes = support(pipeline, target)
    for note in notes:
        warn(f"{note.part} {note.kind}: {note.level}; {note.text}")
    if any(note.stops for note in notes):  # before documents are parsed and embedded
        export(pipeline, None, None, target, Path(given["out"]))
    store = store_here()
    corpus, status, questions = None, DONE, None
    if given["docs"]:
        corpus, status = corpus_of(given["docs"], pipeline.parser, store, "export")
    if given["golden"]:
        path = Path(given["golden"])
        if corpus is None:
            raise SpecError("--golden needs documents, on which its passages stand: name them too")
        if not path.is_file():
            raise GoldenError(f"{path}: there is no such file")
        questions, problems = read_golden(path, corpus)
        for problem in problems[:100]:
            warn(f"error: {path.name}: {problem}")
        status = WRONG_INPUT if problems else status
    progress = Progress("embedding", "chunks")
    written = export(pipeline, corpus, questions, target, Path(given["out"]), store=store, progress=progress)
    for file in written:
        if given["json"]:
            write_json({"file": str(file), "bytes": file.stat().st_size})
        else:
            print(file)
    return status
