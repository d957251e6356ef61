"""Lists, metrics and folding in, held against plain loops, scikit-learn, autograd, worlds with a known answer, and
the order of three rankings on MovieLens 100K."""

import copy
import math
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.metrics import ndcg_score
from torch import nn

from collabkit import recommend as module
from collabkit.batches import CollabDataLoaders
from collabkit.errors import RatingsError
from collabkit.functional import mse
from collabkit.interpret import nearest_items
from collabkit.models import CollabNN, DotProduct, DotProductBias
from collabkit.planted import planted_world
from collabkit.recommend import (
    NewUser,
    average_user,
    fold_in,
    item_counts,
    ndcg_at_k,
    precision_at_k,
    predict_new_user,
    recall_at_k,
    recommend_to_new_user,
    recommend_to_users,
    similar_items,
    top_k,
)
from collabkit.training import fit

from .model_battery import ACCELERATORS

N_USERS, N_ITEMS, WIDTH = 7, 23, 5


def enlarged(model, seed=0):
    """With weights so large that no order hides in rounding or in a flat sigmoid."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator) * 0.6)
    return model.eval()


class TwiceTheBias(DotProductBias):
    """A subclass that its weights alone do not explain."""

    def forward(self, x):
        return super().forward(x) - 3 * self.movie_bias(x[:, 1]).squeeze(-1)


MODELS = {
    "dot product": lambda: DotProduct(N_USERS, N_ITEMS, WIDTH),
    "bias": lambda: DotProductBias(N_USERS, N_ITEMS, WIDTH),
    "bias, no range": lambda: DotProductBias(N_USERS, N_ITEMS, WIDTH, y_range=None),
    "network": lambda: CollabNN((N_USERS, 4), (N_ITEMS, WIDTH), n_hidden=8),
    "network, no range": lambda: CollabNN((N_USERS, 4), (N_ITEMS, WIDTH), n_hidden=8, y_range=None),
    "subclass": lambda: TwiceTheBias(N_USERS, N_ITEMS, WIDTH, y_range=None),
}


@pytest.fixture(params=MODELS)
def model(request):
    return enlarged(MODELS[request.param]())


@pytest.fixture
def bias_model():
    return enlarged(DotProductBias(N_USERS, N_ITEMS, WIDTH))


def some_pairs(n=40, seed=1):
    generator = torch.Generator().manual_seed(seed)
    users = torch.randint(N_USERS, (n,), generator=generator)
    return torch.stack([users, torch.randint(1, N_ITEMS, (n,), generator=generator)], dim=1)


def some_counts(seed=2):
    return torch.randint(0, 60, (N_ITEMS,), generator=torch.Generator().manual_seed(seed))


def listed_by_a_loop(model, user, k, seen=(), counts=None, weight=0.5):
    """One call of the model a pair, logarithms by `math`, Python's own sort."""
    scores = {}
    for item in range(1, N_ITEMS):
        if (user, item) in seen:
            continue
        score = model(torch.tensor([[user, item]])).item()
        if counts is not None:
            if getattr(model, "y_range", None) is not None:
                low, high = model.y_range
                score = math.log((score - low) / (high - score))
            score += weight * math.log(1 + counts[item])
        scores[item] = score
    return sorted(scores, key=lambda item: (-scores[item], item))[:k]


# --- lists


@pytest.mark.parametrize("popular", [False, True])
def test_lists_are_those_of_a_loop(model, popular):
    seen, counts = some_pairs(), some_counts()
    options = {"counts": counts} if popular else {}
    items, ratings = recommend_to_users(model, k=6, seen=seen, **options)
    assert items.dtype == torch.long
    assert items.shape == ratings.shape == (N_USERS, 6)
    gone = {tuple(pair) for pair in seen.tolist()}
    for user in range(N_USERS):
        assert items[user].tolist() == listed_by_a_loop(model, user, 6, gone, counts.tolist() if popular else None)


@pytest.mark.parametrize("weight", [-1.0, 0.0, 0.5, 2.0])
def test_the_weight_of_popularity(bias_model, weight):
    counts = some_counts()
    items = recommend_to_users(bias_model, k=4, counts=counts, weight=weight).items
    assert items[3].tolist() == listed_by_a_loop(bias_model, 3, 4, (), counts.tolist(), weight)


def test_popularity_is_added_before_the_sigmoid_and_weighs_a_half():
    model = DotProductBias(2, 3, 1)
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
        model.movie_bias.weight[1] = 1.0
    # item 2 gains log(7) / 2 = .97 or log(8) / 2 = 1.04; in stars item 1 leads by 5.5 * (.731 - .5) = 1.27
    assert recommend_to_users(model, [1], k=2, counts=[0, 0, 6]).items.tolist() == [[1, 2]]
    assert recommend_to_users(model, [1], k=2, counts=[0, 0, 7]).items.tolist() == [[2, 1]]


def test_ratings_are_the_models_whatever_the_order(model):
    items, ratings = recommend_to_users(model, k=5, counts=some_counts())
    x = torch.stack([torch.arange(N_USERS).repeat_interleave(5), items.flatten()], dim=1)
    torch.testing.assert_close(ratings.flatten(), model(x).detach())
    assert not ratings.requires_grad
    plain = recommend_to_users(model, k=5).ratings
    assert (plain[:, 1:] <= plain[:, :-1]).all()


def test_precision_is_the_models(bias_model):
    items, ratings = recommend_to_users(bias_model, k=5)
    twin = recommend_to_users(copy.deepcopy(bias_model).double(), k=5)
    assert twin.ratings.dtype == torch.float64
    assert twin.items.tolist() == items.tolist()
    torch.testing.assert_close(twin.ratings.float(), ratings)


def test_a_subclass_with_its_own_forward_is_called():
    ours, theirs = DotProductBias(N_USERS, N_ITEMS, WIDTH), TwiceTheBias(N_USERS, N_ITEMS, WIDTH)
    enlarged(ours), enlarged(theirs)
    assert recommend_to_users(ours, k=5).items.tolist() != recommend_to_users(theirs, k=5).items.tolist()


def test_na_is_never_recommended(model):
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.startswith("movie"):
                weight[0] *= 100
    for counts in (None, [10**6] + [0] * (N_ITEMS - 1)):
        assert (recommend_to_users(model, k=N_ITEMS - 1, counts=counts).items > 0).all()
    assert top_k(torch.tensor([[9.0, 1, 2]]), k=2).tolist() == [[2, 1]]


def test_equal_scores_in_order_of_position():
    model = DotProductBias(3, 3000, 2, y_range=None)
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
        model.movie_bias.weight[[2900, 17, 1500]] = 1.0
    expected = [17, 1500, 2900, 1, 2, 3, 5]  # 4 is seen
    items = recommend_to_users(model, k=7, seen=torch.tensor([[u, 4] for u in range(3)])).items
    assert items.tolist() == [expected] * 3


@pytest.mark.parametrize("k", [1, 2, 3, 50, 399])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.long])
def test_ties_everywhere(k, dtype):
    scores = torch.randint(0, 4, (30, 400), generator=torch.Generator().manual_seed(k)).to(dtype)
    before = scores.clone()
    expected = [sorted(range(1, 400), key=lambda i, row=row: (-row[i], i))[:k] for row in scores.tolist()]
    assert top_k(scores, k=k).tolist() == expected
    assert torch.equal(scores, before)


def test_what_was_seen_makes_room_for_the_next():
    scores = torch.tensor([[0.0, 5, 4, 3, 2], [0, 1, 2, 3, 4]])
    seen = torch.tensor([[1, 4], [0, 1], [1, 3], [0, 1]])  # in no order, one of them twice
    assert top_k(scores, k=2, seen=seen).tolist() == [[2, 3], [2, 1]]


@pytest.mark.parametrize("max_scores", [1, N_ITEMS, 2 * N_ITEMS + 1, 10**9])
def test_chunks_change_nothing(model, max_scores, monkeypatch):
    seen, counts = some_pairs(), some_counts()
    whole = recommend_to_users(model, k=6, seen=seen, counts=counts)
    monkeypatch.setattr(module, "PAIRS", 5)
    parts = recommend_to_users(model, k=6, seen=seen, counts=counts, max_scores=max_scores)
    assert torch.equal(parts.items, whole.items)
    torch.testing.assert_close(parts.ratings, whole.ratings)


def test_a_model_is_called_with_bounded_batches():
    model, sizes = CollabNN((400, 2), (300, 2), n_hidden=2).eval(), []
    model.register_forward_pre_hook(lambda _, args: sizes.append(len(args[0])))
    recommend_to_users(model, k=2)
    assert sum(sizes) == 400 * 300 + 400 * 2
    assert max(sizes) <= 2**16


def test_memory_stays_bounded():
    code = """
import resource, torch
from collabkit.models import DotProductBias
from collabkit.recommend import recommend_to_users
torch.set_num_threads(1)
model = DotProductBias(100_000, 2_000, 4)
recommend_to_users(model, range(2_500), counts=torch.ones(2_000))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
recommend_to_users(model, counts=torch.ones(2_000))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    all_scores = 100_000 * 2_000 * 4  # bytes
    growth = int(done.stdout) * (1 if sys.platform == "darwin" else 1024)
    assert growth < all_scores / 5, f"{growth / 1e6:.0f} MB more, all scores at once would be {all_scores / 1e6:.0f}"


def test_some_users_in_any_order(model):
    everybody = recommend_to_users(model, k=3, seen=some_pairs())
    for users in ([4, 1, 4], torch.tensor([6]), np.array([0, 5]), some_pairs()[:5, 0]):
        items, ratings = recommend_to_users(model, users, k=3, seen=some_pairs())
        assert torch.equal(items, everybody.items[torch.as_tensor(users)])
        torch.testing.assert_close(ratings, everybody.ratings[torch.as_tensor(users)])
    assert recommend_to_users(model, [], k=3).items.shape == (0, 3)


def test_k_larger_than_the_catalogue_gives_all(model):
    items, _ = recommend_to_users(model, k=1000)
    assert items.sort(dim=1).values.tolist() == [list(range(1, N_ITEMS))] * N_USERS
    assert top_k(torch.rand(2, 4), k=9).shape == (2, 3)


def test_who_has_seen_nearly_all_gets_a_shorter_list(bias_model):
    seen = torch.tensor([[2, item] for item in range(1, N_ITEMS) if item not in (3, 8)])
    items, ratings = recommend_to_users(bias_model, [2, 1], k=4, seen=seen)
    assert sorted(items[0, :2].tolist()) == [3, 8]
    assert items[0, 2:].tolist() == [0, 0]
    assert ratings[0].isnan().tolist() == [False, False, True, True]
    assert (items[1] > 0).all()
    assert ratings[1].isfinite().all()


class Parameterless(nn.Module):
    def __init__(self):
        super().__init__()
        self.dropout = nn.Dropout(0.9)

    def forward(self, x):
        return self.dropout((x[:, 1] * 7 % 11 + 1).float())[:, None]  # (batch, 1), as some networks of fastai


def test_any_model_without_dropout_and_left_as_it_was():
    model = nn.Sequential(Parameterless(), nn.Dropout(0.5))
    model.train()
    model[1].eval()
    items, ratings = recommend_to_users(model, [0, 1], k=3, n_items=12)
    assert items.tolist() == [[3, 6, 9]] * 2
    assert ratings.tolist() == [[11.0, 10.0, 9.0]] * 2
    assert [part.training for part in (model, model[0], model[0].dropout, model[1])] == [True, True, True, False]


def test_the_mode_comes_back_after_an_error():
    model = enlarged(MODELS["network"]()).train()
    with torch.no_grad():
        model.movie_factors.weight[3] = torch.nan
    with pytest.raises(ValueError, match="NaN"):
        recommend_to_users(model)
    assert model.layers.training


def test_counts_are_counted():
    x = torch.tensor([[1, 2], [2, 2], [1, 4], [0, 0]])
    counts = item_counts(x, 6)
    assert counts.tolist() == [1, 0, 2, 0, 1, 0]
    assert counts.dtype == torch.long


@pytest.mark.parametrize("k", [0, -1, 2.5, None])
def test_bad_k(bias_model, k):
    calls = (
        lambda: recommend_to_users(bias_model, k=k),
        lambda: top_k(torch.rand(2, 4), k=k),
        lambda: recommend_to_new_user(bias_model, average_user(bias_model), k=k),
    )
    for call in calls:
        with pytest.raises(ValueError, match=f"k must be a whole number, at least 1, not {k}"):
            call()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"users": [N_USERS]}, "user 7 is not there: positions run from 0 to 6; fold_in"),
        ({"users": [-1]}, "user -1 is not there"),
        ({"users": ["Ann"]}, "a user is a position in the vocabulary.*encode"),
        ({"users": [1.5]}, "a user is a position.*float"),
        ({"users": [True]}, "a user is a position.*bool"),
        ({"users": 3}, r"a user is a position.*shape \(\)"),
        ({"seen": torch.tensor([[1, N_ITEMS]])}, "in seen, item 23 is not there.*0 to 22"),
        ({"seen": torch.tensor([[N_USERS, 1]])}, "in seen, user 7 is not there.*0 to 6"),
        ({"seen": torch.tensor([1, 2])}, r"seen holds pairs.*\(2,\)"),
        ({"seen": torch.rand(3, 2)}, "seen holds pairs.*float32"),
        ({"counts": [1, 2]}, r"counts have shape \(2,\), but there are 23 items"),
        ({"counts": [-1] + [0] * (N_ITEMS - 1)}, "negative"),
        ({"counts": [math.nan] * N_ITEMS}, "NaN"),
        ({"counts": [1] * N_ITEMS, "weight": math.inf}, "weight of popularity.*finite.*inf"),
        ({"n_items": 5}, "n_items is 5, but the model has 23 items"),
        ({"max_scores": 0}, "max_scores must be a whole number"),
    ],
)
def test_bad_arguments(bias_model, arguments, message):
    with pytest.raises(ValueError, match=message):
        recommend_to_users(bias_model, **arguments)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_damaged_weights(model, value):
    with torch.no_grad():
        model.movie_factors.weight[3] = value
    with pytest.raises(ValueError, match="NaN or infinite: the model has diverged"):
        recommend_to_users(model)


def test_a_model_that_cannot_be_counted_or_gives_no_rating_a_pair():
    with pytest.raises(ValueError, match="Parameterless has no movie_factors to count: say n_items"):
        recommend_to_users(Parameterless(), [1])
    with pytest.raises(ValueError, match="n_items must be a whole number, at least 1, not 0"):
        recommend_to_users(Parameterless(), [1], n_items=0)
    with pytest.raises(ValueError, match="no user_factors to count: say which users"):
        recommend_to_users(Parameterless(), n_items=5)
    with pytest.raises(ValueError, match=r"one rating a pair, but 10 pairs gave \(10, 2\)"):
        recommend_to_users(nn.Sequential(nn.Embedding(9, 3), nn.Flatten(), nn.Linear(6, 2)), [1, 2], n_items=5)


def test_a_table_of_scores_is_needed_and_a_catalogue():
    with pytest.raises(ValueError, match=r"\(n_users, n_items\), not of shape \(5,\)"):
        top_k(torch.rand(5))
    with pytest.raises(ValueError, match="catalogue is empty"):
        top_k(torch.rand(5, 1))
    for damage in (math.nan, math.inf, -math.inf):
        with pytest.raises(ValueError, match="NaN or infinite"):
            top_k(torch.tensor([[0.0, damage, 1], [0, 1, 2]]))
    with pytest.raises(ValueError, match="in x, item 6 is not there"):
        item_counts(torch.tensor([[1, 6]]), 6)


# --- similar items


def test_similar_items_are_the_nearest_with_enough_ratings(bias_model):
    counts = some_counts()
    allowed = counts.clone()
    allowed[0] = 0
    expected = nearest_items(bias_model.movie_factors.weight, 5, 4, counts=allowed, min_count=20)
    before = counts.clone()
    found = similar_items(bias_model, 5, 4, counts=counts)
    assert found.tolist() == expected.tolist()
    assert (counts[found] >= 20).all()
    assert torch.equal(counts, before)


def test_twenty_ratings_are_enough_if_nobody_says(bias_model):
    counts = [19, 20] * 11 + [19]
    found = similar_items(bias_model, 5, 10, counts=counts)
    assert sorted(found.tolist()) == [item for item in range(1, N_ITEMS) if counts[item] == 20 and item != 5]
    with pytest.raises(ValueError, match="k must be between 1 and 10"):
        similar_items(bias_model, 5, 11, counts=counts)


@pytest.mark.parametrize("min_count", [0, 3])
def test_na_is_similar_to_nothing(bias_model, min_count):
    with torch.no_grad():
        bias_model.movie_factors.weight[0] = bias_model.movie_factors.weight[5]
    found = similar_items(bias_model, 5, N_ITEMS - 2, counts=[9] * N_ITEMS, min_count=min_count)
    assert sorted(found.tolist()) == [item for item in range(1, N_ITEMS) if item != 5]
    with pytest.raises(ValueError, match="item 0"):
        similar_items(bias_model, 0, counts=[9] * N_ITEMS)
    with pytest.raises(ValueError, match="item 99 is not there"):
        similar_items(bias_model, 99, counts=[9] * N_ITEMS)


# --- metrics

LISTS = torch.tensor([[9, 8, 7, 6], [1, 2, 3, 4], [1, 2, 3, 4], [5, 1, 6, 0]])
RELEVANT = torch.tensor([[1, 1], [1, 3], [1, 9], [3, 6], [3, 6], [3, 0]])  # one twice, one of "#na#"


def test_known_answers():
    # user 1 hits at ranks 1 and 3 and has 3 relevant items; user 3 at rank 3 and has 1
    assert precision_at_k(LISTS, RELEVANT) == pytest.approx((2 / 4 + 1 / 4) / 2)
    assert recall_at_k(LISTS, RELEVANT) == pytest.approx((2 / 3 + 1) / 2)
    ideal = 1 + 1 / math.log2(3) + 1 / 2
    assert ndcg_at_k(LISTS, RELEVANT) == pytest.approx(((1 + 1 / 2) / ideal + 1 / 2) / 2)


def test_known_answers_at_smaller_k():
    assert precision_at_k(LISTS, RELEVANT, k=2) == pytest.approx((1 / 2 + 0) / 2)
    assert recall_at_k(LISTS, RELEVANT, k=2) == pytest.approx((1 / 3 + 0) / 2)
    assert ndcg_at_k(LISTS, RELEVANT, k=2) == pytest.approx((1 / (1 + 1 / math.log2(3)) + 0) / 2)
    assert ndcg_at_k(LISTS, RELEVANT, k=1) == pytest.approx((1 + 0) / 2)


def test_a_list_that_ended_early_has_missed_its_last_places():
    lists, relevant = torch.tensor([[3, 0, 0, 0]]), torch.tensor([[0, 3], [0, 4], [0, 0]])
    assert precision_at_k(lists, relevant) == 1 / 4
    assert recall_at_k(lists, relevant) == 1 / 2
    assert ndcg_at_k(lists, relevant) == pytest.approx(1 / (1 + 1 / math.log2(3)))


def test_users_without_relevant_items_are_left_out_and_it_is_said():
    for metric in (precision_at_k, recall_at_k, ndcg_at_k):
        result = metric(LISTS, RELEVANT)
        assert (result.n_users, result.left_out) == (2, 1)  # user 2; row 0 is nobody
        assert "mean over 2 users; 1 without a relevant item left out" in str(result)
        assert isinstance(result, float)


def test_a_mean_can_be_copied_and_kept():
    result = ndcg_at_k(LISTS, RELEVANT)
    for twin in (copy.deepcopy(result), pickle.loads(pickle.dumps(result))):
        assert twin == result
        assert (twin.n_users, twin.left_out) == (2, 1)


def random_lists(seed, n=50, n_items=40, k=10):
    rng = np.random.default_rng(seed)
    lists = np.array([rng.permutation(np.arange(1, n_items))[:k] for _ in range(n)])
    drawn = [rng.choice(np.arange(1, n_items), rng.integers(0, 16), replace=False) for _ in range(n)]
    relevant = {user: set(items.tolist()) for user, items in enumerate(drawn)}
    pairs = rng.permutation([(u, item) for u, items in relevant.items() for item in items])
    return lists, relevant, torch.as_tensor(pairs)


@pytest.mark.parametrize("k", [1, 3, 10])
@pytest.mark.parametrize("seed", [0, 1])
def test_metrics_are_those_of_a_loop(k, seed):
    lists, relevant, pairs = random_lists(seed)
    precision, recall, ndcg = [], [], []
    for row, wanted in zip(lists, relevant.values(), strict=True):
        if not wanted:
            continue
        hits = np.array([item in wanted for item in row[:k]], dtype=float)
        gains = np.log(2) / np.log(np.arange(2, k + 2))
        precision.append(hits.mean())
        recall.append(hits.sum() / len(wanted))
        ndcg.append((hits * gains).sum() / gains[: min(k, len(wanted))].sum())
    assert 0 < len(ndcg) < len(lists)
    lists = torch.as_tensor(lists)
    assert precision_at_k(lists, pairs, k) == pytest.approx(np.mean(precision))
    assert recall_at_k(lists, pairs, k) == pytest.approx(np.mean(recall))
    assert ndcg_at_k(lists, pairs, k) == pytest.approx(np.mean(ndcg))
    assert ndcg_at_k(lists, pairs, k).n_users == len(ndcg)


@pytest.mark.parametrize("k", [1, 5, 10, 22])
def test_ndcg_is_scikit_learns(bias_model, k):
    relevant = some_pairs(n=35, seed=7)
    truth = torch.zeros(N_USERS, N_ITEMS)
    truth[relevant[:, 0], relevant[:, 1]] = 1
    scores = bias_model(torch.cartesian_prod(torch.arange(N_USERS), torch.arange(N_ITEMS))).detach()
    scores = scores.view(N_USERS, N_ITEMS)
    there = truth.sum(dim=1) > 0
    expected = ndcg_score(truth[there, 1:].numpy(), scores[there, 1:].numpy(), k=k)
    assert ndcg_at_k(recommend_to_users(bias_model, k=k).items, relevant) == pytest.approx(expected)


def test_lists_of_some_users():
    lists, _, pairs = random_lists(3)
    lists, users = torch.as_tensor(lists), [7, 30, 8]
    own = [pairs[pairs[:, 0] == user, 1] for user in users]
    renamed = torch.cat([torch.stack([torch.full_like(items, row), items], dim=1) for row, items in enumerate(own)])
    for metric in (precision_at_k, recall_at_k, ndcg_at_k):
        together = metric(lists[users], pairs, users=users)
        assert together == pytest.approx(np.mean([metric(lists[[user]], pairs, users=[user]) for user in users]))
        assert together == metric(lists[users], renamed)
        assert metric(lists[[30, 7, 30]], pairs, users=[30, 7, 30]).n_users == 3
        assert metric(lists[pairs[:4, 0]], pairs, users=pairs[:4, 0]).n_users == 4


@pytest.mark.parametrize("metric", [precision_at_k, recall_at_k, ndcg_at_k])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((LISTS, RELEVANT, 0), "k must be a whole number, at least 1, not 0"),
        ((LISTS, RELEVANT, 5), "k is 5, but the lists hold 4 items"),
        ((LISTS[:2], RELEVANT), "in relevant, user 3 is not there: positions run from 0 to 1"),
        ((LISTS, torch.tensor([[1, -2]])), "in relevant, item -2 is not there"),
        ((LISTS, torch.tensor([1, 2])), r"relevant holds pairs.*shape \(2,\)"),
        ((LISTS, torch.empty(0, 2, dtype=torch.long)), "no user has a relevant item"),
        ((LISTS, torch.tensor([[1, 0]])), "no user has a relevant item"),
        ((LISTS.float(), RELEVANT), "recommended holds positions of items.*float32"),
        ((LISTS[1], RELEVANT), r"recommended holds positions.*\(4,\)"),
        ((LISTS[:0], RELEVANT), r"recommended holds positions.*\(0, 4\)"),
        ((torch.tensor([[1, 2, 3], [3, 1, 3]]), torch.tensor([[1, 3]])), "row 1 recommends item 3 twice"),
    ],
)
def test_bad_lists(metric, arguments, message):
    with pytest.raises(ValueError, match=message):
        metric(*arguments)


def test_a_user_for_each_list():
    with pytest.raises(ValueError, match="there are 2 users, but 4 lists"):
        ndcg_at_k(LISTS, RELEVANT, users=[1, 2])


# --- a user who came late


def test_the_average_user_is_a_mean_without_na(bias_model):
    user = average_user(bias_model)
    factors = bias_model.user_factors.weight.detach().numpy()
    np.testing.assert_allclose(user.factors, factors[1:].mean(axis=0), rtol=1e-5)
    assert user.bias.item() == pytest.approx(bias_model.user_bias.weight[1:].mean().item(), rel=1e-5)
    assert user.bias.shape == ()
    assert not user.factors.requires_grad
    one = average_user(bias_model, [3])
    assert torch.equal(one.factors, bias_model.user_factors.weight[3])
    assert torch.equal(one.bias, bias_model.user_bias.weight[3, 0])


ITEMS = torch.tensor([2, 9, 11, 4, 20, 5])


@pytest.mark.parametrize("damping", [0.3, 10.0])
@pytest.mark.parametrize(
    ("y_range", "ratings"),
    [
        ((0, 5.5), [5, 1, 3.5, 4, 2, 5]),
        ((1, 5), [5, 1, 3.5, 4, 2, 5]),  # the ends of the range, whose logits are infinite
        ((-10, 10), [-10, 10, 0, 3, -2, 5]),
        (None, [5, -1, 30.5, 4, 2, 5]),
    ],
)
def test_fold_in_minimises_what_it_says(y_range, ratings, damping):
    model = enlarged(DotProductBias(N_USERS, N_ITEMS, WIDTH, y_range=y_range)).double()
    user = fold_in(model, ITEMS, ratings, damping=damping)
    assert user.factors.dtype == torch.float64
    target = torch.tensor(ratings, dtype=torch.float64)
    if y_range is not None:
        share = ((target - y_range[0]) / (y_range[1] - y_range[0])).clip(0.05, 0.95)
        target = torch.log(share / (1 - share))
    average = torch.cat([model.user_factors.weight[1:].mean(dim=0), model.user_bias.weight[1:].mean(dim=0)]).detach()
    found = torch.cat([user.factors, user.bias[None]]).requires_grad_()
    movies, bias = model.movie_factors.weight[ITEMS].detach(), model.movie_bias.weight[ITEMS, 0].detach()
    loss = ((target - movies @ found[:-1] - found[-1] - bias) ** 2).sum() + damping * ((found - average) ** 2).sum()
    (slope,) = torch.autograd.grad(loss, found)
    torch.testing.assert_close(slope, torch.zeros_like(slope), atol=1e-9, rtol=0)


def test_ten_is_the_damping_if_nobody_says(bias_model):
    unsaid, said = fold_in(bias_model, [3, 4], [5, 1]), fold_in(bias_model, [3, 4], [5, 1], damping=10)
    assert torch.equal(unsaid.factors, said.factors)


@pytest.mark.parametrize("y_range", [(0, 5.5), None])
def test_enough_ratings_without_noise_give_the_user_back(y_range):
    model = enlarged(DotProductBias(N_USERS, N_ITEMS, WIDTH, y_range=y_range))
    with torch.no_grad():
        for weight in model.parameters():
            weight *= 0.4  # away from the ends of the range, where targets are clipped
    items = torch.arange(1, N_ITEMS)
    ratings = model(torch.stack([torch.full_like(items, 4), items], dim=1)).detach()
    user = fold_in(model, items, ratings, damping=1e-6)
    torch.testing.assert_close(user.factors, model.user_factors.weight[4].detach(), atol=1e-3, rtol=0)
    torch.testing.assert_close(user.bias, model.user_bias.weight[4, 0].detach(), atol=1e-3, rtol=0)


def test_much_damping_leaves_who_one_starts_from(bias_model):
    average = average_user(bias_model)
    damped = fold_in(bias_model, ITEMS, [1, 2, 3, 4, 5, 5], damping=1e9)
    torch.testing.assert_close(damped.factors, average.factors)
    other = NewUser(torch.arange(5.0), torch.tensor(-1.0))
    damped = fold_in(bias_model, ITEMS, [1, 2, 3, 4, 5, 5], damping=1e9, around=other)
    torch.testing.assert_close(damped.factors, other.factors)
    torch.testing.assert_close(damped.bias, other.bias)


@pytest.mark.parametrize("kind", [list, tuple, np.array, torch.tensor])
def test_ratings_of_any_kind(bias_model, kind):
    expected = fold_in(bias_model, [3, 4], torch.tensor([[5.0], [1.0]]))  # as a loader's y
    assert torch.equal(fold_in(bias_model, kind([3, 4]), kind([5, 1])).factors, expected.factors)


def test_a_known_user_as_a_new_one(bias_model):
    user = NewUser(bias_model.user_factors.weight[4].detach(), bias_model.user_bias.weight[4, 0].detach())
    x = torch.stack([torch.full_like(ITEMS, 4), ITEMS], dim=1)
    torch.testing.assert_close(predict_new_user(bias_model, user, ITEMS), bias_model(x).detach())
    seen, counts = torch.tensor([8, 3]), some_counts()
    for options in ({}, {"counts": counts}, {"counts": counts, "weight": 3.0}):
        theirs = recommend_to_users(bias_model, [4], k=6, seen=torch.tensor([[4, 8], [4, 3]]), **options)
        ours = recommend_to_new_user(bias_model, user, k=6, seen=seen, **options)
        assert ours.items.tolist() == theirs.items[0].tolist()
        torch.testing.assert_close(ours.ratings, theirs.ratings[0])
    assert recommend_to_new_user(bias_model, user, k=6).items.tolist() == listed_by_a_loop(bias_model, 4, 6)
    assert recommend_to_new_user(bias_model, user, k=99, seen=[5]).items.tolist()[-1] == 0


@pytest.mark.parametrize(
    ("items", "ratings", "error", "message"),
    [
        ([], [], RatingsError, "no ratings to fold in.*average_user"),
        ([3], [6], RatingsError, "A rating is 6, but the model's range is 0 to 5.5"),
        ([3, 4], [5, -1], RatingsError, "A rating is -1, but the model's range"),
        ([3, 4], [5, math.nan], RatingsError, "A rating is nan"),
        ([3, 4], [5, math.inf], RatingsError, "A rating is inf"),
        ([3, 4], [5], ValueError, "there are 2 items, but 1 ratings"),
        ([3, N_ITEMS], [5, 5], ValueError, "item 23 is not there: positions run from 0 to 22"),
        ([3, 0], [5, 5], ValueError, 'item 0 is "#na#"'),
        (["Alien"], [5], ValueError, "an? item is a position in the vocabulary"),
    ],
)
def test_bad_ratings(bias_model, items, ratings, error, message):
    with pytest.raises(error, match=message):
        fold_in(bias_model, items, ratings)


@pytest.mark.parametrize("damping", [0, -1, math.nan, math.inf])
def test_bad_damping(bias_model, damping):
    with pytest.raises(ValueError, match=f"damping must be above 0 and finite, not {damping}"):
        fold_in(bias_model, [3], [4], damping=damping)


@pytest.mark.parametrize("name", ["dot product", "network", "subclass"])
def test_only_dot_product_bias_folds_in(name):
    model = MODELS[name]()
    user = NewUser(torch.zeros(WIDTH), torch.tensor(0.0))
    for call in (
        lambda: fold_in(model, [3], [4]),
        lambda: average_user(model),
        lambda: predict_new_user(model, user, [1]),
        lambda: recommend_to_new_user(model, user),
    ):
        with pytest.raises(TypeError, match=f"not {type(model).__name__}"):
            call()


def test_a_new_user_must_fit_the_model(bias_model):
    with pytest.raises(ValueError, match=r"5 factors and one bias.*\(4,\)"):
        predict_new_user(bias_model, NewUser(torch.zeros(4), torch.tensor(0.0)), [1])
    with pytest.raises(ValueError, match=r"5 factors and one bias.*\(4,\)"):
        fold_in(bias_model, [1], [3], around=NewUser(torch.zeros(4), torch.tensor(0.0)))
    with pytest.raises(ValueError, match='item 0 is "#na#"'):
        predict_new_user(bias_model, average_user(bias_model), [0])
    with pytest.raises(ValueError, match="item 23 is not there"):
        recommend_to_new_user(bias_model, average_user(bias_model), seen=[N_ITEMS])
    with pytest.raises(ValueError, match="no user to take a mean of"):
        average_user(bias_model, [])
    with pytest.raises(ValueError, match="user 7 is not there"):
        average_user(bias_model, [7])


@pytest.mark.parametrize("device", ACCELERATORS)
def test_tensors_stay_on_the_models_device(model, device):
    expected = recommend_to_users(model, k=5, seen=some_pairs(), counts=some_counts())
    there = model.to(device)
    items, ratings = recommend_to_users(there, k=5, seen=some_pairs(), counts=some_counts())
    assert items.device.type == ratings.device.type == device
    assert items.cpu().tolist() == expected.items.tolist()
    if type(model) is DotProductBias:
        user = fold_in(there, ITEMS, [1, 2, 3, 4, 5, 5])
        assert user.factors.device.type == device
        assert recommend_to_new_user(there, user).items.device.type == device


# --- worlds


def trained(ratings, **columns):
    dls = CollabDataLoaders.from_df(ratings, seed=42, device="cpu", **columns)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = DotProductBias(dls.n_users, dls.n_items)
    return model, dls


def errors_of_new_users(ratings, item, damping, given=10):
    """MSE per way of guessing on the ratings that new users keep back; the model never met those users."""
    users = np.random.default_rng(0).permutation(ratings["user"].unique())
    strangers = ratings[ratings["user"].isin(users[: len(users) // 5])]
    model, dls = trained(ratings.drop(strangers.index), user_name="user", item_name=item, rating_name="rating")
    fit(model, dls, 5, 5e-3, wd=0.1, seed=0)
    average = average_user(model)
    nobody = NewUser(torch.zeros_like(average.factors), torch.zeros_like(average.bias))
    guesses, truth = {"average": [], "folded in": [], "towards zero": [], "hardly damped": []}, []
    for _, rows in strangers.sample(frac=1, random_state=0).groupby("user"):
        x, y = dls.test_dl(rows).dataset[:]
        x, y = x[x[:, 1] > 0, 1], y[x[:, 1] > 0, 0]
        if len(x) < 2 * given:
            continue
        shown, rest = (x[:given], y[:given]), x[given:]
        ways = {
            "average": average,
            "folded in": fold_in(model, *shown, damping=damping),
            "towards zero": fold_in(model, *shown, damping=damping, around=nobody),
            "hardly damped": fold_in(model, *shown, damping=damping / 100),
        }
        truth.append(y[given:])
        for name, user in ways.items():
            guesses[name].append(predict_new_user(model, user, rest))
    assert len(truth) > 30
    return {name: mse(torch.cat(parts), torch.cat(truth)) for name, parts in guesses.items()}


def test_ten_ratings_tell_a_new_user_of_a_planted_world():
    world = planted_world(n_users=600, n_movies=300, n_ratings=30_000)
    errors = errors_of_new_users(world.ratings, "movie", damping=0.5)
    assert errors["folded in"] < 0.5 * errors["average"]
    assert errors["folded in"] < errors["towards zero"]
    assert errors["folded in"] < errors["hardly damped"]


def test_ten_ratings_tell_a_new_user_of_movielens(movielens):
    errors = errors_of_new_users(movielens, "title", damping=10)
    assert errors["folded in"] < 0.95 * errors["average"]
    assert errors["folded in"] < 0.98 * errors["towards zero"]
    assert errors["folded in"] < 0.9 * errors["hardly damped"]


def test_popularity_beats_rating_alone_and_both_beat_either_on_movielens(movielens):
    model, dls = trained(movielens, user_name="user", item_name="title", rating_name="rating")
    fit(model, dls, 5, 5e-3, wd=0.1, seed=0)
    seen, counts = dls.train_ds.x, item_counts(dls.train_ds.x, dls.n_items)
    relevant = dls.valid_ds.x[dls.valid_ds.y[:, 0] >= 4]
    lists = {
        "rating": recommend_to_users(model, seen=seen).items,
        "popularity": top_k(counts.expand(dls.n_users, -1), seen=seen),
        "both": recommend_to_users(model, seen=seen, counts=counts).items,
    }
    ndcg = {name: ndcg_at_k(items, relevant, 10) for name, items in lists.items()}
    assert ndcg["rating"] == pytest.approx(0.128, abs=0.02)
    assert ndcg["popularity"] == pytest.approx(0.162, abs=0.002)
    assert ndcg["both"] == pytest.approx(0.192, abs=0.015)
    assert ndcg["both"] > ndcg["popularity"] + 0.015
    assert ndcg["popularity"] > ndcg["rating"] + 0.015
