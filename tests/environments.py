"""Python environments that some tests run foreign code in: `make environments` makes them, with pip.

Tests only use them, and skip where they are missing: pip gets no index within a test (tests/conftest.py).
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

os.environ.setdefault("WORKBENCH_ENVS", str(Path.home() / ".cache" / "workbench-envs"))  # whatever WORKBENCH_HOME is

INFINITY = ("infinity-emb[server,torch]==0.0.78", "transformers==4.48.3", "sentence-transformers==3.4.1",
            "huggingface-hub==0.36.2", "numpy==1.26.4")  # fmt: skip
"""A server of embedding models that is not ours. Its pins conflict with ours; it takes PyTorch from our environment."""


def wanted() -> dict[str, list[str]]:
    """Name → pinned requirements of each environment."""
    from workbench.exports.bundle import LOADERS
    from workbench.exports.folder import PACKAGES

    packages = {**PACKAGES, "stores": LOADERS}
    pinned = {name: [f"{package}=={release}" for package, release in some.items()] for name, some in packages.items()}
    return pinned | {"infinity": list(INFINITY)}


def missing() -> list[str]:
    """The names of those that are not made here."""
    from workbench.exports.environments import is_made

    return [name for name, requirements in wanted().items() if not is_made(name, requirements)]


def main() -> None:
    """Make what is missing."""
    from workbench.exports.environments import python_for

    for name, requirements in wanted().items():
        print(name, python_for(name, requirements, print))


if __name__ == "__main__":
    main()
