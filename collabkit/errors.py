"""The one error of collabkit that is meant to be read by whoever brought the ratings."""

__all__ = ["RatingsError"]


class RatingsError(ValueError):
    """Ratings that cannot be had or used: one sentence that says what is wrong and what to do."""
