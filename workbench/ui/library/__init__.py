"""The page of documents: adding, listing and changing them, and one of them as parsers, readers and paper show it."""

from workbench.ui.library.acting import actions
from workbench.ui.library.adding import add_documents, empty
from workbench.ui.library.comparing import parsers
from workbench.ui.library.listing import status, table, toolbar
from workbench.ui.library.paging import pages
from workbench.ui.library.reading import document, view, view_choice

__all__ = [
    "actions",
    "add_documents",
    "document",
    "empty",
    "pages",
    "parsers",
    "status",
    "table",
    "toolbar",
    "view",
    "view_choice",
]
