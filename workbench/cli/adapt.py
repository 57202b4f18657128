"""`adapt`: whether an adapter learned from a golden set finds more, and the pipeline with it if so."""

import json
import math
from pathlib import Path

from workbench.adaptation import (
    DISTANCE,
    FOLDS,
    Curve,
    Point,
    learn_adapter,
    learning_curve,
    material,
    with_adapter,
)
from workbench.cli import DONE
from workbench.cli.files import corpus_of, store_here
from workbench.cli.flags import Flags, pipeline_file
from workbench.cli.output import Progress, warn, write_json
from workbench.cli.questions import golden_of
from workbench.embedders import Adapter
from workbench.errors import SpecError
from workbench.pipelines import Pipeline, to_yaml


def run(arguments: list[str]) -> int:
    """Write the learning curve; the adapter and a pipeline that uses it where it pays."""
    flags = Flags(
        "adapt",
        "A matrix for the vectors of queries, learned from a golden set, and what it gains on passages that it did not "
        "see, by the number of examples. DIR gets curve.json and, where the adapter pays, pipeline.yaml and "
        "adapter.safetensors; passages stay embedded as they are. Takes about a minute for 300 questions.",
    )
    flags.add_argument("docs", nargs="+", metavar="DOCS", help="files, or folders of them")
    flags.add_argument("--golden", required=True, metavar="G", help="the golden set: JSON lines, or CSV")
    flags.add_argument("--config", required=True, metavar="P.yaml", help="the pipeline file")
    flags.add_argument("--out", required=True, metavar="DIR", help="the folder to write")
    flags.add_argument("--metric", metavar="M", help="what to judge by (default recall at the pipeline's k)")
    flags.add_argument("--folds", default=str(FOLDS), metavar="N", help=f"stretches of the corpus (default {FOLDS})")
    flags.add_argument(
        "--distance",
        default=str(DISTANCE),
        metavar="N",
        help=f"chunks to either side of a passage that count as near it (default {DISTANCE})",
    )
    flags.add_argument("--seed", default="0", metavar="N", help="of every draw (default 0)")
    flags.add_argument("--anyway", action="store_true", help="write the adapter even where it is not shown to pay")
    given = flags.read(arguments)
    folds, distance, seed = (_whole(given[name], f"--{name}") for name in ("folds", "distance", "seed"))
    pipeline = pipeline_file(given["config"])
    store = store_here()
    corpus, status = corpus_of(given["docs"], pipeline.parser, store, "learn from")
    questions, refused = golden_of(given["golden"], corpus)
    of = material(corpus, questions, pipeline, given["metric"], store=store, progress=Progress("embedding", "chunks"))
    curve = learning_curve(of, folds=folds, distance=distance, seed=seed, progress=Progress("learning", "trainings"))
    adapter = learn_adapter(of, distance=distance, seed=seed) if curve.pays or given["anyway"] else None
    files = _written(Path(given["out"]), curve, pipeline, adapter)
    if given["json"]:
        write_json(curve.to_dict() | {"files": [str(file) for file in files]})
    else:
        print(_text(curve))
        if adapter is not None:
            print(
                f"The adapter names these {curve.questions} questions: evaluate, sweep, compare and check leave them "
                "out, and others about their passages. Judge it by further questions."
            )
    for file in files:
        warn(f"written: {file}")
    return refused or status or DONE


def _whole(text: str, flag: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise SpecError(f"{flag} ({text!r}) must be a whole number") from None


def _written(out: Path, curve: Curve, pipeline: Pipeline, adapter: Adapter | None) -> list[Path]:
    facts = json.dumps(curve.to_dict(), indent=1, ensure_ascii=False) + "\n"
    files = {"curve.json": facts.encode()}
    if adapter is not None:
        files["pipeline.yaml"] = to_yaml(with_adapter(pipeline, adapter)).encode()
        files["adapter.safetensors"] = adapter.data
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (out / name).write_bytes(data)
    except OSError as error:
        raise SpecError(f"{out}: it cannot be written ({error.strerror})") from None
    return [out / name for name in files]


def _text(curve: Curve) -> str:
    lines = [curve.sentence]
    if curve.grouped:
        lines += ["", f"{'examples':>8}{'gain':>9}{'interval':>20}   {'random folds claim (leakage)':<30}"]
        for point, naive in zip(curve.grouped, curve.random, strict=True):
            lines.append(f"{point.examples:>8,}{_gain(point)}   {_gain(naive)}")
        lines.append(
            f"\n{curve.usable} of {curve.questions} questions can be learned from; {curve.folds} folds, each a stretch "
            f"of the corpus, {curve.dropped:.1f} questions a fold left out as within {curve.distance} chunks of it.\n"
            f"Random folds have passages on both sides and claim {curve.leakage:+.3f} more: do not believe them."
        )
    return "\n".join(lines)


def _gain(point: Point) -> str:
    span = "" if math.isnan(point.low) else f"[{point.low:+.3f}, {point.high:+.3f}]"
    return f"{point.difference:>+9.3f}{span:>20}"
