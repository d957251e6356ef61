"""fastai without what it imports for nothing. For our own processes; a learner's own kernel imports it all."""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

__all__ = ["fastai_quickly"]

COMPILER = "torch._dynamo"

RARELY_NEEDED = ("sklearn", "sklearn.model_selection", "sklearn.metrics", "scipy.stats", "scipy.ndimage")
FOR_PLOTS = ("matplotlib", "matplotlib.pyplot")


def fastai_quickly(*, plots: bool = True) -> None:
    """Import torch and fastai.collab in half the time, and without what few will call.

    Metrics of fastai's import scikit-learn and scipy.stats, its images scipy.ndimage; now they do so when they are
    called. Whoever imports these by name, afterwards, gets the real ones. PyTorch imports its compiler for optimizers
    and the `meta` device, just to say what it must not compile; now torch.compile imports it, which has a use for it.
    plots: whether this process will draw any; without them matplotlib waits for its first use as well.
    """
    import torch  # noqa: F401

    sys.modules.setdefault(COMPILER, _Uncompiled(COMPILER))
    wanted = RARELY_NEEDED if plots else (*RARELY_NEEDED, *FOR_PLOTS)
    names = [name for name in wanted if name not in sys.modules]
    if "fastai.basics" in sys.modules or len(names) < len(wanted):
        return
    for name in names:
        sys.modules[name] = _Later(name)
        package, _, inner = name.rpartition(".")
        if isinstance(sys.modules.get(package), _Later):  # as an import does
            setattr(sys.modules[package], inner, sys.modules[name])
    try:
        import fastai.collab  # noqa: F401
    finally:
        for name in names:
            del sys.modules[name]


class _Later(ModuleType):
    """Stands for a module while others import it. The real one is imported when something of it is used."""

    __path__: Sequence[str] = ()  # as packages have, so that their modules can be imported

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:  # `from it import name`, while it is being stood for
            return _LaterAttribute(self.__name__, name)
        return getattr(importlib.import_module(self.__name__), name)


class _Uncompiled(ModuleType):
    """Stands for PyTorch's compiler until something is to be compiled, and makes way for it then."""

    def disable(self, function: Callable | None = None, *_: Any, **__: Any) -> Callable:
        return function or (lambda function: function)

    def graph_break(self, *_: Any, **__: Any) -> None: ...

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__path__":
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


class _LaterAttribute:
    """Stands for something in a module, and for what is in it: the real one is called."""

    def __init__(self, module: str, *path: str):
        self._module, self._path = module, path

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return functools.reduce(getattr, self._path, importlib.import_module(self._module))(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _LaterAttribute(self._module, *self._path, name)
