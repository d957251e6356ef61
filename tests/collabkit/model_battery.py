"""What every rating model must do, as a class to inherit; holds no test of one model alone.

    class TestMyModel(ModelBattery):
        def build(self, n_users, n_movies):
            return MyModel(n_users, n_movies)

A model that draws numbers in `forward` even in eval mode does not fit here.
"""

import io

import pytest
import torch

N_USERS, N_MOVIES, ROWS = 7, 11, 13  # no two sizes are equal, so a mixed-up axis cannot hide

ACCELERATORS = [
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA here")),
    pytest.param("mps", marks=pytest.mark.skipif(not torch.backends.mps.is_available(), reason="no MPS here")),
]


class ModelBattery:
    """Inherit and write `build(n_users, n_movies) -> nn.Module`."""

    def build(self, n_users: int, n_movies: int) -> torch.nn.Module:
        raise NotImplementedError("build(n_users, n_movies) is what a model's own test class adds")

    @pytest.fixture
    def model(self):
        """The model with weights large enough that no output hides in rounding or in a flat sigmoid."""
        model = self.build(N_USERS, N_MOVIES)
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for weight in model.parameters():
                weight.copy_(torch.randn(weight.shape, generator=generator) * 0.5)
        return model.eval()

    @pytest.fixture
    def x(self):
        generator = torch.Generator().manual_seed(1)
        users = torch.randint(N_USERS, (ROWS,), generator=generator)
        movies = torch.randint(N_MOVIES, (ROWS,), generator=generator)
        return torch.stack([users, movies], dim=1)

    def test_one_float_a_row(self, model, x):
        predictions = model(x)
        assert predictions.shape == (ROWS,)
        assert predictions.dtype == torch.float32
        assert predictions.isfinite().all()

    def test_a_batch_of_one_row_and_of_none(self, model, x):
        assert model(x[:1]).shape == (1,)
        assert model(x[:0]).shape == (0,)

    def test_rows_do_not_depend_on_each_other(self, model, x):
        alone = torch.cat([model(row[None]) for row in x])
        torch.testing.assert_close(model(x), alone)

    def test_both_columns_matter(self, model):
        users = torch.stack([torch.arange(N_USERS), torch.zeros(N_USERS, dtype=torch.long)], dim=1)
        movies = torch.stack([torch.zeros(N_MOVIES, dtype=torch.long), torch.arange(N_MOVIES)], dim=1)
        assert len(model(users).unique()) == N_USERS
        assert len(model(movies).unique()) == N_MOVIES

    def test_gradients_are_those_of_finite_differences(self, model, x):
        model = model.double()
        names, weights = zip(*model.named_parameters(), strict=True)

        def predictions(*weights):
            return torch.func.functional_call(model, dict(zip(names, weights, strict=True)), (x,))

        assert torch.autograd.gradcheck(predictions, tuple(w.detach().requires_grad_() for w in weights))

    def test_every_weight_learns(self, model, x):
        model(x).sum().backward()
        without = [name for name, weight in model.named_parameters() if weight.grad is None or not weight.grad.any()]
        assert without == []

    def test_makes_nothing_on_the_cpu(self, model, x):
        predictions = model.to("meta")(x.to("meta"))
        assert predictions.device.type == "meta"
        assert predictions.shape == (ROWS,)

    @pytest.mark.parametrize("device", ACCELERATORS)
    def test_same_on_an_accelerator(self, model, x, device):
        expected = model(x)
        predictions = model.to(device)(x.to(device))
        assert predictions.device.type == device
        torch.testing.assert_close(predictions.cpu(), expected)

    def test_weights_survive_a_file(self, model, x):
        file = io.BytesIO()
        torch.save(model.state_dict(), file)
        file.seek(0)
        twin = self.build(N_USERS, N_MOVIES).eval()
        assert not torch.equal(twin(x), model(x))
        twin.load_state_dict(torch.load(file, weights_only=True))
        assert torch.equal(twin(x), model(x))

    def test_the_seed_decides_how_it_starts(self):
        def start(seed):
            with torch.random.fork_rng():
                torch.manual_seed(seed)
                return torch.cat([weight.flatten() for weight in self.build(N_USERS, N_MOVIES).parameters()])

        assert torch.equal(start(0), start(0))
        assert not torch.equal(start(0), start(1))

    @pytest.mark.parametrize(
        ("row", "sentence"),
        [
            ((N_USERS, 0), f"column 0.*id {N_USERS}.* {N_USERS} rows"),
            ((0, N_MOVIES + 3), f"column 1.*id {N_MOVIES + 3}.* {N_MOVIES} rows"),
            ((-1, 0), f"column 0.*id -1.* 0 to {N_USERS - 1}"),
        ],
    )
    def test_an_unknown_id_is_named(self, model, x, row, sentence):
        with pytest.raises(IndexError, match=sentence):
            model(torch.cat([x, torch.tensor([row])]))
