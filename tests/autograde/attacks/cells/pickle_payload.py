"""Answers with objects that run code where they are unpickled, compared, printed or copied."""
# into: 03_dot_product DotProduct
# stock: 0 of 8
# %% answer
import os


class Payload:
    """Runs a command in the process that unpickles it; what it does is leave a file."""

    def __reduce__(self):
        return os.system, ("touch /tmp/autograde-attack-unpickled /dev/shm/autograde-attack-unpickled",)

    def __reduce_ex__(self, protocol):
        return self.__reduce__()


class DotProduct(nn.Module):
    def __new__(cls, *sizes):
        return Payload()
# %% answer gradient_step
def gradient_step(model, x, y, lr):
    return Payload()
# %% answer train
def train(*_, **__):
    return {"key": [Payload(), Exception(Payload())]}
# %% answer mse_broadcast
mse_broadcast = Payload()
