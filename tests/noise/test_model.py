"""Records of noise models: both ways, of earlier versions, and of unknown kinds."""

import json

import pytest
from pydantic_core import to_json

from napari_dip.errors import BadSettings
from napari_dip.noise.model import NoiseModel, from_record, to_record
from napari_dip.noise.poisson_gaussian import PoissonGaussian


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(PoissonGaussian(), id="none"),
        pytest.param(PoissonGaussian(2.0, 100.0, 3.0, low=0.0), id="one-limit"),
        pytest.param(PoissonGaussian(read=0.1, correlation=((0.3,), ()), sure=False), id="unsure"),
    ],
)
def test_model_is_read_back_from_json(model):
    text = to_json(to_record(model), inf_nan_mode="strings")
    assert from_record(json.loads(text)) == model


def test_record_without_kind_is_poisson_gaussian():
    earlier = {"gain": 2.0, "offset": 1.0, "read": 0.5, "low": "-Infinity", "high": 255.0}
    model = from_record(earlier | {"correlation": [[0.5], []], "sure": True})
    assert model == PoissonGaussian(2.0, 1.0, 0.5, high=255.0, correlation=((0.5,), ()))


def test_unknown_kind_is_refused():
    with pytest.raises(BadSettings, match="'rician' is unknown; install the package"):
        from_record({"kind": "rician", "read": 1.0})


def test_infinity_becomes_null():
    noise = json.loads(json.dumps(PoissonGaussian(read=1.0).as_dict()))
    assert (noise["kind"], noise["read"], noise["high"]) == ("poisson-gaussian", 1.0, None)


def test_noise_without_amplified_is_refused():
    class Own(PoissonGaussian):
        amplified = NoiseModel.amplified

    with pytest.raises(BadSettings, match="define amplified"):
        Own(read=1.0).amplified(2)
