"""Lesson 02: vocabularies, positions, the split, an epoch, and what an embedding looks up."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from autograde.exercise import Exercise, Question
from autograde.observe import CannotAsk
from collabkit import batches

# ---- build_vocab

build_vocab = Exercise(
    reference=batches.build_vocab,
    elsewhere=("fastai.data.transforms.CategoryMap",),
    hints=(
        "Three things: the distinct values (`column.dropna().unique()`), in order (`sorted`), with `#na#` before them.",
        "Sort the values first and put `#na#` in front afterwards. Sorted in among the titles it may land anywhere.",
        '`return ["#na#", *sorted(column.dropna().unique())]`',
    ),
)


@dataclass(frozen=True)
class Columns:
    """Columns to make vocabularies of."""

    titles: pd.Series  # some of them several times, one of them before "#na#" in the order of characters
    rare: pd.Series  # each title once
    ids: pd.Series  # whole numbers with one and with several digits
    gaps: pd.Series  # titles, one of them missing


def titles(rng: np.random.Generator, n: int) -> list[str]:
    """n different invented titles, in no order."""
    places = ["Lisbon", "Oslo", "Quito", "Dakar", "Hanoi", "Riga", "Perth", "Turin", "Cork", "Lima", "Osaka", "Graz"]
    kinds = ["Night in", "Train to", "Letters from", "Winter of", "Return to", "A Map of"]
    names = [f"{kind} {place} ({year})" for kind in kinds for place in places for year in (1961, 1987)]
    return rng.choice(names, n, replace=False).tolist()


@build_vocab.given
def columns(rng):
    """In `titles` the order of appearance, of frequency and of the alphabet are three different ones."""
    a, b, c, d, e = sorted(titles(rng, 5))
    quoted = f'"{titles(rng, 1)[0]}"'  # a quotation mark comes before "#" in the order of characters
    rare, ids = (
        titles(rng, 40),
        rng.permutation([*rng.choice(range(1, 10), 3, False), *rng.choice(range(10, 99), 4, False)]),
    )
    return Columns(
        titles=pd.Series([d, b, e, b, quoted, c, b, e, c, a, e, e]),
        rare=pd.Series(sorted(rare[:20])[::-1] + rare[20:]),
        ids=pd.Series(np.repeat(ids, 2)),
        gaps=pd.Series([e, b, None, a, b]),
    )


MISSING = "(a missing value)"


def entries(vocab: Any) -> list:
    """A vocabulary as a list, with whatever stands for a missing value put at its end under one name."""
    if vocab is None:
        raise CannotAsk(
            "gave None back: end with `return` and the list itself (`insert`, `append` and `sort` change a list, "
            "and give None)"
        )
    if isinstance(vocab, set | frozenset | dict):
        raise CannotAsk(f"gave a {type(vocab).__name__}: return a list, in which each value has its position")
    values = list(vocab)
    present = [value for value in values if not (value is None or value != value)]
    return present + [MISSING] * (len(values) - len(present))


@build_vocab.check(points=0.25)
def distinct_and_sorted(answer, given):
    """Begins with `#na#`, then has each title once, in ascending order"""
    return entries(answer(given.titles))


def without_a_place(titles: pd.Series, vocab: list) -> dict[str, str]:
    """Whether there are titles that a recorded vocabulary lacks."""
    places = [entry for entry in vocab if isinstance(entry, str)]
    return {"titles without a place": some(set(titles) - set(places))}


def rare_ones_seen(vocab, given) -> dict[str, str]:
    return without_a_place(given.rare, vocab)


@build_vocab.check(points=0.25, look=rare_ones_seen)
def nothing_left_out(answer, given):
    """Has a place for each title of the table, the rarest too"""
    return entries(answer(given.rare))


@build_vocab.check(points=0.25)
def numbers_too(answer, given):
    """Sorts numbers as numbers"""
    return entries(answer(given.ids))


def missing_ones_seen(vocab, given) -> dict[str, str]:
    place = "yes" if MISSING in vocab else "no"
    return {"a place for the missing title": place, **without_a_place(given.gaps.dropna(), vocab)}


@build_vocab.check(points=0.25, look=missing_ones_seen)
def missing_left_out(answer, given):
    """Has no place of its own for a missing title: that is what `#na#` is for"""
    return entries(answer(given.gaps))


def some(found: Any) -> str:
    """ "none" or "some": how many there are is left to chance, that there are any is not."""
    return "some" if len(found) else "none"


@build_vocab.misconception(
    "Your vocabulary has no `#na#`. Put it first: position 0 is then free for whatever was never seen."
)
def without_na(column):
    return sorted(column.dropna().unique())


@build_vocab.misconception(
    "You put `#na#` at the end, so position 0 belongs to a real title, and every unseen title would be taken for it. "
    "`#na#` comes first."
)
def na_at_the_end(column):
    return [*sorted(column.dropna().unique()), "#na#"]


@build_vocab.misconception(
    "You sorted `#na#` in among the titles. That puts it first only while no title starts with a quotation mark, and "
    "with numbers it stops. Sort the values alone, then put `#na#` in front."
)
def sorts_na_in(column):
    return sorted({*column.dropna(), "#na#"})


@build_vocab.misconception(
    "You kept the values in the order in which they appear, so the same titles in shuffled rows would get other "
    "positions. Sort them."
)
def in_order_of_appearance(column):
    return ["#na#", *column.dropna().unique()]


@build_vocab.misconception(
    "You ordered the values by how often they occur. Each new rating could then move them: sort the values themselves."
)
def by_frequency(column):
    return ["#na#", *column.value_counts().index]


@build_vocab.misconception("A title that was rated twice stands twice in your vocabulary: take the distinct values.")
def with_duplicates(column):
    return ["#na#", *sorted(column.dropna())]


@build_vocab.misconception(
    "Your vocabulary knows a part of the column only, as if it were made from the training rows. A title that stands "
    "nowhere else has no place in it: use the whole table. Positions are names, they give no rating away."
)
def from_the_training_part(column):
    return ["#na#", *sorted(column[: int(0.8 * len(column))].dropna().unique())]


@build_vocab.misconception(
    "You turned the ids into text, and as text 10 comes before 9. Worse, the number 10 is then not in the vocabulary, "
    'only "10". Keep the values as they are.'
)
def as_text(column):
    return ["#na#", *sorted(column.dropna().astype(str).unique())]


@build_vocab.misconception(
    "A missing title is NaN, a number, and numbers and titles cannot be put in one order. Leave it out before you sort: "
    "`column.dropna()`."
)
def sorts_the_missing(column):
    return ["#na#", *sorted(column.unique())]


@build_vocab.misconception(
    "You gave the missing value a place of its own beside `#na#`. Nobody is missing twice: leave it out, `.dropna()`."
)
def keeps_the_missing(column):
    return ["#na#", *sorted(column.dropna().unique()), *[value for value in column if value != value][:1]]


@build_vocab.worked_example
def five_titles():
    column = pd.Series(["Diva", "Alien", None, "Diva", "Brazil"])
    yield "a column", column
    yield "its vocabulary", batches.build_vocab(column)


# ---- encode

encode = Exercise(
    reference=batches.encode,
    hints=(
        "Turn the vocabulary round: a dictionary from value to position. `enumerate(vocab)` gives both.",
        "`positions.get(value, 0)` gives the position, and 0 for a value that the vocabulary does not have.",
        "`positions = {value: i for i, value in enumerate(vocab)}`, then "
        "`return torch.tensor([positions.get(value, 0) for value in column])`.",
    ),
)


@dataclass(frozen=True)
class Lookups:
    """Columns with the vocabularies to encode them by. No column has its vocabulary's first or last value."""

    vocab: list
    known: pd.Series
    mixed: pd.Series  # some titles are not in the vocabulary
    gaps: pd.Series  # one title is missing
    id_vocab: list
    ids: pd.Series  # rows of a larger table: their labels are not 0, 1, 2, ...


@encode.given
def lookups(rng):
    names = titles(rng, 14)
    vocab, strangers = sorted(names[:11]), names[11:]
    numbers = sorted(rng.choice(range(2, 80), 9, replace=False).tolist())
    inner = rng.permutation(vocab[1:-1]).tolist()
    known = [max(inner), min(inner), *inner[:6], inner[3]]
    ids = [numbers[-2], numbers[1], *rng.choice(numbers[1:-1], 4)]
    return Lookups(
        vocab=["#na#", *vocab],
        known=pd.Series(known),
        mixed=pd.Series([inner[2], strangers[0], inner[7], strangers[1], strangers[0], inner[2]]),
        gaps=pd.Series([inner[4], None, inner[1]]),
        id_vocab=["#na#", *numbers],
        ids=pd.Series(ids, index=rng.choice(range(len(ids), 500), len(ids), replace=False)),
    )


def as_list(values: Any) -> list:
    """Positions as a list of numbers, whatever they came in."""
    if values is None:
        raise CannotAsk("gave nothing back: end with `return` and the positions")
    return np.asarray(values.detach().cpu() if isinstance(values, Tensor) else values).tolist()


@encode.check(points=0.5)
def known_values(answer, given):
    """Gives each value the position at which it stands in the vocabulary"""
    return {
        "a column of titles": as_list(answer(given.known, given.vocab)),
        "a column of ids": as_list(answer(given.ids, given.id_vocab)),
    }


@encode.check(points=0.5)
def unseen_values(answer, given):
    """Gives 0 for a title that the vocabulary does not have"""
    return as_list(answer(given.mixed, given.vocab))


@encode.check(points=0.25)
def missing_values(answer, given):
    """Gives 0 for a missing title"""
    return as_list(answer(given.gaps, given.vocab))


@encode.check(points=0.25, form=True)
def long_tensor(answer, given):
    """Returns a tensor of whole numbers (int64), which can look rows up"""
    positions = answer(given.known, given.vocab)
    if not isinstance(positions, Tensor):
        came = "an array" if isinstance(positions, np.ndarray) else f"a {type(positions).__name__}"
        raise CannotAsk(f"gave {came}, expected a tensor: `torch.tensor(...)` makes one")
    if positions.dtype != torch.int64:
        came = str(positions.dtype).removeprefix("torch.")
        raise CannotAsk(f"gave a tensor of {came}, expected int64: add `.long()`")
    return "a tensor of int64"


@encode.misconception(
    "You are off by one: you counted the first title as 0, but position 0 is `#na#`. Count through the whole "
    "vocabulary, `#na#` included."
)
def forgets_na(column, vocab):
    positions = {value: i for i, value in enumerate(vocab[1:])}
    return torch.tensor([positions.get(value, 0) for value in column])


@encode.misconception(
    "You count from 1, so `#na#` would be 1 and the last title lands one row below the end of the table. "
    "Positions in Python start at 0."
)
def counts_from_one(column, vocab):
    positions = {value: i for i, value in enumerate(vocab, start=1)}
    return torch.tensor([positions.get(value, 0) for value in column])


@encode.misconception(
    "A title that the vocabulary does not have stops your code with a KeyError: a dictionary in brackets insists on "
    "its keys. `positions.get(value, 0)` gives 0 instead."
)
def insists_on_keys(column, vocab):
    positions = {value: i for i, value in enumerate(vocab)}
    return torch.tensor([positions[value] for value in column])


@encode.misconception(
    "A title that the vocabulary does not have stops your code: `vocab.index` raises a ValueError for it. Ask first "
    "whether the value is there, or use a dictionary's `.get(value, 0)`, which is also much faster."
)
def insists_on_index(column, vocab):
    return torch.tensor([vocab.index(value) for value in column])


@encode.misconception(
    "You marked the unseen with -1, as pandas does, and as a row number -1 means the *last* row: every unseen title would "
    "be taken for the last one of the vocabulary. Unseen is 0."
)
def minus_one_for_unseen(column, vocab):
    positions = {value: i for i, value in enumerate(vocab)}
    return torch.tensor([positions.get(value, -1) for value in column])


@encode.misconception(
    "You gave unseen titles a new position at the end. The table of factors has `len(vocab)` rows and no more, so "
    "there is nothing to look up: unseen is 0."
)
def new_place_for_unseen(column, vocab):
    positions = {value: i for i, value in enumerate(vocab)}
    return torch.tensor([positions.get(value, len(vocab)) for value in column])


@encode.misconception(
    "You left the unknown titles out, so the result is shorter than the column and the positions behind the gap belong "
    "to other ratings. Each row needs its position: 0 for the unknown."
)
def leaves_unseen_out(column, vocab):
    positions = {value: i for i, value in enumerate(vocab)}
    return torch.tensor([positions[value] for value in column if value in positions])


@encode.misconception(
    "You numbered the values as they come in this column. In another part of the table the same title would get "
    "another number: take the positions from `vocab`."
)
def numbers_as_they_come(column, vocab):
    return torch.tensor(pd.factorize(column)[0] + 1)


@encode.misconception(
    "You made a vocabulary of your own from this column. The one that you are given decides: it knows the whole table, "
    "this column may be a part of it."
)
def makes_its_own_vocab(column, vocab):
    positions = {value: i for i, value in enumerate(["#na#", *sorted(column.dropna().unique())])}
    return torch.tensor([positions.get(value, 0) for value in column])


@encode.misconception(
    "Your positions are floats, and a float cannot look a row up. (A gap in a pandas column makes floats of its whole "
    "numbers.) Add `.long()` to the tensor."
)
def gives_floats(column, vocab):
    positions = {value: float(i) for i, value in enumerate(vocab)}
    return torch.tensor([positions.get(value, 0.0) for value in column])


@encode.misconception(
    "`column[i]` asks for the row *labelled* i. Rows taken out of a larger table keep their old labels: go through the "
    "values, `for value in column`."
)
def reads_by_label(column, vocab):
    positions = {value: i for i, value in enumerate(vocab)}
    return torch.tensor([positions.get(column[i], 0) for i in range(len(column))])


@encode.worked_example
def four_titles():
    vocab, column = ["#na#", "Alien", "Brazil", "Diva"], pd.Series(["Diva", "Alien", "Casablanca", None])
    yield "a vocabulary", vocab
    yield "a column, with a title that is not in it, and a gap", column
    yield "the position of each", batches.encode(column, vocab)


# ---- split

split = Exercise(
    reference=batches.random_split,
    elsewhere=("fastai.data.transforms.RandomSplitter",),
    name="split",
    hints=(
        "Shuffle the positions 0 to n - 1 once, then cut the shuffled row in two. What is cut cannot overlap.",
        "`torch.Generator().manual_seed(seed)` is a source of random numbers of your own: "
        "`torch.randperm(n, generator=...)` shuffles the same way whenever the seed is the same.",
        "`order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))`, `cut = int(valid_pct * n)`, "
        "`return order[cut:], order[:cut]`.",
    ),
)


@dataclass(frozen=True)
class Cut:
    """A table's size, the share to hold back, and two seeds. No share is one in so many rows."""

    n: int
    valid_pct: float
    seed: int
    other_seed: int

    @property
    def n_valid(self) -> int:
        return round(self.valid_pct * self.n)


@split.given
def cut(rng):
    """So many rows that drawing with replacement is certain to hit some of them twice."""
    seed, other_seed = rng.choice(10_000, 2, replace=False).tolist()
    return Cut(100 * int(rng.integers(30, 50)), float(rng.choice([0.15, 0.3, 0.35, 0.4])), seed, other_seed)


def parts(answer: Any, n: int, valid_pct: float, seed: int) -> list[list[int]]:
    """The training and the validation positions as lists."""
    both = answer(n, valid_pct, seed)
    if not isinstance(both, tuple | list) or len(both) != 2:
        raise CannotAsk("should give two things back: the training positions and the validation positions")
    both = [as_list(part) for part in both]
    if any(isinstance(value, bool) for part in both for value in part[:1]):
        raise CannotAsk("gave masks of True and False: give the positions themselves, `mask.nonzero().flatten()`")
    return both


def about(count: int, asked: int) -> int | str:
    """A number of rows; "about ..." where it is near what was asked, as by chance, but not equal."""
    return f"about {asked}" if count != asked and abs(count - asked) < 0.15 * asked else count


def sizes_seen(came, given) -> dict[str, Any]:
    asked = {"training rows": given.n - given.n_valid, "validation rows": given.n_valid}
    counted = [
        {name: about(len(part), n) for (name, n), part in zip(asked.items(), both, strict=True)} for both in came
    ]
    return {name: next((each[name] for each in counted if each[name] != n), n) for name, n in asked.items()}


@split.check(points=0.25, look=sizes_seen)
def asked_share(answer, given):
    """Holds back as many rows as it is asked to, and gives the training rows first"""
    return [parts(answer, given.n, given.valid_pct, seed) for seed in (given.seed, given.other_seed)]


def rows_seen(came, given) -> dict[str, str]:
    train, valid = came
    everything = set(range(given.n))
    return {
        "rows in both parts": some(set(train) & set(valid)),
        "rows in no part": some(everything - set(train) - set(valid)),
        "rows twice in one part": some(range(len(train) + len(valid) - len(set(train)) - len(set(valid)))),
        "positions outside the table": some((set(train) | set(valid)) - everything),
    }


@split.check(points=0.5, look=rows_seen)
def each_row_once(answer, given):
    """Puts each row in one part, and no row in both"""
    return parts(answer, given.n, given.valid_pct, given.seed)


def chance_seen(came, given) -> dict[str, str]:
    valid, other = map(sorted, came)
    if min(len(valid), len(other)) < 2:
        raise CannotAsk(f"held back {len(valid)} of {given.n} rows with one seed and {len(other)} with another")
    steps = set(np.diff(valid).tolist())
    how = "one block of the table" if steps == {1} else "rows at regular steps" if len(steps) == 1 else "scattered rows"
    return {"the validation part": how, "another seed": "the same split" if valid == other else "another split"}


@split.check(points=0.5, look=chance_seen)
def left_to_chance(answer, given):
    """Chooses the rows at random, other ones for another seed"""
    return [parts(answer, given.n, given.valid_pct, seed)[1] for seed in (given.seed, given.other_seed)]


def repetition_seen(came, given) -> dict[str, str]:
    first, second = came
    if not all(len(part) for part in first):
        raise CannotAsk("left one of the two parts empty")
    return {"the same seed again": "the same split" if first == second else "another split"}


@split.check(points=0.25, look=repetition_seen, form=True)
def repeatable(answer, given):
    """Splits the same way whenever the seed is the same"""
    first = parts(answer, given.n, given.valid_pct, given.seed)
    torch.rand(7), np.random.rand(7)  # noqa: NPY002  # whoever leans on the global generators gets another state
    second = parts(answer, given.n, given.valid_pct, given.seed)
    return [first, second]


@split.misconception(
    "You cut the table where it stands, so one block of it is held back. Tables have an order (by date, by user), and a "
    "block is not like the rest: shuffle the positions first, with the seed."
)
def takes_a_block(n, valid_pct, seed):
    cut = int(valid_pct * n)
    return torch.arange(cut, n), torch.arange(cut)


@split.misconception(
    "You took rows at regular steps. That spreads them, but leaves nothing to chance and ignores the seed: "
    "shuffle the positions, then cut."
)
def takes_regular_steps(n, valid_pct, seed):
    order = torch.arange(n)
    chosen = order % round(1 / valid_pct) == 0
    return order[~chosen], order[chosen]


@split.misconception(
    "Your parts overlap, since you shuffled twice, once for each part. Ratings that the model was trained on then count "
    "as unseen, and others are in no part at all. Shuffle once and cut."
)
def shuffles_twice(n, valid_pct, seed):
    generator, cut = torch.Generator().manual_seed(seed), int(valid_pct * n)
    return torch.randperm(n, generator=generator)[cut:], torch.randperm(n, generator=generator)[:cut]


@split.misconception(
    "Your training part is the whole table, the validation rows included: the model would be examined on what it was "
    "taught. Train on the rows that are not held back."
)
def trains_on_everything(n, valid_pct, seed):
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    return order, order[: int(valid_pct * n)]


@split.misconception(
    "You drew the validation rows with replacement: some were drawn twice, so fewer are held back than it seems. "
    "A permutation draws each row once."
)
def draws_with_replacement(n, valid_pct, seed):
    valid = torch.randint(n, (int(valid_pct * n),), generator=torch.Generator().manual_seed(seed))
    is_train = torch.ones(n, dtype=torch.bool)
    is_train[valid] = False
    return is_train.nonzero().flatten(), valid


@split.misconception(
    "You tossed a coin for each row, so the size of the parts is left to chance as well. Shuffle the positions, then cut "
    "at `int(valid_pct * n)`."
)
def tosses_coins(n, valid_pct, seed):
    chosen = torch.rand(n, generator=torch.Generator().manual_seed(seed)) < valid_pct
    return (~chosen).nonzero().flatten(), chosen.nonzero().flatten()


@split.misconception(
    "Your split is another one in each run, although the seed is the same: nothing uses it. Give it to the "
    "generator, `torch.Generator().manual_seed(seed)`, and shuffle with that."
)
def forgets_the_seed(n, valid_pct, seed):
    order, cut = torch.randperm(n), int(valid_pct * n)
    return order[cut:], order[:cut]


@split.misconception(
    "Every seed gives the same split: a fixed number stands where the seed that you are given should be."
)
def fixes_the_seed(n, valid_pct, seed):
    order, cut = torch.randperm(n, generator=torch.Generator().manual_seed(42)), int(valid_pct * n)
    return order[cut:], order[:cut]


@split.misconception(
    "The parts are in the wrong order: training first, then validation. As it is, a model would learn from the small "
    "part and be examined on the large one."
)
def swaps_the_parts(n, valid_pct, seed):
    order, cut = torch.randperm(n, generator=torch.Generator().manual_seed(seed)), int(valid_pct * n)
    return order[:cut], order[cut:]


@split.misconception("You always hold back a fifth: the share to hold back is `valid_pct`.")
def always_a_fifth(n, valid_pct, seed):
    order, cut = torch.randperm(n, generator=torch.Generator().manual_seed(seed)), int(0.2 * n)
    return order[cut:], order[:cut]


@split.worked_example
def ten_rows():
    train, valid = batches.random_split(10, 0.3, seed=5)
    again = batches.random_split(10, 0.3, seed=5)[1]
    yield "three tenths of ten rows held back, chosen at random", valid
    yield "the rows that are left for training, none in both", train
    yield "held back with the same seed once more", again
    yield "with another seed", batches.random_split(10, 0.3, seed=6)[1]


# ---- lookup

lookup = Exercise(
    reference=batches.lookup,
    hints=(
        "`nn.functional.one_hot(index, n)` makes the vectors, (batch, n). How many places does each need?",
        "One place for each row of the table: `len(table)`. The product is `@`, and both sides must be floats.",
        "`return nn.functional.one_hot(index, len(table)).float() @ table`",
    ),
)


@dataclass(frozen=True)
class Rows:
    """6 positions, some twice and never the last row, and a table of 5 rows of 8 numbers."""

    index: Tensor  # (6,), int64
    table: Tensor  # (5, 8), float32


@lookup.given
def rows(rng):
    """More columns than rows, so that a column looked up by mistake is there; row 2 is met at least twice."""
    index = torch.from_numpy(rng.permutation([2, 2, 0, *rng.integers(0, 4, 3)]))
    return Rows(index, torch.from_numpy(rng.standard_normal((5, 8)).astype("float32")))


def found_rows(answer: Any, index: Tensor, table: Tensor) -> Any:
    """What the answer looks up; a list of rows counts as a matrix."""
    found = answer(index, table)
    if found is None:
        raise CannotAsk("gave nothing back: end with `return` and the product")
    is_list_of_rows = isinstance(found, list | tuple) and all(isinstance(row, Tensor) for row in found)
    return torch.stack(list(found)) if is_list_of_rows else found


@lookup.check(points=0.5)
def right_rows(answer, given):
    """Gives for each position its row of the table"""
    return torch.as_tensor(found_rows(answer, given.index, given.table))


@lookup.check(points=0.5)
def gradients(answer, given):
    """Lets the gradient through to the rows that were looked up, and to no others"""
    table = given.table.clone().requires_grad_()
    found = found_rows(answer, given.index, table)
    if not isinstance(found, Tensor) or not found.requires_grad:
        raise CannotAsk("gives rows that no gradient can flow back from: keep them tensors, undetached")
    weights = torch.arange(1.0, found.numel() + 1).reshape(found.shape)  # each number of the result counts differently
    (found * weights).sum().backward()
    return table.grad


@lookup.misconception(
    "You looked up columns. Each film has a *row* of the table: rows are its first dimension, `table[index]`."
)
def looks_up_columns(index, table):
    return table[:, index]


@lookup.misconception(
    "Your one-hot vectors stand upright: (rows of the table, batch). Each position of the batch needs a row of its own, "
    "(batch, rows of the table), so that the product with the table comes out as (batch, factors)."
)
def stands_upright(index, table):
    return nn.functional.one_hot(index, len(table)).float().T @ table


@lookup.misconception(
    "Without a number of places `one_hot` takes the largest position of this batch, so the product works only while the "
    "table's last row is among them. Name the number: `one_hot(index, len(table))`."
)
def forgets_the_places(index, table):
    return nn.functional.one_hot(index).float() @ table


@lookup.misconception(
    "You gave the one-hot vectors as many places as the table has columns. They choose a row, so they need as "
    "many places as the table has rows: `len(table)`."
)
def counts_the_columns(index, table):
    return nn.functional.one_hot(index, table.shape[1]).float() @ table


@lookup.misconception(
    "`one_hot` gives whole numbers, the table holds floats, and `@` does not mix them. Add `.float()` to the "
    "one-hot vectors."
)
def mixes_the_types(index, table):
    return nn.functional.one_hot(index, len(table)) @ table


@lookup.misconception(
    "Your rows are right, but cut off from the table (`.detach()`, `.data`, `.numpy()` or a new `torch.tensor`): no "
    "gradient finds its way back, so the table would never learn."
)
def cuts_the_graph(index, table):
    return table[index].detach()


@lookup.misconception(
    "You added the rows of the whole batch up. One row for each position: leave the one-hot vectors a matrix."
)
def adds_the_batch(index, table):
    return nn.functional.one_hot(index, len(table)).float().sum(dim=0) @ table


@lookup.misconception(
    "You looked up the row before. The vocabulary's position is the row already: `#na#` has position 0 and row 0."
)
def takes_the_row_before(index, table):
    return table[index - 1]


@lookup.worked_example
def three_positions():
    index, table = torch.tensor([2, 0, 2]), torch.tensor([[0.1, 0.2], [1.0, 2.0], [5.0, 6.0]])
    yield "positions", index
    yield "a table", table
    yield "the row of each position", batches.lookup(index, table)


# ---- one_epoch

one_epoch = Exercise(
    reference=batches.one_epoch,
    elsewhere=("collabkit.batches.RatingLoader",),
    hints=(
        "Shuffle all positions once, at the start of the epoch. Then go through them in slices of `bs`.",
        "`range(0, n, bs)` gives where each slice starts. A slice that reaches past the end is shorter, without an error.",
        "`order = torch.randperm(n)`, then `for start in range(0, n, bs): yield order[start : start + bs]`.",
    ),
)


@dataclass(frozen=True)
class Sizes:
    """Numbers of rows and of rows in a batch, one pair for each question."""

    large: tuple[int, int]  # large batches and a rest
    even: tuple[int, int]  # no rest
    rest: tuple[int, int]  # a rest
    many: tuple[int, int]  # many small batches, no rest


@one_epoch.given
def sizes(rng):
    bs, few = int(rng.integers(5, 9)), int(rng.integers(50, 70))
    return Sizes(
        large=(3 * few + int(rng.integers(20, 40)), few),
        even=(4 * bs, bs),
        rest=(4 * bs + int(rng.integers(1, bs)), bs),
        many=(30 * bs, bs),
    )


def epoch(answer: Any, n: int, bs: int) -> list[list[int]]:
    """The batches of one epoch as lists; an epoch that never ends is left after n + 1 of them."""
    given = answer(n, bs)
    if not hasattr(given, "__iter__"):
        raise CannotAsk("gave nothing to go through: `yield` each batch, or return a list of them")
    return [np.atleast_1d(as_list(batch)).tolist() for batch in itertools.islice(given, n + 1)]


def ratings_seen(shown_by_batch, given) -> dict[str, str]:
    n, _ = given.large
    shown = list(itertools.chain(*shown_by_batch))
    return {
        "ratings never shown": some(set(range(n)) - set(shown)),
        "ratings shown again": some(range(len(shown) - len(set(shown)))),
        "ratings twice in one batch": some([batch for batch in shown_by_batch if len(batch) > len(set(batch))]),
        "positions outside the table": some(set(shown) - set(range(n))),
    }


@one_epoch.check(points=0.75, look=ratings_seen)
def each_exactly_once(answer, given):
    """Shows each rating exactly once"""
    return epoch(answer, *given.large)


def sizes_of_batches(came, given) -> dict[str, list[int]]:
    sizes = zip((given.even, given.rest), came, strict=True)
    return {f"{n} rows, {bs} at a time": sorted(map(len, batches), reverse=True) for (n, bs), batches in sizes}


@one_epoch.check(points=0.25, look=sizes_of_batches, form=True)
def batch_sizes(answer, given):
    """Gives batches of `bs` positions, and one smaller batch for the rest"""
    return [epoch(answer, n, bs) for n, bs in (given.even, given.rest)]


def orders_seen(came, given) -> dict[str, str]:
    _, bs = given.many
    first, second = (list(itertools.chain(*batches)) for batches in came)
    if len(first) < bs or len(second) < bs:
        raise CannotAsk(f"gave {len(first)} and {len(second)} positions in two epochs of {given.many[0]} ratings")
    return {"the order": order_of(first, bs), "the next epoch": "the same" if first == second else "another order"}


@one_epoch.check(points=0.5, look=orders_seen)
def shuffled(answer, given):
    """Shuffles the ratings, anew in each epoch"""
    return [epoch(answer, *given.many) for _ in range(2)]


def order_of(positions: list[int], bs: int) -> str:
    """How the positions are ordered, seen through a window of bs of them."""
    if positions == sorted(positions):
        return "as in the table"
    windows = [sorted(positions[start : start + bs]) for start in range(0, len(positions), bs)]
    if any(window[-1] - window[0] >= bs for window in windows):
        return "shuffled"
    in_order = windows == sorted(windows)
    return "shuffled only inside each batch" if in_order else "whole batches shuffled, with neighbours still together"


@one_epoch.misconception(
    "You draw with replacement: each draw forgets what was drawn before, so some ratings come twice or three times and "
    "more than a third of them never. Shuffle instead, `torch.randperm(n)`: each position comes once."
)
def with_replacement(n, bs):
    order = torch.from_numpy(np.random.choice(n, n))  # noqa: NPY002
    return [order[start : start + bs] for start in range(0, n, bs)]


@one_epoch.misconception(
    "`return` ends the function, so your epoch is over after its first batch. `yield` gives a batch and goes on."
)
def returns_the_first(n, bs):
    return torch.randperm(n)[:bs]


@one_epoch.misconception(
    "Each of your batches is drawn afresh from the whole table and knows nothing of those before it, so some ratings come "
    "again and others never. Shuffle once for the epoch, then cut."
)
def draws_each_batch(n, bs):
    return [torch.randperm(n)[:bs] for _ in range(0, n, bs)]


@one_epoch.misconception(
    "You shuffle again for each batch, so every batch is cut from another order: some ratings come twice, others never. "
    "Call `torch.randperm(n)` once, before the loop."
)
def shuffles_for_each_batch(n, bs):
    return [torch.randperm(n)[start : start + bs] for start in range(0, n, bs)]


@one_epoch.misconception(
    "You drop what does not fill a batch, so those ratings are left out of the epoch. The last batch may be smaller: "
    "`range(0, n, bs)` starts one for the rest."
)
def drops_the_rest(n, bs):
    order = torch.randperm(n)
    return [order[i * bs : (i + 1) * bs] for i in range(n // bs)]


@one_epoch.misconception(
    "You fill the last batch up with ratings that were already shown. It may be smaller than the others."
)
def fills_the_last_batch(n, bs):
    order = torch.randperm(n)
    return [torch.cat([order, order])[start : start + bs] for start in range(0, n, bs)]


@one_epoch.misconception(
    "Your last batch is empty when the batches come out even, and a mean over no ratings is NaN. `range(0, n, bs)` "
    "starts no batch at n."
)
def ends_with_an_empty_batch(n, bs):
    order = torch.randperm(n)
    return [order[i * bs : (i + 1) * bs] for i in range(n // bs + 1)]


@one_epoch.misconception(
    "Nothing is shuffled: every epoch shows the ratings in the order of the table, and each step of training sees only "
    "what happens to stand together. `torch.randperm(n)` shuffles the positions."
)
def never_shuffles(n, bs):
    return [torch.arange(n)[start : start + bs] for start in range(0, n, bs)]


@one_epoch.misconception(
    "Every epoch has the same order, since the seed is set inside the function. Shuffle anew each time; whoever "
    "wants to repeat a run sets the seed outside, once."
)
def same_order_each_epoch(n, bs):
    order = torch.randperm(n, generator=torch.Generator().manual_seed(0))
    return [order[start : start + bs] for start in range(0, n, bs)]


@one_epoch.misconception(
    "You cut first and then shuffled the batches, so the same ratings meet in every epoch. Shuffle the positions, "
    "then cut."
)
def shuffles_whole_batches(n, bs):
    pieces = torch.arange(n).split(bs)
    return [pieces[i] for i in torch.randperm(len(pieces))]


@one_epoch.misconception(
    "You shuffled inside each batch only, so every batch still holds neighbours of the table. Shuffle all positions "
    "before you cut."
)
def shuffles_inside_batches(n, bs):
    return [piece[torch.randperm(len(piece))] for piece in torch.arange(n).split(bs)]


@one_epoch.misconception(
    "You made one batch of all ratings, so an epoch would be a single step. Cut the shuffled positions into "
    "slices of `bs`."
)
def one_batch_of_everything(n, bs):
    return [torch.randperm(n)]


@one_epoch.misconception(
    "You gave the shuffled positions one by one, not in batches. Give slices of them: `order[start : start + bs]`."
)
def one_by_one(n, bs):
    return list(torch.randperm(n))


@one_epoch.misconception(
    "You cut the epoch into `bs` batches; it should be batches of `bs` ratings. `torch.chunk` counts the pieces, "
    "`torch.split` the rows in a piece."
)
def counts_the_batches(n, bs):
    return list(torch.randperm(n).chunk(bs))


@one_epoch.misconception(
    "Your positions run from 1 to n. The first row has position 0, and there is no row n: leave `torch.randperm(n)` as "
    "it is."
)
def counts_rows_from_one(n, bs):
    return list((torch.randperm(n) + 1).split(bs))


@one_epoch.worked_example
def eight_rows():
    generator = torch.Generator().manual_seed(1)
    yield "eight rows, three at a time", [batch.tolist() for batch in batches.one_epoch(8, 3, generator)]
    yield "the next epoch, in another order", [batch.tolist() for batch in batches.one_epoch(8, 3, generator)]


# ---- questions

vocab_source = Question(
    "vocab_source",
    prompt="Somebody makes the vocabulary from the training part alone. What becomes of a film that stands only in the "
    "validation part?",
    choices={
        "a": "It gets the next free position, behind the last film of the vocabulary.",
        "b": "It becomes `#na#`, in one row with all other films of that kind; and which films those are, and how long "
        "the vocabulary is, changes with the split.",
        "c": "It gets the position of the film whose title comes next in the alphabet.",
        "d": "Nothing worth a thought: a film without a training rating cannot be learned in any case.",
    },
    right="b",
    why_not={
        "a": "The model's table has one row for each entry of the vocabulary and none behind it. A position that is not "
        "there is an error, not a new row.",
        "c": "Nothing looks for a similar title: a title is in the vocabulary, or it is not.",
        "d": "It is true that its row stays as it was made. But with another split other films are left out and the "
        "positions behind them move: a saved model takes films for their neighbours, and its table has the wrong length.",
    },
    hints=(
        "What does your own `encode` say for a title that the vocabulary does not have?",
        "In the cell above, look at how many there are of them, and whether it is the same number for each seed.",
    ),
)

one_hot_cost = Question(
    "one_hot_cost",
    prompt="The one-hot product and `table[index]` agree, gradients included. Why does nobody compute the product?",
    choices={
        "a": "Rounding: the product of floats is only nearly the row.",
        "b": "A one-hot vector is made of whole numbers, and those have no gradient.",
        "c": "All but one of the products in each sum are zero. Copying the row gives the same without them, and without "
        "a matrix of zeros in memory.",
        "d": "The product needs all films in the batch, and a batch has only some of them.",
    },
    right="c",
    why_not={
        "a": "A number times 1 is the number and times 0 is 0, exactly: nothing is rounded here.",
        "b": "True, but it is the *table* that learns, and its gradient came out right in your check.",
        "d": "The one-hot vectors have a place for each film of the table, whether it is in the batch or not. Your check "
        "asked for just that.",
    },
    hints=(
        "Write one number of the result as a sum over all rows of the table. Which of its terms are not zero?",
        "You measured both ways above: what did the slow one spend its time on?",
    ),
)

honest_epoch = Question(
    "honest_epoch",
    prompt="`x` holds the pairs of n training ratings, `y` their stars. Which line prepares an epoch that shows each "
    "rating exactly once, in random order, with its own stars?",
    choices={
        "a": "`x, y = x[torch.randperm(n)], y[torch.randperm(n)]`",
        "b": "`rows = torch.randint(n, (n,)); x, y = x[rows], y[rows]`",
        "c": "`rows = torch.randperm(n)[: n // bs * bs]; x, y = x[rows], y[rows]`",
        "d": "`rows = torch.randperm(n); x, y = x[rows], y[rows]`",
    },
    right="d",
    why_not={
        "a": "These are two different permutations: each pair gets somebody else's stars. No error tells you, the model "
        "just learns nothing beyond the mean.",
        "b": "`randint` draws with replacement. A rating is missed by one draw with probability 1 - 1/n, by all n with "
        "(1 - 1/n)ⁿ, close to 1/e: more than a third of the ratings are left out.",
        "c": "Shuffled and with the right stars, but `n // bs * bs` rounds down to full batches: the rest is dropped.",
    },
    hints=(
        "Check three things for each line: does every row come once, does none come twice, do `x` and `y` move together?",
        "How often is `torch.randperm` called in each line? Two calls are two different orders.",
    ),
)
