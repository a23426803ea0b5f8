"""What plugin authors test with: contract checks, and small real videos.

    from vidcore.testing import check_component

    @pytest.mark.parametrize("component", vidcore_components(), ids=lambda component: component.name)
    def test_contract(component):
        check_component(component)

Checks raise AssertionError and say what breaks the contract; `check_model` tells everything at once.
"""

from vidcore.testing.components import check_component, check_description, check_round_trip
from vidcore.testing.data import check_dataset, check_transform
from vidcore.testing.metrics import check_metric
from vidcore.testing.models import MODEL_CHECKS, ModelCase, check_model
from vidcore.testing.plugins import check_light, check_plugin
from vidcore.testing.videos import make_video

__all__ = [
    "MODEL_CHECKS",
    "ModelCase",
    "check_component",
    "check_dataset",
    "check_description",
    "check_light",
    "check_metric",
    "check_model",
    "check_plugin",
    "check_round_trip",
    "check_transform",
    "make_video",
]
