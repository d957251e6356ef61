"""JupyterLab without a mouse: whatever is done here is done by keys, and the page itself is only read."""

from __future__ import annotations

import contextlib
import time

WAIT = 180_000  # milliseconds, for whatever a busy machine takes
SOON = 10_000  # milliseconds, for what a reader does once more when nothing happens
ATTEMPTS = 12
ON_FOCUS = "one => one.contains(document.activeElement)"
ACTIVE = ".jp-Notebook .jp-Cell.jp-mod-active"


class Keyboard:
    """A page, and the keys that its reader has."""

    def __init__(self, page):
        self.page = page

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.page.keyboard.insert_text(text)

    def visit(self, address: str) -> None:
        """Open JupyterLab at this address, not as it was left, and wait until it has put its parts together."""
        self.page.goto(f"{address}?reset")
        self.page.wait_for_function("() => window.jupyterapp")
        self.page.evaluate(
            "async () => { const app = window.jupyterapp; window.ran = []; await app.restored;"
            " app.commands.commandExecuted.connect("
            "(_, { id, args }) => window.ran.push(app.commands.label(id, args))); }"
        )

    def command(self, label: str) -> None:
        """Run one of JupyterLab's commands by its palette, once. AssertionError where it does not run."""
        from playwright.sync_api import TimeoutError  # whoever has no Playwright skips these tests, and still imports

        palette = self.page.locator(".jp-ModalCommandPalette input")
        chosen = self.page.locator(".jp-ModalCommandPalette .lm-CommandPalette-item.lm-mod-active")
        before = self.page.evaluate("window.ran.length")
        for _ in range(ATTEMPTS):
            self.press("Control+Shift+C")
            with contextlib.suppress(TimeoutError):  # a part that opens late takes the focus, and the palette closes
                palette.wait_for(timeout=SOON)
                self.type(label)
                chosen.filter(has_text=label).first.wait_for(timeout=SOON)
                self.press("Enter")
                self.page.wait_for_function(
                    "([before, label]) => window.ran.slice(before).some(each => each.includes(label))",
                    arg=[before, label],
                    timeout=SOON,
                )
                return
            self.press("Escape")
        raise AssertionError(f"{label} does not run; what ran: {self.page.evaluate('window.ran')[before:]}")

    def tab_to(self, target, key: str = "Tab", limit: int = 60) -> None:
        """Press a key until `target` has the focus. AssertionError where it cannot be reached."""
        for _ in range(limit):
            if target.evaluate(ON_FOCUS):
                return
            self.press(key)
        focused = self.page.evaluate("document.activeElement.outerHTML.slice(0, 300)")
        raise AssertionError(f"{limit} times {key} do not lead to {target}, but to {focused}")


class Notebook(Keyboard):
    """An open notebook, as its reader has it: cells by what stands in them, keys, outputs."""

    def open(self, address: str) -> None:
        self.visit(address)
        self.page.locator(ACTIVE).wait_for()
        self.page.locator("#jp-main-statusbar").get_by_text("| Idle").wait_for()  # the kernel is there

    def cell(self, text: str):
        """The first code cell with this text."""
        return self.page.locator(".jp-Notebook .jp-CodeCell").filter(has_text=text).first

    def go_to(self, text: str):
        """Walk to the first code cell with this text, and return it."""
        return self._walk_to(self.cell(text))

    def go_to_output(self, shown):
        """Walk to the cell that shows something."""
        return self._walk_to(shown.locator("xpath=ancestor::*[contains(@class, 'jp-CodeCell')]"))

    def _walk_to(self, cell):
        """Cell by cell, in command mode."""
        cell.wait_for(state="attached")
        self.press("Escape")
        here, there = (
            one.evaluate("one => [...one.closest('.jp-Notebook').querySelectorAll('.jp-Cell')].indexOf(one)")
            for one in (self.page.locator(ACTIVE), cell)
        )
        for _ in range(abs(there - here)):
            self.press("j" if there > here else "k")
        assert cell.evaluate("one => one.classList.contains('jp-mod-active')"), "no way leads to this cell"
        return cell

    def write(self, text: str, source: str) -> None:
        """Replace what stands in a cell, and run it."""
        self.go_to(text)
        self.press("Enter", "Control+A")
        self.type(source)
        self.press("Control+Enter")

    def check(self, name: str):
        """Run the check cell of an exercise, and return its card, as soon as there is a new one, with the seconds."""
        cell = self.go_to(f'check("{name}"')
        cell.evaluate("one => one.querySelectorAll('.jp-OutputArea-output').forEach(each => each.dataset.old = '')")
        started = time.perf_counter()
        self.press("Control+Enter")
        card = cell.locator(".jp-OutputArea-output:not([data-old]) [role=status]").first
        card.wait_for()
        return card, time.perf_counter() - started

    def run_all(self) -> None:
        """Run every cell, and wait for the last one."""
        self.command("Run All Cells")
        self.page.wait_for_function(
            "() => { const all = [...document.querySelectorAll('.jp-Notebook .jp-CodeCell .jp-InputPrompt')]"
            ".map(one => one.textContent);"
            " return all.some(text => /\\d/.test(text)) && !all.some(text => text.includes('*')); }"
        )

    def validated(self) -> str:
        """What nbgrader's dialog says; its button stands in the notebook's toolbar."""
        self.press("Escape")
        self.tab_to(self.page.locator(".jp-NotebookPanel-toolbar"), "Shift+Tab")
        self.tab_to(self.page.locator(".jp-NotebookPanel-toolbar .validate-button"), "ArrowRight")  # as in any toolbar
        self.press("Enter")
        self.page.wait_for_function(
            "() => /Success|failed|error/i.test(document.querySelector('.jp-Dialog')?.innerText ?? '')"
        )
        return self.page.locator(".jp-Dialog").inner_text()

    def close_dialog(self) -> None:
        """Close it, and go back into the notebook."""
        self.press("Enter")
        self.page.locator(".jp-Dialog").wait_for(state="detached")
        self.tab_to(self.page.locator(ACTIVE))

    def save(self) -> None:
        self.press("Escape", "Control+S")
        self.page.wait_for_timeout(1000)
