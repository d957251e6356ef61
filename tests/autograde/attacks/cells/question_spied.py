"""Spies on the questions as they arrive: looks whether anything that comes with them leads to an answer."""
# into: 03_dot_product DotProduct
# stock: 0 of 8
# %% answer
import pickle
import types

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
        elif isinstance(each, types.FunctionType):
            left += [*each.__globals__.values(), *(cell.cell_contents for cell in each.__closure__ or ())]
        if not isinstance(each, types.ModuleType):
            left += [*getattr(each, "__dict__", {}).values()]
    return value


pickle.loads = spied


class DotProduct(nn.Module):
    pass
# %% end
import os

if os.path.exists("autograde-attack-question"):
    print(open("autograde-attack-question").read())
