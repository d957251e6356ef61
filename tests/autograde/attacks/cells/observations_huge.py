"""Answers with what is too large: a list that holds itself, deep lists, a million items, a tensor of 4 GB that is none."""
# into: 03_dot_product DotProduct
# stock: 0 of 8
# %% answer
class DotProduct(nn.Module):
    def __init__(self, *sizes):
        super().__init__()
        self.users = nn.Parameter(torch.zeros(7, 5))

    def forward(self, x):
        return torch.zeros(1).expand(1 << 30)
# %% answer gradient_step
def gradient_step(model, x, y, lr):
    deep = []
    deep.append(deep)
    return deep
# %% answer train
def train(*_, **__):
    return {"k" * 1_000_000: ["x" * 1_000_000] * 100, "numbers": [10**100_000] * 1000}
# %% answer mse_broadcast
mse_broadcast = "c" * 50_000_000
# %% answer why_mse
why_mse = "d" + "\ud800" * 1000 + "\0"
