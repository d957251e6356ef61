"""Copies are found under other names, orders and formats; what lesson, mistakes or chance explain is not."""

import ast
import builtins

import pytest

from autograde.peculiar import ANSWERS
from autograde.sample_class import disguised
from autograde.similarity import COMMONPLACE, fragments, known_names, similar, without_docstrings

LESSON = """\
class DotProduct(nn.Module):
    def __init__(self, n_users, n_movies, n_factors):
        super().__init__()
        self.user_factors = Embedding(n_users, n_factors)
        self.movie_factors = Embedding(n_movies, n_factors)

    def forward(self, x):
        users = self.user_factors(x[:, 0])
        movies = self.movie_factors(x[:, 1])
        return (users * movies).sum(dim=1)

def gradient_step(model, x, y, lr):
    loss = ((model(x) - y.squeeze(-1)) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter -= lr * parameter.grad
            parameter.grad = None
    return loss.item()
"""
NAMES = known_names([LESSON]) | set(dir(builtins))
KNOWN = frozenset(fragments(LESSON, NAMES))
OWN = ANSWERS["gradient_step"]

INDEPENDENT = (  # right answers to the same question, of people who never met
    """
def gradient_step(model, x, y, lr):
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    optimizer.zero_grad()
    loss = F.mse_loss(model(x), y.flatten())
    loss.backward()
    optimizer.step()
    return loss.item()
""",
    """
def gradient_step(model, x, y, lr):
    opt = torch.optim.SGD(model.parameters(), lr)
    preds = model(x)
    loss = nn.MSELoss()(preds, y[:, 0])
    opt.zero_grad()
    loss.backward()
    opt.step()
    return loss.detach().item()
""",
    """
def gradient_step(model, x, y, lr):
    parameters = list(model.parameters())
    loss = (model(x)[:, None] - y).pow(2).mean()
    for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
        parameter.data.sub_(lr * gradient)
    return loss.item()
""",
    """
def gradient_step(model, x, y, lr):
    preds = model(x)
    diff = preds - y.squeeze()
    loss = (diff * diff).mean()
    loss.backward()
    for p in model.parameters():
        p.data -= lr * p.grad
        p.grad.zero_()
    return float(loss)
""",
    """
def gradient_step(model, x, y, lr):
    model.zero_grad()
    loss = torch.mean((model(x) - y.view(-1)) ** 2)
    loss.backward()
    with torch.no_grad():
        for p in model.parameters():
            p.sub_(p.grad, alpha=lr)
    return loss.item()
""",
)


def alike(*sources, known=KNOWN):
    cells = {f"s{i}": source for i, source in enumerate(sources)}
    return {
        (pair.one, pair.other): pair.score
        for pair in similar("03", "gradient_step", cells, NAMES, lambda: frozenset(known))
    }


# ---- found


@pytest.mark.parametrize("name", ANSWERS)
def test_a_renamed_copy_without_comments_is_found(name):
    copy = disguised(ANSWERS[name])
    assert copy != ANSWERS[name]
    assert alike(ANSWERS[name], copy, *INDEPENDENT) == {("s0", "s1"): 1.0}


def test_reordered_statements_are_found():
    lines = OWN.rstrip().split("\n")
    lines[1], lines[2:4] = lines[2], [lines[3], lines[1]]
    assert ast.unparse(ast.parse("\n".join(lines))) != ast.unparse(ast.parse(OWN))
    assert alike(OWN, "\n".join(lines), *INDEPENDENT)[("s0", "s1")] > 0.95


def test_a_copy_with_something_added_and_something_changed_is_found():
    longer = OWN.replace("    slopes", "    assert cost > 0\n    print(f'cost {cost}')\n    slopes")
    longer = longer.replace("-lr", "-1 * lr")
    assert 0.8 < alike(OWN, longer, *INDEPENDENT)[("s0", "s1")] <= 1


def test_docstrings_annotations_and_the_spelling_of_literals_do_not_count():
    typed = OWN.replace("(model, x, y, lr):", "(model: nn.Module, x, y, lr: float = 0x0) -> float:\n    '''My own.'''")
    plain = OWN.replace("lr):", "lr=0):")
    assert fragments(typed, NAMES) == fragments(plain, NAMES)
    assert fragments("a = 'x'; b = 1_000", NAMES) == fragments('first = "y"\nsecond = 1000  # many', NAMES)
    assert fragments("import numpy as np\nnp.sum(1, 2, 3)", NAMES)


def test_what_is_asked_of_a_library_does_count():
    assert fragments("torch.einsum(a, b)", NAMES) != fragments("torch.bmm(a, b)", NAMES)
    assert fragments("torch.sum(a, dim=0)", NAMES) != fragments("torch.sum(a, dim=1)", NAMES)


def test_copies_that_do_not_parse_are_found():
    broken = OWN + "    return ((\n"
    assert alike(broken, broken.replace("weight", "w"), *INDEPENDENT)[("s0", "s1")] > 0.9


def test_copies_behind_magics_are_found():
    assert alike("%time x = 1\n" + OWN, "!ls\n" + disguised(OWN))[("s0", "s1")] == 1


# ---- not found


def test_independent_solutions_are_not_alike():
    assert alike(*INDEPENDENT) == {}
    assert alike(*INDEPENDENT, LESSON, LESSON.replace("loss", "error")) == {}


def test_the_lesson_s_own_text_does_not_count():
    renamed = LESSON.replace("users", "people").replace("loss", "error")
    assert alike(LESSON, renamed) == {}
    assert alike(LESSON, renamed, known=frozenset()) == {("s0", "s1"): 1.0}, "but for the lesson they would be alike"


def test_a_known_mistake_does_not_count():
    mistake = OWN.replace("alpha=-lr", "alpha=lr")
    known = KNOWN | fragments(mistake, NAMES)
    assert alike(mistake, disguised(mistake), known=known) == {}


def test_what_many_have_is_commonplace():
    assert len(alike(*[OWN] * 3)) == 3
    assert alike(*[OWN] * (COMMONPLACE + 1)) == {}


def test_short_answers_are_never_alike():
    short = "def predict(a, b):\n    return torch.einsum('i,i->', a, b)"
    assert alike(short, short.replace("a", "q")) == {}


def test_nothing_written_is_not_alike():
    assert alike("", "", "raise NotImplementedError()", "raise NotImplementedError()", "...", "pass") == {}
    assert alike() == {}


# ---- whatever was handed in


@pytest.mark.parametrize(
    "source",
    [
        "(" * 50_000,
        "[" * 90 + "]" * 90,
        "x = " + "-" * 100_000 + "1",
        "x = " + "+".join(["1"] * 20_000),
        "a" + ".b" * 20_000,
        "x = 1\n" * 50_000,
        "if x:\n" + "".join(f"{' ' * i}if x:\n" for i in range(1, 120)),
        "x = 10 ** 9 + " + "9" * 5000,
        "\x00",
        "s = '\\d'",
        "\ud800",
        "'''" * 3,
        "def f(:\n\x0c\r x",
        "match x:\n case [1, *_]: pass",
        "lambda: (yield)",
        "é = ñ",
    ],
)
def test_odd_code_costs_nothing(source):
    assert alike(source, source, OWN, disguised(OWN)).get(("s2", "s3")) == 1.0
    assert isinstance(without_docstrings(source), str)


def test_a_large_class_is_compared_by_what_is_rare():
    """300 who write the same but for a number, and two who share more than that."""
    cells = {f"s{i}": f"{INDEPENDENT[3]}\n\ndef mine_{i}(a):\n    return a * {i} + {i + 1}" for i in range(300)}
    cells |= {"one": OWN, "other": disguised(OWN)}
    (pair,) = similar("03", "gradient_step", cells, NAMES, lambda: KNOWN)
    assert (pair.one, pair.other) == ("one", "other")


# ---- code for a page


def test_docstrings_are_left_out_and_nothing_else():
    source = 'class A:\n    """What\n    it is."""\n\n    def f(self):  # kept\n        "said"\n        return "kept"\n'
    assert without_docstrings(source) == 'class A:\n\n    def f(self):  # kept\n        return "kept"\n'
    for kept in ('def f():\n    "alone"', 'def f(): "same line"; return 1', 'def f():\n    "a"; return 1', "def f(:"):
        assert without_docstrings(kept) == kept
