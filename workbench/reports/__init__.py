"""Reports: the review report as one HTML page or Markdown, decision records, tables as CSV.

report = review_pack(Evidence(runs, evaluation, anatomy, questions, command="…"))
Path("pack.html").write_text(html(report)); Path("pack.md").write_text(markdown(report))
"""

from workbench.reports.blocks import Report
from workbench.reports.production import Load, Projection, project
from workbench.reports.render import as_csv, html, markdown, record_markdown, rejected
from workbench.reports.review_report import Evidence, manifest, review_pack
from workbench.reports.risks import Assumption, assumptions, untested

__all__ = [
    "Assumption", "Evidence", "Load", "Projection", "Report", "as_csv", "assumptions", "html", "manifest", "markdown",
    "project", "record_markdown", "rejected", "review_pack", "untested",
]  # fmt: skip
