"""Takes the finished rmse from fastai's metrics."""
# into: 01_latent_factors rmse
# stock: 0.75 of 9
# %% answer
import torch
from fastai import metrics


def rmse(predictions, targets):
    return float(metrics._rmse(torch.as_tensor(predictions), torch.as_tensor(targets)))
