"""How the files of frames are named: `img_{:05}.jpg` is img_00001.jpg, img_00002.jpg and so on."""

from __future__ import annotations

import re

from attrs import frozen

_NUMBER = re.compile(r"\{:?(?:0(\d+))?d?\}")  # {}, {:05}, {:05d}, {:d}


@frozen
class Template:
    """A name with a number in it."""

    before: str
    digits: int  # at least so many, filled up with zeros
    after: str

    @classmethod
    def parse(cls, text: str) -> Template:
        """Read a template. Raises ValueError where it has not exactly one number, or names a folder."""
        found = list(_NUMBER.finditer(text))
        if len(found) != 1 or "/" in text or "\\" in text:
            raise ValueError(
                f"{text!r} must name files by one number, such as img_{{:05}}.jpg for img_00001.jpg, and no folders"
            )
        (number,) = found
        return cls(text[: number.start()], int(number[1] or 1), text[number.end() :])

    def name(self, number: int) -> str:
        """The file of a number."""
        return f"{self.before}{number:0{self.digits}d}{self.after}"

    def number(self, name: str) -> int | None:
        """The number of a file; None for another file."""
        digits = name.removeprefix(self.before).removesuffix(self.after)
        if not (digits.isascii() and digits.isdecimal()):
            return None
        number = int(digits) if len(digits) < 19 else -1
        return number if self.name(number) == name else None


def flow_templates(text: str, axes: tuple[str, str]) -> tuple[Template, Template]:
    """The templates of x and y, from one with `{}` for the axis before the number: `flow_{}_{:05}.jpg`.

    Raises:
        ValueError: It has no place for the axis, or both axes have the same name.
    """
    if text.count("{}") != 1 or axes[0] == axes[1]:
        raise ValueError(
            f"{text!r} needs one {{}} for the axis, {axes[0]} or {axes[1]}, and one number, "
            "such as flow_{}_{:05}.jpg"
        )
    first, second = (Template.parse(text.replace("{}", axis)) for axis in axes)
    return first, second
