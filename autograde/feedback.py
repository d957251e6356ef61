"""The page of feedback: nbgrader's, through our template."""

from nbconvert.exporters import HTMLExporter

__all__ = ["FeedbackExporter"]


class FeedbackExporter(HTMLExporter):
    """HTMLExporter by another name, so that its template can be set without setting it for all of nbgrader.

    formgrader shows submissions through HTMLExporter too, and forces a template upon it before it makes feedback.
    """
