"""What a workspace may hold: each content once, and no more bytes than its capacity."""

from workbench.errors import DocumentError, StoreError
from workbench.workspaces.manifests import Manifest, Source


def check_new(manifest: Manifest, source: Source, capacity: int) -> None:
    """Nothing, where the source may be added.

    Raises:
        DocumentError: its content is here already.
        StoreError: it does not fit.
    """
    if twin := manifest.find(source.id):
        other = "" if twin.name == source.name else f" as {twin.name}"
        raise DocumentError(f"{source.name} is already here{other}: the content is the same, byte for byte")
    check_quota(manifest, source, capacity)


def check_quota(manifest: Manifest, source: Source, capacity: int) -> None:
    """Nothing, where the source fits beside what is here.

    Raises:
        StoreError: it does not, with the figures.
    """
    if not source.sample and manifest.used + source.size > capacity:
        raise StoreError(
            f"{source.name} ({_megabytes(source.size)}) does not fit: {_megabytes(manifest.used)} of "
            f"{_megabytes(capacity)} are used; remove documents first"
        )


def given_up(manifest: Manifest, source: Source, capacity: int) -> list[Source]:
    """What was removed longest ago, taken off the manifest where with the new source all would pass the capacity."""
    held = [*manifest.sources, *manifest.removed, source]
    surplus = sum(s.size for s in held if not s.sample) - capacity
    gone = []
    while surplus > 0 and manifest.removed:
        oldest = manifest.removed.pop(0)
        if not oldest.sample:
            surplus -= oldest.size
            gone.append(oldest)
    return gone


def _megabytes(size: int) -> str:
    return f"{size / (1 << 20):.1f} MB"
