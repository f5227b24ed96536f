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
    """Description of a parameter.

    Attributes
    ----------
    name : str
    kind : type or str
        ``bool``, ``int``, ``float``, ``str``, or one of the words ``'names'`` (list of text), ``'count'`` (integer or
        ``'all'``) and ``'widths'`` (one or three numbers).
    default : object
        Of the workflow factory, and of everything else that has no entry in ``defaults``.
    help : str
        One phrase for ``--help``, descriptions of traits and docstrings.
    more : str
        Further sentences for docstrings.
    choices : tuple of str
        Canonical names; the default is first.
    aliases : dict
        Other values that are accepted, and the choices that they mean.
    low, high : float or None
        Range; an ``open_low`` excludes ``low``.
    metavar : str
        Placeholder of the option's value.
    unset : str
        What it means that the parameter is not given, if it has no default.
    without_preset : object
        Value if neither the parameter nor a preset is given; for parameters whose default is None.
    with_preset : str
        What presets set, in words, if it is the same for all.
    when : Condition or None
        Condition under which values other than the default act.
    defaults : dict of str to object
        Defaults of single interfaces: ``masker``, ``derivatives``.
    """

    name: str
    kind: Any
    default: Any
    help: str
    more: str = ''
    choices: tuple[str, ...] = ()
    aliases: dict[Any, str] = field(default_factory=dict)
    low: float | None = None
    high: float | None = None
    open_low: bool = False
    metavar: str = ''
    unset: str = 'none'
    without_preset: Any = None
    with_preset: str = ''
    when: Condition | None = None
    defaults: dict[str, Any] = field(default_factory=dict)

    @property
    def neutral(self):
        """Canonical value that is the same as not giving the parameter."""
        default = self.default if self.without_preset is None else self.without_preset
        default = list(default) if isinstance(default, tuple) else default
        return self.aliases.get(default, default) if default is None or isinstance(default, bool) else default

    @property
    def default_text(self):
        """The default in words, for ``--help`` and tables."""
        if self.without_preset is not None:
            return f'{self.without_preset}, or {self.with_preset or "as the preset says"}'
        if self.neutral is None or self.neutral == []:
            return self.unset
        return ('no', 'yes')[self.neutral] if self.kind is bool else str(self.neutral)

    @property
    def type_text(self):
        """The type as docstrings have it."""
        listed = ', '.join(repr(value) for value in self.documented_choices)
        kinds = {'names': 'list of str', 'count': "int or 'all'", 'widths': 'float or list of 3 floats'}
        text = kinds.get(self.kind) or self.kind.__name__
        if listed:
            text = f'list of {{{listed}}}' if self.kind == 'names' else f'{{{listed}}}'
        return text + (', optional' if self.neutral is None or self.without_preset is not None else '')

    @property
    def documented_choices(self):
        """Choices as docstrings list them: the default as signatures have it, and True if it has a meaning."""
        shown = [self.default if choice == self.aliases.get(self.default) else choice for choice in self.choices]
        return [*shown[:1], True, *shown[1:]] if True in self.aliases else shown
