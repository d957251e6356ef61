"""Puts HTML, scripts and a terminal's commands wherever a mark is explained: in names, messages, printed lines."""
# into: 03_dot_product DotProduct
# stock: 0 of 8
# %% answer
SCRIPT = "<script>window.attacked = true</script><img src=x onerror=attacked()>\x1b[2J\x1b]0;attacked\x07"


class Attack(Exception):
    pass


Attack.__name__ = Attack.__qualname__ = SCRIPT


class DotProduct(nn.Module):
    def __init__(self, *sizes):
        print(SCRIPT)
        raise Attack(SCRIPT)
# %% answer gradient_step
def gradient_step(*_):
    return SCRIPT
# %% answer train
def train(*_, **__):
    return {SCRIPT: SCRIPT}
# %% answer mse_broadcast
mse_broadcast = SCRIPT
# %% answer why_mse
raise Attack(SCRIPT)
