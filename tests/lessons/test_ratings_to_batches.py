"""Lesson 02: right answers in other words earn everything, any honest shuffle passes, and fastai does what it says."""

import random
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from fastai.collab import CollabDataLoaders as FastaiLoaders
from fastai.tabular.core import TabDataLoader
from torch import nn
from torch.utils.data import DataLoader

from autograde.exercises import of_lesson
from autograde.judge import ask_here, judge
from collabkit.ratings import planted_world


EXERCISES = of_lesson("ratings_to_batches")
SEEDS = range(8)


def distinct_by_numpy(column):
    return ["#na#", *np.unique(column.dropna())]


def categories(column):
    return ("#na#", *pd.Categorical(column).categories)


def an_index(column):
    return pd.Index(["#na#"]).append(pd.Index(sorted({value for value in column if value == value}), dtype=object))


def by_mapping(column, vocab):
    positions = {value: i for i, value in enumerate(vocab)}
    return torch.tensor(column.map(positions).fillna(0).to_numpy()).long()


def by_asking_first(column, vocab):
    return torch.LongTensor([vocab.index(value) if value in vocab else 0 for value in column.values])


def by_indexer(column, vocab):
    return torch.from_numpy(np.maximum(pd.Index(vocab).get_indexer(column), 0))


def split_by_numpy(n, valid_pct, seed):
    order, cut = np.random.default_rng(seed).permutation(n), int(valid_pct * n)
    return order[cut:], order[:cut]


def split_by_the_global_generator(n, valid_pct, seed):
    torch.manual_seed(seed)
    order, cut = torch.randperm(n), int(valid_pct * n)
    return [order[cut:], order[:cut]]


def split_by_python(n, valid_pct, seed):
    valid = set(random.Random(seed).sample(range(n), round(valid_pct * n)))
    return [row for row in range(n) if row not in valid], sorted(valid)


def split_by_pandas(n, valid_pct, seed):
    rows = pd.Series(range(n))
    valid = rows.sample(frac=valid_pct, random_state=seed)
    return rows.drop(valid.index), valid


def epoch_by_python(n, bs):
    order = list(range(n))
    random.shuffle(order)
    for start in range(0, n, bs):
        yield order[start : start + bs]


def epoch_by_numpy(n, bs):
    return np.array_split(np.random.permutation(n), range(bs, n, bs))  # noqa: NPY002  # as a learner would


def epoch_by_torch_split(n, bs):
    return torch.randperm(n).split(bs)


def epoch_by_data_loader(n, bs):
    return DataLoader(range(n), batch_size=bs, shuffle=True)


def epoch_drawn_from_what_is_left(n, bs):
    left = set(range(n))
    while left:
        batch = random.sample(sorted(left), min(bs, len(left)))
        left -= set(batch)
        yield torch.tensor(batch)


def plain_indexing(index, table):
    return table[index]


def rows_of_the_identity(index, table):
    return torch.eye(len(table))[index] @ table


def by_comparison(index, table):
    return (index[:, None] == torch.arange(len(table))).float() @ table


def by_embedding(index, table):
    return nn.functional.embedding(index, table)


def row_by_row(index, table):
    return [table[i] for i in index]


RIGHT = {
    "build_vocab": (distinct_by_numpy, categories, an_index),
    "encode": (by_mapping, by_asking_first, by_indexer),
    "split": (split_by_numpy, split_by_the_global_generator, split_by_python, split_by_pandas),
    "one_epoch": (
        epoch_by_python,
        epoch_by_numpy,
        epoch_by_torch_split,
        epoch_by_data_loader,
        epoch_drawn_from_what_is_left,
    ),
    "lookup": (plain_indexing, rows_of_the_identity, by_comparison, by_embedding, row_by_row),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("name", "answer"), [(name, answer) for name, answers in RIGHT.items() for answer in answers])
def test_right_in_other_words(name, answer, seed):
    verdict = judge(EXERCISES[name], ask_here(answer, seed), seed)
    assert verdict.passed, verdict.feedback


def epoch_without_end(n, bs):
    while True:
        yield torch.randint(n, (bs,))


@pytest.mark.parametrize(
    ("name", "answer", "told"),
    [
        ("build_vocab", lambda column: {"#na#", *column.dropna()}, "gave a set: return a list"),
        ("build_vocab", lambda column: None, "end with `return`"),
        ("encode", lambda column, vocab: [*by_mapping(column, vocab).tolist()], "gave a list"),
        ("split", lambda n, valid_pct, seed: torch.randperm(n), "two things back"),
        ("split", lambda n, valid_pct, seed: (torch.rand(n) > valid_pct, torch.rand(n) < valid_pct), "masks"),
        ("one_epoch", lambda n, bs: None, "`yield` each batch"),
        ("one_epoch", epoch_without_end, "ratings shown again"),
        ("lookup", lambda index, table: None, "end with `return`"),
    ],
)
def test_slips_that_are_no_misconception_get_a_sentence_too(name, answer, told):
    verdict = judge(EXERCISES[name], ask_here(answer, 3), 3)
    assert not verdict.passed
    assert told in verdict.feedback


@pytest.mark.parametrize(("options", "share"), [({}, 1 - 1 / np.e), ({"dl_type": TabDataLoader}, 1)])
def test_fastais_loader_draws_with_replacement_unless_told_otherwise(options, share):
    """The measured surprise of the lesson. When fastai mends this, the lesson's text has to change."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fastai 2.8 and pandas 3 disagree about read-only arrays
        dls = FastaiLoaders.from_df(planted_world().ratings, item_name="movie", seed=1, **options)
        pairs = torch.cat([x for x, y in dls.train]).numpy()
    n = len(dls.train.items)
    assert len(pairs) == n
    assert len(np.unique(pairs, axis=0)) / n == pytest.approx(share, abs=0.03)
