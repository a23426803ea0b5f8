"""The rules of the house, as functions from a source tree to the list of its violations.

Each returns lines of the form `file:line: what is wrong`. tests/test_house.py calls them on this repository, and on
small trees made to break each rule.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

# Left of the arrow imports right of it: cli -> engine -> data, ... -> values -> config -> plugins -> leaves.
LAYERS: dict[str, int] = {
    **dict.fromkeys(("cli", "__main__"), 7),
    **dict.fromkeys(("__init__", "testing"), 6),  # the public door; the checks for authors of plugins
    **dict.fromkeys(("engine", "inference"), 5),
    **dict.fromkeys(("data", "weights"), 4),
    **dict.fromkeys(("interfaces", "values"), 3),
    **dict.fromkeys(("config",), 2),
    **dict.fromkeys(("plugins", "builtin"), 1),
    **dict.fromkeys(("errors", "randomness", "whole_files", "wording"), 0),
}
SLOW_TO_IMPORT = {"torch", "torchvision", "numpy", "av", "rich", "matplotlib", "PIL"}
NO_NAME = {"utils", "helpers", "common", "misc", "util", "helper"}


@dataclass(frozen=True)
class Import:
    """One imported module in a file."""

    module: str
    line: int
    runs_on_import: bool  # neither inside a function nor under TYPE_CHECKING
    for_types_only: bool
    names: tuple[str, ...] = ()  # of `from module import names`


def find_imports(source: str) -> list[Import]:
    """Every import statement of a module."""
    found: list[Import] = []
    _collect(ast.parse(source), found, in_function=False, for_types=False)
    return found


def _collect(node: ast.AST, found: list[Import], *, in_function: bool, for_types: bool) -> None:
    for child in ast.iter_child_nodes(node):
        runs = not (in_function or for_types)
        if isinstance(child, ast.Import):
            found += [Import(alias.name, child.lineno, runs, for_types) for alias in child.names]
        elif isinstance(child, ast.ImportFrom):
            names = tuple(alias.name for alias in child.names)
            found.append(Import("." * child.level + (child.module or ""), child.lineno, runs, for_types, names))
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for part in child.body:
                _collect(ast.Module([part], []), found, in_function=in_function, for_types=True)
            for part in child.orelse:
                _collect(ast.Module([part], []), found, in_function=in_function, for_types=for_types)
        else:
            inside = in_function or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            _collect(child, found, in_function=inside, for_types=for_types)


def python_files(folder: Path) -> list[Path]:
    """Python files below a folder, sorted."""
    return sorted(path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


def part_of_core(module: str, names: Iterable[str]) -> set[str]:
    """The parts of vidcore that an import reaches: `config` for `vidcore.config.base`, `from vidcore import config`."""
    if module == "vidcore":
        names = set(names) - {"__version__"}
        return {name if name in LAYERS else "__init__" for name in names}
    return {module.split(".")[1]} if module.startswith("vidcore.") else set()


def layering(core: Path) -> list[str]:
    """Imports in the core that go to the left, and modules without a layer.

    Args:
        core: The folder of the package `vidcore`.
    """
    problems = []
    for path in python_files(core):
        part = path.relative_to(core).parts[0].removesuffix(".py")
        if part not in LAYERS:
            problems.append(f"{path}:1: {part} has no layer; give it one in tools/house.py")
            continue
        for one in find_imports(path.read_text(encoding="utf-8")):
            for imported in part_of_core(one.module, one.names):
                if not one.for_types_only and LAYERS.get(imported, 0) > LAYERS[part]:
                    problems.append(f"{path}:{one.line}: {part} imports {imported}, which is to the left of it")
    return problems


def circles(package: Path) -> list[str]:
    """Modules of a package that import each other in a circle, be it for types only or inside a function."""
    files = {
        ".".join(path.relative_to(package.parent).with_suffix("").parts).removesuffix(".__init__"): path
        for path in python_files(package)
    }
    imports = {name: _own_imports(path, files.keys()) - {name} for name, path in files.items()}
    while True:  # take away what imports nothing that is left, and what nothing that is left imports
        wanted = set().union(*imports.values())
        loose = [name for name, reached in imports.items() if name not in wanted or not reached & imports.keys()]
        if not loose:
            return [f"{files[name]}:1: in a circle of imports: {', '.join(imports)}" for name in imports]
        for name in loose:
            del imports[name]


def _own_imports(path: Path, modules: Collection[str]) -> set[str]:
    found = set()
    for one in find_imports(path.read_text(encoding="utf-8")):
        below = {f"{one.module}.{name}" for name in one.names} & set(modules)
        found |= below or {one.module} & set(modules)  # `from package import module` is no use of the package's face
    return found


def slow_imports(files: Iterable[Path]) -> list[str]:
    """Imports of torch and the like that run when one of the files is imported."""
    return [
        f"{path}:{one.line}: imports {one.module} at module level"
        for path in files
        for one in find_imports(path.read_text(encoding="utf-8"))
        if one.runs_on_import and one.module.split(".")[0] in SLOW_TO_IMPORT
    ]


def undeclared_imports(
    package: Path, declared: Iterable[str], provided_by: Mapping[str, Iterable[str]], optional: Iterable[str] = ()
) -> list[str]:
    """Imports, lazy ones too, of packages that the distribution does not declare itself.

    Args:
        package: The folder of an import package.
        declared: Canonical names of the distributions it requires.
        provided_by: For each top-level import name the distributions that bring it.
        optional: Distributions of its extras: may be imported inside a function only.
    """
    problems = []
    declared, optional = set(declared), set(optional)
    for path in python_files(package):
        for one in find_imports(path.read_text(encoding="utf-8")):
            top = one.module.split(".")[0]
            if top in sys.stdlib_module_names or top == package.name or not top:
                continue
            providers = {canonical(name) for name in provided_by.get(top, ())}
            allowed = declared if one.runs_on_import else declared | optional
            if not providers & allowed:
                problems.append(f"{path}:{one.line}: imports {top}, which its pyproject.toml does not declare")
    return problems


def canonical(name: str) -> str:
    """A distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def private_imports(package: Path) -> list[str]:
    """Imports of names with an underscore from vidcore or from another plugin."""
    problems = []
    for path in python_files(package):
        for one in find_imports(path.read_text(encoding="utf-8")):
            top = one.module.split(".")[0]
            parts = [*one.module.split("."), *one.names]
            is_ours = top == "vidcore" or (top.startswith("vidcore_") and top != package.name)
            if is_ours and any(part.startswith("_") and not part.endswith("__") for part in parts):
                problems.append(f"{path}:{one.line}: imports a private name of {top}: {one.module}")
    return problems


def lost_logs(package: Path) -> list[str]:
    """Loggers of a plugin that are not below "vidcore": what they tell reaches no run's log.txt."""
    pattern = re.compile(r"getLogger\((__name__|[\"']vidcore_|\))")
    return [
        f'{path}:{number}: a logger that no run hears; name it "vidcore.NAME"'
        for path in python_files(package)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if pattern.search(line)
    ]


def named_plugins(core: Path, names: Iterable[str]) -> list[str]:
    """Places in the core's Python files, comments included, that name a plugin or what a plugin brings."""
    pattern = re.compile(r"(?<![\w-])(" + "|".join(map(re.escape, sorted(names))) + r")(?![\w-])", re.IGNORECASE)
    problems = []
    for path in python_files(core):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            problems += [f"{path}:{number}: the core names {found.group(1)!r}" for found in pattern.finditer(line)]
    return problems


def lines_of_code(source: str) -> int:
    """Lines that hold code: no blank lines, comments, or docstrings."""
    strings = _docstring_lines(ast.parse(source))
    quiet = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in quiet:
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines - strings)


def _docstring_lines(tree: ast.Module) -> set[int]:
    lines: set[int] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if ast.get_docstring(node, clean=False) is not None:
            lines.update(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return lines


def core_size(core: Path) -> dict[str, int]:
    """Lines of code of each part of the core, `vidcore.testing` left out."""
    sizes: dict[str, int] = {}
    for path in python_files(core):
        part = path.relative_to(core).parts[0].removesuffix(".py")
        if part != "testing":
            sizes[part] = sizes.get(part, 0) + lines_of_code(path.read_text(encoding="utf-8"))
    return sizes


def nameless_modules(folders: Iterable[Path]) -> list[str]:
    """Modules named for nothing, such as utils.py."""
    files = [path for folder in folders for path in python_files(folder)]
    return [f"{path}:1: a module is named for what it knows" for path in files if path.stem.strip("_") in NO_NAME]


def tests_without_check(folder: Path) -> list[str]:
    """Test functions that cannot fail by themselves: no assert, no pytest.raises, no call of a checking function."""
    problems = []
    for path in sorted(folder.rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        for name, node in functions.items():
            if name.startswith("test") and not _checks(node, functions, set()):
                problems.append(f"{path}:{node.lineno}: {name} asserts nothing")
    return problems


def _checks(function: ast.FunctionDef, functions: Mapping[str, ast.FunctionDef], seen: set[str]) -> bool:
    seen.add(function.name)
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func).rpartition(".")[2]
            if any(keyword.arg == "check" and ast.unparse(keyword.value) == "True" for keyword in node.keywords):
                return True
            if re.match(r"_?(assert|check|raises|warns|fail|compare|expect)", called):
                return True
            if called in functions and called not in seen and _checks(functions[called], functions, seen):
                return True
    return False


def anatomy(folder: Path) -> Iterator[str]:
    """What a plugin's folder lacks of the anatomy that CONTRIBUTING.md describes."""
    from workspace import read_distribution

    if not (folder / "pyproject.toml").exists():
        yield f"{folder}: no pyproject.toml"
        return
    distribution = read_distribution(folder)
    project = distribution.pyproject["project"]
    if distribution.name != folder.name:
        yield f"{folder}/pyproject.toml: is named {distribution.name}, its folder {folder.name}"
    for key in ("version", "description", "readme", "license", "requires-python"):
        if key not in project:
            yield f"{folder}/pyproject.toml: project.{key} is missing"
    for requirement in distribution.requirements:
        if any(bound.operator in ("<", "<=", "~=") for bound in requirement.specifier):
            yield f"{folder}/pyproject.toml: {requirement} has an upper bound"
    targets = project.get("entry-points", {}).get("vidcore", {}).values()
    if not targets:
        yield f"{folder}/pyproject.toml: no entry point of the group vidcore"
    for target in targets:
        module = folder / "src" / (target.replace(".", "/") + ".py")
        if not module.exists():
            yield f"{folder}/pyproject.toml: entry point {target}: no {module.relative_to(folder)}"
        elif not re.search(r"^api = \d+$", module.read_text(encoding="utf-8"), re.MULTILINE):
            yield f"{module}:1: no line `api = 1`"
    if not (folder / "README.md").exists():
        yield f"{folder}: no README.md"
    elif folder.parent.name == "contrib" and "Owner:" not in (folder / "README.md").read_text(encoding="utf-8"):
        yield f"{folder}/README.md: contrib needs a line `Owner: NAME`"
    if not list((folder / "tests").rglob("test_*.py")):
        yield f"{folder}/tests: no test"
