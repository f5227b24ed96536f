# SPDX-License-Identifier: BSD-3-Clause
"""Kinds of values that Nipype has no trait for."""

from nipype.interfaces.base import traits

from ..core.choices import find_choice
from ..core.errors import LabelsError


class AnyCase(traits.Enum):
    """A choice by its name, whatever the case of its letters."""

    fast_validate = None

    def init_fast_validate(self, *args):
        """Do without the validation in C, which knows one spelling."""

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
