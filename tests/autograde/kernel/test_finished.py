"""Finished versions that are locked away, in memory and on disk."""

import ast
import subprocess
import sys

import pytest

from autograde.kernel.finished import FinishedVersion, cut, cut_files, lock
from autograde.kernel.limits import Ended

from .children import SMALL, shown, value_of

ALL = [
    "finished_work.models.Model",
    "finished_work.models.double",
    "finished_work.models.one_line",
    "finished_work.models.greeting",
]


def said(child, source):
    """What a cell that meets a finished version is told."""
    ran = child.run(source, 10)
    errors = [(each["ename"], each["evalue"]) for each in ran.outputs if each["output_type"] == "error"]
    assert errors, (source, ran.ended, ran.how, shown(ran))
    assert errors[-1][0] == "FinishedVersion"
    return errors[-1][1]


@pytest.fixture
def locked(server):
    with server.fork(SMALL, seed=1, locked=ALL) as child:
        child.run("from finished_work import models\nfrom finished_work.models import *", 10)
        yield child


@pytest.fixture
def cut_away(walled):
    with walled.fork(SMALL, seed=1, locked=ALL) as child:
        yield child


def test_whichever_way_it_is_called(locked):
    own = "this is finished_work's own Model"
    for source in (
        "Model(3)",
        "Model.made(3)",
        "Model.helper(3)",
        "Model.Inner().deep()",
        "class Mine(Model): pass\nMine(3)",
        "class Mine(Model):\n    def __init__(self): self.secret = 1\nMine().predict(3)",
        "class Mine(Model):\n    def __init__(self): self.secret = 1\nMine().half",
        "import copy\ncopy.deepcopy(Model)(3)",
        "type('Mine', (Model,), dict(vars(Model)))(3)",
        "models.Child(3)",
    ):
        assert said(locked, source) == own
    for source in (
        "double(2)",
        "alias = models.double\nalias(2)",
        "import functools\nfunctools.partial(double, 2)()",
        "@functools.wraps(double)\ndef mine(x): return double(x)\nmine(2)",
        "import types\ntypes.FunctionType(double.__code__, {})(2)",
    ):
        assert said(locked, source) == "this is finished_work's own double"
    assert said(locked, "one_line(2)") == "this is finished_work's own one_line"
    assert said(locked, "greeting('you')") == "this is finished_work's own greeting"


def test_what_is_left_of_it(locked):
    assert value_of(locked, "Model.__doc__, Model.size, double.__doc__, double.__name__, models.constant") == (
        "('A model with a secret.', 3, 'Twice as much.', 'double', 5)"
    )
    assert value_of(locked, "models.Base().who()") == "'base'"


def test_other_children_have_it_unlocked(child):
    assert value_of(
        child, "from finished_work.models import Model, greeting\nModel(3).predict(2), greeting('you')"
    ) == ("(6, 'hello you!')")


def test_reloading_and_reading_it_gives_nothing_back(cut_away):
    assert said(cut_away, "import importlib\nfrom finished_work import models\nimportlib.reload(models).Model(3)")
    assert said(cut_away, "space = {}\nexec(open(models.__file__).read(), space)\nspace['double'](2)")
    assert "return x + x" not in value_of(cut_away, "import inspect\ninspect.getsource(models.double)")
    assert "self.secret" not in value_of(cut_away, "inspect.getsource(models)")
    assert (
        value_of(
            cut_away,
            "import subprocess, sys\nprobe = 'from finished_work.models import double; double(2)'\n"
            "'FinishedVersion' in subprocess.run([sys.executable, '-c', probe], capture_output=True, text=True).stderr",
        )
        == "True"
    )


def test_compiled_code_is_gone_too(walled, finished_work):
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(finished_work)], check=True)
    assert list(finished_work.glob("__pycache__/models.*.pyc"))
    source = (
        "import glob, finished_work\n"
        "[open(each, 'rb').read() for each in glob.glob(finished_work.__path__[0] + '/__pycache__/models*')]"
    )
    with walled.fork(SMALL, seed=1, locked=ALL) as child:
        assert set(eval(value_of(child, source))) == {b""}


def test_a_lesson_s_own_libraries_can_be_locked(walled):
    with walled.fork(SMALL, seed=1, locked=["fastai.layers.sigmoid_range", "torch.nn.Linear"]) as child:
        assert (
            said(child, "from fastai.collab import sigmoid_range\nsigmoid_range(1, 2, 3)")
            == "this is fastai's own sigmoid_range"
        )
        assert said(child, "import torch\ntorch.nn.Linear(1, 2)") == "this is torch's own Linear"
        assert value_of(child, "torch.nn.Bilinear(1, 2, 3).bias.shape[0]") == "3"


@pytest.mark.parametrize(
    "name", ["finished_work.models.nothing", "no_such_module.x", "finished_work.models.constant", "nothing"]
)
def test_what_cannot_be_locked_is_our_mistake(name, finished_work):
    with pytest.raises(ValueError, match=r"to be locked|could be locked"):
        lock(name)


# ---- without children


def test_cutting_keeps_lines_and_everything_else(finished_work):
    ((path, text),) = cut_files(tuple(ALL))
    source = (finished_work / "models.py").read_text()
    assert path == str(finished_work / "models.py")
    assert len(text.splitlines()) == len(source.splitlines())
    definitions = [
        [
            (node.name, node.lineno, ast.get_docstring(node))
            for node in ast.walk(ast.parse(each))
            if hasattr(node, "decorator_list")
        ]
        for each in (source, text)
    ]
    assert definitions[0] == definitions[1]
    assert "gives the answer away" not in text
    for secret in ("x + x", "x * 3", "hello", "self.secret"):
        assert secret not in text
    assert "super().predict(x) + 1" in text


@pytest.mark.parametrize(
    "source",
    [
        "def f(): return 1",
        "def f(): 'doc'; return 1",
        "def f():\n    '''only\n    doc'''\n",
        "def f():\n    x = '''a\nb'''\n    return x\n",
        "def f():\n    # why\n\n    @staticmethod\n    def inner(): pass\n    return inner\nx = 1\n",
        "async def f():\n\n\n    'doc'\n\n    # why\n    await x\n",
        "def f(ä='é'): return 'ö' + ä\n",
        "if True:\n    def f():\n        return 1\nelse:\n    x = 2\n",
        "try:\n    from other import f\nexcept ImportError:\n    def f(): return 1\n",
        "def f():\r\n    return 1\r\nx = 1\r\n",
        "@decorated(\n  1)\ndef f(\n    x,\n):\n    return (\n        x\n    )  # end\nx = 2",
    ],
)
def test_bodies_of_every_shape_are_cut(source):
    text = cut(source, [("f", "this is ours")])
    assert len(text.splitlines()) == len(source.splitlines())
    tree = ast.parse(text)
    (function,) = [node for node in ast.walk(tree) if getattr(node, "name", "") == "f" and hasattr(node, "body")]
    assert isinstance(function.body[-1], ast.Raise)
    assert len(function.body) == 1 + (ast.get_docstring(function) is not None)


def test_a_cut_function_raises():
    space = {}
    exec(cut("def f(x):\n    return x\n", [("f", "this is ours")]), space)
    with pytest.raises(FinishedVersion, match="this is ours"):
        space["f"](1)


def test_what_is_not_defined_cannot_be_cut():
    with pytest.raises(ValueError, match="not defined by def or class"):
        cut("f = lambda: 1\n", [("f", "")])
    with pytest.raises(ValueError, match="holds no function"):
        cut("class C:\n    x = 1\n", [("C", "")])


def test_a_finished_version_ends_the_cell_like_any_error(locked):
    assert locked.run("double(1)", 10).ended is Ended.ERROR
