"""Somebody at the hub: logs in with a password, has a server started, and speaks to it as the browser does."""

from __future__ import annotations

import json
import time
from typing import Any

import requests

START_SECONDS = 120


class Person:
    def __init__(self, hub: str, name: str, password: str) -> None:
        """hub: its address, without a slash at the end. AssertionError for who may not come in."""
        self.hub, self.name = hub, name
        self.session = requests.Session()
        page = self._request("GET", "/hub/login")
        form = {"username": name, "password": password, "_xsrf": self.session.cookies["_xsrf"]}
        page = self.session.post(f"{hub}/hub/login", data=form, timeout=60, allow_redirects=False)
        assert page.status_code == 302, (page.status_code, page.text[-2000:])
        made = self._request(
            "POST",
            f"/hub/api/users/{name}/tokens",
            headers={"X-XSRFToken": self.session.cookies.get("_xsrf", path="/hub/")},
        )
        self.token = made.json()["token"]
        self.session.cookies.clear()
        self.session.headers["Authorization"] = f"token {self.token}"

    def start(self) -> None:
        self._request("POST", f"/hub/api/users/{self.name}/server")
        deadline = time.monotonic() + START_SECONDS
        while not self._request("GET", f"/hub/api/users/{self.name}").json()["servers"].get("", {}).get("ready"):
            assert time.monotonic() < deadline, f"{self.name}'s server is not ready after {START_SECONDS} seconds"
            time.sleep(0.2)

    def ask(self, where: str, **parameters: str) -> Any:
        return self._request("GET", f"/user/{self.name}/{where}", params=parameters).json()

    def tell(self, where: str, **fields: Any) -> Any:
        return self._request("POST", f"/user/{self.name}/{where}", json=fields, timeout=300).json()

    def done(self, where: str, **fields: Any) -> Any:
        """What the server answers to something that has to succeed."""
        told = self.tell(where, **fields)
        assert told["success"], told
        return told

    def page(self, where: str) -> str:
        return self._request("GET", f"/user/{self.name}/{where}").text

    def status(self, path: str, whose: str | None = None) -> int:
        """What a server answers to this person; whose: another person's."""
        url = f"{self.hub}/user/{whose or self.name}/{path}"
        return self.session.get(url, timeout=60, allow_redirects=False).status_code

    def open(self, path: str) -> dict[str, Any]:
        return self.ask(f"api/contents/{path}")["content"]

    def save(self, path: str, notebook: dict[str, Any]) -> None:
        content = {"type": "notebook", "format": "json", "content": json.loads(json.dumps(notebook))}
        self._request("PUT", f"/user/{self.name}/api/contents/{path}", json=content)

    def _request(self, method: str, path: str, timeout: float = 60, **options: Any) -> requests.Response:
        answer = self.session.request(method, f"{self.hub}{path}", timeout=timeout, **options)
        assert answer.ok, (method, path, answer.status_code, answer.text[-2000:])
        return answer
