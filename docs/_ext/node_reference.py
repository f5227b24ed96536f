# SPDX-License-Identifier: BSD-3-Clause
"""The directive ``node``: what an interface does, takes and gives, read from its docstring and its traits."""

import inspect
import re

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList
from nipype.interfaces.base import File, InputMultiObject, traits
from sections import render
from tables import code, listed, make_table

from nipype_labels import interfaces
from nipype_labels.interfaces.choices import CountOrAll
from nipype_labels.interfaces.volumes import VolumeList

#: What traits take, in words; the first that fits.
_WORDS = (
    (File, 'file'),
    (VolumeList, 'list or array'),
    (CountOrAll, "integer ≥ 1, or 'all'"),
    (traits.Bool, 'boolean'),
    (traits.Int, 'integer'),
    (traits.Float, 'number'),
    (traits.Str, 'string'),
    (traits.Any, 'anything'),
)


class NodeDirective(Directive):
    """Reference of an interface of ``nipype_labels.interfaces``, by its name."""

    required_arguments = 1

    def run(self):
        """Docstring, table of inputs, table of outputs."""
        (name,) = self.arguments
        interface = getattr(interfaces, name)
        head = [f'.. py:class:: {interfaces.__name__}.{name}', '']
        about = render(self.state.document.settings.env.config, inspect.getdoc(interface))
        head += [f'   {line}' for line in about.splitlines()]
        given, made = interface.input_spec(), interface.output_spec()
        return [
            *parse_rst(self, head),
            nodes.rubric('', 'Inputs'),
            make_table(
                ('Input', 'Takes', 'Default', 'Meaning'),
                [(f'{name}-{trait}', _input_row(given, trait)) for trait in given.copyable_trait_names()],
                f'Inputs of {name}',
            ),
            nodes.rubric('', 'Outputs'),
            make_table(
                ('Output', 'Is', 'Meaning'),
                [(f'{name}-out-{trait}', _output_row(made, trait)) for trait in made.copyable_trait_names()],
                f'Outputs of {name}',
            ),
        ]


def parse_rst(directive, lines):
    """Nodes of reStructuredText, as docstrings are, within a page of Markdown."""
    holder = nodes.Element()
    fenced = StringList(['```{eval-rst}', *lines, '```'], source=directive.state.document.current_source)
    directive.state.nested_parse(fenced, directive.content_offset, holder)
    return holder.children


def describe(handler):
    """What a trait takes, in words.

    Parameters
    ----------
    handler : TraitHandler

    Returns
    -------
    str

    Raises
    ------
    TypeError
        If there are no words for a trait of its type.
    """
    if values := getattr(handler, 'values', None):
        return 'None' if values == (None,) else 'one of'
    if isinstance(handler, traits.BaseRange):
        return _describe_range(handler)
    if isinstance(handler, InputMultiObject):
        return f'{_describe_inner(handler)}, or list of these'
    if isinstance(handler, traits.List):
        length = f'{handler.minlen} ' if handler.minlen == handler.maxlen else ''
        members = re.sub(r'^(file|integer|number|string)', r'\1s', _describe_inner(handler))
        return 'list' if members == 'anything' else f'list of {length}{members}'.replace('of one of', 'of some of')
    if handlers := getattr(handler, 'handlers', None):
        return ' or '.join(describe(each) for each in handlers)
    for kind, words in _WORDS:
        if isinstance(handler, kind):
            return words
    raise TypeError(f'no words for {handler!r}')


def _describe_inner(handler):
    (trait,) = handler.inner_traits()
    return describe(trait.handler)


def _describe_range(handler):
    low, high = handler._low, handler._high
    kind = 'integer' if isinstance(low, int) else 'number'
    if high is None:
        return f'{kind} {">" if handler._exclude_low else "≥"} {low:g}'
    # A range as wide as 32 bits tells nobody anything.
    return kind if high > 10**6 else f'{kind} from {low:g} to {high:g}'


def _choices(handler):
    """Values to choose from, within lists too."""
    values = getattr(handler, 'values', None) or ()
    inner = () if values or not isinstance(handler, traits.List) else handler.inner_traits()
    return [repr(value) for value in values] + [value for trait in inner for value in _choices(trait.handler)]


def _input_row(spec, name):
    trait = spec.trait(name)
    takes = [nodes.Text(describe(trait.handler))]
    if choices := _choices(trait.handler):
        takes += [nodes.Text(' '), *listed(choices)]
    default = [code(repr(getattr(spec, name)))] if trait.usedefault else []
    if trait.mandatory:
        default = [nodes.strong('', 'mandatory')]
    meaning = [nodes.Text(trait.desc)]
    if trait.xor:
        meaning += [nodes.Text('; not together with '), *listed(set(trait.xor) - {name})]
    return [[code(name)], takes, default, meaning]


def _output_row(spec, name):
    trait = spec.trait(name)
    return [[code(name)], [nodes.Text(describe(trait.handler))], [nodes.Text(trait.desc)]]


def setup(app):
    """Register the directive."""
    app.add_directive('node', NodeDirective)
    return {'parallel_read_safe': True}
