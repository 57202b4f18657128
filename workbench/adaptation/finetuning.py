"""Full fine-tuning of a transformer on the same examples, judged by the same folds. Slow: the cost is told before."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from workbench.adaptation.curves import FOLDS, SIZES, Learner, Trained
from workbench.adaptation.materials import Ints, Material
from workbench.embedders import SentenceTransformer, keep_training
from workbench.embedders.protocols import readable
from workbench.embedders.sentence_transformers import trainable
from workbench.errors import SpecError
from workbench.installation import needing
from workbench.pipelines import Pipeline
from workbench.records import Training, TrainingSet
from workbench.vectors import Vectors

SCALE = 20.0
"""By which cosines are multiplied before the softmax: a temperature of 0.05."""

_RATE = 2e-5  # AdamW's step, after a warm-up of a tenth
_TIMED = 2  # training steps by which the cost is estimated


@dataclass(frozen=True, slots=True)
class FineTuning:
    """How a model is trained: so many steps of so many pairs of question and gold chunk."""

    steps: int = 40
    batch: int = 16

    def __post_init__(self) -> None:
        for name, value in (("steps", self.steps), ("batch", self.batch)):
            if not 1 <= value <= 10_000:
                raise SpecError(f"fine-tuning's {name} ({value}) must be from 1 to 10,000")


@dataclass(frozen=True, slots=True)
class FineTuningCost:
    """Trainings of a learning curve, the seconds of one (steps, and every chunk embedded anew), and of all."""

    trainings: int
    seconds_each: float
    seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class _Tuned:
    of: Material
    network: Any
    ridge: None = None

    def queries(self, some: Ints, /) -> Vectors:
        return self._encoded([self.of.questions[i].text for i in some.tolist()], query=True)

    def chunks(self) -> Vectors | None:
        return self._encoded(list(self.of.rows.texts()), query=False)

    def _encoded(self, texts: list[str], query: bool) -> Vectors:
        embedder = self.of.pipeline.embedder
        found = self.network.encode(
            readable(texts), prompt=embedder.prefix(query), batch_size=16, show_progress_bar=False
        )
        return embedder.truncated(np.asarray(found, np.float32))


def fine_tuned(settings: FineTuning | None = None) -> Learner:
    """The learner that trains the whole model, for `learning_curve(of, learner=fine_tuned(), method="fine-tuning")`."""
    chosen = settings or FineTuning()

    def learner(of: Material, train: Ints, distance: int | None, seed: int) -> Trained:
        return _Tuned(of, _trained(of, train, chosen, seed))

    return learner


def fine_tuning_cost(
    of: Material, settings: FineTuning | None = None, sizes: tuple[int, ...] = SIZES, folds: int = FOLDS
) -> FineTuningCost:
    """What a learning curve by full fine-tuning would take here, from two training steps and a few chunks embedded."""
    chosen = settings or FineTuning()
    start = time.monotonic()
    network = _trained(of, of.usable, replace(chosen, steps=_TIMED), 0)
    step = (time.monotonic() - start) / _TIMED
    some = of.rows.texts()[:16]
    start = time.monotonic()
    network.encode(readable(some), batch_size=16, show_progress_bar=False)
    each = (time.monotonic() - start) / max(1, len(some))
    trainings = 2 * folds * (1 + sum(size <= len(of.usable) * (folds - 1) // folds for size in sizes))
    one = step * chosen.steps + each * (len(of.rows) + len(of) / folds)
    return FineTuningCost(trainings, one, one * trainings)


def save_fine_tuned(of: Material, folder: Path, settings: FineTuning | None = None, seed: int = 0) -> Pipeline:
    """The pipeline with the model trained on all usable examples, saved in `folder` as safetensors.

    Its chunks have to be embedded again: every vector changes. The folder names the questions of the material.

    Raises:
        SpecError: the embedder is no transformer of float32, or the folder holds files already.
    """
    if folder.exists() and any(folder.iterdir()):
        raise SpecError(f"{folder} holds files already: name a new folder for the model")
    network = _trained(of, of.usable, settings or FineTuning(), seed)
    network.save_pretrained(str(folder), create_model_card=False, safe_serialization=True)
    keep_training(folder, of.pipeline.embedder.training | Training((TrainingSet.of(of.questions),)))
    embedder = replace(of.pipeline.embedder, model=str(folder.resolve()))  # type: ignore[call-arg]
    return replace(of.pipeline, embedder=embedder)


def _trained(of: Material, train: Ints, settings: FineTuning, seed: int) -> Any:
    """The model after its steps: each question nearer to its gold chunk than to the others' in its batch.

    Source: Henderson et al. 2017, arXiv 1705.00652 (multiple negatives ranking).
    """
    embedder = of.pipeline.embedder
    if not isinstance(embedder, SentenceTransformer) or embedder.dtype != "float32":
        raise SpecError(
            f"full fine-tuning needs a sentence-transformer in float32, not {embedder.kind} "
            f"({getattr(embedder, 'dtype', 'float32')}); the linear adapter works with any model"
        )
    with needing("models", "full fine-tuning"):
        import torch

    examples = np.array([i for i in train.tolist() if len(of.gold[i])], np.int64)
    rng = np.random.default_rng(seed)
    network = trainable(embedder.source, embedder.dtype)
    if len(examples) < 2:  # one question has nothing to be told apart from
        return network
    with _seeded(seed):
        network.train()
        optimiser = torch.optim.AdamW(network.parameters(), lr=_RATE, weight_decay=0.01)
        warm = max(1, settings.steps // 10)
        for step in range(settings.steps):
            for group in optimiser.param_groups:
                group["lr"] = _RATE * min(1.0, (step + 1) / warm)
            batch = _batch(of, examples, settings.batch, rng)
            questions = _vectors(network, [of.questions[i].text for i, _ in batch], embedder.prefix(True))
            chunks = _vectors(network, [of.rows.text(row) for _, row in batch], embedder.prefix(False))
            scores = SCALE * questions @ chunks.T
            for a, (i, _) in enumerate(batch):  # another question's chunk may answer this one too
                for b, (_, row) in enumerate(batch):
                    if a != b and of.passages[row] in of.passages[of.touched[i]]:
                        scores[a, b] = -torch.inf
            loss = torch.nn.functional.cross_entropy(scores, torch.arange(len(batch)))
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
    return network.eval()


def _batch(of: Material, examples: Ints, size: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Some examples, each with one of its gold chunks."""
    drawn = rng.permutation(examples)[:size].tolist()
    return [(i, int(rng.choice(of.gold[i]))) for i in drawn]


def _vectors(network: Any, texts: list[str], prefix: str) -> Any:
    """(n, dim) unit rows, with gradients."""
    import torch

    features = network.preprocess([prefix + text for text in readable(texts)])
    return torch.nn.functional.normalize(network(features)["sentence_embedding"], dim=1)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Torch draws from this seed within, and goes on afterwards as if nothing had been drawn."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
