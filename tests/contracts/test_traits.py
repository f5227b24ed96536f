# SPDX-License-Identifier: BSD-3-Clause
"""Traits have the metadata that Nipype reads, and no others; nodes exchange files and scalars."""

import inspect
import re
from pathlib import Path

import pytest
from contract_cases import modules
from nipype.interfaces import base
from nipype.interfaces.base import BaseTraitedSpec, DynamicTraitedSpec, File, Str, traits
from traits.trait_handlers import TraitCompound, TraitEnum

from nipype_labels import interfaces
from nipype_labels.interfaces.base import InputFile, LabelsInputSpec
from nipype_labels.interfaces.volumes import VolumeList

#: Metadata that Nipype reads of any node's trait. Those of command lines (argstr, position, genfile, …) say nothing
#: here, and a keyword that a trait's type takes for itself (exists, low, maxlen, …) is no metadata.
READ = {'desc', 'mandatory', 'usedefault', 'xor', 'requires', 'nohash', 'hash_files', 'deprecated', 'new_name'}

#: Metadata that traits and Nipype's types always have.
OWN = {'type', 'copy', 'extensions'}

#: Types of values; a trait of another type could hold an object, which cannot be hashed.
SCALARS = (traits.Bool, traits.Int, traits.Float, traits.Range, traits.Enum, Str, traits.Str, VolumeList)


def specs(kind):
    """All classes of inputs or outputs."""
    found = [each for module in modules() for each in vars(module).values() if inspect.isclass(each)]
    ours = [each for each in dict.fromkeys(found) if each.__module__.startswith('nipype_labels.')]
    inputs = [each for each in ours if issubclass(each, LabelsInputSpec)]
    outputs = [e for e in ours if issubclass(e, BaseTraitedSpec) and not issubclass(e, DynamicTraitedSpec)]
    return inputs if kind == 'inputs' else [each for each in outputs if each not in inputs]


def walk(handler):
    """Handlers of a trait, of the members of lists, and of alternatives."""
    yield handler
    inner = [trait.handler for trait in handler.inner_traits()] if hasattr(handler, 'inner_traits') else []
    for each in [*inner, *(getattr(handler, 'handlers', None) or ())]:
        yield from walk(each)


def given_metadata(metadata):
    """Keywords of a trait that its type does not use."""
    return {key for key, value in metadata.items() if key not in OWN or (key == 'extensions' and value is not None)}


def check_metadata(name, trait, names):
    """List faults of the metadata of a trait."""
    outer, *inner = walk(trait.handler)
    metadata = given_metadata(trait.__dict__)
    if not (trait.desc or '').strip():
        yield 'has no desc'
    for key in sorted(metadata - READ):
        yield f'{key}= is not read by Nipype'
    for key in sorted({key for each in inner for key in given_metadata(getattr(each, '_metadata', {}))}):
        yield f'{key}= within it is not read by Nipype'
    if trait.mandatory and trait.usedefault:
        yield 'is mandatory, and has a default'
    simple = type(outer) in (traits.Bool, traits.Int, traits.Float, traits.Str, Str)
    if simple and outer.default_value != type(outer).default_value and not trait.usedefault:
        yield f'has the default {outer.default_value!r} and does not use it'
    for other in [*(trait.requires or ()), *(trait.xor or ())]:
        if other not in names or other == name:
            yield f'names {other}, which is no other input'
    if isinstance(outer, TraitCompound) and metadata & {'nohash', 'hash_files'}:
        yield 'has alternatives, of which Nipype does not read how to hash them: make it a list'


def check_kind(trait):
    """List faults of the type of a trait."""
    kinds = list(walk(trait.handler))
    for each in kinds:
        if isinstance(each, TraitEnum) and all(isinstance(v, str | int | float | None) for v in each.values):
            continue
        if not isinstance(each, (*SCALARS, File, traits.List, TraitCompound)):
            yield f'takes {type(each).__name__}, which is neither file nor scalar nor list of these'
    files = [each for each in kinds if isinstance(each, File)]
    words = [each for each in kinds if isinstance(each, traits.Enum | traits.Str | Str) and not isinstance(each, File)]
    if words and trait.hash_files is not False:
        yield 'is hashed as a file if there is one of that name: hash_files=False'
    if files and trait.hash_files is False:
        yield 'is a file whose content is not hashed'
    for each in files:
        if each.exists or getattr(each, 'resolve', False):
            yield 'must exist when it is set: whether it does is asked as the node runs'
        if not isinstance(each, InputFile):
            yield 'is a name that nobody makes absolute: InputFile'


def check_inputs(spec):
    """List faults of a class of inputs."""
    own = spec()
    names = own.copyable_trait_names()
    for name in names:
        trait = own.trait(name)
        wrong = [*check_metadata(name, trait, names), *check_kind(trait)]
        if trait.nohash and name not in ('num_threads', 'command', *spec.grids, *spec.names_only):
            wrong.append('can change numbers, and is not hashed')
        yield from (f'{spec.__name__}.{name} {each}' for each in wrong)
    for name in spec.grids:
        if not (name in names and own.trait(name).nohash):
            yield f'{spec.__name__}.grids names {name}, which is hashed as a file, or no input'
    for one, other in ((name, other) for name in names for other in own.trait(name).xor or ()):
        if other in names and one not in (own.trait(other).xor or ()):
            yield f'{spec.__name__}.{other} does not exclude {one}, which excludes it'


def check_outputs(spec):
    """List faults of a class of outputs."""
    own = spec()
    for name in own.copyable_trait_names():
        trait = own.trait(name)
        wrong = list(check_metadata(name, trait, own.copyable_trait_names()))
        if given_metadata(trait.__dict__) - {'desc'}:
            wrong.append('has more than a desc, which Nipype reads of inputs alone')
        kinds = list(walk(trait.handler))
        if not all(isinstance(each, (*SCALARS, File, traits.List)) for each in kinds):
            wrong.append('takes what is neither file nor scalar nor list of these')
        if not all(each.exists for each in kinds if isinstance(each, File)):
            wrong.append('may name a file that is not there: exists=True')
        yield from (f'{spec.__name__}.{name} {each}' for each in wrong)


def test_traits_of_all_nodes_are_checked():
    nodes = [getattr(interfaces, name) for name in interfaces.__all__]
    assert {node.input_spec for node in nodes} <= set(specs('inputs'))
    assert {node.output_spec for node in nodes} <= set(specs('outputs'))


@pytest.mark.parametrize('spec', specs('inputs'))
def test_inputs_are_files_and_scalars_with_metadata_that_nipype_reads(spec):
    assert not list(check_inputs(spec))


@pytest.mark.parametrize('spec', specs('outputs'))
def test_outputs_are_files_that_exist_and_scalars(spec):
    assert not list(check_outputs(spec))


def test_metadata_that_is_allowed_is_read_by_nipype():
    sources = [Path(base.__file__).with_name(f'{name}.py') for name in ('specs', 'core', 'support')]
    code = ' '.join(path.read_text(encoding='utf-8') for path in sources)
    assert [word for word in READ if not re.search(rf'\b{word}\b', code)] == []
