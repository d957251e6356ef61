"""Your own ratings and your list: films found by their title and rated by stars, and what is recommended to you."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Mapping

import pandas as pd
import torch
import traitlets

from collabkit.batches import NA, CollabDataLoaders, encode
from collabkit.models import DotProductBias
from collabkit.recommend import average_user, fold_in, item_counts, recommend_to_new_user
from collabkit.widgets.base import PlayWidget, script

__all__ = ["YourRatings", "lists_by"]

MakeList = Callable[[dict[str, float], float], pd.DataFrame]


class YourRatings(PlayWidget):
    """Rate films, and read the list that follows; `ratings` {title: stars} is there for the cells below.

    `make_list(ratings, popularity)` makes the list, any table with the titles in its first column: a learner's own
    function, or `lists_by(model, dls)`.
    """

    _esm = script("your_ratings.js")
    titles = traitlets.List(traitlets.Unicode()).tag(sync=True)  # found first come first: the best known in front
    start = traitlets.List(traitlets.Unicode()).tag(sync=True)  # shown before anything is looked for
    ratings = traitlets.Dict(key_trait=traitlets.Unicode(), value_trait=traitlets.Float(min=1, max=5)).tag(sync=True)
    popularity = traitlets.Float(0.0, min=0.0, max=1.0).tag(sync=True)
    listed = traitlets.Dict().tag(sync=True)  # columns and rows of the list, or the problem; "number" counts them

    def __init__(
        self,
        titles: Iterable[str],
        make_list: MakeList,
        start: Iterable[str] = (),
        ratings: Mapping[str, float] | None = None,
    ):
        """`titles`: what can be rated, the best known first; `start`: those to begin with; `ratings`: already given."""
        self._make_list = make_list
        titles = list(dict.fromkeys(str(title) for title in titles if title != NA))
        known = set(titles)
        super().__init__(titles=titles, start=[title for title in start if title in known], ratings=dict(ratings or {}))
        self._list_anew()
        self.observe(lambda _: self._list_anew(), ["ratings", "popularity"])

    def _list_anew(self) -> None:
        number = self.listed.get("number", 0) + 1
        try:
            table = self._make_list(dict(self.ratings), self.popularity)
        except Exception as error:  # somebody else's function, called while no cell runs that could show it
            self.listed = {"number": number, "problem": f"No list: {type(error).__name__}: {error}"}
            return
        rows = [[_shown(value) for value in row] for row in table.itertuples(index=False, name=None)]
        self.listed = {"number": number, "columns": [str(name) for name in table.columns], "rows": rows}

    @property
    def table(self) -> pd.DataFrame:
        """The list as it stands, best first; empty where it could not be made."""
        rows = self.listed.get("rows", [])
        return pd.DataFrame(rows, columns=self.listed.get("columns"), index=range(1, len(rows) + 1))

    def as_text(self) -> str:
        given = ", ".join(f"{title} {stars:g}" for title, stars in self.ratings.items()) or "none yet"
        return f"Your ratings: {given}.\n{self.listed.get('problem') or self.table.to_string()}"

    def as_html(self) -> str:
        if "problem" in self.listed:
            return f"<p>{html.escape(self.listed['problem'])}</p>"
        return self.table.to_html()


def lists_by(model: DotProductBias, dls: CollabDataLoaders, k: int = 10) -> MakeList:
    """Lists for `YourRatings` by collabkit's own `fold_in`: film, predicted stars, and how many others rated it.

    TypeError for a model other than DotProductBias, when a list is asked for.
    """
    titles = [str(title) for title in dls.classes[dls.train_ds.cat_names[1]]]
    counts = item_counts(dls.train_ds.x, dls.n_items)

    def make_list(ratings: dict[str, float], popularity: float = 0.0) -> pd.DataFrame:
        items = encode(pd.Series(list(ratings), dtype=object), titles)
        stars = torch.tensor(list(ratings.values()))
        user = fold_in(model, items, stars) if ratings else average_user(model)
        found = recommend_to_new_user(model, user, k, seen=items, counts=counts, weight=popularity)
        rows = [
            (titles[item], round(stars, 2), int(counts[item]))
            for item, stars in zip(found.items.tolist(), found.ratings.tolist(), strict=True)
            if item  # a list that has no more to give ends in items 0
        ]
        return pd.DataFrame(rows, columns=["for you", "predicted stars", "ratings by others"])

    return make_list


def _shown(value: object) -> str | int | float:
    """What JSON can carry of a cell: NumPy's numbers as Python's, all else as text."""
    value = getattr(value, "item", lambda: value)()
    return value if isinstance(value, int | float) else str(value)
