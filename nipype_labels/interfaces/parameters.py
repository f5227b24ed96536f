# SPDX-License-Identifier: BSD-3-Clause
"""Traits of parameters, made from the registry."""

from nipype.interfaces.base import traits

from ..core.choices import find_choice
from ..model.errors import LabelsError
from ..model.parameters import PARAMETERS


class AnyCase(traits.Enum):
    """A choice by its name; upper and lower case are equal."""

    fast_validate = None

    def init_fast_validate(self, *args):
        """Do without the validation in C, which accepts one spelling."""

    def validate(self, objekt, name, value):
        """Return the name as the choices have it."""
        try:
            return find_choice(name, value, self.values)
        except LabelsError:
            self.error(objekt, name, value)


class CountOrAll(traits.Int):
    """A number of 1 or more, or the word all."""

    fast_validate = None
    info_text = "an integer of 1 or more, or 'all'"

    def validate(self, objekt, name, value):
        """Return the number or the word."""
        if isinstance(value, str) and value.lower() == 'all':
            return 'all'
        number = traits.BaseInt.validate(self, objekt, name, value)
        if number < 1 or isinstance(value, bool):
            self.error(objekt, name, value)
        return number


def trait(name, **metadata):
    """Return the trait of a parameter; ``metadata`` such as ``desc`` and ``xor`` extends or replaces the registry's."""
    parameter = PARAMETERS[name]
    metadata = {'desc': parameter.help} | metadata
    default = parameter.neutral
    if parameter.kind == 'names':
        member = AnyCase(*parameter.choices) if parameter.choices else traits.Str()
        return traits.List(member, hash_files=False, **metadata)
    if parameter.kind == 'widths':
        width = traits.Range(low=parameter.low)
        widths = traits.List(traits.Range(low=parameter.low), minlen=3, maxlen=3)
        return traits.Either(width, widths, default=0.0, usedefault=True, **metadata)
    if default is not None:
        metadata['usedefault'] = True
    if parameter.choices:
        choices = metadata.pop('choices', parameter.choices)
        return traits.Enum(*choices, hash_files=False, **metadata)
    if parameter.kind == 'count':
        return CountOrAll(default, hash_files=False, **metadata)
    if parameter.kind is bool:
        return traits.Bool(default, **metadata)
    if parameter.low is None and parameter.high is None:
        return traits.Float(**metadata)
    limits = {'low': parameter.low, 'high': parameter.high, 'exclude_low': parameter.open_low}
    return traits.Range(value=default, **limits, **metadata)


def switch(name):
    """Return the trait of a parameter that announces an input; if it is undefined, the input may be given or not."""
    return traits.Bool(desc=f'{PARAMETERS[name].help}; by default the node takes what it gets')
