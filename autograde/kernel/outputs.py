"""The outputs of a cell as nbformat knows them, rebuilt from what a child sends: checked, bounded, nothing believed."""

from __future__ import annotations

import re
from typing import Any

from autograde.kernel.limits import Limits

__all__ = ["Outputs"]

JSON_MIME = re.compile(r"application/(.*\+)?json\Z")
SHORT = 200  # characters of a name: a mime type, an exception, an id of a display


class Outputs:
    """One cell's outputs, in order, as they come in. What is too much or makes no sense is dropped.

    displays: display ids of all cells so far with the outputs that show them, which an update changes in place.
    """

    def __init__(self, limits: Limits, displays: dict[str, list[dict[str, Any]]]):
        self.list: list[dict[str, Any]] = []
        self._limits = limits
        self._displays = displays
        self._clear()

    def _clear(self) -> None:
        self.list.clear()
        self._characters = self._limits.output_characters
        self._rich = self._limits.rich_bytes
        self._clear_before_next = False

    def take(self, header: dict[str, Any]) -> None:
        """Take a message of a child: an output, an update of one, or the wish to clear what is there."""
        if "clear" in header:
            self._clear_before_next = bool(header["clear"])
            if not self._clear_before_next:
                self._clear()
            return
        name = _text(header.get("display_id"), SHORT)
        if (update := header.get("update")) is not None:
            self._update(name, update)
        elif (output := self._checked(header.get("output"))) is not None:
            if self._clear_before_next:
                self._clear()
            self._add(output, name)

    def _add(self, output: dict[str, Any], name: str) -> None:
        last = self.list[-1] if self.list else {}
        if output["output_type"] == last.get("output_type") == "stream" and output["name"] == last["name"]:
            last["text"] += output["text"]
        elif len(self.list) < self._limits.outputs:
            self.list.append(output)
            if name and (name in self._displays or len(self._displays) < self._limits.outputs):
                self._displays.setdefault(name, []).append(output)

    def _update(self, name: str, update: Any) -> None:
        shown = self._displays.get(name, ())
        for output in shown[: self._limits.outputs]:
            self._rich += _size(output["data"])  # it makes room for what comes
        fresh = self._checked({**update, "output_type": "display_data"} if isinstance(update, dict) else None)
        for output in shown[: self._limits.outputs] if fresh else ():
            output["data"], output["metadata"] = fresh["data"], fresh["metadata"]

    def _checked(self, output: Any) -> dict[str, Any] | None:
        """The output, rebuilt from the parts that are known, or None."""
        if not isinstance(output, dict):
            return None
        kind = output.get("output_type")
        if kind == "stream" and output.get("name") in ("stdout", "stderr"):
            text = _text(output.get("text"), max(0, self._characters))
            self._characters -= len(text)
            return {"output_type": "stream", "name": output["name"], "text": text} if text else None
        if kind == "error":
            lines = output.get("traceback")
            lines = [_text(line, 100_000) for line in lines[:1_000]] if isinstance(lines, list) else []
            if sum(map(len, lines)) > self._limits.output_characters:
                lines = []
            return {
                "output_type": "error",
                "ename": _text(output.get("ename"), SHORT),
                "evalue": _text(output.get("evalue"), 100_000),
                "traceback": lines,
            }
        if kind in ("display_data", "execute_result"):
            data = _mime_bundle(output.get("data"))
            self._rich -= _size(data)
            if not data or self._rich < 0:
                self._rich += _size(data)
                return None
            metadata = output.get("metadata")
            checked = {"output_type": kind, "data": data, "metadata": metadata if isinstance(metadata, dict) else {}}
            if kind == "execute_result":
                count = output.get("execution_count")
                checked["execution_count"] = count if type(count) is int and 0 <= count < 1 << 31 else None
            return checked
        return None


def _text(value: Any, limit: int) -> str:
    return value[:limit] if isinstance(value, str) else ""


def _mime_bundle(data: Any) -> dict[str, Any]:
    """Those of the representations that nbformat allows: text, and any JSON under a JSON mime type."""
    if not isinstance(data, dict):
        return {}
    return {
        mime: value
        for mime, value in list(data.items())[:50]
        if len(mime) <= SHORT and "/" in mime and (isinstance(value, str) or JSON_MIME.match(mime))
    }


def _size(data: dict[str, Any]) -> int:
    # a header of JSON is bounded as a whole, so values that are no text weigh what their text would
    return sum(len(value) if isinstance(value, str) else len(repr(value)) for value in data.values())
