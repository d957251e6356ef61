"""Where ratings come from: MovieLens 100K, any CSV or DataFrame, a planted world; not how they are batched."""


class RatingsError(ValueError):
    """Ratings that cannot be had or used: one sentence that says what to do."""
