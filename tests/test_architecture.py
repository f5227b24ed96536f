# SPDX-License-Identifier: BSD-3-Clause
"""Files and functions stay small, and ``core`` imports no large library."""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILES = sorted([*(ROOT / 'nipype_labels').rglob('*.py'), *(ROOT / 'workflows').glob('*.py')])
CHECKS = sorted([*(ROOT / 'tests').rglob('*.py'), *(ROOT / 'benchmarks').rglob('*.py')])


def own_lines(function):
    """Lines of a function without its docstring."""
    documented = ast.get_docstring(function, clean=False)
    return function.end_lineno - function.lineno + 1 - (documented.count('\n') + 1 if documented else 0)


def find_functions(node):
    """Return functions among statements, and the statements within them: walking every expression takes longer."""
    within = [
        each for field in ('body', 'orelse', 'handlers', 'finalbody', 'cases') for each in getattr(node, field, [])
    ]
    return [each for each in within if isinstance(each, ast.FunctionDef)] + [
        f for each in within for f in find_functions(each)
    ]


def test_files_and_functions_stay_small():
    large = []
    for path in [*FILES, *CHECKS]:
        text = path.read_text(encoding='utf-8')
        functions = find_functions(ast.parse(text))
        large += [f'{path}: {text.count(chr(10))} lines'] if text.count('\n') > 400 else []
        large += [f'{path}: {f.name}: {own_lines(f)} lines' for f in functions if own_lines(f) > 60]
    assert large == []


def test_every_file_names_its_licence():
    licence = '# SPDX-License-Identifier: BSD-3-Clause\n'
    assert [path for path in FILES if not path.read_text(encoding='utf-8').startswith(licence)] == []


def test_core_loads_neither_nipype_nor_nibabel_nor_pandas():
    """Arrays are computed with numpy and scipy alone."""
    code = (
        'import sys, pkgutil, importlib, nipype_labels.core as core\n'
        'for module in pkgutil.iter_modules(core.__path__, core.__name__ + "."): importlib.import_module(module.name)\n'
        'print({"nipype", "nibabel", "pandas", "traits", "isal", "matplotlib"} & set(sys.modules))'
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == 'set()'
