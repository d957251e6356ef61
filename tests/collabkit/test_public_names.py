"""Every module says which names are public, and the package hands them on."""

import importlib
import pkgutil

import pytest

import collabkit

MODULES = [name for _, name, _ in pkgutil.iter_modules(collabkit.__path__) if not name.startswith("_")]
BEHIND_RATINGS = {"cache", "errors", "movielens", "planted"}  # ratings says what of them is public
PICTURES = {"picture", "plots"}  # names like `matrix` and `ladder` make sense only behind `plots.`
PLAY = {"widgets"}  # for lessons, which import them by their room


@pytest.mark.parametrize("name", MODULES)
def test_public_names_are_said_and_exist(name):
    module = importlib.import_module(f"collabkit.{name}")
    assert len(set(module.__all__)) == len(module.__all__) > 0
    assert [public for public in module.__all__ if not hasattr(module, public)] == []


INSIDE_FIT = {"engines", "kernels", "schedule"}  # what `fit` runs on; nobody calls them by hand


@pytest.mark.parametrize("name", sorted({*MODULES} - BEHIND_RATINGS - PICTURES - PLAY - INSIDE_FIT))
def test_the_package_hands_them_on(name):
    module = importlib.import_module(f"collabkit.{name}")
    assert [public for public in module.__all__ if public not in collabkit.__all__] == []
    assert [public for public in module.__all__ if getattr(collabkit, public) is not getattr(module, public)] == []


def test_the_package_promises_nothing_it_does_not_have():
    assert sorted(set(collabkit.__all__)) == sorted(collabkit.__all__)
    assert [public for public in collabkit.__all__ if not hasattr(collabkit, public)] == []
