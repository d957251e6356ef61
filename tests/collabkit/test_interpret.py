"""Reading weights, held against NumPy's eigenvectors, plain loops and weights with a known answer."""

import math

import numpy as np
import pytest
import torch

from collabkit.interpret import nearest_items, pca, top_biases


def seeded(*shape, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=dtype)


BIAS = torch.tensor([0.25, -1.0, 0.5, 0.0])
NAMES = ["Alien", "Bambi", "Casablanca", "Dune"]


def test_lowest_biases_first():
    assert top_biases(BIAS, NAMES, k=2) == [("Bambi", -1.0), ("Dune", 0.0)]


def test_highest_biases_first():
    assert top_biases(BIAS, NAMES, k=3, largest=True) == [("Casablanca", 0.5), ("Alien", 0.25), ("Dune", 0.0)]


def test_biases_come_straight_from_an_embedding():
    weight = torch.nn.Parameter(BIAS[:, None])
    assert top_biases(weight, NAMES, k=4) == top_biases(BIAS, NAMES, k=4)


@pytest.mark.parametrize("largest", [False, True])
def test_equal_biases_keep_their_order(largest):
    assert top_biases(torch.zeros(4), NAMES, k=4, largest=largest) == [(name, 0.0) for name in NAMES]


@pytest.mark.parametrize("k", [0, -1, 5])
def test_bad_k_for_biases(k):
    with pytest.raises(ValueError, match=f"between 1 and 4.*not {k}"):
        top_biases(BIAS, NAMES, k=k)


@pytest.mark.parametrize("bias", [torch.zeros(3), torch.zeros(2, 2), torch.zeros(1, 4)])
def test_a_name_for_each_bias(bias):
    with pytest.raises(ValueError, match="4 names"):
        top_biases(bias, NAMES)


def test_components_are_the_eigenvectors_of_the_covariance():
    factors = seeded(200, 6, dtype=torch.float64) * torch.tensor([5.0, 4, 3, 2, 1, 0.5], dtype=torch.float64) + 7
    components, projected = pca(factors, k=4)
    values, vectors = np.linalg.eigh(np.cov(factors.numpy().T))  # ascending
    for i in range(4):
        expected = vectors[:, -1 - i]
        assert abs(expected @ components[i].numpy()) == pytest.approx(1)
        assert projected[:, i].var().item() == pytest.approx(values[-1 - i])


def test_all_components_rebuild_the_factors():
    factors = seeded(20, 5) + 3
    components, projected = pca(factors, k=5)
    torch.testing.assert_close(projected @ components + factors.mean(dim=0), factors)
    torch.testing.assert_close(components @ components.T, torch.eye(5), atol=1e-5, rtol=0)
    torch.testing.assert_close(projected.mean(dim=0), torch.zeros(5), atol=1e-5, rtol=0)


def test_one_direction_of_difference_is_found():
    direction = torch.tensor([0.6, 0.0, -0.8])
    factors = torch.linspace(-2, 2, 9)[:, None] * direction + torch.tensor([10.0, 10, 10])
    components, projected = pca(factors, k=1)
    torch.testing.assert_close(components[0], -direction)  # the largest loading, -.8, becomes positive
    torch.testing.assert_close(projected[:, 0], -torch.linspace(-2, 2, 9), atol=1e-5, rtol=0)


def test_the_sign_does_not_depend_on_the_sign_of_the_factors():
    factors = seeded(30, 4)
    torch.testing.assert_close(pca(factors)[0], pca(-factors)[0])
    largest = pca(factors)[0].abs().argmax(dim=1)
    assert (pca(factors)[0].gather(1, largest[:, None]) > 0).all()


def test_pca_needs_no_gradient():
    components, projected = pca(torch.nn.Parameter(seeded(8, 4)))
    assert not components.requires_grad
    assert not projected.requires_grad


@pytest.mark.parametrize("k", [0, 5])
def test_bad_k_for_pca(k):
    with pytest.raises(ValueError, match=f"between 1 and 4.*not {k}"):
        pca(seeded(9, 4), k=k)


def test_pca_needs_a_table():
    with pytest.raises(ValueError, match=r"\(n, n_factors\)"):
        pca(seeded(9), k=1)


def test_nearest_is_a_loop_over_cosines():
    factors = seeded(12, 4)

    def cosine(a, b):
        return sum(x * y for x, y in zip(a, b, strict=True)) / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))

    rows = factors.tolist()
    expected = sorted((i for i in range(12) if i != 3), key=lambda i: -cosine(rows[i], rows[3]))
    assert nearest_items(factors, 3, k=11).tolist() == expected


def test_length_does_not_count_and_neither_does_the_item_itself():
    factors = torch.tensor([[1.0, 0], [100, 100], [0.01, 0.001], [-1, 0], [0, 0]])
    near = nearest_items(factors, 0, k=4)
    assert near.dtype == torch.long
    assert near.tolist() == [2, 1, 4, 3]


@pytest.mark.parametrize("kind", [list, torch.tensor, np.array])
def test_items_with_few_ratings_are_left_out(kind):
    factors = torch.tensor([[1.0, 0], [1, 0.1], [1, 0.2], [0, 1]])
    counts = kind([0, 1, 20, 30])
    assert nearest_items(factors, 0, k=2, counts=counts, min_count=20).tolist() == [2, 3]
    assert nearest_items(factors, 0, k=3, counts=counts).tolist() == [1, 2, 3]


@pytest.mark.parametrize("item", [-1, 4])
def test_bad_item(item):
    with pytest.raises(ValueError, match=f"item {item} is not there.*4 rows, 0 to 3"):
        nearest_items(seeded(4, 2), item)


def test_fewer_neighbours_than_asked_for():
    with pytest.raises(ValueError, match="between 1 and 3"):
        nearest_items(seeded(4, 2), 0, k=4)
    with pytest.raises(ValueError, match="between 1 and 1"):
        nearest_items(seeded(4, 2), 0, k=2, counts=[9, 9, 1, 1], min_count=2)


def test_counts_must_fit_and_be_there():
    with pytest.raises(ValueError, match="4 items"):
        nearest_items(seeded(4, 2), 0, k=1, counts=[1, 2])
    with pytest.raises(ValueError, match="min_count needs counts"):
        nearest_items(seeded(4, 2), 0, k=1, min_count=5)
