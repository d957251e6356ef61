"""What a lesson imports: check, hint, passed, progress and the like. Everything else is the instructor's side.

They are found when they are asked for: whoever only starts a kernel or a command needs neither them nor torch.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autograde.cell import check, passed
    from autograde.guidance import give_up, hint, solution
    from autograde.panel import progress

__all__ = ["check", "give_up", "hint", "passed", "progress", "solution"]

PLACES = {
    "check": "cell",
    "passed": "cell",
    "give_up": "guidance",
    "hint": "guidance",
    "solution": "guidance",
    "progress": "panel",
}


def __getattr__(name: str) -> Any:
    if name not in PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{PLACES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
