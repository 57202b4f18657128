"""Makes the environments that the tests of exports need, once: pip installs the frameworks and two vector databases.

python tests/exports/environments.py
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
os.environ.setdefault("WORKBENCH_ENVS", str(Path.home() / ".cache" / "workbench-envs"))

from workbench.exports import EnvironmentUnavailable
from workbench.exports.bundle import LOADERS
from workbench.exports.environments import python_for
from workbench.exports.folder import PACKAGES


def main() -> int:
    """1 where one of them could not be made."""
    failed = 0
    for name, packages in {**PACKAGES, "stores": LOADERS}.items():
        try:
            print(python_for(name, [f"{package}=={release}" for package, release in packages.items()], print))
        except EnvironmentUnavailable as error:
            print(error)
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
