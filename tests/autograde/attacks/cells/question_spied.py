"""Spies on the questions as they arrive: looks whether anything that comes with them leads to an answer."""
# into: 03_dot_product DotProduct
# %% answer
import pickle

loads, depth = pickle.loads, 0
WORDS = ("Exercise", "Question", "Misconception", "Check")


def spied(data, *args, **kwargs):
    value = loads(data, *args, **kwargs)
    for word in (b"misconception", b"reference", b"right", b"why_not"):
        if word in bytes(data):
            with open("autograde-attack-question", "a") as file:
                file.write(f"LOOT: a question names {word.decode()}\n")
    seen, left = set(), [value]
    while left and len(seen) < 20_000:
        each = left.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if type(each).__name__ in WORDS:
            with open("autograde-attack-question", "a") as file:
                file.write(f"LOOT: a question leads to {type(each).__name__} {getattr(each, 'name', '')}\n")
            continue
        if isinstance(each, dict):
            left += [*each.values()]
        elif isinstance(each, list | tuple | set):
            left += [*each]
        elif callable(each):
            left += [*getattr(each, "__globals__", {}).values()] if getattr(each, "__module__", "") != "builtins" else []
            left += [cell.cell_contents for cell in getattr(each, "__closure__", None) or ()]
        left += [*getattr(each, "__dict__", {}).values()] if not isinstance(each, type(pickle)) else []
    return value


pickle.loads = spied


class DotProduct(nn.Module):
    pass
# %% end
import os

if os.path.exists("autograde-attack-question"):
    print(open("autograde-attack-question").read())
