"""From a curve that pays to a pipeline that uses it."""

from dataclasses import replace

from workbench.adaptation.folds import DISTANCE
from workbench.adaptation.learning import learn
from workbench.adaptation.materials import Material, without_adapter
from workbench.embedders import Adapter, Origin, keep_adapter
from workbench.errors import SpecError
from workbench.pipelines import Pipeline
from workbench.records import TrainingSet


def learn_adapter(of: Material, *, distance: int = DISTANCE, seed: int = 0) -> Adapter:
    """The adapter of all usable examples; its ridge is chosen by grouped folds within them. The same for a seed.

    It names every question of the material: also those without a usable chunk had a say in whether it pays.
    """
    found = learn(of, of.usable, distance, seed)
    training = TrainingSet.of(of.questions)
    return Adapter(found.delta, Origin(of.pipeline.embedder.fingerprint, len(of.usable), found.ridge or 0.0, training))


def with_adapter(pipeline: Pipeline, adapter: Adapter) -> Pipeline:
    """The pipeline with this adapter as a field of its embedder; the file is kept in WORKBENCH_HOME.

    Raises:
        SpecError: it was learned for the vectors of another embedder.
        StoreError: the file cannot be kept.
    """
    plain = without_adapter(pipeline)
    if adapter.origin.base != plain.embedder.fingerprint:
        raise SpecError(
            f"the adapter was learned for other vectors than those of {plain.embedder.source.name} as it is set here; "
            "learn it anew"
        )
    return replace(plain, embedder=replace(plain.embedder, adapter=keep_adapter(adapter)))  # type: ignore[call-arg]
