"""Exports that prove themselves: a pipeline as code for other frameworks, as a bundle of data, or as a library's use.

`support` says beforehand what a target does with each part, `export` writes the folder, `verify` runs what was
exported and compares every chunk, vector and hit with what the workbench gives.
"""

from workbench.exports.comparison import Check, Difference
from workbench.exports.environments import EnvironmentUnavailable
from workbench.exports.folder import export, requirements
from workbench.exports.targets import TARGETS, Note, NotExpressible, support
from workbench.exports.verification import ExportFailed, Verification, to_install, verify

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
