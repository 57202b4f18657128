"""Exports that prove themselves: a pipeline as code for other frameworks, as a bundle of data, or as a library's use.

`support` says beforehand what a target does with each part, `export` writes the folder, `verify` runs what was
exported and compares every chunk, vector and hit with what the workbench gives.
"""

from workbench.exports.comparisons import Check, Difference
from workbench.exports.environments import EnvironmentUnavailable
from workbench.exports.plans import TARGETS, Note, support
from workbench.exports.running import ExportFailed
from workbench.exports.sources import NotExpressible
from workbench.exports.verifications import Verification, to_install, verify
from workbench.exports.writing import export, requirements

__all__ = [
    "TARGETS",
    "Check",
    "Difference",
    "EnvironmentUnavailable",
    "ExportFailed",
    "NotExpressible",
    "Note",
    "Verification",
    "export",
    "requirements",
    "support",
    "to_install",
    "verify",
]
