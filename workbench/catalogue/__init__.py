"""What was measured and decided, in SQL: runs with their tags and remarks, golden set versions, decisions.

catalogue = open_catalogue(home, workspace="local")     # SQLite in `home`, or WORKBENCH_DATABASE_URL
catalogue.record(run)
catalogue.runs(text="recursive", metric="recall@1000tok", at_least=0.8)

A catalogue is of one workspace, and shows nobody another's. Files remain the first copy of a sweep's runs; here they
are found again after documents and questions have changed.
"""

from workbench.catalogue.catalogues import Catalogue, open_catalogue
from workbench.catalogue.entries import DecisionRecord, Entry, GoldenVersion, Rejected, Remark

__all__ = ["Catalogue", "DecisionRecord", "Entry", "GoldenVersion", "Rejected", "Remark", "open_catalogue"]
