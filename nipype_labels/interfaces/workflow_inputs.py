# SPDX-License-Identifier: BSD-3-Clause
"""Checks of the inputs of a node, whose errors name the fields of the workflow that the node is part of."""

from dataclasses import dataclass

from ..model.errors import LabelsError


@dataclass(frozen=True)
class WorkflowInput:
    """A field of ``inputnode`` that an input of a node takes its value from, and the argument that announces it."""

    field: str
    switch: str | None = None


def name_input(node, name):
    """Return the name of an input of an interface for errors."""
    given = node.workflow_inputs.get(name)
    return f'{type(node).__name__}.{name}' if given is None else f'inputnode.{given.field}'


def require_workflow_inputs(node):
    """Raise LabelsError if a mandatory input that comes from a field of ``inputnode`` is missing."""
    for name, given in node.workflow_inputs.items():
        if node.inputs.trait(name).mandatory and node.get_input(name) is None:
            raise LabelsError(_describe_missing(given.field, given.switch))


def check_switches(node):
    """Raise LabelsError if a switch requires an input that is missing, or forbids one that is given."""
    for switch, name in node.switches.items():
        wanted, is_given = node.get_input(switch), node.get_input(name) is not None
        if wanted is None or wanted == is_given:
            continue
        given = node.workflow_inputs.get(name)
        if given is None:
            state = 'given' if is_given else 'not given'
            raise LabelsError(f'{type(node).__name__}: {switch} is {wanted}, but {name} is {state}')
        if wanted:
            raise LabelsError(_describe_missing(given.field, switch))
        raise LabelsError(
            f'inputnode.{given.field} is set, but {switch} is False. Pass {switch}=True to the workflow factory'
        )


def _describe_missing(field, switch):
    """Describe a field that is not set, and how to set it."""
    if switch is None:
        return f'inputnode.{field} is not set. Set or connect it'
    return (
        f'{switch} is True, but inputnode.{field} is not set. Set or connect it, or pass {switch}=False to the '
        'workflow factory'
    )
