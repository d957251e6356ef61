"""Finished versions of every shape that code can have."""

import functools


def shouted(function):
    @functools.wraps(function)
    def louder(*arguments):
        return function(*arguments) + "!"

    return louder


def double(x):
    """Twice as much."""
    # a comment that gives the answer away: x + x
    return x + x


def one_line(x): return x * 3  # fmt: skip


@shouted
def greeting(name):
    return "hello " + name


class Base:
    def who(self):
        return "base"


class Model(Base):
    """A model with a secret."""

    size = 3

    def __init__(self, secret):
        super().__init__()
        self.secret = secret

    def predict(self, x):
        return self.secret * x

    @property
    def half(self):
        return self.secret / 2

    @classmethod
    def made(cls, n):
        return cls(n)

    @staticmethod
    def helper(x):
        return x + 1

    class Inner:
        def deep(self):
            return "deep"


class Child(Model):
    def predict(self, x):
        return super().predict(x) + 1


constant = 5
