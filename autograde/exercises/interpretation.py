"""Lesson 08: what a trained model has learned, read from its weights and held against what is known."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional as F

from autograde.exercise import Exercise, Question, Withheld
from autograde.observe import CannotAsk
from collabkit import interpret
from collabkit.batches import CollabDataLoaders
from collabkit.interpret import pca
from collabkit.models import DotProductBias
from collabkit.planted import planted_world
from collabkit.ratings import load_ratings
from collabkit.training import BOOK, fit

NOTHING = "returned nothing: end it with `return` and the result"


def trained(ratings: pd.DataFrame, seed: int = 1) -> tuple[DotProductBias, list[str]]:
    """The same as the lesson's set-up: a model of these ratings with the course's settings, and its titles."""
    dls = CollabDataLoaders.from_df(ratings, item_name="title", bs=BOOK.bs, seed=seed, device="cpu")
    torch.manual_seed(seed)
    model = DotProductBias(dls.n_users, dls.n_items, BOOK.n_factors)
    fit(model, dls, **BOOK.settings, seed=seed, bar=False)
    return model, dls.classes["title"]


@dataclasses.dataclass(frozen=True)
class Reading:
    """What a model of real ratings holds, as plain tensors, for questions that must not hold a model."""

    titles: list[str]
    bias: Tensor  # (n, 1)
    factors: Tensor  # (n, n_factors)
    counts: Tensor  # (n,)
    known: list[int]  # positions of films that everybody knows
    alike: Withheld  # dict: each of them -> those that belong to it
    ratings: pd.DataFrame  # user, title, rating


SEQUELS = (
    ("Star Wars (1977)", "Empire Strikes Back, The (1980)"),
    ("Star Wars (1977)", "Return of the Jedi (1983)"),
    ("Godfather, The (1972)", "Godfather: Part II, The (1974)"),
    ("Alien (1979)", "Aliens (1986)"),
    ("Terminator, The (1984)", "Terminator 2: Judgment Day (1991)"),
    ("Scream (1996)", "Scream 2 (1997)"),
    ("Raiders of the Lost Ark (1981)", "Indiana Jones and the Last Crusade (1989)"),
    ("Wrong Trousers, The (1993)", "Close Shave, A (1995)"),
    ("Batman Forever (1995)", "Batman & Robin (1997)"),
    ("Jean de Florette (1986)", "Manon of the Spring (Manon des sources) (1986)"),
)
WELL_KNOWN = 50  # ratings


@functools.lru_cache(maxsize=1)
def real_model() -> Reading:
    """A model of MovieLens 100K, once a process; without a network, of the planted world that stands in for it."""
    ratings = load_ratings(progress=False)
    model, titles = trained(ratings)
    counts = ratings["title"].value_counts().reindex(titles, fill_value=0)
    belong = sequels_of() if set(sum(SEQUELS, ())) <= set(titles) else alike_in_planted_world(counts)
    alike = {titles.index(one): [titles.index(other) for other in others] for one, others in belong.items()}
    bias, factors = model.movie_bias.weight.detach(), model.movie_factors.weight.detach()
    return Reading(
        titles,
        bias,
        factors,
        torch.tensor(counts.to_numpy()),
        list(alike),
        Withheld(alike),
        ratings[["user", "title", "rating"]],
    )


def sequels_of() -> dict[str, list[str]]:
    """Each first film of SEQUELS, with what belongs to it."""
    return {one: [other for first, other in SEQUELS if first == one] for one, _ in SEQUELS}


def alike_in_planted_world(counts: pd.Series) -> dict[str, list[str]]:
    """In the world that `load_ratings` falls back to: the ten most rated films, each with the tenth most like it."""
    world = planted_world(n_users=943, n_movies=1682, n_ratings=100_000)
    titles = world.ratings.drop_duplicates("movie").set_index("movie")["title"]
    known = titles[titles.map(counts) >= WELL_KNOWN].sort_values(key=lambda names: -names.map(counts))
    traits = F.normalize(torch.tensor(world.movie_factors[known.index.to_numpy() - 1]), dim=1)
    order = (traits[:10] @ traits.T).argsort(dim=1, descending=True)[:, 1 : len(known) // 10]
    return {known.iloc[i]: known.iloc[order[i].tolist()].tolist() for i in range(10)}


# ---- top_biases

top_biases = Exercise(
    reference=interpret.top_biases,
    hints=(
        "`argsort` does not return sorted values. It returns the *positions*, in the order that would sort the values: "
        "with these you can pick biases and names alike.",
        "The weight of an embedding of width 1 has shape (n, 1): `bias.detach().squeeze(-1)` makes it (n,). Then "
        "`order = bias.argsort(descending=largest)[:k]`.",
        "`[(names[i], bias[i].item()) for i in order.tolist()]`",
    ),
)


@dataclasses.dataclass(frozen=True)
class Named:
    """Biases as they lie in a model, and a name for each; k is not the default."""

    bias: Tensor  # (n, 1), a leaf that requires gradients
    names: list[str]
    k: int


@top_biases.given
def named_biases(rng):
    """17 films in no order. The second in size is the lowest, so that an order by size shows at either end."""
    lowest, highest = rng.uniform(-1.1, -1), rng.uniform(1.2, 1.3)
    values = np.concatenate([[lowest, highest], -rng.uniform(0.3, 0.9, 7), rng.uniform(0.35, 0.95, 8)])
    bias = torch.tensor(rng.permutation(values), dtype=torch.float32)[:, None]
    letters = ["".join(rng.choice(list("ABCDEFGHKLMNOPRSTUVW"), 4)) + f" ({1950 + i})" for i in range(17)]
    return Named(bias.requires_grad_(), letters, k=int(rng.integers(3, 6)))


def listed(value) -> list[tuple]:
    """Pairs of name and bias, whatever they came in."""
    if value is None:
        raise CannotAsk(NOTHING)
    if isinstance(value, pd.Series | dict):
        value = list(value.items())
    pairs = list(value)
    if not all(isinstance(pair, tuple | list) and len(pair) == 2 for pair in pairs):
        raise CannotAsk("should give a list of pairs, each a name and a bias")
    if all(isinstance(second, str) for _, second in pairs):
        raise CannotAsk("gives each pair the wrong way round: the name comes first, then the bias")
    return pairs


def names_of(value) -> list:
    return [name if isinstance(name, str) else int(name) for name, _ in listed(value)]


@top_biases.misconception(
    "The biases come as (n, 1), and `argsort` sorted each row by itself, one number: every position is 0. Make one row of "
    "n first, `bias.detach().squeeze(-1)`."
)
def sorts_each_row(bias, names, k=5, largest=False):
    order = bias.argsort(descending=largest)[:k]
    return [(names[i], bias[i].item()) for i in order]


@top_biases.check(points=0.5)
def the_lowest(answer, given):
    """Names the k films with the lowest bias, the lowest first"""
    return names_of(answer(given.bias, given.names, given.k))


@top_biases.check(points=0.25)
def the_highest(answer, given):
    """Names the k films with the highest bias, the highest first, when `largest` is True"""
    return names_of(answer(given.bias, given.names, given.k, largest=True))


@top_biases.check(points=0.25)
def their_biases(answer, given):
    """Gives each name its own bias, as a number"""
    pairs = listed(answer(given.bias, given.names, given.k))
    return {str(name): float(torch.as_tensor(bias).detach()) for name, bias in pairs}


@top_biases.misconception(
    "You sorted the biases by themselves, so they no longer know whose they are: the first name stands beside the "
    "lowest bias, whoever it is. Sort *positions* with `argsort`, and pick names and biases with them."
)
def sorts_the_values_alone(bias, names, k=5, largest=False):
    values = bias.detach().squeeze(-1).sort(descending=largest).values
    return [(names[i], values[i].item()) for i in range(k)]


@top_biases.misconception(
    "You give the lowest biases also when `largest=True` asks for the highest: `argsort(descending=largest)`."
)
def always_the_lowest(bias, names, k=5, largest=False):
    bias = bias.detach().squeeze(-1)
    return [(names[i], bias[i].item()) for i in bias.argsort()[:k].tolist()]


@top_biases.misconception(
    "The highest come last in ascending order, and you took the last k as they stand: the highest of all must be "
    "first. Sort with `descending=True`, or turn the k round."
)
def highest_last(bias, names, k=5, largest=False):
    bias = bias.detach().squeeze(-1)
    order = bias.argsort()[-k:] if largest else bias.argsort()[:k]
    return [(names[i], bias[i].item()) for i in order.tolist()]


@top_biases.misconception(
    "You sorted in the wrong direction: `argsort()` starts with the lowest, and that is asked for unless `largest` is "
    "True."
)
def the_other_end(bias, names, k=5, largest=False):
    bias = bias.detach().squeeze(-1)
    return [(names[i], bias[i].item()) for i in bias.argsort(descending=not largest)[:k].tolist()]


@top_biases.misconception("You gave positions. Look the name up that stands at each position: `names[i]`.")
def gives_positions(bias, names, k=5, largest=False):
    bias = bias.detach().squeeze(-1)
    return [(i, bias[i].item()) for i in bias.argsort(descending=largest)[:k].tolist()]


@top_biases.misconception(
    "You sorted by size and forgot the sign, so the best and the worst films stand side by side. Sort the biases "
    "themselves, without `abs`."
)
def sorts_by_size(bias, names, k=5, largest=False):
    bias = bias.detach().squeeze(-1)
    return [(names[i], bias[i].item()) for i in bias.abs().argsort(descending=True)[:k].tolist()]


@top_biases.worked_example
def four_films():
    bias, names = torch.tensor([[0.3], [-0.5], [0.1], [-0.2]]), ["Alien", "Brazil", "Casablanca", "Diva"]
    yield "the biases", bias.squeeze(-1)
    yield "whose they are", names
    yield "the positions in rising order of the bias", bias.squeeze(-1).argsort()
    yield "the two lowest with their names", interpret.top_biases(bias, names, k=2)
    yield "the two highest", interpret.top_biases(bias, names, k=2, largest=True)


# ---- bias_against_mean


def reference_bias_against_mean(bias, titles, ratings, min_count=50):
    films = ratings.groupby("title")["rating"].agg(["mean", "count"])
    films["bias"] = pd.Series(bias.detach().squeeze(-1).numpy(), index=titles)
    films = films[films["count"] >= min_count]
    return films["mean"].rank().corr(films["bias"].rank())


bias_against_mean = Exercise(
    reference=reference_bias_against_mean,
    name="bias_against_mean",
    hints=(
        'Make one table with a row for each title: `ratings.groupby("title")["rating"].agg(["mean", "count"])`. Then '
        "add the biases as a column that is matched *by title*, not by position.",
        "`pd.Series(bias.detach().squeeze(-1).numpy(), index=titles)` knows whose each bias is; assigned as a column, "
        "pandas matches the titles for you.",
        'Keep the rows with `films["count"] >= min_count`. Then rank both columns, `.rank()` gives equal values their '
        'mean rank, and correlate the ranks: `films["mean"].rank().corr(films["bias"].rank())`.',
    ),
)


@dataclasses.dataclass(frozen=True)
class Biased:
    """Biases by position, the titles there, and ratings in no order."""

    small: tuple[Tensor, list[str], pd.DataFrame, int]  # bias, titles, ratings, min_count
    real: tuple[Tensor, list[str], pd.DataFrame, int]


@bias_against_mean.given
def biases_and_ratings(rng):
    found = tables_that_tell(int(rng.integers(1 << 62)))
    return Biased(
        *(
            (bias.detach().clone().requires_grad_(), titles, ratings.copy(), min_count)
            for bias, titles, ratings, min_count in (found.small, found.real)
        )
    )


@functools.lru_cache(maxsize=8)  # each known mistake gets inputs of its own, and these are long looked for
def tables_that_tell(seed: int) -> Biased:
    """Sixteen films, and a real model with sixty of its users: in both every known mistake gives another number.

    Some films are only just frequent enough, some are rare, two are in the vocabulary and have no rating here, and
    some means are equal.
    """

    rng = np.random.default_rng(seed)

    def tell_apart(table: tuple, by: float) -> bool:
        found = [reference_bias_against_mean(*table), *(wrong(*table) for wrong in NUMBERS)]
        return np.isfinite(found).all() and np.diff(np.sort(found)).min() > by

    def shuffled(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.sample(frac=1, random_state=int(rng.integers(1 << 30)), ignore_index=True)

    titles = [
        "#na#",
        *sorted(f"{letter}{number}" for letter, number in zip("BCDEFGHIJKLMNOPQRS", range(18), strict=True)),
    ]
    while True:
        counts = rng.permutation([0, 0, 1, 2, 2, 3, 4, 4, 4, 4, 5, 6, 6, 7, 7, 8, 9, 10])
        stars = [rng.integers(1, 6, count) for count in counts]
        frame = pd.DataFrame(
            {"title": np.repeat(titles[1:], counts), "rating": np.concatenate(stars).astype("float32")}
        )
        bias = torch.tensor(rng.normal(0, 0.4, (19, 1)), dtype=torch.float32).requires_grad_()
        small = (bias, titles, shuffled(frame), 4)
        if tell_apart(small, by=0.002):
            break
    real = real_model()
    everybody = real.ratings["user"].unique()
    while True:
        users = rng.choice(everybody, 60, replace=False)
        big = (real.bias, real.titles, shuffled(real.ratings[real.ratings["user"].isin(users)]), 4)
        if tell_apart(big, by=0.0004):
            return Biased(small, big)


def number(value) -> float:
    if value is None:
        raise CannotAsk(NOTHING)
    if np.ndim(value) > 0:
        raise CannotAsk(f"gave {np.size(value)} numbers, expected one")
    return float(value)


@bias_against_mean.check(points=0.75)
def small_table(answer, given):
    """Gives the rank correlation of bias and mean rating, over the films with enough ratings"""
    bias, titles, ratings, min_count = given.small
    return number(answer(bias, titles, ratings.copy(), min_count))


@bias_against_mean.check(points=0.5)
def real_films(answer, given):
    """Finds how far biases and means agree in a model of many films"""
    bias, titles, ratings, min_count = given.real
    return number(answer(bias, titles, ratings.copy(), min_count))


@bias_against_mean.misconception(
    "That is the correlation of the values themselves. Asked for is the correlation of their *ranks*, which a few "
    "extreme films cannot bend: `.rank()` both columns first."
)
def correlates_values(bias, titles, ratings, min_count=50):
    films = ratings.groupby("title")["rating"].agg(["mean", "count"])
    films["bias"] = pd.Series(bias.detach().squeeze(-1).numpy(), index=titles)
    films = films[films["count"] >= min_count]
    return films["mean"].corr(films["bias"])


@bias_against_mean.misconception(
    "You took every film, those with one rating too. Their means are mostly chance: keep the films with at least "
    "`min_count` ratings."
)
def takes_rare_films_too(bias, titles, ratings, min_count=50):
    films = ratings.groupby("title")["rating"].agg(["mean", "count"])
    films["bias"] = pd.Series(bias.detach().squeeze(-1).numpy(), index=titles)
    return films["mean"].rank().corr(films["bias"].rank())


@bias_against_mean.misconception("You left out the films with exactly `min_count` ratings: *at least* is `>=`.")
def wants_one_more(bias, titles, ratings, min_count=50):
    films = ratings.groupby("title")["rating"].agg(["mean", "count"])
    films["bias"] = pd.Series(bias.detach().squeeze(-1).numpy(), index=titles)
    films = films[films["count"] > min_count]
    return films["mean"].rank().corr(films["bias"].rank())


@bias_against_mean.misconception(
    "Your biases stand beside the wrong films: position 0 is `#na#`, and a film without a rating has no row in the "
    "table of means. Match them by title, `pd.Series(..., index=titles)`, not by position."
)
def matches_by_position(bias, titles, ratings, min_count=50):
    films = ratings.groupby("title")["rating"].agg(["mean", "count"])
    films["bias"] = bias.detach().squeeze(-1).numpy()[: len(films)]
    films = films[films["count"] >= min_count]
    return films["mean"].rank().corr(films["bias"].rank())


@bias_against_mean.misconception(
    "You compared the biases with how *often* each film was rated. Take the mean of its ratings, and use the count "
    "only to decide which films take part."
)
def compares_with_counts(bias, titles, ratings, min_count=50):
    films = ratings.groupby("title")["rating"].agg(["mean", "count"])
    films["bias"] = pd.Series(bias.detach().squeeze(-1).numpy(), index=titles)
    films = films[films["count"] >= min_count]
    return films["count"].rank().corr(films["bias"].rank())


@bias_against_mean.misconception(
    "`argsort` twice gives ranks, but films with equal means get different ones, by chance. `.rank()` gives equals "
    "their mean rank."
)
def ranks_by_argsort(bias, titles, ratings, min_count=50):
    films = ratings.groupby("title")["rating"].agg(["mean", "count"])
    films["bias"] = pd.Series(bias.detach().squeeze(-1).numpy(), index=titles)
    films = films[films["count"] >= min_count]
    ranks = films[["mean", "bias"]].to_numpy().argsort(axis=0, kind="stable").argsort(axis=0)
    return np.corrcoef(ranks.T)[0, 1]


@bias_against_mean.misconception(
    "`argsort` gives positions, not ranks: the first number says *which* film is the lowest, not how low the first "
    "film is. Use `.rank()`."
)
def takes_positions_for_ranks(bias, titles, ratings, min_count=50):
    films = ratings.groupby("title")["rating"].agg(["mean", "count"])
    films["bias"] = pd.Series(bias.detach().squeeze(-1).numpy(), index=titles)
    films = films[films["count"] >= min_count]
    return np.corrcoef(films[["mean", "bias"]].to_numpy().argsort(axis=0, kind="stable").T)[0, 1]


NUMBERS = tuple(mistake.answer for mistake in bias_against_mean.misconceptions)


@bias_against_mean.worked_example
def three_films():
    titles, bias = ["#na#", "Alien", "Brazil", "Casablanca", "Diva"], torch.tensor([[0.0], [0.4], [-0.1], [0.2], [0.9]])
    stars = {"Alien": [5, 5], "Brazil": [3, 4], "Casablanca": [2, 4], "Diva": [1]}
    ratings = pd.DataFrame(
        [(title, each) for title, given in stars.items() for each in given], columns=["title", "rating"]
    )
    films = ratings.groupby("title")["rating"].agg(["mean", "count"])
    films["bias"] = bias[1:, 0].numpy()
    yield "the mean, the number of ratings and the bias of each film", films
    often = films[films["count"] >= 2]
    yield "the ranks of the means, of films with two ratings or more", often["mean"].rank().tolist()
    yield "the ranks of their biases", often["bias"].rank().tolist()
    yield "the correlation of the ranks", reference_bias_against_mean(bias, titles, ratings, min_count=2)


# ---- pca

reduce_to_components = Exercise(
    reference=interpret.pca,
    hints=(
        "Three steps: subtract each column's mean, take the singular value decomposition, and see how far each row "
        "lies along the first k directions.",
        "`centred = factors.detach() - factors.detach().mean(dim=0)`. Of `torch.linalg.svd(centred, "
        "full_matrices=False)` the third part, `Vh`, holds a direction in each *row*, the strongest first.",
        "`components = Vh[:k]`, and a row's place along each is a dot product: `projected = centred @ components.T`.",
    ),
)


@dataclasses.dataclass(frozen=True)
class Cloud:
    """A table of factors that lies far from the origin, with directions of clearly different strength."""

    factors: Tensor  # (23, 7), requires gradients, as the weight of an embedding does
    k: int


@reduce_to_components.given
def cloud(rng):
    """Strengths are a third apart, so that their order is no matter of rounding; columns differ in spread and mean."""
    left = np.linalg.qr(np.c_[np.ones(23), rng.normal(size=(23, 7))])[0][:, 1:]  # columns with mean 0
    right = np.linalg.qr(rng.normal(size=(7, 7)))[0]
    strengths = np.array([9.0, 6.0, 4.0, 2.7, 1.8, 1.2, 0.8]) * rng.uniform(0.97, 1.03, 7)
    offset = rng.choice([-1, 1], 7) * rng.uniform(0.8, 2.5, 7)
    factors = torch.tensor(left * strengths @ right + offset, dtype=torch.float32)
    return Cloud(factors.requires_grad_(), k=int(rng.integers(2, 5)))


def both(value, n: int, n_factors: int, k: int) -> tuple[Tensor, Tensor]:
    """Components and projected rows as float tensors, told apart by their shapes."""
    if value is None:
        raise CannotAsk(NOTHING)
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise CannotAsk("should give two things: the components, and where each row lies along them")
    components, projected = (
        part.detach().float() if isinstance(part, Tensor) else torch.tensor(np.array(part, dtype="float32"))
        for part in value
    )
    if components.shape == (n, k) and projected.shape == (k, n_factors):
        raise CannotAsk(
            "gave the two the other way round: the components first, (k, n_factors), then the places (n, k)"
        )
    for name, part, shape in (("components", components, (k, n_factors)), ("places", projected, (n, k))):
        if part.shape != shape:
            raise CannotAsk(f"gave {name} of shape {tuple(part.shape)}, expected {shape}")
    return components, projected


def parts(answer, given) -> tuple[Tensor, Tensor]:
    return both(answer(given.factors, given.k), *given.factors.shape, given.k)


@reduce_to_components.check(points=0.5)
def directions(answer, given):
    """Finds the directions in which the films differ most, the strongest first, whichever sign they have"""
    components, _ = parts(answer, given)
    # c and -c have the same outer product
    return {f"direction {i}": torch.outer(component, component) for i, component in enumerate(components)}


@reduce_to_components.check(points=0.5)
def places(answer, given):
    """Says where each film lies along them, whichever sign they have"""
    _, projected = parts(answer, given)
    return {
        f"distances along direction {i}": torch.cdist(one[:, None], one[:, None]) for i, one in enumerate(projected.T)
    }


@reduce_to_components.check(points=0.25)
def in_the_middle(answer, given):
    """Puts the middle of all films at 0"""
    _, projected = parts(answer, given)
    return projected.mean(dim=0).abs()


@reduce_to_components.check(points=0.25)
def belong_together(answer, given):
    """Gives places and directions of the same sign, so that together they rebuild the factors"""
    components, projected = parts(answer, given)
    rebuilt = projected @ components
    return rebuilt - rebuilt.mean(dim=0)


@reduce_to_components.misconception(
    "You did not centre the factors, so your first direction points from 0 to the middle of the films, which all have "
    "in common. Subtract each column's mean first."
)
def does_not_centre(factors, k=3):
    factors = factors.detach()
    components = torch.linalg.svd(factors, full_matrices=False).Vh[:k]
    return components, factors @ components.T


@reduce_to_components.misconception(
    "You centred to find the directions, and then projected the factors as they were: all films are shifted by the "
    "same amount, and 0 is no longer their middle. Project the centred ones."
)
def projects_uncentred(factors, k=3):
    factors = factors.detach()
    components = torch.linalg.svd(factors - factors.mean(dim=0), full_matrices=False).Vh[:k]
    return components, factors @ components.T


@reduce_to_components.misconception(
    "You subtracted one number, the mean of all. Each factor has a mean of its own, over the films: `mean(dim=0)`."
)
def centres_by_one_number(factors, k=3):
    factors = factors.detach()
    centred = factors - factors.mean()
    components = torch.linalg.svd(centred, full_matrices=False).Vh[:k]
    return components, centred @ components.T


@reduce_to_components.misconception(
    "You took the mean of each film over its factors. What is to be taken away is the mean of each factor over all "
    "films: `mean(dim=0)`."
)
def centres_each_film(factors, k=3):
    factors = factors.detach()
    centred = factors - factors.mean(dim=1, keepdim=True)
    components = torch.linalg.svd(centred, full_matrices=False).Vh[:k]
    return components, centred @ components.T


@reduce_to_components.misconception(
    "You divided each factor by its spread, so a factor that hardly varies weighs as much as one that matters. Here "
    "all factors have the same unit: centre them, and leave their lengths."
)
def standardises(factors, k=3):
    factors = factors.detach()
    centred = (factors - factors.mean(dim=0)) / factors.std(dim=0)
    components = torch.linalg.svd(centred, full_matrices=False).Vh[:k]
    return components, centred @ components.T


@reduce_to_components.misconception("You took columns of `Vh`. Its *rows* are the directions: `Vh[:k]`.")
def takes_columns(factors, k=3):
    centred = factors.detach() - factors.detach().mean(dim=0)
    components = torch.linalg.svd(centred, full_matrices=False).Vh[:, :k].T
    return components, centred @ components.T


@reduce_to_components.misconception(
    "Columns of `U` have length 1, whatever the direction's strength. Where a film lies is `centred @ components.T`, "
    "which is `U` times the singular values."
)
def takes_u_for_places(factors, k=3):
    centred = factors.detach() - factors.detach().mean(dim=0)
    left, _, directions = torch.linalg.svd(centred, full_matrices=False)
    return directions[:k], left[:, :k]


@reduce_to_components.misconception(
    "You have the weakest directions: `torch.linalg.eigh` starts with the smallest eigenvalue. Take the last k, and "
    "turn them round."
)
def starts_with_the_weakest(factors, k=3):
    centred = factors.detach() - factors.detach().mean(dim=0)
    components = torch.linalg.eigh(centred.T @ centred).eigenvectors[:, :k].T
    return components, centred @ components.T


@reduce_to_components.worked_example
def four_points():
    factors = torch.tensor([[1.0, 0.0], [3.0, 1.0], [5.0, 2.0], [7.0, 5.0]])
    components, places = pca(factors, 1)
    yield "the factors of four films", factors
    yield "the mean of each column", factors.mean(dim=0)
    yield "centred: minus that mean", factors - factors.mean(dim=0)
    yield "the direction in which they differ most, of length 1", components
    yield "where each film lies along it, the centred factors times the direction", places
    yield "the mean of these places", places.mean()


# ---- nearest_items

nearest_items = Exercise(
    reference=interpret.nearest_items,
    hints=(
        "Cosine: bring every row of the factors to length 1, then take dot products with the row of the film itself.",
        "`unit = nn.functional.normalize(factors.detach(), dim=1)` and `cosine = unit @ unit[item]`, shape (n,). "
        "Whoever is not to be chosen gets minus infinity: the film itself, and those with `counts < min_count`.",
        "`cosine[item] = -torch.inf`, `cosine[counts < min_count] = -torch.inf`, then "
        "`cosine.argsort(descending=True)[:k]`.",
    ),
)


@dataclasses.dataclass(frozen=True)
class Neighbourhood:
    """Factors of a few films with the counts of their ratings, and a real model's."""

    factors: Tensor  # (19, 4), requires gradients
    counts: Tensor  # (19,)
    item: int
    real: Reading  # without its ratings
    asked: list[int]  # those that are known of the real ones, in an order of their own


@nearest_items.given
def neighbourhood(rng):
    """19 films, one of them asked about; every known mistake gives another order.

    Lengths differ by a factor of four, rare films are among the nearest, and one is rated exactly 20 times.
    """
    real = dataclasses.replace(real_model(), ratings=pd.DataFrame(), bias=torch.empty(0, 1))
    while True:
        factors = torch.tensor(rng.normal(0.3, 1, (19, 4)), dtype=torch.float32)
        factors *= torch.tensor(rng.uniform(0.5, 2, (19, 1)), dtype=torch.float32) / factors.norm(dim=1, keepdim=True)
        counts, item = (
            torch.tensor(rng.permutation([1, 2, 3, 7, 12, 19, 20, *rng.integers(21, 400, 12)])),
            int(rng.integers(3, 16)),
        )
        case = {"k": 5, "counts": counts, "min_count": 20}
        lists = [tuple(wrong(factors, item, **case).tolist()) for wrong in (interpret.nearest_items, *ORDERS)]
        lists = [tuple(place for place in places if place != item)[:4] for places in lists]  # as observed
        free = [tuple(wrong(factors, item, 6, counts=counts).tolist()) for wrong in (interpret.nearest_items, *FREE)]
        free = [tuple(place for place in places if place != item)[:5] for places in free]
        if len(set(lists)) == len(lists) and len(set(free)) == len(free) and counts[item] >= 20:
            asked = rng.permutation(real.known).tolist()
            return Neighbourhood(factors.requires_grad_(), counts, item, real, asked)


def positions(value) -> list[int]:
    if value is None:
        raise CannotAsk(NOTHING)
    if hasattr(value, "detach"):
        value = value.detach()
    return [int(place) for place in np.asarray(value).ravel()]


@nearest_items.check(points=0.75)
def by_cosine(answer, given):
    """Lists films by how nearly their factors point the same way, the nearest first"""
    found = positions(answer(given.factors, given.item, k=6, counts=given.counts, min_count=0))
    return [place for place in found if place != given.item][:5]


def itself_seen(came, given) -> dict[str, int]:
    return {"films": len(came), "the film itself among them": came.count(given.item)}


@nearest_items.check(points=0.25, look=itself_seen)
def not_itself(answer, given):
    """Leaves out the film that was asked about, and gives k others"""
    return positions(answer(given.factors, given.item, k=4, counts=given.counts, min_count=0))


@nearest_items.check(points=0.5)
def often_enough(answer, given):
    """Leaves out films with fewer than `min_count` ratings"""
    found = positions(answer(given.factors, given.item, k=5, counts=given.counts, min_count=20))
    return [place for place in found if place != given.item][:4]


# Of nine films in SEQUELS so many have one among their five nearest: by cosine 9 9 8 9 8 9 9 8 for seeds 0 to 7 of
# `trained`, by dot product 7 5 6 7 6 8 7 8; in the planted world that stands in, of ten, 9 or 10 by cosine.
# tests/lessons/test_interpretation.py counts again.


def sequels_seen(came, given) -> dict[str, int]:
    alike = given.real.alike.value
    found = sum(
        any(other in nearest[:5] for other in alike[one]) for nearest, one in zip(came, given.asked, strict=True)
    )
    return {"films whose sequel is among the five nearest, 7 being enough": min(found, 7)}


@nearest_items.check(points=0.25, look=sequels_seen)
def sequels(answer, given):
    """Finds what belongs together on real ratings, such as a film and its sequel, among the five nearest"""
    real = given.real
    return [positions(answer(real.factors, one, k=5, counts=real.counts, min_count=50)) for one in given.asked]


@nearest_items.misconception(
    "You compared dot products. A film that is rated often has long factors, and is then near to everybody. Bring "
    "every row to length 1 first: `nn.functional.normalize(factors, dim=1)`."
)
def by_dot_product(factors, item, k=5, *, counts, min_count=0):
    score = factors.detach() @ factors.detach()[item]
    score[item] = -torch.inf
    score[counts < min_count] = -torch.inf
    return score.argsort(descending=True)[:k]


@nearest_items.misconception(
    "You measured the distance from point to point. Asked for is the cosine, which looks at the direction alone: two "
    "films of one kind may have factors of unequal length."
)
def by_distance(factors, item, k=5, *, counts, min_count=0):
    distance = (factors.detach() - factors.detach()[item]).norm(dim=1)
    distance[item] = torch.inf
    distance[counts < min_count] = torch.inf
    return distance.argsort()[:k]


@nearest_items.misconception(
    "The nearest film to a film is the film itself, and you list it. Give its own place minus infinity before you sort."
)
def counts_itself(factors, item, k=5, *, counts, min_count=0):
    unit = torch.nn.functional.normalize(factors.detach(), dim=1)
    cosine = unit @ unit[item]
    cosine[counts < min_count] = -torch.inf
    return cosine.argsort(descending=True)[:k]


@nearest_items.misconception(
    "You list films that hardly anybody rated. Such a film is near to whatever its one viewer likes: leave out those "
    "with `counts < min_count`."
)
def takes_rare_ones(factors, item, k=5, *, counts, min_count=0):
    unit = torch.nn.functional.normalize(factors.detach(), dim=1)
    cosine = unit @ unit[item]
    cosine[item] = -torch.inf
    return cosine.argsort(descending=True)[:k]


@nearest_items.misconception(
    "`min_count` is the least that is enough, and you left out films with exactly that many ratings. Only `counts < "
    "min_count` are too few."
)
def is_too_strict(factors, item, k=5, *, counts, min_count=0):
    unit = torch.nn.functional.normalize(factors.detach(), dim=1)
    cosine = unit @ unit[item]
    cosine[item] = -torch.inf
    cosine[counts <= min_count] = -torch.inf
    return cosine.argsort(descending=True)[:k]


@nearest_items.misconception(
    "You list the films that point the other way. A large cosine means near: `argsort(descending=True)`."
)
def the_farthest(factors, item, k=5, *, counts, min_count=0):
    unit = torch.nn.functional.normalize(factors.detach(), dim=1)
    cosine = unit @ unit[item]
    cosine[item] = torch.inf
    cosine[counts < min_count] = torch.inf
    return cosine.argsort()[:k]


@nearest_items.misconception(
    "You threw rare films out of the table before you searched, so your positions are positions in what was left. "
    "Keep the table whole and give what is not wanted minus infinity, or translate the positions back."
)
def forgets_to_translate(factors, item, k=5, *, counts, min_count=0):
    unit = torch.nn.functional.normalize(factors.detach(), dim=1)
    cosine = unit @ unit[item]
    cosine[item] = -torch.inf
    return cosine[counts >= min_count].argsort(descending=True)[:k]


ORDERS = (by_dot_product, by_distance, takes_rare_ones, is_too_strict, the_farthest, forgets_to_translate)
FREE = (by_dot_product, by_distance, the_farthest)


@nearest_items.worked_example
def four_directions():
    factors, counts = torch.tensor([[2.0, 1.0], [4.0, 2.0], [1.0, -2.0], [1.0, 1.0]]), torch.tensor([90, 1, 50, 40])
    yield "the factors of four films", factors
    yield (
        "the cosine of each with film 0: 1 is the same direction, 0 a right angle",
        F.cosine_similarity(factors, factors[:1]),
    )
    yield "the two nearest of film 0, itself left out", interpret.nearest_items(factors, 0, 2)
    yield "how often each was rated", counts
    yield "the two nearest with 20 ratings or more", interpret.nearest_items(factors, 0, 2, counts=counts, min_count=20)


# ---- read_world


def reference_read_world(ratings):
    model, titles = trained(ratings)
    bias = model.movie_bias.weight.detach().squeeze(-1)[1:]
    _, projected = pca(model.movie_factors.weight.detach()[1:], 3)
    table = pd.DataFrame(projected.numpy(), index=titles[1:], columns=["trait 0", "trait 1", "trait 2"])
    table.insert(0, "bias", bias.numpy())
    return table


read_world = Exercise(
    reference=reference_read_world,
    name="read_world",
    hints=(
        "`model, titles = trained(ratings)` gives you a trained model. Then you need its films' biases, and the three "
        "components in which its films' factors differ most.",
        "Row 0 of both tables belongs to `#na#`: leave it out of the weights *and* out of the titles, `[1:]`. The "
        "traits are the second thing that your `pca(..., 3)` returns.",
        '`table = pd.DataFrame(projected.numpy(), index=titles[1:], columns=["trait 0", "trait 1", "trait 2"])`, then '
        '`table["bias"] = bias.numpy()` and return it.',
    ),
)


@dataclasses.dataclass(frozen=True)
class Planted:
    """Ratings from a world that was planted, and what it was planted with."""

    ratings: pd.DataFrame
    titles: list[str]
    bias: Withheld  # Series: of each title
    traits: Withheld  # array (n_movies, 3), in the order of the titles


@read_world.given
def somebody_elses_world(rng):
    """400 users, 150 films, three traits. Some films draw generous users, so means mislead and biases need not."""
    world = planted_world(400, 150, 3, 20_000, seed=int(rng.integers(1 << 30)), selection=3.0)
    titles = world.ratings.drop_duplicates("movie").set_index("movie")["title"].sort_index()
    rows = titles.index.to_numpy() - 1
    ratings = world.ratings.drop(columns="timestamp")
    ratings.attrs = {}
    return Planted(
        ratings,
        titles.tolist(),
        Withheld(pd.Series(world.movie_bias[rows], index=titles.to_numpy())),
        Withheld(world.movie_factors[rows]),
    )


def table_of(answer, given) -> pd.DataFrame:
    """A row for each film, in the order of the truth."""
    table = answer(given.ratings.copy())
    if table is None:
        raise CannotAsk(NOTHING)
    if not isinstance(table, pd.DataFrame):
        raise CannotAsk(f"gave a {type(table).__name__}, expected a DataFrame with a row for each title")
    if missing := [name for name in ("bias", "trait 0", "trait 1", "trait 2") if name not in table]:
        raise CannotAsk(f"gave a table without a column {missing[0]!r}")
    if absent := [title for title in given.titles if title not in table.index]:
        raise CannotAsk(f"gave a table without a row for {absent[0]!r}: its index should hold the titles")
    return table.loc[given.titles, ["bias", "trait 0", "trait 1", "trait 2"]].astype(float)


# Over 40 worlds (rng 0 to 39): rank correlation of the biases with the truth .87 to .94, of mean ratings .64 to .80;
# share of the traits .91 to .97 by components, .29 to .76 by three raw columns, .64 to .75 uncentred.
# tests/lessons/test_interpretation.py measures again.


def world_as_read(answer, given):
    """The table that an answer reads from the ratings."""
    table = table_of(answer, given)
    return {"bias": table["bias"].tolist(), "traits": table[["trait 0", "trait 1", "trait 2"]].to_numpy().tolist()}


def biases_seen(came, given) -> dict[str, float]:
    truth = given.bias.value
    agreement = pd.Series(came["bias"], index=truth.index).rank().corr(truth.rank())
    return {"rank correlation with the truth, 0.85 being enough": min(float(agreement), 0.85)}


def traits_seen(came, given) -> dict[str, float]:
    found, truth = np.asarray(came["traits"]), given.traits.value
    found, truth = found - found.mean(axis=0), truth - truth.mean(axis=0)
    rest = truth - found @ np.linalg.lstsq(found, truth, rcond=None)[0]
    share = 1 - (rest**2).sum() / (truth**2).sum()
    return {"share of the true traits that is found, 0.85 being enough": min(float(share), 0.85)}


read_world.check(
    points=0.75, look=biases_seen, sentence="Orders the films of a planted world nearly as their true biases do"
)(world_as_read)
read_world.check(
    points=0.75, look=traits_seen, sentence="Finds the three traits that it was planted with, up to sign and rotation"
)(world_as_read)


@read_world.misconception(
    "Your biases are mean ratings. In this world some films are seen mostly by generous people, whose stars come "
    "cheap. The model has a bias for each user, so its film biases are what is left: `model.movie_bias`."
)
def takes_means(ratings):
    model, titles = trained(ratings)
    factors = model.movie_factors.weight.detach()[1:]
    factors = factors - factors.mean(dim=0)
    projected = factors @ torch.linalg.svd(factors, full_matrices=False).Vh[:3].T
    table = pd.DataFrame(projected.numpy(), index=titles[1:], columns=["trait 0", "trait 1", "trait 2"])
    table["bias"] = ratings.groupby("title")["rating"].mean()
    return table


@read_world.misconception(
    "You took three columns out of fifty. What the films differ in is spread over all columns: take the three "
    "strongest components, with your `pca`."
)
def takes_raw_columns(ratings):
    model, titles = trained(ratings)
    raw = model.movie_factors.weight.detach()[1:, :3]
    table = pd.DataFrame(raw.numpy(), index=titles[1:], columns=["trait 0", "trait 1", "trait 2"])
    table["bias"] = model.movie_bias.weight.detach()[1:, 0].numpy()
    return table


@read_world.misconception(
    "Names and rows are shifted against each other: row 0 of the weights is `#na#`, and you gave it to the first film. "
    "Take `[1:]` of the weights as well as of the titles."
)
def shifts_by_one(ratings):
    model, titles = trained(ratings)
    factors = model.movie_factors.weight.detach()
    factors = factors - factors.mean(dim=0)
    projected = factors @ torch.linalg.svd(factors, full_matrices=False).Vh[:3].T
    table = pd.DataFrame(projected[:-1].numpy(), index=titles[1:], columns=["trait 0", "trait 1", "trait 2"])
    table["bias"] = model.movie_bias.weight.detach()[:-1, 0].numpy()
    return table


@read_world.misconception(
    "Your three directions come from factors that were not centred, and the first is spent on what all films have in "
    "common. Use your `pca`, which subtracts the mean."
)
def skips_the_mean(ratings):
    model, titles = trained(ratings)
    factors = model.movie_factors.weight.detach()[1:]
    projected = factors @ torch.linalg.svd(factors, full_matrices=False).Vh[:3].T
    table = pd.DataFrame(projected.numpy(), index=titles[1:], columns=["trait 0", "trait 1", "trait 2"])
    table["bias"] = model.movie_bias.weight.detach()[1:, 0].numpy()
    return table


# ---- questions

what_argsort_gives = Question(
    "what_argsort_gives",
    prompt="What is `torch.tensor([0.9, -0.2, 0.3, 0.5]).argsort()`?",
    choices={
        "a": "`tensor([-0.2, 0.3, 0.5, 0.9])`",
        "b": "`tensor([1, 2, 3, 0])`",
        "c": "`tensor([3, 0, 1, 2])`",
        "d": "`tensor([0, 3, 2, 1])`",
    },
    right="b",
    why_not={
        "a": "That is `sort()`: the values, which no longer know where they came from. `argsort()` says where each "
        "stood.",
        "c": "Those are ranks: 0.9 is the largest, so it has rank 3. `argsort()` answers the other question, who comes "
        "first: the value at position 1.",
        "d": "That is the order from the largest down, `argsort(descending=True)`. Without it the smallest comes "
        "first.",
    },
    hints=(
        "The answer is a list of positions. Which position holds the smallest value?",
        "Check your choice: `x[x.argsort()]` must be sorted.",
    ),
)

bias_or_mean = Question(
    "bias_or_mean",
    prompt="Film A has a mean of 4.1 stars and film B one of 3.9, both from 300 people. In a model that predicts "
    "well, B has the higher bias. What may have happened?",
    choices={
        "a": "Nothing can have: with equally many ratings, the order of biases is that of the means.",
        "b": "The training has not converged yet. In the end bias and mean agree.",
        "c": "A was seen mostly by people who give many stars to anything, or who like films of its kind.",
        "d": "B was seen mostly by people who give many stars to anything, or who like films of its kind.",
    },
    right="c",
    why_not={
        "a": "It would be so if all films were seen by the same people. They are not, and the model knows from its "
        "other numbers who is generous and who likes what.",
        "b": "A trained model keeps the two apart: it explains a rating by user bias, film bias and factors together, "
        "and a mean cannot tell these apart.",
        "d": "Generous viewers raise a film's mean, so they explain a high mean beside a *low* bias. Which film has "
        "that?",
    },
    hints=(
        "A rating is explained by user bias, film bias and dot product together. Which part can take the credit for "
        "A's stars?",
        "What the viewers' generosity and taste explain already, the film's bias need not. So whose viewers were "
        "generous?",
    ),
)

same_rotation = Question(
    "same_rotation",
    prompt="Somebody multiplies the table of user factors and the table of film factors by the same rotation matrix. "
    "What changes?",
    choices={
        "a": "The predictions, since all factors are different numbers now.",
        "b": "The meaning of single columns; predictions and distances between films stay.",
        "c": "Nothing at all: the tables are the same as before.",
        "d": "Predictions stay, but each film has other neighbours.",
    },
    right="b",
    why_not={
        "a": "A dot product depends on two lengths and the angle between them, and a rotation of both changes none of "
        "them: (pR)·(qR) = p R Rᵀ qᵀ = p·q.",
        "c": "The numbers in the tables do change: what stood in one column is now spread over several.",
        "d": "All films are rotated together, so their distances and angles to each other stay, and with them the "
        "neighbours.",
    },
    hints=(
        "Turn a sheet of paper on which films and people are drawn. Which of these changes: lengths, angles, or "
        "coordinates?",
        "Predictions need lengths and angles only. A column is a coordinate.",
    ),
)

found_by_chance = Question(
    "found_by_chance",
    prompt="You have 60 films with 50 factors each, and for each film the number of letters of its director's name. A "
    "linear regression on the factors explains 85 % of the variance of these letters. What have you found?",
    choices={
        "a": "The model has learned something about directors.",
        "b": "One of the 50 factors is a code for names.",
        "c": "A fault in the regression: it cannot explain what has nothing to do with films.",
        "d": "Next to nothing: 50 numbers can be combined to fit almost anything on 60 films.",
    },
    right="d",
    why_not={
        "a": "Random letters would have been explained as well. To find out, fit on some films and look at others.",
        "b": "The regression combined all 50, and with 50 columns some combination always comes close. Test it on "
        "films that took no part in the fit.",
        "c": "The regression did its work: on *these* films it found the best combination. The mistake lies in the "
        "conclusion.",
    },
    hints=(
        "With 60 columns for 60 films, how much of *any* list of numbers could a regression explain?",
        "Expected by chance: about 50 of 59 parts of the variance. How many percent are that?",
    ),
)
