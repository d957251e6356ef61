"""Lesson 06: the penalty on large weights, its gradient, one step of SGD and of AdamW, and a sweep."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from autograde.exercise import Exercise, Question
from autograde.observe import CannotAsk, seeded


class Overfitter:
    """A small network, a batch for it and a weight decay. Two of its four parameters are biases."""

    def __init__(self, rng):
        self.x = torch.from_numpy(rng.normal(size=(9, 3)).astype("float32"))
        self.y = torch.from_numpy(rng.normal(size=9).astype("float32"))
        self.lr, self.wd = float(rng.uniform(0.1, 0.3)), float(rng.uniform(0.2, 0.6))
        self.key = int(rng.integers(1 << 30))

    def model(self) -> nn.Module:
        model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1), nn.Flatten(0))
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.copy_(seeded(tuple(parameter.shape), self.key))
        return model

    def loss(self, model: nn.Module) -> Tensor:
        return ((model(self.x) - self.y) ** 2).mean()

    def with_gradients(self) -> nn.Module:
        model = self.model()
        self.loss(model).backward()
        return model


def draw(rng):
    return Overfitter(rng)


def gradients(model: nn.Module) -> dict[str, Tensor | None]:
    return {f"gradient of {name}": parameter.grad for name, parameter in model.named_parameters()}


def weights(model: nn.Module) -> dict[str, Tensor]:
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}


# ---- l2_loss


def _l2_loss(loss, parameters, wd):
    return loss + wd * sum((p**2).sum() for p in parameters)


_l2_loss.__name__ = "l2_loss"

l2_loss = Exercise(
    reference=_l2_loss,
    hints=(
        "One parameter is a whole tensor. Square all its numbers and add them up: that is one number.",
        "Do that for every parameter and add the results: `sum(... for p in parameters)`.",
        "`return loss + wd * sum((p**2).sum() for p in parameters)`",
    ),
)
l2_loss.given(draw)


@l2_loss.check(points=1)
def value_of_the_loss(l2_loss, given):
    """Adds wd times the sum of all squared weights to the loss"""
    model = given.model()
    loss = l2_loss(given.loss(model), list(model.parameters()), given.wd)
    return loss if loss is None else float(loss.detach() if isinstance(loss, Tensor) else loss)


@l2_loss.check(points=1)
def gradients_of_the_loss(l2_loss, given):
    """Lets the gradients feel the penalty, for every parameter"""
    model = given.model()
    loss = l2_loss(given.loss(model), list(model.parameters()), given.wd)
    if loss is None:
        return None
    if not isinstance(loss, Tensor) or not loss.requires_grad:
        raise CannotAsk("gives a loss that no gradient can flow back from: keep it a tensor, undetached")
    loss.backward()
    return gradients(model)


@l2_loss.misconception("You took the mean of the squares. Add them up, `.sum()`: each weight pays for itself alone.")
def averages_the_squares(loss, parameters, wd):
    return loss + wd * sum((p**2).mean() for p in parameters)


@l2_loss.misconception(
    "You added the length of the weights, the root of the sum of squares. Leave the root out: with it, the pull does not "
    "fade as all weights become small."
)
def takes_the_root(loss, parameters, wd):
    return loss + wd * sum(p.norm() for p in parameters)


@l2_loss.misconception(
    "You added absolute values: that is L1, another penalty, which pulls every weight with the same force. Here weights "
    "are squared: `(p**2).sum()`."
)
def takes_absolute_values(loss, parameters, wd):
    return loss + wd * sum(p.abs().sum() for p in parameters)


@l2_loss.misconception(
    "You halved the penalty, as some books do so that the 2 of the gradient goes away. Here it is `wd` times the sum of "
    "the squares, nothing more."
)
def halves_the_penalty(loss, parameters, wd):
    return loss + wd / 2 * sum((p**2).sum() for p in parameters)


@l2_loss.misconception(
    "The value is right, but the penalty is cut off from the weights (`.data`, `.detach()` or `.item()`), so no weight "
    "feels it. Square the parameters themselves."
)
def cuts_the_penalty_off(loss, parameters, wd):
    return loss + wd * sum((p.data**2).sum() for p in parameters)


@l2_loss.misconception(
    "Only the last parameter pays: each turn of your loop throws the penalty of the one before away. Add them up, `+=`."
)
def keeps_the_last_only(loss, parameters, wd):
    for p in parameters:
        penalty = (p**2).sum()
    return loss + wd * penalty


@l2_loss.misconception(
    "Only the first parameter pays: `return` within the loop ends it after one turn. Return behind the loop."
)
def keeps_the_first_only(loss, parameters, wd):
    return loss + wd * (parameters[0] ** 2).sum()


@l2_loss.misconception(
    "Your biases pay nothing. That can be a good idea, and we try it later, but here every parameter counts, whatever its "
    "shape."
)
def exempts_biases(loss, parameters, wd):
    return loss + wd * sum((p**2).sum() for p in parameters if p.dim() > 1)


@l2_loss.misconception(
    "You squared, but did not add up: a parameter is a tensor of many numbers, and the penalty is one number. "
    "`(p**2).sum()` for each parameter, and then the sum over the parameters."
)
def squares_without_a_sum(loss, parameters, wd):
    return loss + wd * sum(p**2 for p in parameters)


@l2_loss.misconception(
    "`parameters` is a list of tensors, and a list cannot be squared. Go through it: `sum((p**2).sum() for p in parameters)`."
)
def squares_the_list(loss, parameters, wd):
    return loss + wd * (parameters**2).sum()


@l2_loss.misconception(
    "You returned the penalty alone. Without the loss there is nothing to predict, and all weights go to zero: `loss + ...`."
)
def forgets_the_loss(loss, parameters, wd):
    return wd * sum((p**2).sum() for p in parameters)


@l2_loss.worked_example
def two_parameters():
    loss, parameters, wd = torch.tensor(1.5), [torch.tensor([1.0, -2.0]), torch.tensor([[0.5]])], 0.1
    yield "a loss, and all parameters of a model", [loss, *parameters]
    yield "the sum of the squares of each parameter", [(p**2).sum().item() for p in parameters]
    yield f"of all together, times a wd of {wd}", wd * sum((p**2).sum() for p in parameters)
    yield "added to the loss", _l2_loss(loss, parameters, wd)


# ---- decay_gradients


def _decay_gradients(parameters, wd):
    with torch.no_grad():
        for p in parameters:
            p.grad += 2 * wd * p


_decay_gradients.__name__ = "decay_gradients"

decay_gradients = Exercise(
    reference=_decay_gradients,
    hints=(
        "What is the derivative of wd · w² with respect to w? The penalty of one weight knows nothing of the others.",
        "It is 2 · wd · w. Add that to what `p.grad` holds already, for each parameter.",
        "Within `torch.no_grad()`: `for p in parameters: p.grad += 2 * wd * p`.",
    ),
)
decay_gradients.given(draw)


@decay_gradients.check(points=0.75)
def gradients_afterwards(decay_gradients, given):
    """Leaves in each `p.grad` what going back through `l2_loss` would have left there"""
    model = given.with_gradients()
    decay_gradients(list(model.parameters()), given.wd)
    return gradients(model)


def _numbers(model: nn.Module) -> dict[str, list]:
    parameters = list(model.parameters())
    return {
        "gradients": [None if each.grad is None else each.grad.tolist() for each in parameters],
        "weights": [each.tolist() for each in parameters],
    }


def afterwards_seen(came, given) -> dict[str, bool]:
    before = _numbers(given.with_gradients())
    return {
        "gradients changed": came["gradients"] != before["gradients"],
        "weights as they were": came["weights"] == before["weights"],
    }


@decay_gradients.check(points=0.25, look=afterwards_seen)
def weights_afterwards(decay_gradients, given):
    """Changes gradients, and leaves the weights themselves alone"""
    model = given.with_gradients()
    decay_gradients(list(model.parameters()), given.wd)
    return _numbers(model)


@decay_gradients.misconception(
    "No gradient has changed: `p.grad + ...` is a new tensor, and nobody keeps it. Change the one that is there, "
    "`p.grad += ...`; to return something is no use."
)
def changes_nothing(parameters, wd):
    return [p.grad + 2 * wd * p.detach() for p in parameters]


@decay_gradients.misconception("The derivative of w² is 2 · w: the factor 2 is missing. Add `2 * wd * p`.")
def forgets_the_two(parameters, wd):
    with torch.no_grad():
        for p in parameters:
            p.grad += wd * p


@decay_gradients.misconception(
    "You replaced the gradient of the ratings. The penalty comes on top of it: `+=`, not `=`."
)
def overwrites_the_gradient(parameters, wd):
    with torch.no_grad():
        for p in parameters:
            p.grad = 2 * wd * p


@decay_gradients.misconception(
    "You made the *gradient* larger in proportion to itself, which is only a larger learning rate. The penalty's gradient is "
    "in proportion to the *weight*: `2 * wd * p`."
)
def adds_the_gradient(parameters, wd):
    with torch.no_grad():
        for p in parameters:
            p.grad += 2 * wd * p.grad


@decay_gradients.misconception(
    "You subtracted. The step goes *against* the gradient, so a gradient that points away from zero is what pulls the "
    "weight to zero: add it."
)
def subtracts_the_penalty(parameters, wd):
    with torch.no_grad():
        for p in parameters:
            p.grad -= 2 * wd * p


@decay_gradients.misconception(
    "You shrank the weights at once. This function only prepares the gradients: `p.grad += ...`, and `p` stays; the step "
    "comes later."
)
def shrinks_at_once(parameters, wd):
    with torch.no_grad():
        for p in parameters:
            p -= 2 * wd * p


@decay_gradients.misconception(
    "You added the square of each weight. That is its part of the penalty; what belongs into a gradient is the *derivative* "
    "of it, `2 * wd * p`, which keeps the sign."
)
def adds_the_squares(parameters, wd):
    with torch.no_grad():
        for p in parameters:
            p.grad += 2 * wd * p**2


@decay_gradients.misconception(
    "You added the penalty itself, one number for all. Each weight gets the derivative of its own part: `2 * wd * p`."
)
def adds_the_penalty_itself(parameters, wd):
    with torch.no_grad():
        for p in parameters:
            p.grad += wd * (p**2).sum()


@decay_gradients.worked_example
def one_parameter():
    p, wd = torch.tensor([1.0, -2.0], requires_grad=True), 0.1
    p.grad = torch.tensor([0.5, 0.5])
    yield "a parameter", p
    yield "its gradient", p.grad.clone()
    yield f"the gradient of wd times its squares, 2 * wd * p with a wd of {wd}", 2 * wd * p
    _decay_gradients([p], wd)
    yield "the gradient afterwards", p.grad
    yield "the parameter afterwards", p


# ---- sgd_step


def _sgd_step(parameters, lr, wd):
    with torch.no_grad():
        for p in parameters:
            p -= lr * (p.grad + wd * p)


_sgd_step.__name__ = "sgd_step"

sgd_step = Exercise(
    reference=_sgd_step,
    elsewhere=(
        "torch.optim.SGD",
        "fastai.optimizer.sgd_step",
        "fastai.optimizer.weight_decay",
        "fastai.optimizer.l2_reg",
    ),
    hints=(
        "Start from the step of lesson 3, `p -= lr * p.grad`. What has to be added to the gradient?",
        "Add `wd * p`, the weight as it is *before* the step; the 2 is part of `wd` from here on.",
        "Within `torch.no_grad()`: `for p in parameters: p -= lr * (p.grad + wd * p)`.",
    ),
)
sgd_step.given(draw)


@sgd_step.check(points=1)
def one_step(sgd_step, given):
    """Moves each weight by lr times its gradient, and takes lr · wd of the weight away"""
    model = given.with_gradients()
    sgd_step(list(model.parameters()), given.lr, given.wd)
    return weights(model)


@sgd_step.check(points=0.25)
def only_decay(sgd_step, given):
    """Keeps 1 − lr · wd of a weight whose gradient is zero, in each of three steps"""
    model = given.with_gradients()
    for _ in range(3):
        for parameter in model.parameters():
            parameter.grad = torch.zeros_like(parameter)  # some add the decay to the gradient, others clear it
        sgd_step(list(model.parameters()), given.lr, given.wd)
    return weights(model)


@sgd_step.check(points=0.25)
def no_decay(sgd_step, given):
    """Is plain gradient descent when wd is 0"""
    model = given.with_gradients()
    sgd_step(list(model.parameters()), given.lr, 0.0)
    return weights(model)


@sgd_step.misconception(
    "You decayed the *gradient*: the weight now moves a bit less or more, but it is not pulled to zero. Take "
    "`lr * wd * p` away from the weight."
)
def decays_the_gradient(parameters, lr, wd):
    with torch.no_grad():
        for p in parameters:
            p -= lr * (p.grad + wd * p.grad)


@sgd_step.misconception(
    "Your decay has a factor 2. In `l2_loss` it stands there because a square was differentiated; here, as in PyTorch and "
    "fastai, it is counted as part of `wd`."
)
def doubles_the_decay(parameters, lr, wd):
    with torch.no_grad():
        for p in parameters:
            p -= lr * (p.grad + 2 * wd * p)


@sgd_step.misconception(
    "You took the step first and then decayed the *new* weight, so the step itself lost a share as well. Decay goes by the "
    "weight before the step."
)
def decays_the_new_weight(parameters, lr, wd):
    with torch.no_grad():
        for p in parameters:
            p -= lr * p.grad
            p -= lr * wd * p


@sgd_step.misconception(
    "Your decay leaves the learning rate out: a share of `wd` goes in every step, however small the steps are. Multiply by "
    "`lr` as well."
)
def decays_without_the_rate(parameters, lr, wd):
    with torch.no_grad():
        for p in parameters:
            p -= lr * p.grad + wd * p


@sgd_step.misconception(
    "This is the step of lesson 3: nothing decays yet. Add the weight's own pull to its gradient, `p.grad + wd * p`."
)
def forgets_to_decay(parameters, lr, wd):
    with torch.no_grad():
        for p in parameters:
            p -= lr * p.grad


@sgd_step.misconception("Your weights grow: the decay has the wrong sign. It is subtracted together with the gradient.")
def grows(parameters, lr, wd):
    with torch.no_grad():
        for p in parameters:
            p -= lr * (p.grad - wd * p)


@sgd_step.misconception(
    "Your biases, the parameters with one dimension, do not decay. Leaving them out must be a decision; here all parameters "
    "decay."
)
def spares_the_biases(parameters, lr, wd):
    with torch.no_grad():
        for p in parameters:
            p -= lr * (p.grad + (wd * p if p.dim() > 1 else 0))


@sgd_step.misconception(
    "Nothing has changed: `p = p - ...` makes a new tensor and gives it the name `p`, and the model keeps the old one. "
    "Change it in place: `p -= ...`, within `torch.no_grad()`."
)
def renames_the_result(parameters, lr, wd):
    for p in parameters:
        p = p - lr * (p.grad + wd * p)


@sgd_step.misconception(
    "PyTorch refuses to change a parameter in place while it keeps track of gradients. The step is not part of the model: "
    "put it into `with torch.no_grad():`."
)
def forgets_no_grad(parameters, lr, wd):
    for p in parameters:
        p -= lr * (p.grad + wd * p)


@sgd_step.worked_example
def step_of_one_parameter():
    p, lr, wd = torch.tensor([1.0, -2.0], requires_grad=True), 0.5, 0.1
    p.grad = torch.tensor([0.2, 0.0])
    yield "a parameter", p.detach().clone()
    yield "its gradient, whose second number is zero", p.grad
    yield f"the gradient and wd times the weight, with a wd of {wd}", p.grad + wd * p.detach()
    _sgd_step([p], lr, wd)
    yield f"the parameter after a step that takes {lr} of that away", p


# ---- adamw_step


def _adamw_step(w, g, m, v, t, lr, wd, beta1=0.9, beta2=0.99, eps=1e-5):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    w = (1 - lr * wd) * w - lr * m_hat / (v_hat.sqrt() + eps)
    return w, m, v


_adamw_step.__name__ = "adamw_step"

adamw_step = Exercise(
    reference=_adamw_step,
    elsewhere=("torch.optim.AdamW", "fastai.optimizer.adam_step"),
    hints=(
        "Write the five formulas down as five lines, in their order. The first two say what `m` and `v` become.",
        "The decay stands in the last line only, and it uses the old `w`: `(1 - lr * wd) * w - lr * ...`.",
        "Last line: `w = (1 - lr * wd) * w - lr * m_hat / (v_hat.sqrt() + eps)`; return `w, m, v` (not the hats).",
    ),
)


class Steps:
    """A weight, its gradients in four steps, and the settings of Adam."""

    def __init__(self, rng):
        self.w = torch.from_numpy(rng.normal(0, 2, (5, 3)).astype("float32"))
        self.gradients = torch.from_numpy(rng.normal(size=(4, 5, 3)).astype("float32"))
        self.lr, self.wd = float(rng.uniform(0.1, 0.3)), float(rng.uniform(0.3, 0.6))
        self.beta1, self.beta2 = float(rng.uniform(0.7, 0.8)), float(rng.uniform(0.9, 0.95))


@adamw_step.given
def four_steps(rng):
    return Steps(rng)


def after(step, given: Steps, n: int) -> list[Tensor]:
    """Weight and moments after n steps; each step gets copies, so that a change in place spoils nothing."""
    w, m, v = given.w.clone(), torch.zeros(5, 3), torch.zeros(5, 3)
    for t, gradient in enumerate(given.gradients[:n], start=1):
        came = step(w, gradient.clone(), m, v, t, given.lr, given.wd, given.beta1, given.beta2)
        if not isinstance(came, tuple | list) or len(came) != 3:
            raise CannotAsk("should return three tensors: `return w, m, v`")
        w, m, v = (each.detach().clone() if isinstance(each, Tensor) else each for each in came)
    return [w, m, v]


@adamw_step.check(points=0.75)
def first_step(adamw_step, given):
    """Takes the first step right, when both averages are still zero"""
    return after(adamw_step, given, 1)[0]


@adamw_step.check(points=0.5)
def averages(adamw_step, given):
    """Keeps the averages of the gradients and of their squares, and nothing of the decay in them"""
    _, m, v = after(adamw_step, given, 4)
    return {"m, the average of the gradients": m, "v, the average of their squares": v}


@adamw_step.check(points=1)
def fourth_step(adamw_step, given):
    """Gets to the right weights in four steps"""
    return after(adamw_step, given, 4)[0]


@adamw_step.misconception(
    "You added the decay to the gradient: that is L2, and Adam then divides it by the size of the gradients like everything "
    "else. Decoupled decay never enters `m` and `v`; it shrinks the weight itself."
)
def couples_the_decay(w, g, m, v, t, lr, wd, beta1=0.9, beta2=0.99, eps=1e-5):
    g = g + wd * w
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    w = w - lr * (m / (1 - beta1**t)) / ((v / (1 - beta2**t)).sqrt() + eps)
    return w, m, v


@adamw_step.misconception(
    "You let the decay eat from the step as well: it goes by the weight *before* the step, `(1 - lr * wd) * w`, and the step "
    "is then taken whole."
)
def decays_after_the_step(w, g, m, v, t, lr, wd, beta1=0.9, beta2=0.99, eps=1e-5):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    w = w - lr * (m / (1 - beta1**t)) / ((v / (1 - beta2**t)).sqrt() + eps)
    return (1 - lr * wd) * w, m, v


@adamw_step.misconception(
    "Your weight loses a share of `wd` at each step. The share is `lr * wd`: a small step decays little."
)
def decays_by_wd_alone(w, g, m, v, t, lr, wd, beta1=0.9, beta2=0.99, eps=1e-5):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    w = (1 - wd) * w - lr * (m / (1 - beta1**t)) / ((v / (1 - beta2**t)).sqrt() + eps)
    return w, m, v


@adamw_step.misconception(
    "There is a factor 2 in your decay. It belongs to the derivative of a square, and nothing is differentiated here: "
    "`(1 - lr * wd) * w`."
)
def decays_twice(w, g, m, v, t, lr, wd, beta1=0.9, beta2=0.99, eps=1e-5):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    w = (1 - 2 * lr * wd) * w - lr * (m / (1 - beta1**t)) / ((v / (1 - beta2**t)).sqrt() + eps)
    return w, m, v


@adamw_step.misconception(
    "Both averages begin at zero and are too small at first. Divide them by `1 - beta**t`, each with its own beta, before "
    "you use them."
)
def forgets_the_warm_up(w, g, m, v, t, lr, wd, beta1=0.9, beta2=0.99, eps=1e-5):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    w = (1 - lr * wd) * w - lr * m / (v.sqrt() + eps)
    return w, m, v


@adamw_step.misconception(
    "You returned the corrected averages. The next step needs `m` and `v` as they are, and corrects them anew: the hats are "
    "for this step only."
)
def returns_the_hats(w, g, m, v, t, lr, wd, beta1=0.9, beta2=0.99, eps=1e-5):
    m = (beta1 * m + (1 - beta1) * g) / (1 - beta1**t)
    v = (beta2 * v + (1 - beta2) * g**2) / (1 - beta2**t)
    w = (1 - lr * wd) * w - lr * m / (v.sqrt() + eps)
    return w, m, v


@adamw_step.misconception(
    "You divided by `v_hat`, an average of *squares*. Its root has the size of a gradient: `v_hat.sqrt()`."
)
def forgets_the_root(w, g, m, v, t, lr, wd, beta1=0.9, beta2=0.99, eps=1e-5):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    w = (1 - lr * wd) * w - lr * (m / (1 - beta1**t)) / (v / (1 - beta2**t) + eps)
    return w, m, v


@adamw_step.misconception(
    "`v` is an average of *squares*, `g**2`. Of the gradients themselves it may be negative, and has no root then."
)
def forgets_the_square(w, g, m, v, t, lr, wd, beta1=0.9, beta2=0.99, eps=1e-5):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g
    w = (1 - lr * wd) * w - lr * (m / (1 - beta1**t)) / ((v / (1 - beta2**t)).sqrt() + eps)
    return w, m, v


@adamw_step.misconception(
    "You multiplied beta by t. The averages warm up by its *power*: `1 - beta1**t` and `1 - beta2**t`."
)
def multiplies_by_t(w, g, m, v, t, lr, wd, beta1=0.9, beta2=0.99, eps=1e-5):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    w = (1 - lr * wd) * w - lr * (m / (1 - beta1 * t)) / ((v / (1 - beta2 * t)).sqrt() + eps)
    return w, m, v


@adamw_step.misconception("The decay is missing: this is Adam without it. Keep only `(1 - lr * wd)` of the old weight.")
def forgets_the_decay(w, g, m, v, t, lr, wd, beta1=0.9, beta2=0.99, eps=1e-5):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    w = w - lr * (m / (1 - beta1**t)) / ((v / (1 - beta2**t)).sqrt() + eps)
    return w, m, v


@adamw_step.misconception(
    "You wrote 0.9 and 0.99 where `beta1` and `beta2` belong. They are only the defaults: whoever calls with others gets a "
    "wrong step."
)
def writes_the_defaults_in(w, g, m, v, t, lr, wd, beta1=0.9, beta2=0.99, eps=1e-5):
    m = 0.9 * m + 0.1 * g
    v = 0.99 * v + 0.01 * g**2
    w = (1 - lr * wd) * w - lr * (m / (1 - 0.9**t)) / ((v / (1 - 0.99**t)).sqrt() + eps)
    return w, m, v


@adamw_step.misconception(
    "You corrected both averages by numbers instead of by `beta1` and `beta2`: `1 - beta1**t` and `1 - beta2**t`."
)
def corrects_by_the_defaults(w, g, m, v, t, lr, wd, beta1=0.9, beta2=0.99, eps=1e-5):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    w = (1 - lr * wd) * w - lr * (m / (1 - 0.9**t)) / ((v / (1 - 0.99**t)).sqrt() + eps)
    return w, m, v


@adamw_step.misconception(
    "Your averages keep `1 - beta` of the past and `beta` of the new gradient. It is the other way round: they change slowly."
)
def swaps_the_shares(w, g, m, v, t, lr, wd, beta1=0.9, beta2=0.99, eps=1e-5):
    m = (1 - beta1) * m + beta1 * g
    v = (1 - beta2) * v + beta2 * g**2
    w = (1 - lr * wd) * w - lr * (m / (1 - beta1**t)) / ((v / (1 - beta2**t)).sqrt() + eps)
    return w, m, v


@adamw_step.worked_example
def step_of_one_weight():
    w, g, lr, wd, beta1, beta2 = torch.tensor([1.0]), torch.tensor([0.5]), 0.1, 0.2, 0.9, 0.99
    m, v = (1 - beta1) * g, (1 - beta2) * g**2
    yield "a weight and its gradient; both averages are still zero", [w, g]
    yield "m, the average of the gradients", m
    yield "v, the average of their squares", v
    yield "m with its start taken into account, over 1 - beta1**1", m / (1 - beta1)
    yield "v likewise", v / (1 - beta2)
    yield "the weight after its decay, times 1 - lr * wd", (1 - lr * wd) * w
    zero = torch.zeros(1)
    yield "and after the step", _adamw_step(w, g, zero, zero, 1, lr, wd, beta1, beta2)[0]


# ---- sweep


def _sweep(losses, wds, seeds):
    means = {wd: sum(losses(wd, seed)[1] for seed in seeds) / len(seeds) for wd in wds}
    return min(means, key=means.get), means


_sweep.__name__ = "sweep"

sweep = Exercise(
    reference=_sweep,
    hints=(
        "For one decay, call `losses(wd, seed)` with every seed. It returns two losses: which one tells how the model does on "
        "ratings that it has not seen?",
        "Collect a dict: for each wd the mean of the validation losses over all seeds. The best wd is the one with the "
        "smallest mean.",
        "`means = {wd: sum(losses(wd, seed)[1] for seed in seeds) / len(seeds) for wd in wds}`, then "
        "`return min(means, key=means.get), means`.",
    ),
)


class Trainings:
    """Losses of trainings that nobody ran: without decay they overfit, and two of them were lucky or unlucky."""

    def __init__(self, rng):
        self.wds = sorted(rng.choice([0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4], 5, replace=False).tolist())
        self.seeds = rng.choice(100, 3, replace=False).tolist()
        best, first, lucky, worst = (1 + rng.permutation(4)).tolist()
        valid = rng.uniform(0.97, 1, (5, 3))
        valid[0] = np.sort(valid[0])[::-1]  # its luckiest run is not the one that has its own place among the seeds
        valid[best] = rng.uniform(0.9, 0.91, 3)
        valid[worst] += 0.1
        valid[first, 0] = 0.85  # whoever trains with the first seed alone takes this decay
        valid[lucky, lucky % 3] = 0.8  # the luckiest of all runs, also when each decay has its own seed
        train = np.linspace(0.3, 0.6, 5)[:, None] + rng.uniform(0, 0.01, (5, 3))
        self.valid, self.train = valid.tolist(), train.tolist()

    def __call__(self, wd, seed):
        place, number = self.wds.index(wd), self.seeds.index(seed)
        return self.train[place][number], self.valid[place][number]


@sweep.given
def trainings(rng):
    return Trainings(rng)


def swept(sweep, given: Trainings) -> tuple[float, dict[float, float]]:
    came = sweep(given, list(given.wds), list(given.seeds))
    if not isinstance(came, tuple | list) or len(came) != 2:
        raise CannotAsk("should return two things, the best wd and the means: `return best, means`")
    best, means = came
    if hasattr(best, "items"):
        raise CannotAsk("gives the two the other way round: `return best, means`")
    if not hasattr(means, "items"):
        raise CannotAsk("should return the means as a dict: for each wd its mean validation loss")
    try:
        return best, {float(wd): float(loss) for wd, loss in means.items()}
    except (TypeError, ValueError, RuntimeError) as error:
        raise CannotAsk("should give one number for each wd, the mean over its seeds, not all the losses") from error


@sweep.check(points=0.75)
def means_over_seeds(sweep, given):
    """Gives for each decay the mean validation loss over all seeds"""
    return swept(sweep, given)[1]


@sweep.check(points=0.5)
def best_decay(sweep, given):
    """Names the decay with the smallest of these means"""
    return float(swept(sweep, given)[0])


@sweep.misconception(
    "You went by the training loss. It is always lowest with little decay, since decay gets in its way: what counts are "
    "ratings that the model has not seen, `losses(wd, seed)[1]`."
)
def goes_by_the_training_loss(losses, wds, seeds):
    means = {wd: sum(losses(wd, seed)[0] for seed in seeds) / len(seeds) for wd in wds}
    return min(means, key=means.get), means


@sweep.misconception(
    "You looked at one seed only. Its luck may be larger than the difference between two decays: take the mean over all "
    "seeds."
)
def believes_the_first_seed(losses, wds, seeds):
    means = {wd: losses(wd, seeds[0])[1] for wd in wds}
    return min(means, key=means.get), means


@sweep.misconception(
    "You kept the luckiest run of each decay. Luck does not come again: take the mean over the seeds, not the minimum."
)
def keeps_the_luckiest_run(losses, wds, seeds):
    means = {wd: min(losses(wd, seed)[1] for seed in seeds) for wd in wds}
    return min(means, key=means.get), means


@sweep.misconception(
    "Each decay was trained with another seed, so you compared seeds as much as decays. Give every decay all the seeds."
)
def gives_each_decay_its_own_seed(losses, wds, seeds):
    means = {wd: losses(wd, seeds[place % len(seeds)])[1] for place, wd in enumerate(wds)}
    return min(means, key=means.get), means


@sweep.misconception("You took the decay with the largest loss. The smallest is best: `min(means, key=means.get)`.")
def takes_the_worst(losses, wds, seeds):
    means = {wd: sum(losses(wd, seed)[1] for seed in seeds) / len(seeds) for wd in wds}
    return max(means, key=means.get), means


@sweep.misconception(
    "`min(means)` compares the keys, so you named the smallest wd. Let it compare the losses: `min(means, key=means.get)`."
)
def names_the_smallest_decay(losses, wds, seeds):
    means = {wd: sum(losses(wd, seed)[1] for seed in seeds) / len(seeds) for wd in wds}
    return min(means), means


@sweep.misconception(
    "You named the smallest loss. What is asked is the decay that it belongs to, the key: `min(means, key=means.get)`."
)
def names_the_loss(losses, wds, seeds):
    means = {wd: sum(losses(wd, seed)[1] for seed in seeds) / len(seeds) for wd in wds}
    return min(means.values()), means


@sweep.misconception(
    "You added the losses of the seeds up. Divide by their number, or a fourth seed looks like a worse model."
)
def sums_over_seeds(losses, wds, seeds):
    sums = {wd: sum(losses(wd, seed)[1] for seed in seeds) for wd in wds}
    return min(sums, key=sums.get), sums


@sweep.worked_example
def two_decays():
    valid = {0.0: [0.95, 0.93], 0.1: [0.86, 0.9]}

    def losses(wd, seed):
        return 0.5, valid[wd][seed]

    best, means = _sweep(losses, list(valid), [0, 1])
    yield "the validation loss of each decay, with two seeds", valid
    yield "the mean over the seeds", means
    yield "the decay with the smallest of them", best
    yield "what is returned", (best, means)


# ---- questions

decay_formula = Question(
    "decay_formula",
    prompt="Weight decay has an older name. Which line has the name and the loss that belong together?",
    choices={
        "a": "L1 regularisation: loss + wd · Σ|w|",
        "b": "L2 regularisation: loss + wd · Σw²",
        "c": "learning rate decay: loss · (1 − wd)",
        "d": "gradient clipping: loss + min(wd, Σw²)",
    },
    right="b",
    why_not={
        "a": "Name and formula belong together, but it is another penalty. It pulls each weight with the same force, however "
        "small it is, until many are exactly zero. Weight decay squares the weights.",
        "c": "With that name the *steps* get smaller during training, as `fit_one_cycle` does at its end. Here the *weights* do.",
        "d": "Clipping cuts off gradients that are too large. It says nothing about how large the weights may become.",
    },
    hints=(
        "The 1 or 2 in the name says to which power a weight is taken.",
        "You wrote it in `l2_loss`.",
    ),
)

decay_arithmetic = Question(
    "decay_arithmetic",
    prompt=(
        "A weight is −3, and the ratings have no opinion on it: their gradient is 0. With `l2_loss`, wd = 0.1 and a learning "
        "rate of 0.5, where is the weight after one step?"
    ),
    choices={
        "a": "−3.3",
        "b": "−2.85",
        "c": "−2.7",
        "d": "−2.4",
    },
    right="c",
    why_not={
        "a": "The penalty's gradient is 2 · 0.1 · (−3) = −0.6, and a step goes *against* it: the weight moves up, to zero. Decay "
        "makes no weight larger.",
        "b": "That is without the factor 2. The derivative of 0.1 · w² is 2 · 0.1 · w = −0.6; half of it is taken away.",
        "d": "The gradient is −0.6, but the step is the learning rate times that, 0.5 · (−0.6).",
    },
    hints=(
        "The gradient of wd · w² is 2 · wd · w. Put −3 in, and mind the sign.",
        "It is −0.6. The step is −0.5 · (−0.6).",
    ),
)

why_it_helps = Question(
    "why_it_helps",
    prompt="Weight decay makes the training loss *worse*. Why can the model still do better on ratings that it has not seen?",
    choices={
        "a": "Small numbers are stored more exactly, so there are fewer rounding errors.",
        "b": "Some weights become exactly zero, so the model has fewer numbers than ratings again.",
        "c": "The penalty is part of the loss that is measured on the unseen ratings.",
        "d": "A large weight must be paid for: what many ratings share can pay, the accident of a single one cannot.",
    },
    right="d",
    why_not={
        "a": "Floating-point numbers are as exact, in proportion, when they are large. And the error here is half a star or more, "
        "not one in the seventh digit.",
        "b": "L2 hardly ever makes a weight exactly zero: its pull fades as the weight gets small. All numbers stay, only smaller.",
        "c": "The validation loss is the plain mean squared error, without any penalty. Only the *training* feels it.",
    },
    hints=(
        "Think of the film with three ratings and the film with three hundred: who can pull a factor out against the decay?",
        "What helps to predict an unseen rating: what is common to many ratings, or what is special about one?",
    ),
)

l2_under_adam = Question(
    "l2_under_adam",
    prompt=(
        "With *Adam*, the penalty is put into the loss (L2) instead of shrinking the weights directly. What becomes of a film "
        "that has only three ratings?"
    ),
    choices={
        "a": "Its factors decay as with decoupled decay: the two are the same.",
        "b": "Its factors are pulled to zero much harder than those of a film with a thousand ratings.",
        "c": "Its factors never decay, since its gradient is almost always zero.",
        "d": "Its factors grow, since Adam turns the sign of small gradients.",
    },
    right="b",
    why_not={
        "a": "They are the same under plain SGD. Adam divides the gradient, and with it the penalty, by the size that gradients "
        "usually have *for this weight*.",
        "c": "Without a rating in the batch its gradient is not zero: it is the penalty's, and that comes in every batch.",
        "d": "Adam divides by a root, which is positive. It keeps the sign and changes the size.",
    },
    hints=(
        "In most batches the film does not occur. Which gradient is left, and what does Adam divide it by?",
        "What is left is the penalty's gradient alone, and it is divided by about its own size. So the step is about lr, however small wd is.",
    ),
)
