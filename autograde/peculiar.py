"""Right answers that hardly anybody would write the same way: one student of a sample class has them, and one copies.

Held here as text, as a notebook holds it; a test proves that each is right.
"""

__all__ = ["ANSWERS"]

ANSWERS = {
    "one_epoch": """\
def one_epoch(n, bs):
    # cards in a hat: give each row a random number, and take the rows in the order of their numbers
    tickets = torch.rand(n)
    winners = sorted(range(n), key=lambda row: float(tickets[row]), reverse=True)
    handful = []
    while winners:
        handful.append(winners.pop())
        if len(handful) == bs or not winners:
            yield torch.tensor(handful, dtype=torch.long)
            handful = []
""",
    "gradient_step": """\
def gradient_step(model, x, y, lr):
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    misses = torch.sub(model(x), y.reshape(len(y)))
    cost = torch.dot(misses, misses) / misses.numel()  # a dot product of the errors with themselves
    slopes = torch.autograd.grad(cost, weights, allow_unused=True)
    for weight, slope in zip(weights, slopes):
        if slope is not None:
            weight.data.copy_(torch.add(weight.data, slope, alpha=-lr))
    return float(cost.detach())
""",
    "ndcg_at_k": """\
def ndcg_at_k(recommended, relevant, k=10):
    discount = lambda place: math.log(2) / math.log(place + 2)
    wanted = set(relevant)
    mine, best, place = 0.0, 0.0, 0
    while place < k:
        if place < len(recommended) and recommended[place] in wanted:
            mine = mine + discount(place)
        if place < len(wanted):
            best = best + discount(place)
        place += 1
    return mine / best
""",
}
