"""The loop that a reader would write by hand: a DataLoader, AdamW and a one-cycle schedule; nothing here is tuned."""

from __future__ import annotations

import time

import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import OneCycleLR
from torch.utils.data import DataLoader, TensorDataset

from collabkit.batches import CollabDataLoaders

__all__ = ["train_plainly"]


def train_plainly(
    model: nn.Module,
    dls: CollabDataLoaders,
    epochs: int = 5,
    lr: float = 5e-3,
    wd: float = 0.1,
    *,
    bs: int | None = None,
    seed: int = 42,
) -> list[float]:
    """Train in place on the training ratings of `dls`; returns the seconds of each epoch, without validation.

    Only the tensors of `dls` are used, in batches of `bs` (its own where that is None). Decay, schedule and the
    constants of Adam are those of fastai's `fit_one_cycle`, so that the losses can be compared.
    """
    ratings = TensorDataset(dls.train_ds.x, dls.train_ds.y.flatten())
    order = torch.Generator().manual_seed(seed)
    loader = DataLoader(ratings, batch_size=bs or dls.train.bs, shuffle=True, generator=order)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=wd, betas=(0.95, 0.99), eps=1e-5)
    schedule = OneCycleLR(
        optimizer,
        max_lr=lr,
        total_steps=epochs * len(loader),
        pct_start=0.25,
        div_factor=25,
        final_div_factor=4e3,  # of the first rate, not of the highest: 25 * 4e3 is fastai's 1e5
    )
    model.train()
    seconds = []
    for _ in range(epochs):
        began = time.perf_counter()
        for x, y in loader:
            loss = F.mse_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        seconds.append(time.perf_counter() - began)
    return seconds
