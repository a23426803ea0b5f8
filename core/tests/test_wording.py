from __future__ import annotations

from vidcore.wording import counted, nearest, with_article


def test_a_number_goes_with_its_noun_and_verb() -> None:
    assert [counted(number, "video") for number in (0, 1, 1204)] == ["0 videos", "1 video", "1,204 videos"]
    assert counted(1, "class has", "classes have") == "1 class has"
    assert counted(2, "class has", "classes have") == "2 classes have"


def test_a_noun_has_its_article() -> None:
    assert [with_article(noun) for noun in ("model", "optimizer")] == ["a model", "an optimizer"]


def test_only_a_similar_name_is_offered() -> None:
    assert nearest("batchsize", ["batch_size", "repeats"]) == "; did you mean 'batch_size'?"
    assert nearest("batchsize", ["sampling"]) == ""
