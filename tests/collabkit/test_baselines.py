"""Baselines: small tables by hand, plain loops as oracle, and the figures that the course quotes."""

import numpy as np
import pandas as pd
import pytest
import torch

from collabkit.baselines import DampedBiases, baseline_ladder, damped_biases, predict_biases
from collabkit.ratings import RatingsError, planted_world


def ratings_of(*rows):
    return pd.DataFrame(rows, columns=["user", "movie", "rating"]).astype({"rating": "float32"})


def split(ratings, seed, share=0.2):
    """Training and validation rows as fastai's RandomSplitter draws them."""
    order = torch.randperm(len(ratings), generator=torch.Generator().manual_seed(seed)).numpy()
    cut = int(share * len(ratings))
    return ratings.iloc[order[cut:]], ratings.iloc[order[:cut]]


class TestDampedBiases:
    def test_by_hand(self):
        """Mean 3; movie 7: (1 + 2) / (2 + 1) = 1, movie 8: -3 / (2 + 1) = -1; what is left goes to the users."""
        ratings = ratings_of((1, 7, 4), (2, 7, 5), (1, 8, 2), (2, 8, 1))
        biases = damped_biases(ratings, damping=1)
        assert biases.mean == 3
        assert biases.movie_bias.to_dict() == {7: 1.0, 8: -1.0}
        assert biases.user_bias.to_dict() == {1: 0.0, 2: 0.0}
        biases = damped_biases(ratings_of((1, 7, 4), (2, 7, 5), (1, 8, 2)), damping=1)
        mean = 11 / 3
        movie_7, movie_8 = (9 - 2 * mean) / 3, (2 - mean) / 2
        assert biases.movie_bias.to_dict() == pytest.approx({7: movie_7, 8: movie_8})
        assert biases.user_bias[1] == pytest.approx((6 - 2 * mean - movie_7 - movie_8) / 3)
        assert biases.user_bias[2] == pytest.approx((5 - mean - movie_7) / 2)

    def test_against_plain_loops(self):
        ratings = planted_world(n_users=30, n_movies=20, n_ratings=300).ratings
        rows = [(r.user, r.movie, float(r.rating)) for r in ratings.itertuples()]
        mean = sum(r for _, _, r in rows) / len(rows)
        movie_bias = {
            m: sum(r - mean for _, n, r in rows if n == m) / (sum(n == m for _, n, _ in rows) + 4.0)
            for m in {m for _, m, _ in rows}
        }
        user_bias = {
            u: sum(r - mean - movie_bias[m] for v, m, r in rows if v == u) / (sum(v == u for v, _, _ in rows) + 4.0)
            for u in {u for u, _, _ in rows}
        }
        biases = damped_biases(ratings, damping=4.0)
        assert biases.mean == pytest.approx(mean)
        assert biases.movie_bias.to_dict() == pytest.approx(movie_bias)
        assert biases.user_bias.to_dict() == pytest.approx(user_bias)

    def test_one_rating_of_five_does_not_make_the_best_film(self):
        many = [(user, 1, 5 if user % 4 else 4) for user in range(40)]
        poor = [(user, 2, 2) for user in range(40)]
        ratings = ratings_of(*many, *poor, (0, 3, 5))
        assert damped_biases(ratings, damping=0).movie_bias.idxmax() == 3
        assert damped_biases(ratings).movie_bias.idxmax() == 1

    def test_heavy_damping_leaves_the_mean_alone(self):
        biases = damped_biases(planted_world().ratings, damping=1e9)
        assert np.abs(biases.movie_bias).max() < 1e-5
        assert np.abs(biases.user_bias).max() < 1e-5

    def test_finds_planted_biases_again(self):
        world = planted_world(n_users=300, n_movies=200, n_ratings=20_000, noise=0.1)
        biases = damped_biases(world.ratings)
        assert np.corrcoef(biases.movie_bias, world.movie_bias[biases.movie_bias.index - 1])[0, 1] > 0.9
        assert np.corrcoef(biases.user_bias, world.user_bias[biases.user_bias.index - 1])[0, 1] > 0.9

    def test_no_ratings_and_negative_damping_are_refused(self):
        with pytest.raises(RatingsError, match="no ratings"):
            damped_biases(ratings_of())
        with pytest.raises(ValueError, match="cannot be -1"):
            damped_biases(ratings_of((1, 1, 3)), damping=-1)


class TestPredictBiases:
    biases = DampedBiases(3.5, pd.Series({1: 0.5, 2: -1.0}), pd.Series({7: 0.25}))

    def test_adds_up_and_the_unseen_have_no_bias(self):
        pairs = pd.DataFrame({"user": [1, 2, 1, 9, 9], "movie": [7, 7, 8, 7, 8]})
        predicted = predict_biases(self.biases, pairs)
        assert isinstance(predicted, np.ndarray)
        assert predicted.tolist() == [4.25, 2.75, 4.0, 3.75, 3.5]

    def test_keeps_the_order_of_the_rows_whatever_their_index(self):
        pairs = pd.DataFrame({"user": [2, 1], "movie": [7, 7]}, index=[5, 3])
        assert predict_biases(self.biases, pairs).tolist() == [2.75, 4.25]


class TestBaselineLadder:
    def test_by_hand(self):
        """Training mean 3; user 1 has 4, movie 5 has 2; user 9 and movie 9 are new."""
        train = ratings_of((1, 7, 4), (2, 5, 2))
        valid = ratings_of((1, 5, 4), (9, 9, 1))
        ladder = baseline_ladder(train, valid)
        assert list(ladder) == ["constant 3", "mean", "user means", "movie means", "damped biases"]
        assert ladder["constant 3"] == (1 + 4) / 2
        assert ladder["mean"] == (1 + 4) / 2
        assert ladder["user means"] == (0 + 4) / 2
        assert ladder["movie means"] == (4 + 4) / 2
        movie_5 = -1 / 11
        user_1 = (1 - 1 / 11) / 11
        assert ladder["damped biases"] == pytest.approx(((1 - movie_5 - user_1) ** 2 + 4) / 2)

    def test_nothing_of_the_validation_ratings_leaks(self):
        """Negating what is to be predicted changes the errors as if the predictions had stayed."""
        train, valid = split(planted_world().ratings, seed=0)
        prediction = predict_biases(damped_biases(train), valid)
        turned = valid.assign(rating=-valid["rating"])
        assert baseline_ladder(train, turned)["damped biases"] == pytest.approx(
            float(((prediction + valid["rating"]) ** 2).mean())
        )

    def test_each_rung_is_better_on_a_planted_world(self):
        ladder = baseline_ladder(*split(planted_world().ratings, seed=1))
        assert ladder["damped biases"] < min(ladder["user means"], ladder["movie means"])
        assert max(ladder["user means"], ladder["movie means"]) < ladder["mean"] < ladder["constant 3"]

    @pytest.mark.parametrize(("seed", "damped"), [(42, 0.880), (1, 0.905), (2, 0.892)])
    def test_the_figures_that_the_course_quotes(self, movielens, seed, damped):
        """shared/facts.md: measured in another program, on the splits of fastai's RandomSplitter."""
        ladder = baseline_ladder(*split(movielens, seed))
        assert ladder["damped biases"] == pytest.approx(damped, abs=6e-4)
        if seed == 42:
            quoted = {"constant 3": 1.545, "mean": 1.250, "user means": 1.071, "movie means": 1.037}
            assert {name: ladder[name] for name in quoted} == pytest.approx(quoted, abs=6e-4)

    def test_the_default_damping_is_among_the_good_ones(self, movielens):
        train, valid = split(movielens, seed=42)
        target = valid["rating"].to_numpy()

        def error(damping):
            return float(((predict_biases(damped_biases(train, damping), valid) - target) ** 2).mean())

        best = min(error(damping) for damping in (0, 1, 2, 5, 10, 20, 50))
        default = baseline_ladder(train, valid)["damped biases"]
        assert default == pytest.approx(best, abs=0.005)
        assert error(5) < default
        assert error(0) > default + 0.005
