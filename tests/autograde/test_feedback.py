"""The page of feedback, as formgrader makes it; as nbgrader's command does it is in test_nbgrader_commands.py."""

from .small_class import LESSON


def test_formgrader_s_button_makes_our_page(own):
    reply = own.api.generate_feedback(LESSON, "ada-solved")
    assert reply["success"], reply
    page = (own.folder / "feedback" / "ada-solved" / LESSON / f"{LESSON}.html").read_text(encoding="utf-8")
    assert '<html lang="en">' in page


def test_nbgrader_s_other_pages_keep_their_templates(own):
    """formgrader shows a submission, with its fields for marks and comments, through HTMLExporter."""
    assert "HTMLExporter" not in own.config()
