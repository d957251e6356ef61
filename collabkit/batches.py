"""Ratings -> batches: vocabularies, a split, loaders for fastai; nothing here knows about models.

A batch is a pair: x, LongTensor (bs, 2) of user and item positions, and y, float32 (bs, 1) of ratings. Loaders
that were given a `time_name` have a third column in x: the day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import torch
from fastai.data.core import DataLoaders
from fastai.data.load import DataLoader
from fastai.torch_core import default_device, to_device
from torch import Tensor
from torch.nn import functional as F

from collabkit.errors import RatingsError

__all__ = [
    "NA",
    "CollabDataLoaders",
    "RatingDataset",
    "RatingLoader",
    "build_vocab",
    "day_numbers",
    "encode",
    "lookup",
    "one_epoch",
    "one_hot",
    "random_split",
]

NA = "#na#"  # position 0 of every vocabulary: whoever was never seen. The name is fastai's.
SECONDS_A_DAY = 86_400


def build_vocab(column: Iterable) -> list:
    """ "#na#", then the distinct values of a column in ascending order; missing values are left out.

    RatingsError for values that cannot be sorted, such as numbers among strings.
    """
    values = [value for value in pd.Series(column).dropna().unique().tolist() if value != NA]
    try:
        return [NA, *sorted(values)]
    except TypeError as error:
        kinds = ", ".join(sorted({type(value).__name__ for value in values}))
        raise RatingsError(f"A column of ids mixes {kinds}: convert it to one of them.") from error


def encode(column: Iterable, vocab: Sequence) -> Tensor:
    """The position of each value in the vocabulary, LongTensor (n,); unseen or missing is 0."""
    positions = pd.Index(vocab[1:]).get_indexer(pd.Series(column))  # -1 for what is not there
    return torch.from_numpy(positions + 1).long()


def day_numbers(column: pd.Series) -> Tensor:
    """Seconds since 1970 as whole days since 1970 (UTC), LongTensor (n,).

    RatingsError for what is not a finite number of seconds.
    """
    if not pd.api.types.is_numeric_dtype(column):
        raise RatingsError(f"Column {column.name!r} holds {column.dtype}, not seconds since 1970: convert it.")
    seconds = column.to_numpy(dtype=np.float64, na_value=np.nan)
    if not np.isfinite(seconds).all():
        raise RatingsError(f"Column {column.name!r} has missing or infinite times: fill them in or drop those rows.")
    return torch.from_numpy(np.floor(seconds / SECONDS_A_DAY)).long()


def random_split(n: int, valid_pct: float = 0.2, seed: int | None = 42) -> tuple[Tensor, Tensor]:
    """Training and validation positions of n rows, two LongTensors.

    The first `int(valid_pct * n)` of a permutation validate: the same split as fastai's
    `RandomSplitter(valid_pct, seed)`, which reseeds torch for everybody; this does not. Without a seed the
    permutation comes from torch's global generator. RatingsError unless 0 < valid_pct < 1.
    """
    if not 0 < valid_pct < 1:
        raise RatingsError(f"valid_pct is the share of ratings to validate on, between 0 and 1, not {valid_pct}.")
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    order = torch.randperm(n, generator=generator)
    cut = int(valid_pct * n)
    return order[cut:], order[:cut]


def one_epoch(n: int, bs: int, generator: torch.Generator | None = None) -> Iterator[Tensor]:
    """Shuffled positions in batches of bs, the last one smaller if need be; each of the n exactly once."""
    if bs < 1:
        raise ValueError(f"a batch holds at least one row, not {bs}")
    order = torch.randperm(n, generator=generator)
    return (order[start : start + bs] for start in range(0, n, bs))


def one_hot(index: Tensor, n: int) -> Tensor:
    """Each id as a row of n numbers, all 0 but a 1 at its place: LongTensor (batch,) -> (batch, n).

    `one_hot(index, n).float() @ table` is `lookup(index, table)`, by n times as many multiplications.
    """
    return F.one_hot(index, n)


def lookup(index: Tensor, table: Tensor) -> Tensor:
    """The rows of a table (n, width) at these ids: (batch,) -> (batch, width)."""
    return table[index]


@dataclass(frozen=True, eq=False)
class RatingDataset:
    """Rows of a ratings table with their tensors; `y` is None where ratings are still to be predicted."""

    items: pd.DataFrame
    x: Tensor  # (n, 2) long: position of the user, position of the item; with time (n, 3): the day behind them
    y: Tensor | None  # (n, 1) float32
    classes: Mapping[str, list]  # user column -> vocabulary, item column -> vocabulary
    rating_name: str
    time_name: str | None = None
    n_inp: ClassVar[int] = 1  # fastai: how many parts of a batch go into the model

    @classmethod
    def from_table(
        cls, items: pd.DataFrame, classes: Mapping[str, list], rating_name: str, time_name: str | None = None
    ) -> RatingDataset:
        columns = [encode(items[name], vocab) for name, vocab in classes.items()]
        if time_name is not None:
            columns.append(day_numbers(items[time_name]))
        x = torch.stack(columns, dim=1)
        y = _targets(items[rating_name]) if rating_name in items else None
        return cls(items, x, y, classes, rating_name, time_name)

    @property
    def cat_names(self) -> list[str]:
        """The user and the item column, under the name that fastai's `collab_learner` asks for."""
        return list(self.classes)

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, i) -> tuple[Tensor, ...]:
        return (self.x[i],) if self.y is None else (self.x[i], self.y[i])

    def at(self, rows: Tensor) -> RatingDataset:
        """The dataset of these rows, in this order."""
        y = None if self.y is None else self.y[rows]
        return replace(self, items=self.items.iloc[rows.numpy()], x=self.x[rows], y=y)

    def new_empty(self) -> RatingDataset:
        """No rows but the vocabularies: what `Learner.export` keeps."""
        return self.at(torch.empty(0, dtype=torch.long))

    def decode(self, x: Tensor, y: Tensor | None = None) -> pd.DataFrame:
        """Positions (n, 2 or 3) back to names and dates, with the ratings (n, 1) beside them if given."""
        ids = x[:, : len(self.classes)].cpu().T.tolist()
        names = {
            name: [vocab[i] for i in column] for (name, vocab), column in zip(self.classes.items(), ids, strict=True)
        }
        dates = {} if self.time_name is None else {self.time_name: pd.to_datetime(x[:, 2].cpu().numpy(), unit="D")}
        ratings = {} if y is None else {self.rating_name: y.flatten().tolist()}
        return pd.DataFrame(names | dates | ratings)


class RatingLoader(DataLoader):
    """A fastai loader that shuffles two tensors once an epoch and cuts them into slices.

    Each rating comes exactly once an epoch. fastai's own loader for ratings draws with replacement, so that
    an epoch misses a share of 1/e of them and the model ends clearly worse. Nothing is dropped unless
    `drop_last` asks for it; a last training batch of one row joins the batch before it, as batch
    normalisation cannot learn from one row.

    The order of each epoch follows from `seed` alone (drawn from torch's global generator if None), and
    looking at a batch (`one_batch`, `show_batch`) does not change what training sees.
    """

    def __init__(
        self,
        dataset: RatingDataset,
        bs: int = 64,
        shuffle: bool = False,
        seed: int | None = None,
        **fastai_options,
    ):
        if bs < 1:
            raise ValueError(f"a batch holds at least one row, not {bs}")
        super().__init__(dataset, bs=bs, shuffle=shuffle, **fastai_options)
        self.reseed(int(torch.randint(2**31, ())) if seed is None else seed)

    def reseed(self, seed: int) -> None:
        """Start over with the first epoch of this seed."""
        self.seed = seed
        self.generator = torch.Generator().manual_seed(seed)

    def new(self, dataset=None, cls=None, **changes) -> RatingLoader:
        """A loader like this one with some changes; it begins with the first epoch of the same seed."""
        return super().new(dataset, cls, **{"seed": self.seed, **changes})

    def get_idxs(self) -> Tensor:
        """The order of the next epoch, (n,), of 32 bits where they will do: half the memory."""
        dtype = torch.int32 if self.n < 2**31 else torch.int64
        if self.shuffle:
            return torch.randperm(self.n, generator=self.generator, dtype=dtype)
        return torch.arange(self.n, dtype=dtype)

    def __len__(self) -> int:
        return len(self.sizes())

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        self.before_iter()
        order, sizes = self.next_epoch()
        epoch = self.dataset[order]
        if self.device is not None:
            epoch = to_device(epoch, self.device)  # once an epoch, not once a batch
        for batch in zip(*(tensor.split(sizes) for tensor in epoch), strict=True):
            yield self.after_batch(batch)
        self.after_iter()

    def next_epoch(self) -> tuple[Tensor, list[int]]:
        """The rows of the next epoch in their order, a tensor of whole numbers, and how many each batch takes."""
        order, sizes = torch.as_tensor(self.get_idxs()), self.sizes()
        return order[: sum(sizes)], sizes

    def sizes(self) -> list[int]:
        """How many ratings each batch of an epoch holds."""
        full, rest = divmod(self.n, self.bs)
        sizes = [self.bs] * full
        if rest == 0 or self.drop_last:
            return sizes
        if rest == 1 and full and self.shuffle:
            return [*sizes[:-1], self.bs + 1]
        return [*sizes, rest]

    def one_batch(self) -> tuple[Tensor, ...]:
        state = self.generator.get_state()
        try:
            return super().one_batch()
        finally:
            self.generator.set_state(state)

    def show_batch(self, b=None, max_n: int = 9, show: bool = True) -> pd.DataFrame | None:
        """Show the first rows of a batch with names for positions; `show=False` returns them instead."""
        batch = self.one_batch() if b is None else b
        table = self.dataset.decode(*(part[:max_n] for part in batch))
        return _shown(table) if show else table

    def show_results(self, b, out: Tensor, max_n: int = 9, show: bool = True) -> pd.DataFrame | None:
        """The same as `show_batch`, with the predictions beside the ratings."""
        table = self.show_batch(b, max_n=max_n, show=False)
        table[f"{self.dataset.rating_name}_pred"] = out[:max_n].flatten().tolist()
        return _shown(table) if show else table


class CollabDataLoaders(DataLoaders):
    """Training and validation batches of a ratings table: fastai's class without its sampling fault.

    `train_ids` and `valid_ids` are the row numbers of the split.
    """

    @classmethod
    def from_df(
        cls,
        ratings: pd.DataFrame,
        valid_pct: float = 0.2,
        user_name: str | None = None,
        item_name: str | None = None,
        rating_name: str | None = None,
        seed: int | None = None,
        path: str | Path = ".",
        bs: int = 64,
        val_bs: int | None = None,
        shuffle: bool = True,
        device: torch.device | str | None = None,
        *,
        time_name: str | None = None,
    ) -> CollabDataLoaders:
        """Loaders for a table with a row a rating; the column names default to its first three columns.

        Vocabularies come from the whole table, so no user or item of the validation rows is a stranger.
        `seed` decides the split and the order of every epoch. `device` defaults to fastai's: a GPU where
        there is one. `time_name`, a column of seconds since 1970, makes x (bs, 3): its third column is the day,
        for models that know time. RatingsError for columns that are missing, an empty table, ratings or times
        that are not finite numbers, and a `valid_pct` that is out of (0, 1) or leaves nothing to validate on.
        """
        _columns(ratings, [user_name, item_name, rating_name])  # before the split: an empty table has its own sentence
        train_ids, valid_ids = random_split(len(ratings), valid_pct, seed)
        if len(valid_ids) == 0:
            raise RatingsError(
                f"valid_pct={valid_pct} of {len(ratings)} ratings leaves none to validate on: "
                "give more ratings or a larger share."
            )
        return cls.from_split(
            ratings,
            train_ids,
            valid_ids,
            user_name=user_name,
            item_name=item_name,
            rating_name=rating_name,
            time_name=time_name,
            seed=seed,
            path=path,
            bs=bs,
            val_bs=val_bs,
            shuffle=shuffle,
            device=device,
        )

    @classmethod
    def from_split(
        cls,
        ratings: pd.DataFrame,
        train_ids: Tensor,
        valid_ids: Tensor,
        *,
        user_name: str | None = None,
        item_name: str | None = None,
        rating_name: str | None = None,
        time_name: str | None = None,
        seed: int | None = None,
        path: str | Path = ".",
        bs: int = 64,
        val_bs: int | None = None,
        shuffle: bool = True,
        device: torch.device | str | None = None,
    ) -> CollabDataLoaders:
        """The same for a split of your own, as in cross-validation: row numbers, two LongTensors without common rows.

        RatingsError if a row is in both or either is empty, and as in `from_df`.
        """
        user_name, item_name, rating_name = _columns(ratings, [user_name, item_name, rating_name])
        if time_name is not None:
            _columns(ratings, [user_name, item_name, time_name])
        if len(train_ids) == 0 or len(valid_ids) == 0 or torch.isin(valid_ids, train_ids).any():
            raise RatingsError("Training and validation need at least a row each, and no row in common.")
        classes = {name: build_vocab(ratings[name]) for name in (user_name, item_name)}
        dataset = RatingDataset.from_table(ratings, classes, rating_name, time_name)
        train = RatingLoader(dataset.at(train_ids), bs=bs, shuffle=shuffle, seed=seed)
        valid = RatingLoader(dataset.at(valid_ids), bs=val_bs or bs, seed=seed)
        loaders = cls(train, valid, path=path, device=default_device() if device is None else torch.device(device))
        loaders.train_ids, loaders.valid_ids = train_ids, valid_ids
        return loaders

    @classmethod
    def from_csv(cls, csv: str | Path, **options) -> CollabDataLoaders:
        """The same from a CSV file; the options are those of `from_df`."""
        return cls.from_df(pd.read_csv(csv), **options)

    @property
    def classes(self) -> dict[str, list]:
        """{user column: vocabulary, item column: vocabulary}; "#na#" stands first in both."""
        return self.train_ds.classes

    @property
    def n_users(self) -> int:
        """Length of the users' vocabulary, "#na#" included."""
        return len(self.classes[self.train_ds.cat_names[0]])

    @property
    def n_items(self) -> int:
        """Length of the items' vocabulary, "#na#" included."""
        return len(self.classes[self.train_ds.cat_names[1]])

    @property
    def train_df(self) -> pd.DataFrame:
        """The rows to learn from."""
        return self.train_ds.items

    @property
    def valid_df(self) -> pd.DataFrame:
        """The rows to validate on, in the order of `Learner.get_preds()`."""
        return self.valid_ds.items

    def test_dl(self, test_items: pd.DataFrame, bs: int | None = None) -> RatingLoader:
        """A loader of further rows, in their order, for `Learner.get_preds(dl=...)`.

        Needs the user and the item column, and the time column if these loaders have one; with a rating column
        the batches have targets too. An unseen user or item counts as "#na#". For a single row call the model:
        fastai's `get_preds` and `predict` fail on it.
        """
        time_name = self.train_ds.time_name
        _columns(test_items, self.train_ds.cat_names if time_name is None else [*self.train_ds.cat_names, time_name])
        dataset = RatingDataset.from_table(test_items, self.classes, self.train_ds.rating_name, time_name)
        return self.valid.new(dataset, bs=bs or self.valid.bs)


def _columns(table: pd.DataFrame, names: Sequence[str | None]) -> list[str]:
    """The column names, None replaced by the column at that place; RatingsError if the table lacks one."""
    if not isinstance(table, pd.DataFrame):
        raise RatingsError(f"Ratings come as a pandas DataFrame, not as {type(table).__name__}.")
    there = list(table.columns)
    if len(there) < len(names):
        raise RatingsError(f"The table has the columns {there}, but user, item and rating need one each.")
    names = [there[place] if name is None else name for place, name in enumerate(names)]
    missing = [name for name in names if name not in there]
    if missing:
        raise RatingsError(f"The table has no column {missing}; its columns are {there}.")
    if len(set(names)) < len(names):
        raise RatingsError(f"User, item, rating and time need a column each, but were given {names}.")
    if table.empty:
        raise RatingsError("The table holds no row: give it at least one.")
    return names


def _targets(column: pd.Series) -> Tensor:
    """Ratings as float32 (n, 1), so that no loss ever meets whole numbers."""
    if not pd.api.types.is_numeric_dtype(column):
        raise RatingsError(f"Column {column.name!r} holds {column.dtype}, not numbers: convert it with pd.to_numeric.")
    ratings = column.to_numpy(dtype=np.float32, na_value=np.nan)
    bad = np.flatnonzero(~np.isfinite(ratings))
    if len(bad):
        raise RatingsError(
            f"Column {column.name!r} has {len(bad)} missing or infinite ratings, the first in row {bad[0]}: "
            "drop those rows, or the column if the ratings are to be predicted."
        )
    return torch.from_numpy(ratings.copy())[:, None]


def _shown(table: pd.DataFrame) -> None:
    from IPython.display import display  # not needed to train, and slow to import

    display(table)
