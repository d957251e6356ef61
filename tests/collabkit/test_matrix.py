"""The matrix with gaps: counted by hand, and held against plain loops."""

import numpy as np
import pandas as pd
import pytest

from collabkit.matrix import density, fill_gaps, predict_rating, ratings_matrix
from collabkit.ratings import planted_world

NAN = float("nan")


def ratings_of(*rows):
    return pd.DataFrame(rows, columns=["user", "movie", "rating"]).astype({"rating": "float32"})


class TestRatingsMatrix:
    def test_by_hand(self):
        """User 8 has three ratings, 5 and 2 have two, 9 has one; movie 30 has four, 10 and 20 two each."""
        ratings = ratings_of(
            (9, 30, 1), (8, 30, 2), (8, 20, 3), (8, 10, 4), (5, 30, 5), (5, 10, 1), (2, 20, 2), (2, 30, 3)
        )
        matrix = ratings_matrix(ratings, n_users=2, n_movies=2)
        expected = pd.DataFrame(
            [[NAN, 3], [4, 2]], index=pd.Index([2, 8], name="user"), columns=pd.Index([10, 30], name="movie")
        )
        pd.testing.assert_frame_equal(matrix, expected, check_dtype=False)

    def test_a_movie_nobody_among_the_chosen_rated_is_a_column_of_gaps(self):
        ratings = ratings_of((1, 5, 3), (1, 6, 3), (1, 7, 3), (2, 9, 4), (3, 9, 4))
        matrix = ratings_matrix(ratings, n_users=1, n_movies=2)
        assert matrix.columns.tolist() == [5, 9]
        assert matrix.loc[1].tolist() == pytest.approx([3, NAN], nan_ok=True)

    @pytest.mark.parametrize(("n_users", "n_movies"), [(15, 15), (4, 9), (1, 1)])
    def test_against_plain_loops(self, n_users, n_movies):
        ratings = planted_world(n_users=40, n_movies=30, n_ratings=500, seed=5).ratings
        rows = list(ratings[["user", "movie", "rating"]].itertuples(index=False, name=None))

        def most_frequent(ids, n):
            return sorted(sorted(set(ids), key=lambda one: (-ids.count(one), one))[:n])

        users = most_frequent([user for user, _, _ in rows], n_users)
        movies = most_frequent([movie for _, movie, _ in rows], n_movies)
        known = {(user, movie): stars for user, movie, stars in rows}
        cells = [[known.get((user, movie), NAN) for movie in movies] for user in users]
        matrix = ratings_matrix(ratings, n_users, n_movies)
        assert (matrix.index.tolist(), matrix.columns.tolist()) == (users, movies)
        assert (matrix.index.name, matrix.columns.name) == ("user", "movie")
        np.testing.assert_array_equal(matrix.to_numpy(), np.array(cells))

    def test_the_order_of_the_ratings_does_not_count(self):
        ratings = planted_world(n_users=40, n_movies=30, n_ratings=500, seed=5).ratings
        pd.testing.assert_frame_equal(ratings_matrix(ratings), ratings_matrix(ratings.iloc[::-1]))

    def test_with_fewer_users_than_asked_for_all_come(self):
        assert ratings_matrix(ratings_of((1, 1, 3), (2, 1, 4))).shape == (2, 1)

    def test_a_pair_rated_twice_gets_its_mean(self):
        assert ratings_matrix(ratings_of((1, 1, 3), (1, 1, 4))).loc[1, 1] == 3.5

    @pytest.mark.parametrize("size", [(0, 5), (5, 0)])
    def test_a_matrix_of_nothing_is_refused(self, size):
        with pytest.raises(ValueError, match="at least one user and one movie"):
            ratings_matrix(ratings_of((1, 1, 3)), *size)

    def test_on_movielens_the_best_known_users_and_films_come(self, movielens):
        matrix = ratings_matrix(movielens)
        assert {405, 655, 13} <= set(matrix.index)
        assert {50, 258, 100} <= set(matrix.columns)  # Star Wars, Contact, Fargo
        assert density(matrix) > 0.8 > 0.07 > density(ratings_matrix(movielens, 943, 1682)) > 0.06


class TestDensity:
    def test_counts_ratings_not_stars(self):
        assert density(pd.DataFrame([[5, NAN, 0, 1], [NAN, NAN, NAN, 2]])) == 0.5

    def test_of_no_gap_and_of_nothing_but_gaps(self):
        assert density(pd.DataFrame([[0.0, 0.0]])) == 1.0
        assert density(pd.DataFrame([[NAN]])) == 0.0

    def test_a_matrix_without_cells_is_refused(self):
        with pytest.raises(ValueError, match="has no density"):
            density(pd.DataFrame())


class TestPredictRating:
    def test_by_hand_with_plain_lists(self):
        assert predict_rating([0.9, 0.8, -0.6], [0.98, 0.9, -0.9]) == pytest.approx(2.142)
        assert predict_rating([1, 0], [0, 1]) == 0.0

    def test_arrays_do_too(self):
        assert predict_rating(np.array([2.0, 3.0]), (4.0, 5.0)) == 23.0
        assert isinstance(predict_rating(np.float32([1, 2]), np.float32([3, 4])), float)

    def test_unequal_lengths_are_refused(self):
        with pytest.raises(ValueError, match="3 factors and a movie with 2"):
            predict_rating([1, 2, 3], [1, 2])


class TestFillGaps:
    def matrix(self):
        return pd.DataFrame([[NAN, 3.0, NAN], [4.0, NAN, 2.0]], index=[7, 9], columns=[1, 5, 6])

    def test_gaps_get_the_dot_product_and_known_ratings_stay(self):
        users, movies = np.array([[1.0, 2.0], [0.0, 3.0]]), np.array([[1.0, 1.0], [2.0, 0.5], [0.0, 1.0]])
        filled = fill_gaps(self.matrix(), users, movies)
        expected = pd.DataFrame([[3.0, 3.0, 2.0], [4.0, 1.5, 2.0]], index=[7, 9], columns=[1, 5, 6])
        pd.testing.assert_frame_equal(filled, expected)

    def test_agrees_with_predict_rating_cell_by_cell(self):
        rng = np.random.default_rng(0)
        users, movies = rng.normal(size=(2, 4)), rng.normal(size=(3, 4))
        matrix, filled = self.matrix(), fill_gaps(self.matrix(), users, movies)
        for i, j in zip(*np.nonzero(matrix.isna().to_numpy()), strict=True):
            assert filled.iloc[i, j] == pytest.approx(predict_rating(users[i], movies[j]))

    def test_the_matrix_given_is_left_alone(self):
        matrix = self.matrix()
        fill_gaps(matrix, np.ones((2, 1)), np.ones((3, 1)))
        pd.testing.assert_frame_equal(matrix, self.matrix())

    @pytest.mark.parametrize(
        ("users", "movies"), [((3, 2), (2, 2)), ((2, 2), (3, 4)), ((2,), (3,)), ((2, 3), (2, 3)), ((1, 2), (3, 2))]
    )
    def test_factors_of_other_shapes_are_refused(self, users, movies):
        with pytest.raises(ValueError, match=r"2 x 3 matrix needs factors \(2, k\) and \(3, k\)"):
            fill_gaps(self.matrix(), np.ones(users), np.ones(movies))
