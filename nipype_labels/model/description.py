# SPDX-License-Identifier: BSD-3-Clause
"""The form in which a parameter is described."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Condition(NamedTuple):
    """When a parameter acts: in words, and as a test of all parameters in their canonical form."""

    text: str
    holds: Callable[[dict[str, Any]], bool]


@dataclass(frozen=True)
class Parameter:
    """Description of a parameter."""

    name: str
    kind: Any  # bool, int, float, str, 'names' (list of str), 'count' (int or 'all'), or 'widths' (1 or 3 floats)
    default: Any  # of the workflow factory, and of every interface that has no entry in ``defaults``
    help: str  # one phrase for --help, descriptions of traits and docstrings
    more: str = ''  # further sentences for docstrings
    choices: tuple[str, ...] = ()  # canonical names; the default is first
    words: dict[str, str] = field(default_factory=dict)  # in place of choices: each with its words in the boilerplate
    aliases: dict[Any, str] = field(default_factory=dict)  # other accepted values, and the choices that they mean
    low: float | None = None
    high: float | None = None
    open_low: bool = False  # whether ``low`` itself is excluded
    metavar: str = ''  # placeholder of the option's value
    unset: str = 'none'  # meaning of a parameter that is not given, if it has no default
    when: Condition | None = None  # condition under which values other than the default act
    defaults: dict[str, Any] = field(default_factory=dict)  # defaults of single interfaces: masker, derivatives

    def __post_init__(self) -> None:
        if self.words:
            object.__setattr__(self, 'choices', tuple(self.words))

    @property
    def neutral(self) -> Any:
        """Canonical value that is the same as not giving the parameter."""
        default = list(self.default) if isinstance(self.default, tuple) else self.default
        return self.aliases.get(default, default) if default is None or isinstance(default, bool) else default

    @property
    def default_text(self) -> str:
        """The default in words, for ``--help`` and tables."""
        if self.neutral is None or self.neutral == []:
            return self.unset
        return ('no', 'yes')[self.neutral] if self.kind is bool else str(self.neutral)

    @property
    def type_text(self) -> str:
        """The type as docstrings have it."""
        listed = ', '.join(repr(value) for value in self.documented_choices)
        kinds = {'names': 'list of str', 'count': "int or 'all'", 'widths': 'float or list of 3 floats'}
        text = kinds.get(self.kind) or self.kind.__name__
        if listed:
            text = f'list of {{{listed}}}' if self.kind == 'names' else f'{{{listed}}}'
        return text + (', optional' if self.neutral is None else '')

    @property
    def documented_choices(self) -> list[Any]:
        """Choices as docstrings list them: the default as signatures have it, and True if it has a meaning."""
        shown = [self.default if choice == self.aliases.get(self.default) else choice for choice in self.choices]
        return [*shown[:1], True, *shown[1:]] if True in self.aliases else shown
