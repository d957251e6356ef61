"""fastai's one-cycle schedule and the constants of its Adam, as numbers; nothing here trains anything."""

from __future__ import annotations

import numpy as np

__all__ = ["BETA2", "EPS", "one_cycle"]

BETA2, EPS = 0.99, 1e-5  # of fastai's Adam; torch's defaults are 0.999 and 1e-8
DIV, DIV_FINAL, PCT_START, MOMS = 25.0, 1e5, 0.25, (0.95, 0.85, 0.95)  # of fastai's fit_one_cycle


def one_cycle(n_steps: int, lr: float) -> tuple[np.ndarray, np.ndarray]:
    """Learning rate and momentum (beta1) of each step, two float64 arrays (n_steps,).

    A quarter of the way up from lr / 25 by a cosine, the rest down to lr / 100,000, momentum the other way.
    Source: Smith 2018, in the form of fastai's `fit_one_cycle`.
    """
    done = np.arange(n_steps) / n_steps  # share of the training behind us, 0 at the first step
    rises = done < PCT_START
    share = np.where(rises, done / PCT_START, (done - PCT_START) / (1 - PCT_START))

    def cosine(start: float, end: float) -> np.ndarray:
        return start + (1 + np.cos(np.pi * (1 - share))) * (end - start) / 2

    lrs = np.where(rises, cosine(lr / DIV, lr), cosine(lr, lr / DIV_FINAL))
    return lrs, np.where(rises, cosine(MOMS[0], MOMS[1]), cosine(MOMS[1], MOMS[2]))
