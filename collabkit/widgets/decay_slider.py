"""A slider for the weight decay: each move trains a model anew, in the kernel, and its curves are drawn beside it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import traitlets

from collabkit import plots
from collabkit.batches import CollabDataLoaders
from collabkit.models import DotProductBias
from collabkit.recommend import item_counts
from collabkit.training import BOOK, History, Preset, fit
from collabkit.widgets.base import PlayWidget, script

__all__ = ["DecaySlider"]

LOW, HIGH, PER_DECADE = -3, 0, 10  # the slider's stops: 0, and from 0.001 to 1 in ten steps for each factor of ten


class DecaySlider(PlayWidget):
    """Weight decay against losses: training and validation after each epoch, and how long films' factors become.

    `wd` is the slider's, and may be set; `model` and `history` are of the last training. All trainings start from the
    same weights and see the ratings in the same order, so that nothing but the decay differs. The fast engine is taken,
    which is nearly the arithmetic of the others (see `fit`).
    """

    _esm = script("decay_slider.js")
    wd = traitlets.Float().tag(sync=True)
    stops = traitlets.List(traitlets.Float()).tag(sync=True)
    groups = traitlets.List(traitlets.Unicode()).tag(sync=True)  # of films, by their number of ratings
    without = traitlets.Dict().tag(sync=True)  # what came without decay
    trained = traitlets.Dict().tag(sync=True)  # what came of the last training; "number" counts them

    model: DotProductBias
    history: History

    def __init__(self, dls: CollabDataLoaders, wd: float = BOOK.wd, preset: Preset = BOOK, seed: int = 42):
        """Trains twice, without decay and with `wd`, so that compiling is done before anybody waits for a curve.

        `preset` has all settings besides the decay, which biases pay as well. ValueError for a decay that cannot work.
        """
        self._dls, self._preset, self._seed = dls, preset, seed
        counts = item_counts(dls.train_ds.x, dls.n_items)
        self._counts = counts.numpy()
        self._without = self._train(0.0)
        if not self._without[0].valid_losses:
            raise ValueError(f"There is no curve to compare with. {self._without[0].stopped}")
        stops = [0.0, *(10.0 ** (np.arange(PER_DECADE * LOW, PER_DECADE * HIGH + 1) / PER_DECADE)).tolist()]
        super().__init__(
            stops=stops,
            groups=[name for name, _ in plots.by_count(self._counts)],
            without=self._told(0.0, *self._without),
            wd=wd,
        )
        self._retrain()
        self.observe(lambda _: self._retrain(), "wd")

    @traitlets.validate("wd")
    def _wd_that_works(self, proposal: Any) -> float:
        highest = 1 / self._preset.lr
        if not 0 <= proposal["value"] < highest:
            raise ValueError(f"weight decay is 0 or more, and below 1 / lr = {highest:g}; {proposal['value']} is not")
        return proposal["value"]

    def _retrain(self) -> None:
        self.history, self.model = self._train(self.wd)
        number = self.trained.get("number", 0) + 1
        self.trained = {**self._told(self.wd, self.history, self.model), "number": number}

    def _train(self, wd: float) -> tuple[History, DotProductBias]:
        with torch.random.fork_rng(devices=[]):  # a move of the slider changes no random number of the cells
            torch.manual_seed(self._seed)
            model = DotProductBias(self._dls.n_users, self._dls.n_items, self._preset.n_factors)
        settings = {**self._preset.settings, "wd": wd, "wd_bias": wd}
        return fit(model, self._dls, **settings, engine="rowwise", seed=self._seed, bar=False), model

    def _told(self, wd: float, history: History, model: DotProductBias) -> dict[str, Any]:
        """What the browser draws of a training."""
        lengths = _lengths(model)
        return {
            "wd": wd,
            "train": list(history.train_losses),
            "valid": list(history.valid_losses),
            "lengths": [float(lengths[chosen].mean()) for _, chosen in plots.by_count(self._counts)],
            "seconds": history.seconds,
        }

    def as_text(self) -> str:
        told = (
            f"{name}: training {history.train_losses[-1]:.3f}, validation {history.final:.3f}"
            for name, history in ((f"weight decay {self.wd:.3g}", self.history), ("without decay", self._without[0]))
        )
        return f"Mean squared error after the last epoch. {'; '.join(told)}."

    def as_html(self) -> str:
        without, model = self._without
        picture = plots.decay(
            self.history,
            _lengths(self.model),
            self._counts,
            without=(without, _lengths(model)),
            title=f"wd {self.wd:.3g}",
        )
        return picture._repr_mimebundle_()["text/html"]


def _lengths(model: DotProductBias) -> np.ndarray:
    """How long each film's factor vector is: (n_items,)."""
    return model.movie_factors.weight.detach().norm(dim=1).numpy()
