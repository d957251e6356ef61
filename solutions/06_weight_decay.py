# %% [markdown]
# # 6. Every weight pays rent
#
# The model of the last lesson has it all: factors for taste, biases for generous people and popular films, and a range
# that its predictions cannot leave. And it ended with a step *back* on the ladder. It knows its training ratings better and
# better, and from some epoch on it predicts all others worse. Today you cure that with one term more in the loss, and find
# out why it helps, where it must stand, and how large it should be.
#
# **You will be able to**
#
# - say why a model that learns by heart predicts badly, and see it in two curves;
# - write weight decay in its three forms: as a loss, as a gradient, as a step;
# - explain why small weights generalise better, and whom decay hits hardest;
# - take a step of AdamW by hand, and tell decoupled decay from L2 by experiment;
# - choose a setting by a sweep without fooling yourself.
#
# **Time**: about 90 minutes. **Points**: 10. Stuck? `hint("l2_loss")` gives the next hint, as often as you ask.

# %%
import inspect

import numpy as np
import pandas as pd
import torch
from fastai.optimizer import Adam

from autograde import check, give_up, hint, passed, progress, solution
from collabkit import plots
from collabkit.baselines import baseline_ladder
from collabkit.batches import CollabDataLoaders
from collabkit.models import DotProduct, DotProductBias
from collabkit.ratings import load_ratings
from collabkit.training import fit
from collabkit.widgets import DecaySlider

# %% demo="your progress, at the foot of the notebook"
progress(panel=True)

# %% [markdown]
# ## By heart
#
# The same ratings and the same split as before. To train, today's lesson uses `fit` from `collabkit`: the same
# one-cycle training as fastai's `Learner`, with its numbers, but compiled for exactly this kind of model. Five epochs
# take a fraction of a second, so from now on we can afford to *ask* the model things instead of believing them.

# %%
ratings = load_ratings()
dls = CollabDataLoaders.from_df(ratings, item_name="title", bs=64, seed=42)
train_x, train_y = dls.train_ds.x, dls.train_ds.y.flatten()
valid_x, valid_y = dls.valid_ds.x, dls.valid_ds.y.flatten()
ratings_of_film = torch.bincount(train_x[:, 1], minlength=dls.n_items)  # in the training part


def trained(wd, seed=42, loaders=dls, n_factors=50, wd_bias=None):
    """The model of lesson 5, five epochs with this weight decay. Returns the model and its history of losses."""
    torch.manual_seed(seed)
    model = DotProductBias(loaders.n_users, loaders.n_items, n_factors)
    history = fit(model, loaders, epochs=5, lr=5e-3, wd=wd, wd_bias=wd_bias, seed=seed, bar=False)
    return model, history


# %% demo="five epochs without any decay"
without, history_without = trained(wd=0)
baselines = baseline_ladder(dls.train_df, dls.valid_df)
print(f"five epochs in {history_without.seconds:.2f} s by the engine {history_without.engine!r}")
plots.learning_curves({"bias and range, no decay": history_without}, baseline=baselines["damped biases"])

# %% [markdown]
# Read the two curves as two pupils. The dashed one is asked what it was taught yesterday, the solid one gets questions
# that were never discussed. On MovieLens the first becomes brilliant. The second gets better for an epoch or two, and then
# *worse*. This is **overfitting**: the model goes on learning, but what it learns are the accidents of its training ratings,
# not the people and the films behind them.
#
# (In the planted world, which you see without a network, there are few accidents to learn and five epochs to learn them
# in: the solid curve does not turn, and decay can only get in its way. The arithmetic below is the same; what is said of
# MovieLens, you have to believe.)
#
# Is it a wonder? Count.

# %% demo="more numbers than ratings"
numbers = sum(parameter.numel() for parameter in without.parameters())
print(f"numbers in the model: {numbers:,}")
print(f"ratings to learn from: {len(train_x):,}, which is {len(train_x) / numbers:.2f} for each number")
per_film = ratings_of_film[ratings_of_film > 0]
few = int((per_film < 51).sum())
print(f"a film has 50 factors and a bias; {few:,} of {len(per_film):,} films have fewer than 51 ratings")

# %% [markdown]
# Whoever has more knobs than questions can get every answer right without understanding any. If a film has seven ratings
# and 51 numbers of its own, there are endless ways to turn the 51 so that the seven come out *exactly*. Nearly all of them
# are nonsense for the eighth.
#
# ## What nonsense looks like
#
# It looks like large numbers. Take the simplest function with one weight, $y = a\,x^2$, and make $a$ larger:

# %% demo="parabolas with small and large weights"
x = np.linspace(-2, 2, 201)
plots.functions(x, {f"a = {a}": a * x**2 for a in (1, 2, 5, 10, 50)}, ylim=(0, 6), title="y = a x²")

# %% [markdown]
# The larger the weight, the narrower the valley: a small change of $x$ makes a large change of $y$. Such steepness is what
# it takes to hit one point here and a quite different one right beside it. Ten noisy points and a polynomial with ten
# weights show it best. One curve has the smallest error on the points, whatever its weights. For the other, each weight
# costs a little:

# %% demo="ten points, ten weights: free, and with a price on each weight"
places, x = np.linspace(-1, 1, 10), np.linspace(-1, 1, 301)
powers, all_powers = (np.vander(each, 10, increasing=True) for each in (places, x))  # 1, x, x², ... x⁹


def noisy_points(seed):
    return np.sin(3 * places) + np.random.default_rng(seed).normal(0, 0.25, 10)


def best_weights(heights, price):
    """The ten weights with the smallest mean squared error on the points plus price times the sum of squared weights."""
    squares = powers.T @ powers / 10 + price * np.eye(10)
    return np.linalg.lstsq(squares, powers.T @ heights / 10, rcond=None)[0]


def off(weights):
    """Mean squared error against what the points came from, all along the curve."""
    return ((all_powers @ weights - np.sin(3 * x)) ** 2).mean()


heights, curves = noisy_points(2), {"what the points came from": np.sin(3 * x)}
for name, price in (("free", 0.0), ("with a price", 1e-3)):
    weights = best_weights(heights, price)
    curves[name] = all_powers @ weights
    print(f"{name:12} sum of the squared weights {(weights**2).sum():11,.1f}", end="   ")
    print(f"error on the points {((powers @ weights - heights) ** 2).mean():.3f}, against the truth {off(weights):.3f}")
wins = np.mean(
    [off(best_weights(noisy_points(seed), 1e-3)) < off(best_weights(noisy_points(seed), 0)) for seed in range(200)]
)
print(f"With other noise on the points, 200 times: the one with a price is closer to the truth in {wins:.0%}.")
plots.functions(x, curves, points=(places, heights), ylim=(-2.5, 2.5))

# %% [markdown]
# The free curve goes through every point and pays for it in between, with weights that cancel each other out. The other
# one misses the points by a little, and is much closer to where they came from. Nobody told it the truth. It was only
# told that *weights cost something*.
#
# ## Rent
#
# So let every number in the model pay rent, in proportion to its square:
#
# $$L_{\text{wd}} = L + \text{wd} \cdot \sum_i w_i^2$$
#
# where $L$ is the loss that you know, the mean squared error, and the sum goes over *all* numbers in all parameters. A
# large weight may still stay, if it earns its rent by making $L$ smaller. A weight that explains a hundred ratings can
# afford it. A weight that is there for one odd rating cannot.
#
# This is **L2 regularisation**: the 2 is the power. Its other name, **weight decay**, will explain itself in a moment.


# %% exercise="l2_loss"
def l2_loss(loss, parameters, wd):
    """The loss plus wd times the sum of all squared weights.

    loss: a tensor with one number; parameters: a list of tensors of any shapes; wd: a number.
    Returns a tensor that gradients can flow back from, to every parameter.
    Example: loss 1.0, parameters [tensor([1., 2.]), tensor([[3.]])], wd 0.1 -> 1.0 + 0.1 * (1 + 4 + 9) = 2.4
    """
    ### BEGIN SOLUTION
    return loss + wd * sum((p**2).sum() for p in parameters)
    ### END SOLUTION


# %% check="l2_loss"
check("l2_loss", l2_loss)

# %% [markdown] question="decay_formula"

# %% [markdown]
# ### You have done this before
#
# Take a single film and a model with a single number for it: by how much it lies above or below the mean. Let your
# `l2_loss` find that number by gradient descent, with the squared errors *summed* over the film's ratings and a rent of
# 10:

# %% demo="one bias under your l2_loss, and the damped bias of lesson 1"
if passed("l2_loss"):
    titles = dls.classes["title"]
    by_count = ratings_of_film.argsort()
    mean = train_y.mean()
    for film in (by_count[-1], by_count[len(by_count) * 4 // 5], by_count[len(by_count) // 2]):
        above = train_y[train_x[:, 1] == film] - mean
        bias = torch.zeros(1, requires_grad=True)
        for _ in range(300):
            loss = l2_loss(((above - bias) ** 2).sum(), [bias], wd=10.0)
            loss.backward()
            with torch.no_grad():
                bias -= 0.4 / (len(above) + 10) * bias.grad
            bias.grad = None
        n, plain = len(above), above.mean()
        print(f"{n:4} ratings, {plain:+.3f} above the mean on average: l2_loss finds {bias.item():+.3f}", end=", ")
        print(f"sum / (n + 10) is {above.sum() / (n + 10):+.3f}   {titles[film][:30]}")

# %% [markdown]
# It is the *damping* of lesson 1, to the last digit. You can prove it on one line: where
# $\sum_i (d_i - b)^2 + \lambda b^2$ is lowest, its derivative is zero, so $b = \sum_i d_i / (n + \lambda)$. Ten ratings
# that we pretended to have, or ten units of rent: the same thing. And you knew then already whom it hits: a film with many
# ratings hardly feels it, a film with few is pulled to the mean.
#
# ## Where the pull comes from
#
# Nobody computes that big sum in practice. Training needs only its *gradient*, and that is very simple. In the sum each
# weight stands alone, so its derivative knows nothing of the others:
#
# $$\frac{\partial}{\partial w_i}\Big(\text{wd}\sum_j w_j^2\Big) = 2\,\text{wd}\,w_i$$
#
# The pull is in proportion to the weight itself, and it always points away from zero, which means that the *step*, going
# the other way, leads to zero. A weight of 3 is pulled three times as hard as a weight of 1, and a weight of 0 is left in
# peace.
#
# So we may skip the sum and add this to the gradients that are there. Write it: afterwards each `p.grad` must be what
# `backward` would have left if it had started from your `l2_loss`.


# %% exercise="decay_gradients"
def decay_gradients(parameters, wd):
    """Add to each parameter's gradient what the penalty wd * (sum of squares) contributes. Returns nothing.

    parameters: a list of nn.Parameter, each with its gradient of the plain loss in `p.grad`, which is changed in place.
    The parameters themselves stay as they are.
    """
    ### BEGIN SOLUTION
    with torch.no_grad():
        for p in parameters:
            p.grad += 2 * wd * p
    ### END SOLUTION


# %% check="decay_gradients"
check("decay_gradients", decay_gradients)

# %% [markdown] question="decay_arithmetic"

# %% demo="the same gradient by both ways, on the real model and a real batch"
if passed("l2_loss") and passed("decay_gradients"):
    batch_x, batch_y = train_x[:64], train_y[:64]
    parameters = list(without.parameters())

    def plain_loss():
        return ((without(batch_x) - batch_y) ** 2).mean()

    without.zero_grad()
    l2_loss(plain_loss(), parameters, wd=0.1).backward()
    through_the_loss = [p.grad.clone() for p in parameters]
    without.zero_grad()
    plain_loss().backward()
    decay_gradients(parameters, wd=0.1)
    largest = max((p.grad - wanted).abs().max().item() for p, wanted in zip(parameters, through_the_loss))
    print(f"largest difference between the two ways, over {numbers:,} gradients: {largest:.1e}")
    without.zero_grad()

# %% [markdown]
# ## Why it is called decay
#
# Put this gradient into the step of lesson 3. From here on we do as PyTorch and fastai do and drop the 2: since wd is ours
# to choose, it may as well be twice as large. One step of SGD with learning rate $\eta$ is then
#
# $$w \leftarrow w - \eta\,\Big(\frac{\partial L}{\partial w} + \text{wd}\, w\Big)
#    = (1 - \eta\,\text{wd})\, w - \eta\,\frac{\partial L}{\partial w}$$
#
# Both sides are the same, but read the right one aloud: *keep almost all of the weight, then take the usual step*. At each
# step a weight loses a fixed share of itself, like a radioactive element. Whatever the ratings do not renew, decays.


# %% exercise="sgd_step"
def sgd_step(parameters, lr, wd):
    """One step of gradient descent with weight decay, for each parameter in place. Returns nothing.

    parameters: a list of nn.Parameter with their gradients in `p.grad`; lr: the learning rate; wd: the decay, without
    a factor 2. All parameters decay, biases as well, and by the weight that they have *before* the step.
    """
    ### BEGIN SOLUTION
    with torch.no_grad():
        for p in parameters:
            p -= lr * (p.grad + wd * p)
    ### END SOLUTION


# %% check="sgd_step"
check("sgd_step", sgd_step)

# %% demo="a weight that nobody renews"
if passed("sgd_step"):
    lr, wd = 5e-3, 0.1
    lonely = torch.nn.Parameter(torch.ones(1))
    lonely.grad = torch.zeros(1)
    kept, steps_per_epoch = [1.0], len(dls.train)
    for _ in range(5):
        for _ in range(steps_per_epoch):
            sgd_step([lonely], lr, wd)
        kept.append(lonely.item())
    print(f"each step keeps {1 - lr * wd:.4f} of a weight; half of it is gone after", end=" ")
    print(f"{np.log(0.5) / np.log(1 - lr * wd):,.0f} steps")
    print(f"after 0 to 5 epochs of {steps_per_epoch:,} steps: " + ", ".join(f"{share:.3f}" for share in kept))

# %% [markdown]
# Half a thousandth a step sounds like nothing. But there are many steps. And think of a row of the embedding: it gets a
# gradient only when its film is in the batch, and *decays in every step*. A film that comes once in an epoch has one step
# in which to defend itself, and more than a thousand in which it only loses.
#
# ## Play: how much rent?
#
# Here is the whole thing at work. Each time you move the slider, **the model is trained anew**, five epochs on the real
# ratings with that decay. First come its losses, then how long the films' factor vectors have become, for films with few
# and with many ratings. Grey is the training without decay, always the same. (`fit` has a still faster engine, which makes
# up for the decay of a row when the row is next needed. The slider takes that one; its third digit may differ from the
# tables of this lesson.)
#
# Start at the left end, where there is no decay, and go up in small steps (the arrow keys move the slider, too).
#
# - Which of the two blue curves of the losses moves first, and which way?
# - Where is the gap between dashed and solid closed? Is that where the solid one is lowest?
# - Which films lose the larger share of their length, in the other picture?
# - Go to 1. This is no longer overfitting. What would you call it?

# %% demo="a slider for the weight decay: every move trains the model"
slider = DecaySlider(dls, wd=0.1)
slider

# %% [markdown]
# Three settings side by side, so that you can check what you saw:

# %% demo="no decay, a little, and the book's"
histories = {f"wd {wd:g}": trained(wd)[1] for wd in (0, 0.01, 0.1)}
display(plots.learning_curves(histories, baseline=baselines["damped biases"]))
rows = {
    name: {
        "training": f"{each.train_losses[-1]:.3f}",
        "validation": f"{each.final:.3f}",
        "gap": f"{each.final - each.train_losses[-1]:.3f}",
        "best epoch": f"{each.best:.3f} in epoch {1 + each.valid_losses.index(each.best)}",
    }
    for name, each in histories.items()
}
display(pd.DataFrame(rows).T)

# %% [markdown]
# On MovieLens the row of wd 0.1 has the *worst* training loss and the *best* validation loss of the three. That is
# what regularisation is: giving up some of what you measure while training, to win some of what you want. Too much of it and
# both get worse, the model can no longer afford to learn anything. That is **underfitting**.
#
# The last column tells of another remedy: stop at the best epoch. It helps, and costs nothing. But on MovieLens the best
# epoch without decay is still behind the last one with it. One stops the pupil before they learn by heart; the other lets
# them study to the end and makes learning by heart expensive.

# %% [markdown] question="why_it_helps"

# %% [markdown]
# ### Who gains?
#
# If rent takes from those who cannot pay, then decay should help most where ratings are few. Or should it? Guess: which
# films gain most, those with a handful of ratings or those with hundreds? Then split the held-back ratings by how many
# ratings their film has in training, and compare the two models.

# %% demo="errors by the number of ratings of the film, with and without decay"
decayed, _ = trained(wd=0.1)
with torch.no_grad():
    errors = {name: (model(valid_x) - valid_y) ** 2 for name, model in (("wd 0", without), ("wd 0.1", decayed))}
seen = ratings_of_film[valid_x[:, 1]]
table = pd.DataFrame(
    errors, index=pd.cut(seen.numpy(), [-1, 9, 29, 99, 10_000], labels=["0–9", "10–29", "30–99", "100+"])
)
table = table.apply(lambda column: column.astype(float)).groupby(level=0, observed=True).agg(["mean", "size"])
table = pd.DataFrame(
    {
        "held-back ratings": table["wd 0", "size"],
        "MSE, wd 0": table["wd 0", "mean"].round(3),
        "MSE, wd 0.1": table["wd 0.1", "mean"].round(3),
    }
)
table["better by"] = table["MSE, wd 0"] - table["MSE, wd 0.1"]
display(table.rename_axis("ratings of the film in training"))

# %% [markdown]
# Were you right? On MovieLens it is *not* the rarest films that gain most, they gain least. The slider's second picture has the reason. Even without decay the factors of rare films are short: in
# five epochs their few ratings come by so seldom that there is no time to learn them by heart. A popular film meets its
# ratings many hundred times. It has learned what it can, *and then* goes on, into the accidents.
#
# So do not count the ratings alone, count how much freedom they meet, and for how long. If that is true, a model with fewer
# factors should need less rent. Ask it:

# %% demo="number of factors against decay"
grid = {
    f"{k} factors": {f"wd {wd:g}": trained(wd, n_factors=k)[1].final for wd in (0, 0.01, 0.1, 0.2)}
    for k in (5, 10, 20, 50, 100)
}
pd.DataFrame(grid).T.round(3)

# %% [markdown]
# On MovieLens a small model hardly overfits, and a strong decay only gets in its way. The larger the model, the more decay
# it needs and the more it loses without. Fewer factors and more decay are two ways to the same end: to limit what can be learned by
# heart. The second is a dial that turns smoothly, which is why we prefer it.
#
# ## The optimiser that divides
#
# So far the step was SGD. But `Learner` and `fit` take **Adam**, and with Adam it matters *where* the decay stands. Adam
# keeps two running averages for every single weight: $m$, of its gradients, and $v$, of their squares. It steps by $m$,
# divided by the root of $v$. So each weight moves at about the same speed, be its gradients large or tiny.
#
# Now think what that does to a penalty that sits in the gradient. It is divided as well, by the size that gradients
# usually have *for this weight*. For a film that is in every other batch, the penalty is a small part of a large gradient.
# For a rare film it is, in almost every step, all the gradient there is. Adam divides it by about its own size, and the
# weight takes a full step towards zero, however small wd is. The rent is no longer in proportion to the weight.
#
# The way out is to leave the gradient alone and shrink the weight directly, the right-hand side of the formula above. For
# SGD the two are the same. For Adam they are not, and the second has a name of its own: **decoupled weight decay**, and
# the optimiser that does so is **AdamW** (Loshchilov and Hutter, 2019). Step number $t = 1, 2, \dots$ with gradient $g$:
#
# $$\begin{aligned}
# m &\leftarrow \beta_1 m + (1 - \beta_1)\, g & \hat m &= m / (1 - \beta_1^t)\\
# v &\leftarrow \beta_2 v + (1 - \beta_2)\, g^2 & \hat v &= v / (1 - \beta_2^t)\\
# w &\leftarrow (1 - \eta\,\text{wd})\, w - \eta\,\frac{\hat m}{\sqrt{\hat v} + \epsilon}
# \end{aligned}$$
#
# The hats make up for $m$ and $v$ starting from zero; they are used in this step and then forgotten.


# %% exercise="adamw_step"
def adamw_step(w, g, m, v, t, lr, wd, beta1=0.9, beta2=0.99, eps=1e-5):
    """One step of Adam with decoupled weight decay. Returns the new w, m and v (not the hats).

    w: the weight; g: its gradient; m, v: the running averages so far; all four are tensors of the same shape.
    t: the number of this step, 1 for the first.
    """
    ### BEGIN SOLUTION
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    w = (1 - lr * wd) * w - lr * m_hat / (v_hat.sqrt() + eps)
    return w, m, v
    ### END SOLUTION


# %% check="adamw_step"
check("adamw_step", adamw_step)

# %% [markdown]
# ### One experiment, four outcomes
#
# Two weights, both drawn to 1 by their ratings. The first gets a gradient in every step, like a very popular film. The
# second only in one step out of 500, like a rare one. *L2* means to put `wd * w` into the gradient and let the optimiser
# do with it what it does with gradients; *decoupled* means to shrink the weight itself. All of it is done by *your* two
# functions, with the same decay.

# %% demo="L2 against decoupled decay, under SGD and under Adam"
if passed("sgd_step") and passed("adamw_step"):

    def drawn_to_one(optimiser, decay, lr=0.02, wd=0.01, steps=8000):
        """Two weights, averaged over the last thousand steps."""
        w, m, v, total = torch.nn.Parameter(torch.zeros(2)), torch.zeros(2), torch.zeros(2), torch.zeros(2)
        for t in range(1, steps + 1):
            rated = torch.tensor([1.0, 1.0 if t % 500 == 0 else 0.0])
            w.grad = rated * 2 * (w.detach() - 1)  # of (w - 1) ** 2, where there is a rating
            if decay == "L2":
                w.grad += wd * w.detach()
            elif optimiser == "SGD":
                w.data *= 1 - lr * wd
            if optimiser == "SGD":
                sgd_step([w], lr, 0.0)
            else:
                w.data, m, v = adamw_step(w.detach(), w.grad, m, v, t, lr, 0.0 if decay == "L2" else wd)
            total += w.detach() if t > steps - 1000 else 0
        return total / 1000

    outcome = {
        f"{optimiser}, {decay}": drawn_to_one(optimiser, decay).tolist()
        for optimiser in ("SGD", "Adam")
        for decay in ("L2", "decoupled")
    }
    display(pd.DataFrame(outcome, index=["gradient in every step", "gradient in one step of 500"]).T.round(3))

# %% [markdown]
# Under SGD the two rows agree. Under Adam the same number does opposite things to the rare weight. In the gradient it takes
# even more than with SGD. In the step it takes much less, since Adam gives the few gradients of the rare weight the full
# size as well, and beside such steps a decay of this strength is small. That is why wd looks so large with AdamW: it is
# measured against *steps*, not against gradients.
#
# ### And for real?
#
# Now your `adamw_step` trains the real model, on all the ratings, four times. For *L2* the decay goes into the gradient and
# the step gets `wd=0`. (The batches are larger than before, 256, and the schedule is simpler, so that it is quick. Compare
# the rows with each other, not with the numbers above.)
#
# The last column translates. In the loss, decay stands beside a *mean* over $N$ ratings. Multiply by $N$ and you are back at
# the damping: without the factor 2, a decay of wd is worth $\text{wd}\cdot N / 2$ pretended ratings for each film.


# %%
def lengths(model):
    """How long each film's factor vector is: (n_films,)."""
    return model.movie_factors.weight.detach().norm(dim=1)


# %% demo="your own AdamW on the real ratings"
if passed("adamw_step"):

    def train_with_your_step(wd, decay, epochs=5, lr=5e-3):
        torch.manual_seed(42)
        model = DotProductBias(dls.n_users, dls.n_items, 50)
        weights = list(model.parameters())
        averages = [(torch.zeros_like(w), torch.zeros_like(w)) for w in weights]
        batches = [rows for _ in range(epochs) for rows in torch.randperm(len(train_x)).split(256)]
        for t, rows in enumerate(batches, start=1):
            loss = ((model(train_x[rows]) - train_y[rows]) ** 2).mean()
            gradients = torch.autograd.grad(loss, weights)
            rate = lr * (1 - (t - 1) / len(batches))
            with torch.no_grad():
                for i, (w, g, (m, v)) in enumerate(zip(weights, gradients, averages)):
                    if decay == "L2":
                        new, *averages[i] = adamw_step(w, g + wd * w, m, v, t, rate, 0.0)
                    else:
                        new, *averages[i] = adamw_step(w, g, m, v, t, rate, wd)
                    w.copy_(new)
        with torch.no_grad():
            error = ((model(valid_x) - valid_y) ** 2).mean().item()
        rare, popular = ((ratings_of_film >= low) & (ratings_of_film <= high) for low, high in ((1, 9), (100, 10_000)))
        return {
            "validation MSE": f"{error:.3f}",
            "length, rare films": f"{lengths(model)[rare].mean():.3f}",
            "length, popular films": f"{lengths(model)[popular].mean():.3f}",
            "worth in pretended ratings": f"{wd * len(train_x) / 2:,.0f}" if decay == "L2" else "",
        }

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # tensors as small as these gain nothing from more
    runs = {
        f"{decay}, wd {wd:g}": train_with_your_step(wd, decay)
        for wd, decay in ((0.0, "decoupled"), (0.1, "decoupled"), (0.1, "L2"), (1e-4, "L2"))
    }
    torch.set_num_threads(threads)
    display(pd.DataFrame(runs).T)

# %% [markdown]
# Look at the third row. The 0.1 that does good in the step wipes everything out in the loss, and the last column says why:
# it lends each film far more average ratings than any film has.
#
# Now look at the fourth, and do not believe everybody who tells you that L2 is broken under Adam. At a strength that is
# worth a handful of pretended ratings, not far from the damping of lesson 1, it does at least as well on MovieLens. It is
# merely *another thing*: its number means something else, and it shortens the rare films far more than the popular ones. So
# whenever you read "weight decay 0.1", ask: in the loss, or in the step?

# %% [markdown] question="l2_under_adam"

# %% [markdown]
# ### "Without weight decay", says fastai
#
# In lessons 3 to 5 we never mentioned it. Was there none?

# %% demo="fastai's default"
default = inspect.signature(Adam).parameters
print(f"fastai's Adam: wd={default['wd'].default}, decouple_wd={default['decouple_wd'].default}")

# %% [markdown]
# It was there, all the time: small, decoupled, on the biases too. To have none you must say `wd=0`. The curves for 0 and for
# this default lie above, in the picture with three settings.
#
# ## How much?
#
# You have moved the slider until the solid curve was lowest. That was the right idea, with two flaws. You saw a single seed,
# and two runs with the same decay differ, too. And you chose by the held-back ratings: whoever does that has peeked, and the
# number that they then report is a little too good.
#
# Both can be mended. Train each setting with several seeds and take the mean. And let the choice be made on a hold-out of
# its own, cut *out of the training part*; the ratings that we report on stay out of sight until the end.

# %%
inner = CollabDataLoaders.from_df(dls.train_df, item_name="title", bs=64, seed=1)


def losses(wd, seed):
    """(training loss, validation loss) after five epochs on the training part alone, which is split once more."""
    _, history = trained(wd, seed=seed, loaders=inner)
    return history.train_losses[-1], history.final


# %% [markdown]
# Write the sweep for any such function: `losses(wd, seed)` trains once and returns two numbers, as the one above does.


# %% exercise="sweep"
def sweep(losses, wds, seeds):
    """Try each decay with each seed, and find the best.

    losses: a function; losses(wd, seed) returns the pair (training loss, validation loss) of one training.
    wds, seeds: lists of numbers.
    Returns (best, means): means is a dict that gives for each wd its mean validation loss over all seeds,
    and best is the wd whose mean is smallest.
    """
    ### BEGIN SOLUTION
    means = {wd: sum(losses(wd, seed)[1] for seed in seeds) / len(seeds) for wd in wds}
    return min(means, key=means.get), means
    ### END SOLUTION


# %% check="sweep"
check("sweep", sweep)

# %% demo="your sweep over the real ratings"
if passed("sweep"):
    every = {}

    def remembered(wd, seed):
        pair = losses(wd, seed)
        every.setdefault(wd, []).append(pair)
        return pair

    best, means = sweep(remembered, wds=[0.0, 0.01, 0.03, 0.1, 0.2, 0.3, 1.0], seeds=[1, 2, 3])
    display(plots.sweep(every))
    spread = max(max(v for _, v in pairs) - min(v for _, v in pairs) for pairs in every.values())
    second = sorted(means.values())[1]
    print(f"best: wd {best:g} with {means[best]:.3f}; the runner-up is {second - means[best]:.3f} behind,", end=" ")
    print(f"and seeds differ by up to {spread:.3f}")

# %% [markdown]
# This is the picture to remember. The training loss only ever rises with the decay: whoever listened to it would always
# choose none. On MovieLens the validation loss has a valley. To its left the model learns by heart, to
# its right it cannot learn. And the bottom is *flat*: compare the lead over the runner-up with what a mere seed can do, in
# the line below the picture, and do not boast about a third digit. Between neighbours near the bottom the choice hardly
# matters; between none and some it matters a great deal.
#
# ### Should biases pay?
#
# Your `sgd_step` let all parameters decay, as fastai does. But what does it mean to pull a *bias* to zero? With a range of
# (0, 5.5), all zeros predict the middle, 2.75 stars. The mean rating is elsewhere, and it is the biases that have to
# bring the model there, against the rent. To spare them is one argument of `fit`:

# %% demo="biases that pay, and biases that do not"
print(f"all weights zero: {5.5 / 2:.2f} stars; mean rating: {train_y.mean():.2f} stars")
paying = {
    f"wd {wd:g}": {
        "biases decay": np.mean([trained(wd, seed)[1].final for seed in (1, 2, 3)]),
        "biases are spared": np.mean([trained(wd, seed, wd_bias=0)[1].final for seed in (1, 2, 3)]),
    }
    for wd in (0.1, 0.2, 0.4)
}
pd.DataFrame(paying).T.round(3)

# %% [markdown]
# On MovieLens, sparing them is better in each of these rows, and the more so the stronger the decay. A bias is one number that all
# ratings of a film or a user share: it earns its keep, and it cannot learn by heart. So when it is done on purpose,
# exempting biases is a good idea; by accident, it was a mistake that cost you points above.
#
# ## The ladder
#
# The models of lessons 3 to 5 as they were trained there, with fastai's 0.01, and today's with the book's 0.1, all on the
# ratings that we have kept out of the sweep.

# %% demo="the ladder with today's rungs"
rungs = dict(baselines)
torch.manual_seed(42)
dot_product = DotProduct(dls.n_users, dls.n_items, 50)
rungs["dot product"] = fit(dot_product, dls, seed=42, bar=False).final
torch.manual_seed(42)
unbounded = DotProductBias(dls.n_users, dls.n_items, 50, y_range=None)
rungs["dot product + biases"] = fit(unbounded, dls, seed=42, bar=False).final
rungs["the same in a range (0, 5.5)"] = trained(wd=0.01)[1].final
rungs["the same with decay 0.1"] = trained(wd=0.1)[1].final
if passed("sweep"):
    rungs[f"your decay {best:g}, biases spared"] = trained(wd=best, wd_bias=0)[1].final
display(plots.ladder(rungs))

# %% [markdown]
# On MovieLens no step since the damped biases was as large, and the model has not become any cleverer: the same factors,
# the same biases, the same range. It was always able to predict like this. It only had to be kept from learning by
# heart.
#
# ## What you take along
#
# - A model with more numbers than ratings can learn them by heart. Training loss falls, validation loss turns: overfitting.
# - Weight decay, or L2 regularisation: $L + \text{wd}\sum w^2$, with the gradient $2\,\text{wd}\,w$. In each step a weight loses a
#   share of itself; the 2 is usually counted as part of wd.
# - It generalises because rent can be paid from what many ratings share, and not from the accident of one. For a single
#   number it is the damping of lesson 1.
# - In the gradient or in the step is the same for SGD, and not for Adam. fastai decays in the step, by 0.01 if you say
#   nothing.
# - Choose by a hold-out of its own, over several seeds, and look how flat the valley is.
#
# **Next**: you have used `Embedding` since lesson 3 as if it were magic. It is six lines of Python. *Lesson 7* writes them,
# and finds out how PyTorch knows which numbers of a model are to be learned, and to decay.

# %% demo="what you have earned so far"
progress()
