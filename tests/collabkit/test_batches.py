"""Batches against fastai's own splitter and Learner, and each rating exactly once an epoch."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from fastai.collab import CollabDataLoaders as FastaiDataLoaders
from fastai.collab import collab_learner
from fastai.data.transforms import RandomSplitter
from fastai.learner import Learner, load_learner
from fastai.losses import MSELossFlat
from fastai.tabular.core import TabWeightedDL

from collabkit.batches import (
    NA,
    CollabDataLoaders,
    RatingDataset,
    RatingLoader,
    build_vocab,
    day_numbers,
    encode,
    lookup,
    one_epoch,
    one_hot,
    random_split,
)
from collabkit.errors import RatingsError
from collabkit.models import DotProductBias

# --- vocabularies


@pytest.mark.parametrize(
    ("column", "vocab"),
    [
        ([30, 4, 30, 100], [NA, 4, 30, 100]),
        (["b", "B", "a", "b"], [NA, "B", "a", "b"]),
        (["b", None, "a", float("nan")], [NA, "a", "b"]),
        (pd.Series(["y", "x"], dtype="category"), [NA, "x", "y"]),
        (pd.array([2, None, 1], dtype="Int64"), [NA, 1, 2]),
        (np.array([2.5, np.nan]), [NA, 2.5]),
        ([NA, "a"], [NA, "a"]),
        ([], [NA]),
    ],
)
def test_vocab_is_na_then_the_distinct_values_ascending(column, vocab):
    assert build_vocab(column) == vocab


def test_a_vocab_of_mixed_kinds_is_refused():
    with pytest.raises(RatingsError, match="mixes int, str"):
        build_vocab([1, "one"])


def test_encode_is_the_position_in_the_vocab():
    vocab = [NA, "a", "b", "c"]
    codes = encode(["c", "a", "b", "a"], vocab)
    assert codes.dtype == torch.long
    assert codes.tolist() == [vocab.index(name) for name in ["c", "a", "b", "a"]]


@pytest.mark.parametrize(
    ("column", "vocab"),
    [
        (["z", None, NA, float("nan")], [NA, "a", "z2"]),
        ([9, 0, -1], [NA, 1, 2]),
        (pd.array([None, 7], dtype="Int64"), [NA, 1, 2]),
        (pd.Series(["x", "y"], dtype="category"), [NA, "a"]),
        (["1", "2"], [NA, 1, 2]),
        ([1, 2], [NA]),
    ],
)
def test_unseen_and_missing_are_0(column, vocab):
    assert encode(column, vocab).tolist() == [0] * len(column)


def test_whole_numbers_survive_a_gap_among_them():
    """One missing id turns a pandas column of whole numbers into floats."""
    assert encode(pd.Series([2, None, 1]), [NA, 1, 2]).tolist() == [2, 0, 1]


def test_encode_and_vocab_undo_each_other():
    column = np.random.default_rng(0).integers(0, 50, 300)
    vocab = build_vocab(column)
    assert [vocab[i] for i in encode(column, vocab)] == column.tolist()


# --- the split


@pytest.mark.parametrize(("n", "valid_pct", "seed"), [(1000, 0.2, 42), (101, 0.25, 1), (7, 0.5, 0), (5, 0.1, 3)])
def test_split_is_fastais_for_the_same_seed(n, valid_pct, seed):
    train, valid = random_split(n, valid_pct, seed)
    with torch.random.fork_rng():
        expected = RandomSplitter(valid_pct, seed)(range(n))
    assert (train.tolist(), valid.tolist()) == (list(expected[0]), list(expected[1]))


def test_split_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    random_split(100, seed=42)
    assert torch.equal(torch.get_rng_state(), before)


def test_split_without_a_seed_follows_the_global_generator():
    with torch.random.fork_rng():
        torch.manual_seed(5)
        first = random_split(100, seed=None)
        second = random_split(100, seed=None)
        torch.manual_seed(5)
        again = random_split(100, seed=None)
    assert torch.equal(first[0], again[0])
    assert not torch.equal(first[0], second[0])


def test_split_parts_are_everything_once():
    train, valid = random_split(57, 0.3)
    assert len(valid) == 17
    assert sorted(torch.cat([train, valid]).tolist()) == list(range(57))


@pytest.mark.parametrize("valid_pct", [0, 1, -0.1, 1.5, float("nan")])
def test_a_share_out_of_range_is_refused(valid_pct):
    with pytest.raises(RatingsError, match="between 0 and 1"):
        random_split(10, valid_pct)


# --- one epoch, one-hot


@pytest.mark.parametrize(("n", "bs"), [(64, 8), (65, 8), (3, 8), (8, 1), (0, 4)])
def test_one_epoch_shows_each_position_once(n, bs):
    batches = list(one_epoch(n, bs))
    assert len(batches) == math.ceil(n / bs)
    assert all(len(batch) == bs for batch in batches[:-1])
    assert sorted(i for batch in batches for i in batch.tolist()) == list(range(n))


def test_one_epoch_is_shuffled_by_its_generator():
    def order(generator):
        return torch.cat(list(one_epoch(50, 7, generator))).tolist()

    assert order(torch.Generator().manual_seed(1)) == order(torch.Generator().manual_seed(1))
    generator = torch.Generator().manual_seed(1)
    assert order(generator) != order(generator)
    assert order(generator) != list(range(50))


def test_one_epoch_refuses_empty_batches_at_once():
    with pytest.raises(ValueError, match="at least one row"):
        one_epoch(10, 0)


def test_one_hot_times_a_table_is_a_lookup_with_the_same_gradient():
    index = torch.tensor([3, 0, 3, 1])
    table = torch.randn(5, 2, generator=torch.Generator().manual_seed(0), requires_grad=True)
    assert one_hot(index, 5).tolist() == [[int(j == i) for j in range(5)] for i in index.tolist()]
    product, rows = one_hot(index, 5).float() @ table, lookup(index, table)
    assert torch.equal(product, rows)
    weights = torch.arange(8.0).reshape(4, 2)
    by_product = torch.autograd.grad((product * weights).sum(), table)[0]
    by_lookup = torch.autograd.grad((rows * weights).sum(), table)[0]
    torch.testing.assert_close(by_product, by_lookup)


def test_lookup_works_on_meta():
    rows = lookup(torch.zeros(3, dtype=torch.long, device="meta"), torch.empty(5, 2, device="meta"))
    assert rows.shape == (3, 2)


# --- the loader


def numbered(n):
    """A table whose rating is the number of its row, so that a batch tells which rows it holds."""
    rng = np.random.default_rng(n)
    return pd.DataFrame({"user": rng.integers(0, 40, n), "movie": rng.integers(0, 30, n), "rating": np.arange(n)})


def dataset(n):
    table = numbered(n)
    classes = {name: build_vocab(table[name]) for name in ("user", "movie")}
    return RatingDataset.from_table(table, classes, "rating")


def rows_seen(loader):
    return [int(row) for _, y in loader for row in y.flatten().tolist()]


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize(("n", "bs"), [(128, 64), (100, 64), (129, 64), (63, 64), (1, 64), (9, 1), (9, 2)])
def test_an_epoch_shows_each_rating_exactly_once(n, bs, shuffle):
    loader = RatingLoader(dataset(n), bs=bs, shuffle=shuffle, seed=0)
    for _ in range(2):
        batches = list(loader)
        assert len(batches) == len(loader)
        assert sorted(rows_seen(batches)) == list(range(n))


# pandas 3 hands out read-only arrays, which fastai passes to torch; it only reads them.
@pytest.mark.filterwarnings("ignore:The given NumPy array is not writable:UserWarning:fastai.torch_core")
def test_fastais_default_loader_misses_a_share_of_1_in_e():
    """The fault that our loader is there to avoid: TabWeightedDL samples with replacement."""
    n = 20_000
    dls = FastaiDataLoaders.from_df(numbered(n), valid_pct=0.2, seed=0, bs=64)
    assert type(dls.train) is TabWeightedDL
    drawn = dls.train.get_idxs()
    assert len(drawn) == 0.8 * n
    assert len(set(drawn)) / len(drawn) == pytest.approx(1 - 1 / math.e, abs=0.015)

    ours = CollabDataLoaders.from_df(numbered(n), valid_pct=0.2, seed=0, bs=64)
    assert sorted(rows_seen(ours.train)) == sorted(ours.train_ids.tolist())


def test_a_batch_is_long_pairs_and_float_ratings():
    for x, y in RatingLoader(dataset(70), bs=32, shuffle=True, seed=0):
        assert (x.dtype, y.dtype) == (torch.long, torch.float32)
        assert x.shape[1:] == (2,)
        assert y.shape == (len(x), 1)


def test_x_and_y_of_a_row_stay_together():
    data = dataset(70)
    for x, y in RatingLoader(data, bs=32, shuffle=True, seed=0):
        rows = y.flatten().long()
        assert torch.equal(x, data.x[rows])


def test_epochs_differ_and_repeat_with_the_seed():
    def two_epochs(seed):
        loader = RatingLoader(dataset(50), bs=16, shuffle=True, seed=seed)
        return rows_seen(loader), rows_seen(loader)

    first, second = two_epochs(1)
    assert first != second
    assert two_epochs(1) == (first, second)
    assert two_epochs(2) != (first, second)


def test_without_a_seed_the_order_follows_the_global_generator():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        first = rows_seen(RatingLoader(dataset(50), shuffle=True))
        other = rows_seen(RatingLoader(dataset(50), shuffle=True))
        torch.manual_seed(0)
        assert rows_seen(RatingLoader(dataset(50), shuffle=True)) == first
    assert other != first


def test_reseeding_starts_over():
    loader = RatingLoader(dataset(50), shuffle=True, seed=1)
    first = rows_seen(loader)
    rows_seen(loader)
    loader.reseed(1)
    assert rows_seen(loader) == first


def test_looking_does_not_change_what_training_sees():
    untouched, looked_at = (RatingLoader(dataset(50), bs=16, shuffle=True, seed=3) for _ in range(2))
    shown = looked_at.one_batch()
    looked_at.show_batch(show=False)
    looked_at.new(shuffle=True).one_batch()
    expected = rows_seen(untouched)
    assert rows_seen(looked_at) == expected
    assert rows_seen([shown]) == expected[:16]


def test_a_new_loader_begins_with_the_first_epoch_and_draws_no_seed():
    loader = RatingLoader(dataset(50), shuffle=True, seed=3)
    first = rows_seen(loader)
    before = torch.get_rng_state()
    assert rows_seen(loader.new()) == first
    assert torch.equal(torch.get_rng_state(), before)


def test_not_shuffled_is_in_order():
    assert rows_seen(RatingLoader(dataset(50), bs=16)) == list(range(50))


def test_a_last_row_alone_joins_the_batch_before_in_training_only():
    assert [len(x) for x, _ in RatingLoader(dataset(33), bs=16, shuffle=True, seed=0)] == [16, 17]
    assert [len(x) for x, _ in RatingLoader(dataset(33), bs=16)] == [16, 16, 1]


def test_the_end_is_dropped_only_when_asked_for():
    loader = RatingLoader(dataset(50), bs=16, shuffle=True, seed=0)
    dropping = loader.new(drop_last=True)
    assert [len(x) for x, _ in dropping] == [16, 16, 16]
    assert (len(loader), len(dropping)) == (4, 3)


def test_batches_go_to_the_device():
    loader = RatingLoader(dataset(50), bs=16, device="meta")
    assert {part.device.type for batch in loader for part in batch} == {"meta"}


def test_an_empty_batch_size_is_refused():
    with pytest.raises(ValueError, match="at least one row"):
        RatingLoader(dataset(5), bs=0)


# --- tables to loaders


@pytest.fixture
def ratings():
    """400 ratings of 25 users for 20 movies, drawn from biases and rounded to half stars."""
    rng = np.random.default_rng(0)
    pairs = rng.permutation(25 * 20)[:400]
    user, movie = pairs // 20, pairs % 20
    stars = 3 + rng.normal(0, 0.6, 25)[user] + rng.normal(0, 0.6, 20)[movie] + rng.normal(0, 0.3, 400)
    return pd.DataFrame(
        {
            "user": user + 100,
            "movie": movie,
            "rating": (stars.clip(0.5, 5) * 2).round() / 2,
            "title": [f"Film {i:02d}" for i in movie],
        }
    )


@pytest.fixture
def dls(ratings):
    return CollabDataLoaders.from_df(ratings, item_name="title", rating_name="rating", seed=42, bs=32, device="cpu")


def test_columns_default_to_the_first_three(ratings):
    dls = CollabDataLoaders.from_df(ratings)
    assert list(dls.classes) == ["user", "movie"]
    assert dls.train.bs == dls.valid.bs == 64


def test_vocabularies_come_from_the_whole_table(ratings, dls):
    assert dls.classes == {"user": build_vocab(ratings["user"]), "title": build_vocab(ratings["title"])}
    assert (dls.n_users, dls.n_items) == (26, 21)


def test_vocabularies_of_movielens(movielens):
    by_title = CollabDataLoaders.from_df(movielens, item_name="title", rating_name="rating", seed=1)
    assert (by_title.n_users, by_title.n_items) == (944, 1665)
    by_id = CollabDataLoaders.from_df(movielens, seed=1)
    assert (by_id.n_users, by_id.n_items) == (944, 1683)
    assert all(by_id.train_ds.x.min(dim=0).values > 0)


def test_the_split_is_random_split(ratings, dls):
    train, valid = random_split(len(ratings), 0.2, seed=42)
    assert torch.equal(dls.train_ids, train)
    assert torch.equal(dls.valid_ids, valid)
    pd.testing.assert_frame_equal(dls.train_df, ratings.iloc[train.numpy()])
    pd.testing.assert_frame_equal(dls.valid_df, ratings.iloc[valid.numpy()])


def test_tensors_say_what_the_table_says(dls):
    decoded = dls.train_ds.decode(dls.train_ds.x, dls.train_ds.y)
    columns = ["user", "title", "rating"]
    pd.testing.assert_frame_equal(decoded, dls.train_df[columns].reset_index(drop=True), check_dtype=False)


def test_any_index_and_any_column_names_will_do(ratings):
    foreign = ratings.set_axis(["wer", "was", "wie", "name"], axis=1).set_index(np.arange(400)[::-1] * 7)
    dls = CollabDataLoaders.from_df(foreign, seed=42)
    assert list(dls.classes) == ["wer", "was"]
    assert list(dls.show_batch(show=False)) == ["wer", "was", "wie"]


def test_missing_ids_count_as_na(ratings):
    ratings["title"] = ratings["title"].where(ratings["title"] != "Film 03")
    dls = CollabDataLoaders.from_df(ratings, item_name="title", seed=0)
    assert "Film 03" not in dls.classes["title"]
    assert (dls.train_ds.x[:, 1] == 0).sum() == dls.train_df["title"].isna().sum() > 0


def test_from_csv_is_from_df(ratings, dls, tmp_path):
    ratings.to_csv(tmp_path / "ratings.csv", index=False)
    twin = CollabDataLoaders.from_csv(tmp_path / "ratings.csv", item_name="title", rating_name="rating", seed=42)
    assert twin.classes == dls.classes
    assert torch.equal(twin.train_ds.x, dls.train_ds.x)
    assert torch.equal(twin.train_ds.y, dls.train_ds.y)


def test_batch_sizes_and_order_are_as_asked_for(ratings):
    dls = CollabDataLoaders.from_df(ratings, bs=50, val_bs=80, shuffle=False, seed=0, path="somewhere")
    assert [len(x) for x, _ in dls.train] == [50] * 6 + [20]
    assert [len(x) for x, _ in dls.valid] == [80]
    assert torch.equal(torch.cat([x for x, _ in dls.train]), dls.train_ds.x)
    assert str(dls.path) == "somewhere"


def test_loaders_move_to_a_device(dls):
    assert dls.to(torch.device("meta")).one_batch()[0].device.type == "meta"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda table: table[["user", "movie"]], "one each"),
        (lambda table: table.drop(columns="rating"), r"no column \['rating'\]"),
        (lambda table: table.iloc[:0], "no row"),
        (lambda table: table.iloc[:4], "none to validate on"),
        (lambda table: table.assign(rating="good"), "not numbers"),
        (lambda table: table.assign(rating=table["rating"].where(table.index != 7)), "1 missing .* row 7"),
        (lambda table: table.assign(rating=np.inf), "400 missing or infinite"),
        (lambda table: table.to_dict(), "not as dict"),
    ],
)
def test_bad_tables_are_refused_in_a_sentence(ratings, change, sentence):
    with pytest.raises(RatingsError, match=sentence):
        CollabDataLoaders.from_df(change(ratings), rating_name="rating")


def test_a_column_has_one_role(ratings):
    with pytest.raises(RatingsError, match="a column each"):
        CollabDataLoaders.from_df(ratings, item_name="user")


def test_a_bad_share_is_refused(ratings):
    with pytest.raises(RatingsError, match="between 0 and 1"):
        CollabDataLoaders.from_df(ratings, valid_pct=1)


# --- in fastai's Learner


@pytest.fixture
def learn(dls):
    """The Learner of fastai, as a student would write it, only quiet."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = DotProductBias(dls.n_users, dls.n_items, 5)
    learn = Learner(dls, model, loss_func=MSELossFlat())
    with learn.no_bar(), learn.no_logging():
        yield learn


def predicted(learn, table):
    """Predictions for the rows of a table without any loader."""
    x = torch.stack([encode(table[name], vocab) for name, vocab in learn.dls.classes.items()], dim=1)
    with torch.no_grad():
        return learn.model.eval()(x)


def test_learner_trains(learn):
    before = learn.validate()[0]
    learn.fit_one_cycle(3, 5e-2)
    assert learn.validate()[0] < 0.7 * before


def test_validate_is_the_mean_squared_error_of_the_validation_rows(learn):
    learn.fit_one_cycle(1, 5e-2)
    errors = predicted(learn, learn.dls.valid_df).numpy() - learn.dls.valid_df["rating"].to_numpy()
    assert learn.validate()[0] == pytest.approx((errors**2).mean(), rel=1e-5)


@pytest.mark.parametrize(("ds_idx", "part"), [(0, "train_df"), (1, "valid_df")])
def test_predictions_come_in_the_order_of_the_rows(learn, ds_idx, part):
    learn.fit_one_cycle(1, 5e-2)
    table = getattr(learn.dls, part)
    predictions, targets = learn.get_preds(ds_idx=ds_idx)
    torch.testing.assert_close(predictions, predicted(learn, table))
    assert targets.flatten().tolist() == table["rating"].tolist()


def test_predictions_of_a_shuffled_loader_are_put_back_in_order(learn):
    predictions, targets = learn.get_preds(dl=learn.dls.train)
    torch.testing.assert_close(predictions, predicted(learn, learn.dls.train_df))
    assert torch.equal(targets, learn.dls.train_ds.y)


def test_new_rows_need_no_rating(learn, ratings):
    new = ratings[["title", "user"]].iloc[::-1]
    predictions, targets = learn.get_preds(dl=learn.dls.test_dl(new))
    torch.testing.assert_close(predictions, predicted(learn, new))
    assert targets is None


def test_new_rows_may_have_ratings(learn, ratings):
    predictions, targets = learn.get_preds(dl=learn.dls.test_dl(ratings, bs=7))
    assert len(predictions) == len(ratings)
    assert targets.flatten().tolist() == ratings["rating"].tolist()


def test_strangers_count_as_na(learn):
    new = pd.DataFrame({"user": [-5, 100], "title": ["Film 01", "never heard of"]})
    x, *_ = learn.dls.test_dl(new).one_batch()
    assert x.tolist() == [[0, 2], [1, 0]]
    assert learn.get_preds(dl=learn.dls.test_dl(new))[0].isfinite().all()


def test_bad_new_rows_are_refused(dls, ratings):
    with pytest.raises(RatingsError, match=r"no column \['title'\]"):
        dls.test_dl(ratings.drop(columns="title"))
    with pytest.raises(RatingsError, match="or the column if the ratings are to be predicted"):
        dls.test_dl(ratings.assign(rating=np.nan))
    with pytest.raises(RatingsError, match="no row"):
        dls.test_dl(ratings.iloc[:0])


def test_fastai_cannot_predict_a_single_row_but_the_model_can(learn):
    """A prediction of shape (1,) is unpacked, then indexed. If this test fails, mend `test_dl`'s docstring."""
    one = learn.dls.test_dl(learn.dls.valid_df.iloc[:1])
    with pytest.raises(IndexError, match="dimension 0"):
        learn.get_preds(dl=one)
    x, _ = one.one_batch()
    assert learn.model(x).shape == (1,)


def test_show_batch_shows_names(dls, capsys):
    table = dls.show_batch(max_n=4, show=False)
    assert list(table) == ["user", "title", "rating"]
    assert len(table) == 4
    known = dls.train_df.merge(table, on=["user", "title", "rating"])
    assert len(known) == 4
    dls.show_batch(max_n=4)
    assert table["title"][0] in capsys.readouterr().out


def test_show_results_shows_predictions_beside_ratings(learn, capsys):
    learn.show_results(max_n=3)
    assert "rating_pred" in capsys.readouterr().out
    batch = learn.dls.valid.one_batch()
    table = learn.dls.valid.show_results(batch, learn.model(batch[0]), show=False)
    assert table["rating_pred"].tolist() == pytest.approx(predicted(learn, learn.dls.valid_df)[:9].tolist())
    assert table["rating"].tolist() == learn.dls.valid_df["rating"].tolist()[:9]


@pytest.mark.parametrize("use_nn", [False, True])
def test_fastais_collab_learner_takes_our_loaders(dls, use_nn):
    learn = collab_learner(dls, n_factors=5, use_nn=use_nn, layers=[10], y_range=(0, 5.5))
    with learn.no_bar(), learn.no_logging():
        before = learn.validate()[0]
        learn.fit_one_cycle(3, 5e-2)
        assert learn.validate()[0] < before


def test_batch_normalisation_survives_a_last_row_alone(ratings):
    dls = CollabDataLoaders.from_df(ratings.iloc[:161], seed=0, bs=32, device="cpu")
    assert len(dls.train_ds) % 32 == 1
    learn = collab_learner(dls, use_nn=True, layers=[10], y_range=(0, 5.5))
    with learn.no_bar(), learn.no_logging():
        learn.fit_one_cycle(1)


def test_an_exported_learner_still_predicts(learn, ratings, tmp_path):
    expected, _ = learn.get_preds(dl=learn.dls.test_dl(ratings))
    learn.path = tmp_path
    learn.export()
    with pytest.warns(UserWarning, match="insecure pickle"):
        loaded = load_learner(tmp_path / "export.pkl")
    with loaded.no_bar(), loaded.no_logging():
        predictions, _ = loaded.get_preds(dl=loaded.dls.test_dl(ratings))
    assert torch.equal(predictions, expected)
    assert len(loaded.dls.train_ds) == 0


def test_seeded_runs_repeat_bit_for_bit(ratings):
    def run():
        dls = CollabDataLoaders.from_df(ratings, seed=7, bs=32, device="cpu")
        torch.manual_seed(7)
        learn = Learner(dls, DotProductBias(dls.n_users, dls.n_items, 5), loss_func=MSELossFlat())
        with learn.no_bar(), learn.no_logging():
            learn.fit_one_cycle(2, 5e-2)
        return learn.model.state_dict()

    with torch.random.fork_rng():
        first, second = run(), run()
    assert all(torch.equal(first[name], second[name]) for name in first)


# --- time


def test_day_numbers_are_whole_days_since_1970():
    seconds = pd.Series([0, 86_399, 86_400, 893_286_638, -1])
    expected = [(pd.Timestamp(s, unit="s").normalize() - pd.Timestamp(0)).days for s in seconds]
    assert day_numbers(seconds).tolist() == expected == [0, 0, 1, 10338, -1]
    assert day_numbers(seconds).dtype == torch.long


@pytest.mark.parametrize("times", [["1997-01-01"], [1.0, np.nan], [np.inf]])
def test_times_that_are_no_seconds_are_refused(times):
    with pytest.raises(RatingsError, match="'when'"):
        day_numbers(pd.Series(times, name="when"))


@pytest.fixture
def dated(ratings):
    seconds = np.random.default_rng(0).integers(880_000_000, 890_000_000, len(ratings))
    return ratings.assign(timestamp=seconds, text="noon")


@pytest.fixture
def timed(dated):
    return CollabDataLoaders.from_df(dated, seed=3, bs=32, device="cpu", time_name="timestamp", item_name="title")


def test_a_time_column_rides_along_as_the_third(timed, dated):
    without = CollabDataLoaders.from_df(dated, seed=3, bs=32, device="cpu", item_name="title")
    assert torch.equal(timed.train_ds.x[:, :2], without.train_ds.x)
    assert timed.train_ds.x[:, 2].tolist() == (timed.train_df["timestamp"] // 86_400).tolist()
    for (x, y), (plain_x, plain_y) in zip(timed.train, without.train, strict=True):
        assert torch.equal(x[:, :2], plain_x)
        assert torch.equal(y, plain_y)


def test_days_are_shown_as_dates(timed):
    table = timed.valid.show_batch(max_n=4, show=False)
    assert list(table) == ["user", "title", "timestamp", "rating"]
    expected = pd.to_datetime(timed.valid_df["timestamp"].iloc[:4], unit="s").dt.normalize()
    assert table["timestamp"].tolist() == expected.tolist()


def test_further_rows_need_the_time_too(timed, dated):
    x = timed.test_dl(dated[:5]).dataset.x
    assert x[:, 2].tolist() == (dated["timestamp"][:5] // 86_400).tolist()
    with pytest.raises(RatingsError, match="timestamp"):
        timed.test_dl(dated[:5].drop(columns="timestamp"))


@pytest.mark.parametrize(
    ("name", "sentence"), [("when", "no column .'when'"), ("text", "not seconds"), ("user", "a column each")]
)
def test_a_time_name_that_is_none_is_refused(dated, name, sentence):
    with pytest.raises(RatingsError, match=sentence):
        CollabDataLoaders.from_df(dated, seed=0, device="cpu", item_name="title", time_name=name)


def test_a_split_of_ones_own_is_kept(ratings):
    train, valid = torch.arange(100), torch.arange(100, 130)
    dls = CollabDataLoaders.from_split(ratings, train, valid, seed=0, bs=32, device="cpu")
    assert dls.train_df.equals(ratings.iloc[:100])
    assert dls.valid_df.equals(ratings.iloc[100:130])
    assert dls.n_users == ratings["user"].nunique() + 1


@pytest.mark.parametrize(("train", "valid"), [([0, 1], [1, 2]), ([], [1]), ([1], [])])
def test_a_split_that_is_none_is_refused(ratings, train, valid):
    with pytest.raises(RatingsError, match="no row in common"):
        CollabDataLoaders.from_split(
            ratings, torch.tensor(train, dtype=torch.long), torch.tensor(valid, dtype=torch.long), device="cpu"
        )
