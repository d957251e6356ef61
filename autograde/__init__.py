"""What a lesson imports: check, hint, passed, progress. Everything else is the instructor's side.

They are found when they are asked for: whoever only starts a kernel or a command needs neither them nor torch.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autograde.cell import check, hint, passed, progress

__all__ = ["check", "hint", "passed", "progress"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from autograde import cell

    return getattr(cell, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
