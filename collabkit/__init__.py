"""The reference library of the course: what a learner has rebuilt by the last lesson.

`from collabkit import DotProductBias, fit` gets any public name; the pictures are in `collabkit.plots`.
A module is imported when the first of its names is asked for: models alone need no fastai, which takes seconds.
"""

import importlib
from typing import Any

# module -> the public names that the package hands on from it
_NAMES = {
    "baselines": "DampedBiases baseline_ladder damped_biases predict_biases",
    "batches": (
        "NA CollabDataLoaders RatingDataset RatingLoader build_vocab day_numbers encode lookup one_epoch "
        "one_hot random_split"
    ),
    "beyond": "BEYOND SVDPlusPlus TimeSVDPlusPlus TwoSidedSVDPlusPlus",
    "functional": "emb_sz_rule get_emb_sz mae mse rmse sigmoid_range",
    "interpret": "nearest_items pca top_biases",
    "matrix": "density fill_gaps predict_rating ratings_matrix",
    "models": "CollabNN DotProduct DotProductBias Embedding",
    "ratings": "PlantedWorld RatingsError excerpt load_ratings movielens_100k planted_world read_ratings",
    "recommend": (
        "MeanOverUsers NewUser Recommendations average_user fold_in item_counts ndcg_at_k precision_at_k "
        "predict_new_user recall_at_k recommend_to_new_user recommend_to_users similar_items top_k"
    ),
    "training": "BEST BOOK FAST History Preset fit gradient_step learner train",
}
_MODULES = {
    *_NAMES,
    "cache",
    "engines",
    "errors",
    "kernels",
    "movielens",
    "picture",
    "planted",
    "plots",
    "schedule",
    "widgets",
}
_HOME = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_MODULES})
