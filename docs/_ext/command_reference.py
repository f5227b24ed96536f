# SPDX-License-Identifier: BSD-3-Clause
"""The directive ``command``: usage and options of a command, read from the parser itself."""

import argparse
import importlib
import inspect

from docutils import nodes
from docutils.parsers.rst import Directive
from tables import code, listed, make_table

from nipype_labels.cli.main import build_parser
from nipype_labels.core.choices import normalize_choice
from nipype_labels.workflows import init_labels_wf

#: Columns of the text of usage.
USAGE_WIDTH = 76


class CommandDirective(Directive):
    """Reference of a command of ``nipype-labels``, by its name."""

    required_arguments = 1

    def run(self):
        """What it does, its usage, and a table for each group of arguments."""
        (name,) = self.arguments
        parser, about = read_commands()[name]
        documented_commands(self.state.document.settings.env).add(name)
        formatter = argparse.HelpFormatter(parser.prog, width=USAGE_WIDTH)
        formatter.add_usage(None, parser._actions, parser._mutually_exclusive_groups, prefix='')
        usage = formatter.format_help()
        found = [nodes.paragraph('', f'{about[0].upper()}{about[1:]}.')]
        found.append(nodes.literal_block(usage, usage, language='text'))
        defaults = read_defaults(name)
        for group in parser._action_groups:
            actions = [action for action in group._group_actions if action.dest != 'help']
            if actions:
                title = 'arguments' if group.title in ('positional arguments', 'options') else group.title
                found.append(nodes.rubric('', f'{title[0].upper()}{title[1:]}'))
                rows = [(_anchor(name, action), _row(action, defaults)) for action in actions]
                found.append(make_table(('Argument', 'Takes', 'Default', 'Meaning'), rows, f'{name}: {title}'))
        return found


def documented_commands(env):
    """Names of commands that have a reference by now."""
    if not hasattr(env, 'documented_commands'):
        env.documented_commands = set()
    return env.documented_commands


def read_commands():
    """Parser of each command, and what its help says that it does, by name."""
    (commands,) = (action for action in build_parser()._actions if action.choices)
    about = {action.dest: action.help for action in commands._choices_actions}
    return {name: (parser, about[name]) for name, parser in commands.choices.items()}


def read_defaults(name):
    """Defaults of a command's arguments: of the function behind it, which hands on the others to the factory."""
    module = importlib.import_module(f'nipype_labels.cli.{name}')
    found = {}
    for function in (init_labels_wf, getattr(module, name)):
        for parameter in inspect.signature(function).parameters.values():
            found[parameter.name] = parameter.default
    return found


def _anchor(name, action):
    return f'{name}-{action.dest.replace("_", "-")}'


def _row(action, defaults):
    names = action.option_strings or [action.metavar or action.dest]
    takes = _takes(action)
    default = normalize_choice(action.dest, defaults.get(action.dest, inspect.Parameter.empty))
    shown = []
    if action.required and (action.option_strings or action.nargs != '?'):
        shown = [nodes.strong('', 'mandatory')]
    elif action.nargs != 0 and default not in (None, inspect.Parameter.empty, ()):
        shown = [code(str(default))]
    return [listed(names), takes, shown, [nodes.Text(action.help)]]


def _takes(action):
    """The values that follow an option."""
    if action.nargs == 0 or (not action.option_strings and not action.choices):
        return []
    values = [nodes.Text('one of '), *listed(action.choices)] if action.choices else [code(action.metavar)]
    return [*values, nodes.Text(', one or more')] if action.nargs == '+' else values


def setup(app):
    """Register the directive."""
    app.add_directive('command', CommandDirective)
    return {'parallel_read_safe': False}
