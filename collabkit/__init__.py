"""The reference library of the course: what a learner has rebuilt by the last lesson.

`from collabkit import DotProductBias, fit` gets any public name; the pictures are in `collabkit.plots`.
"""

from collabkit.baselines import DampedBiases, baseline_ladder, damped_biases, predict_biases
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
from collabkit.beyond import BEYOND, SVDPlusPlus, TimeSVDPlusPlus, TwoSidedSVDPlusPlus
from collabkit.functional import emb_sz_rule, get_emb_sz, mae, mse, rmse, sigmoid_range
from collabkit.interpret import nearest_items, pca, top_biases
from collabkit.matrix import density, fill_gaps, predict_rating, ratings_matrix
from collabkit.models import CollabNN, DotProduct, DotProductBias, Embedding
from collabkit.ratings import (
    PlantedWorld,
    RatingsError,
    excerpt,
    load_ratings,
    movielens_100k,
    planted_world,
    read_ratings,
)
from collabkit.training import BOOK, History, Preset, fit, gradient_step, learner, train

__all__ = [
    "BEYOND",
    "BOOK",
    "NA",
    "CollabDataLoaders",
    "CollabNN",
    "DampedBiases",
    "DotProduct",
    "DotProductBias",
    "Embedding",
    "History",
    "PlantedWorld",
    "Preset",
    "RatingDataset",
    "RatingLoader",
    "RatingsError",
    "SVDPlusPlus",
    "TimeSVDPlusPlus",
    "TwoSidedSVDPlusPlus",
    "baseline_ladder",
    "build_vocab",
    "damped_biases",
    "day_numbers",
    "density",
    "emb_sz_rule",
    "encode",
    "excerpt",
    "fill_gaps",
    "fit",
    "get_emb_sz",
    "gradient_step",
    "learner",
    "load_ratings",
    "lookup",
    "mae",
    "movielens_100k",
    "mse",
    "nearest_items",
    "one_epoch",
    "one_hot",
    "pca",
    "planted_world",
    "predict_biases",
    "predict_rating",
    "random_split",
    "ratings_matrix",
    "read_ratings",
    "rmse",
    "sigmoid_range",
    "top_biases",
    "train",
]
