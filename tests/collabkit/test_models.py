"""The models against fastai's own and against loops; what all have in common is in model_battery."""

import math

import pytest
import torch
from fastai.collab import EmbeddingDotBias, EmbeddingNN
from fastai.layers import Embedding as FastaiEmbedding

from collabkit.models import CollabNN, DotProduct, DotProductBias, Embedding

from .model_battery import ModelBattery

RANGES = [None, (0, 5.5), (-1.0, 2.5)]


class TestDotProduct(ModelBattery):
    def build(self, n_users, n_movies):
        return DotProduct(n_users, n_movies, n_factors=5)


class TestDotProductBias(ModelBattery):
    def build(self, n_users, n_movies):
        return DotProductBias(n_users, n_movies, n_factors=5)


class TestDotProductBiasWithoutRange(ModelBattery):
    def build(self, n_users, n_movies):
        return DotProductBias(n_users, n_movies, n_factors=5, y_range=None)


class TestCollabNN(ModelBattery):
    def build(self, n_users, n_movies):
        return CollabNN((n_users, 3), (n_movies, 4), n_hidden=9)


@pytest.fixture
def x():
    return torch.tensor([[0, 10], [6, 0], [3, 4], [3, 4], [5, 9]])


def enlarged(model):
    """The model with weights of standard deviation one: near zero every model predicts the same."""
    with torch.no_grad():
        for weight in model.parameters():
            weight.normal_(generator=torch.Generator().manual_seed(weight.numel()))
    return model


def copied(weights, into):
    """`into` with the weights of another model, in order; their shapes must agree one by one."""
    with torch.no_grad():
        for ours, theirs in zip(weights, into.parameters(), strict=True):
            assert ours.shape == theirs.shape
            theirs.copy_(ours)
    return into.eval()


def test_dot_product_is_a_loop_over_factors(x):
    model = enlarged(DotProduct(7, 11, 5))
    users, movies = model.user_factors.weight.tolist(), model.movie_factors.weight.tolist()
    expected = [sum(a * b for a, b in zip(users[u], movies[m], strict=True)) for u, m in x.tolist()]
    assert model(x).tolist() == pytest.approx(expected, abs=1e-5)


def test_dot_product_bias_is_a_loop_over_factors(x):
    model = enlarged(DotProductBias(7, 11, 5, y_range=(1, 6)))
    users, movies = model.user_factors.weight.tolist(), model.movie_factors.weight.tolist()
    user_bias, movie_bias = model.user_bias.weight.tolist(), model.movie_bias.weight.tolist()
    expected = []
    for u, m in x.tolist():
        dot = sum(a * b for a, b in zip(users[u], movies[m], strict=True))
        expected.append(1 + 5 / (1 + math.exp(-(dot + user_bias[u][0] + movie_bias[m][0]))))
    assert model(x).tolist() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("y_range", RANGES)
def test_dot_product_bias_agrees_with_fastai(x, y_range):
    model = enlarged(DotProductBias(7, 11, 5, y_range=y_range))
    theirs = copied(model.parameters(), into=EmbeddingDotBias(5, 7, 11, y_range=y_range))
    torch.testing.assert_close(model(x), theirs(x))


@pytest.mark.parametrize("y_range", RANGES)
def test_collab_nn_agrees_with_fastai(x, y_range):
    model = enlarged(CollabNN((7, 3), (11, 4), y_range=y_range, n_hidden=9))
    theirs = EmbeddingNN([(7, 3), (11, 4)], layers=[9], use_bn=False, bn_cont=False, y_range=y_range)
    theirs = copied(model.parameters(), into=theirs)
    torch.testing.assert_close(model(x), theirs(x).squeeze(-1))


def test_predictions_stay_inside_the_range(x):
    model = DotProductBias(7, 11, 5, y_range=(2, 3))
    with torch.no_grad():
        model.user_bias.weight.fill_(50)
    assert (model(x) <= 3).all()
    with torch.no_grad():
        model.user_bias.weight.fill_(-50)
    assert (model(x) >= 2).all()


def test_from_one_seed_ours_and_fastai_start_alike():
    with torch.random.fork_rng():
        torch.manual_seed(3)
        theirs = list(EmbeddingDotBias(5, 7, 11).parameters())
        torch.manual_seed(3)
        ours = list(DotProductBias(7, 11, 5).parameters())
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


def test_embedding_starts_as_fastai_does():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        theirs = FastaiEmbedding(400, 50, std=0.3)
        torch.manual_seed(0)
        ours = Embedding(400, 50, std=0.3)
    assert torch.equal(ours.weight, theirs.weight)
    assert ours.weight.abs().max() <= 2 * 0.3


def test_embedding_holds_only_its_weight():
    assert list(Embedding(3, 2).state_dict()) == ["weight"]
    assert Embedding(3, 2).weight.requires_grad
