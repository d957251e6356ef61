"""Reading foreign ratings, the planted world and the excerpt; fetching MovieLens is test_fetch's subject."""

import numpy as np
import pandas as pd
import pytest

from collabkit import movielens as movielens_module
from collabkit.ratings import RatingsError, excerpt, load_ratings, planted_world, read_ratings


def table(**columns):
    return pd.DataFrame({"user": [2, 1], "movie": [7, 9], "rating": [4.5, 1.0], **columns})


class TestReadRatings:
    def test_gives_the_columns_of_the_library_in_order(self):
        ratings = read_ratings(table(timestamp=[5, 6], title=["A", "B"], extra=[0, 0]))
        assert list(ratings) == ["user", "movie", "rating", "timestamp", "title"]
        assert ratings.to_dict("list") == {
            "user": [2, 1],
            "movie": [7, 9],
            "rating": [4.5, 1.0],
            "timestamp": [5, 6],
            "title": ["A", "B"],
        }
        assert ratings["rating"].dtype == np.float32
        assert ratings["user"].dtype == ratings["movie"].dtype == np.int64

    def test_columns_of_other_names_are_found_by_name(self, tmp_path):
        file = tmp_path / "foreign.csv"
        file.write_text("stars,who,what,film,when\n3,8,5,Alien,100\n4.5,9,5,Alien,101\n")
        ratings = read_ratings(file, user="who", movie="what", rating="stars", title="film", timestamp="when")
        assert ratings["user"].tolist() == [8, 9]
        assert ratings["movie"].tolist() == [5, 5]
        assert ratings["rating"].tolist() == [3, 4.5]
        assert ratings["title"].tolist() == ["Alien", "Alien"]
        assert ratings["timestamp"].tolist() == [100, 101]

    def test_tsv_is_read_with_tabs(self, tmp_path):
        file = tmp_path / "ratings.tsv"
        file.write_text("user\tmovie\trating\n1\t2\t3\n")
        assert read_ratings(file)["movie"].tolist() == [2]

    def test_without_titles_the_id_is_the_title_and_without_times_there_is_no_column(self):
        ratings = read_ratings(table())
        assert ratings["title"].tolist() == ["7", "9"]
        assert "timestamp" not in ratings

    def test_a_single_missing_title_is_the_id(self):
        assert read_ratings(table(title=["A", None]))["title"].tolist() == ["A", "9"]

    def test_ids_that_are_names_are_numbered_in_sorted_order(self):
        source = pd.DataFrame({"user": ["zoe", "ann", "zoe"], "movie": ["b", "a", "a"], "rating": [1, 2, 3]})
        ratings = read_ratings(source)
        assert ratings["user"].tolist() == [2, 1, 2]
        assert ratings["movie"].tolist() == [2, 1, 1]
        assert ratings["title"].tolist() == ["b", "a", "a"]

    def test_the_source_is_left_alone(self):
        source = table()
        before = source.copy()
        read_ratings(source)
        pd.testing.assert_frame_equal(source, before)

    def test_what_it_gives_can_be_read_again(self):
        ratings = planted_world(n_users=5, n_movies=4, n_ratings=12).ratings
        pd.testing.assert_frame_equal(read_ratings(ratings), ratings, check_column_type=False)

    @pytest.mark.parametrize(
        ("source", "words"),
        [
            (table().drop(columns="movie"), r"no column 'movie': name the right ones of 'user', 'rating'"),
            (table().iloc[:0], "no rows"),
            (table(rating=[3, "good"]), r"'rating' holds 'good' in row 2"),
            (table(rating=[3, np.nan]), r"'rating' holds nan in row 2"),
            (table(rating=[np.inf, 3]), r"'rating' holds inf in row 1"),
            (table(rating=[3, 1e39]), r"'rating' holds 1e\+39 in row 2"),
            (table(user=[None, "ann"]), r"'user' has no id in row 1"),
            (table(movie=[1, np.nan]), r"'movie' has no id in row 2"),
            (table(timestamp=["1997-12-04", "1998-01-01"]), r"'1997-12-04' in row 1.* seconds since 1970"),
        ],
    )
    def test_bad_tables_are_refused_in_a_sentence(self, source, words):
        with pytest.raises(RatingsError, match=words) as caught:
            read_ratings(source)
        assert_one_sentence(caught.value)

    def test_a_named_column_that_is_not_there(self):
        with pytest.raises(RatingsError, match="no column 'film'"):
            read_ratings(table(), title="film")

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (None, "There is no file"),
            (b"", "is empty"),
            (b"user,movie,rating\n", "no rows"),
            (b"user,movie,rating\n1,2,3\n1,2,3,4,5\n", "no CSV file"),
            (b"\xff\xfe\x00\x93 nothing readable", "no CSV file"),
        ],
    )
    def test_bad_files_are_refused_in_a_sentence(self, tmp_path, content, words):
        file = tmp_path / "ratings.csv"
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(RatingsError, match=words) as caught:
            read_ratings(file)
        assert_one_sentence(caught.value)

    def test_a_folder_is_no_file(self, tmp_path):
        with pytest.raises(RatingsError, match="give a CSV file"):
            read_ratings(tmp_path)


class TestPlantedWorld:
    def test_everybody_rates_and_is_rated_and_no_pair_comes_twice(self):
        ratings = planted_world(n_users=60, n_movies=35, n_ratings=400, seed=3).ratings
        assert len(ratings) == 400
        assert set(ratings["user"]) == set(range(1, 61))
        assert set(ratings["movie"]) == set(range(1, 36))
        assert not ratings.duplicated(["user", "movie"]).any()

    @pytest.mark.parametrize(("n_users", "n_movies", "n_ratings"), [(7, 3, 7), (3, 7, 7), (4, 5, 20), (1, 1, 1)])
    def test_the_fewest_and_the_most_ratings_there_can_be(self, n_users, n_movies, n_ratings):
        ratings = planted_world(n_users=n_users, n_movies=n_movies, n_ratings=n_ratings).ratings
        assert ratings["user"].nunique() == n_users
        assert ratings["movie"].nunique() == n_movies
        assert len(ratings.drop_duplicates(["user", "movie"])) == n_ratings

    @pytest.mark.parametrize("n_ratings", [6, 22])
    def test_too_few_or_too_many_ratings_are_refused(self, n_ratings):
        with pytest.raises(ValueError, match=r"between 7 .* and 21"):
            planted_world(n_users=7, n_movies=3, n_ratings=n_ratings)

    def test_ratings_are_half_stars_in_range(self):
        ratings = planted_world().ratings["rating"]
        assert ratings.dtype == np.float32
        assert ratings.between(0.5, 5).all()
        assert (ratings * 2 % 1 == 0).all()

    @pytest.mark.parametrize("seed", range(5))
    def test_the_mean_is_near_three_and_a_half(self, seed):
        assert planted_world(seed=seed).ratings["rating"].mean() == pytest.approx(3.5, abs=0.1)

    def test_popularity_has_a_long_tail(self):
        """A fifth of the films has more than two fifths of all ratings, and some films hardly any."""
        counts = planted_world().ratings["movie"].value_counts()
        assert counts.head(len(counts) // 5).sum() > 0.4 * counts.sum()
        assert counts.min() <= 5

    def test_without_noise_each_rating_is_its_formula_rounded(self):
        world = planted_world(noise=0.0, seed=2)
        for row in world.ratings.head(200).itertuples():
            u, m = row.user - 1, row.movie - 1
            stars = world.mean + world.user_bias[u] + world.movie_bias[m]
            stars += sum(world.user_factors[u] * world.movie_factors[m])
            assert row.rating == min(max(round(stars * 2) / 2, 0.5), 5.0)

    def test_expected_is_the_formula_before_noise(self):
        world = planted_world(noise=0.0)
        pairs = world.ratings
        assert np.abs(world.expected(pairs["user"], pairs["movie"]) - pairs["rating"]).max() <= 0.25 + 1e-6

    def test_noise_is_what_remains(self):
        """Rounding to half stars adds a variance of 0.5² / 12 to that of the noise."""
        world = planted_world(noise=0.3)
        rest = world.ratings["rating"] - world.expected(world.ratings["user"], world.ratings["movie"])
        assert rest.var() == pytest.approx(0.3**2 + 0.5**2 / 12, rel=0.1)

    @pytest.mark.parametrize("seed", range(3))
    def test_with_selection_a_mean_tells_of_the_audience(self, seed):
        """The mean bias of a film's users differs between films by more than chance, and spoils the order of means."""
        spreads, agreements = [], []
        for selection in (0.0, 3.0):
            world = planted_world(n_users=400, n_movies=150, n_ratings=20_000, seed=seed, selection=selection)
            ratings = world.ratings.assign(generosity=world.user_bias[world.ratings["user"] - 1])
            films = ratings.groupby("movie")[["generosity", "rating"]].mean()
            spreads.append(films["generosity"].std())
            truth = pd.Series(world.movie_bias[films.index - 1], index=films.index)
            agreements.append(films["rating"].rank().corr(truth.rank()))
        assert spreads[1] > 3 * spreads[0]
        assert agreements[0] > 0.9 > 0.85 > agreements[1]

    def test_same_seed_same_world_other_seed_another(self):
        first, again, other = planted_world(seed=1), planted_world(seed=1), planted_world(seed=2)
        pd.testing.assert_frame_equal(first.ratings, again.ratings)
        np.testing.assert_array_equal(first.user_factors, again.user_factors)
        assert not np.array_equal(first.ratings["rating"], other.ratings["rating"])

    def test_a_model_can_find_the_factors_again(self):
        """Alternating ridge regressions (no code of ours) explain most of what biases alone leave over."""
        world = planted_world()
        ratings = world.ratings
        held_out = np.random.default_rng(0).random(len(ratings)) < 0.2
        train, valid = ratings[~held_out], ratings[held_out]
        predicted = alternating_least_squares(train, valid, world)
        best = world.expected(valid["user"], valid["movie"])
        of_biases = world.mean + world.user_bias[valid["user"] - 1] + world.movie_bias[valid["movie"] - 1]
        errors = [float(((p - valid["rating"]) ** 2).mean()) for p in (best, predicted, of_biases)]
        assert errors[0] < errors[1] < errors[0] + 0.35 * (errors[2] - errors[0])


def alternating_least_squares(train, valid, world, damping=0.5, rounds=15):
    """Predictions for `valid` (n,); the last column of each table is the bias."""
    k = world.user_factors.shape[1]
    user = np.random.default_rng(1).normal(0, 0.3, (len(world.user_bias), k + 1))
    movie = np.zeros((len(world.movie_bias), k + 1))
    u, m, rest = train["user"] - 1, train["movie"] - 1, train["rating"] - train["rating"].mean()
    u, m, rest = u.to_numpy(), m.to_numpy(), rest.to_numpy()
    for _ in range(rounds):
        for mine, other, a, b in ((movie, user, m, u), (user, movie, u, m)):
            for i in range(len(mine)):
                rows = a == i
                design = np.column_stack([other[b[rows], :k], np.ones(rows.sum())])
                goal = design.T @ (rest[rows] - other[b[rows], k])
                mine[i] = np.linalg.solve(design.T @ design + damping * np.eye(k + 1), goal)
    u, m = valid["user"].to_numpy() - 1, valid["movie"].to_numpy() - 1
    return train["rating"].mean() + user[u, k] + movie[m, k] + (user[u, :k] * movie[m, :k]).sum(axis=1)


class TestLoadRatings:
    @pytest.fixture
    def no_source(self, monkeypatch, tmp_path):
        def fails(progress):
            raise RatingsError("The cable is out.")

        monkeypatch.setenv("COLLABKIT_CACHE", str(tmp_path))
        monkeypatch.setattr(movielens_module, "_from_grouplens", fails)
        monkeypatch.setattr(movielens_module, "_from_wheel", fails)

    @pytest.mark.usefixtures("no_source")
    def test_without_any_source_a_planted_world_is_given_and_said(self, capfd):
        ratings = load_ratings()
        said = capfd.readouterr()
        assert ratings.attrs["source"] == "planted world"
        assert (len(ratings), ratings["user"].nunique(), ratings["movie"].nunique()) == (100_000, 943, 1682)
        assert "The cable is out" in said.out
        assert "planted world" in said.out
        assert said.err == ""

    @pytest.mark.usefixtures("no_source")
    def test_a_wrong_path_is_an_error_not_a_planted_world(self, tmp_path):
        with pytest.raises(RatingsError, match="nothing at"):
            load_ratings(tmp_path / "nowhere.zip")

    def test_gives_movielens_where_it_can(self, movielens, capfd):
        ratings = load_ratings(progress=False)
        assert ratings.attrs["source"] == "MovieLens 100K"
        pd.testing.assert_frame_equal(ratings, movielens)
        assert capfd.readouterr().err == ""


def test_the_excerpt_is_the_matrix_that_opens_the_course():
    matrix = excerpt()
    assert matrix.shape == (15, 15)
    assert (matrix.index.name, matrix.columns.name) == ("user", "movie")
    assert matrix.index.is_monotonic_increasing
    assert matrix.columns.is_monotonic_increasing
    assert matrix.loc[14, 27] == 3.0
    assert matrix.loc[72, 89] == 3.0
    assert np.isnan(matrix.loc[623, 27])
    assert int(matrix.isna().sum().sum()) == 19


def assert_one_sentence(error):
    text = str(error)
    assert text.endswith(".")
    assert "\n" not in text
    assert ": " in text  # what is wrong: what to do
