from __future__ import annotations

from pathlib import Path

from vidcore.testing import check_light, check_plugin
from vidcore_activitynet import plugin
from vidcore_activitynet.class_lists import class_names
from vidcore_activitynet.config import ActivityNet, Thumos14


def test_plugin_keeps_every_contract() -> None:
    check_plugin(plugin)
    check_light(plugin, plugin.vidcore_components())


def test_classes_are_known_without_the_data() -> None:
    facts = ActivityNet(annotations="absent.json").facts(Path("/nowhere"))
    assert facts.classes == class_names("activitynet")
    assert facts.inputs == {"features": (None, 100)}
    assert len(class_names("activitynet")) == 200
    assert len(Thumos14(annotations="absent").facts(Path("/nowhere")).classes or ()) == 20
