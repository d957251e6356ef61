"""What fastai_quickly leaves out is there for whoever uses it. In a process of its own: imports happen once."""

import json
import subprocess
import sys

import pytest

SCRIPT = """
import json, sys, warnings
warnings.simplefilter("ignore")
from autograde.kernel.imports import fastai_quickly

fastai_quickly()
import torch
from torch import nn

left_out = [name for name in ("sklearn", "scipy.stats", "scipy.ndimage", "sympy") if name in sys.modules]
parameter = nn.Parameter(torch.ones(3))
optimizer = torch.optim.SGD([parameter], lr=0.5)
parameter.sum().backward()
optimizer.step()
on_meta = (torch.zeros(4, 3, device="meta") ** 2).sum(dim=1)
compiler_before = type(sys.modules["torch._dynamo"]).__name__

from fastai.data.transforms import TrainTestSplitter
from fastai.imports import ndimage
from fastai.metrics import PearsonCorrCoef, R2Score
import scipy.stats
import sklearn.metrics

compiled = torch.compile(lambda x: x + 1, backend="eager")
print(json.dumps({
    "left out": left_out,
    "stepped": parameter.tolist(),
    "on meta": list(on_meta.shape),
    "compiler before": compiler_before,
    "metrics": [R2Score().name, PearsonCorrCoef().name],
    "split": sorted(sum(map(list, TrainTestSplitter(0.2)(list(range(10)))), [])),
    "scikit-learn": sklearn.metrics.mean_squared_error([1, 2], [1, 4]),
    "scipy": float(scipy.stats.pearsonr([1, 2, 3], [1, 2, 3]).statistic),
    "image": float(ndimage.sum_labels([1.0, 2.0])),
    "compiled": compiled(torch.ones(2)).tolist(),
    "compiler after": sys.modules["torch._dynamo"].__file__.endswith("__init__.py"),
}))
"""

WITHOUT_PLOTS = """
import json, sys
from autograde.kernel.imports import fastai_quickly

fastai_quickly(plots=False)
before = [name for name in sys.modules if name.startswith("matplotlib")]
from fastai.torch_core import show_image

axes = show_image([[0.0, 1.0]], title="asked for")
print(json.dumps({"before": before, "title": axes.get_title(), "after": type(axes).__module__}))
"""


def said_by(script):
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def found():
    return said_by(SCRIPT)


def test_without_plots_matplotlib_comes_when_something_is_drawn():
    found = said_by(WITHOUT_PLOTS)
    assert found == {"before": [], "title": "asked for", "after": "matplotlib.axes._axes"}


def test_what_few_call_is_not_imported(found):
    assert found["left out"] == []
    assert found["compiler before"] == "_Uncompiled"


def test_optimizers_and_the_meta_device_do_without_the_compiler(found):
    assert found["stepped"] == [0.5, 0.5, 0.5]
    assert found["on meta"] == [4]


def test_fastai_s_metrics_splitter_and_images_import_what_they_call(found):
    assert found["metrics"] == ["r2_score", "pearsonr"]
    assert found["split"] == list(range(10))
    assert found["image"] == 3


def test_whoever_imports_the_modules_gets_the_real_ones(found):
    assert found["scikit-learn"] == 2
    assert found["scipy"] == pytest.approx(1)


def test_what_is_to_be_compiled_is_compiled(found):
    assert found["compiled"] == [2, 2]
    assert found["compiler after"]
