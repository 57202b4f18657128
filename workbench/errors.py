"""Errors caused by an input. A message says what is wrong, which value, the limit and the remedy."""


class WorkbenchError(Exception):
    """A failure that the user can act on; its text is shown as it is, without a traceback."""


class SpecError(WorkbenchError):
    """A pipeline, a method or one of its fields is not valid."""


class DocumentError(WorkbenchError):
    """A file cannot be read: empty, encrypted, damaged, too large or of an unsupported kind."""


class GoldenError(WorkbenchError):
    """A question, its reference or its file is not valid."""


class ModelUnavailable(WorkbenchError):
    """A model or tokenizer cannot be loaded."""


class StoreError(WorkbenchError):
    """The cache on disk, or a workspace's folder, cannot be read or written."""


class RunError(WorkbenchError):
    """A run's file, or what is made of runs, is not valid."""
