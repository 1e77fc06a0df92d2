"""capsule.toml: finding it, reading it, and saying which key is wrong."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from capsule.errors import ConfigError
from capsule.message_text import nearest, printable, shown
from capsule.policy.folders import is_inside, relative_parts
from capsule.policy.invalid_value import InvalidValueError
from capsule.policy.options import parse_folders, parse_hosts, parse_options, parse_variables
from capsule.policy.project import CONFIG_NAME, Ceiling, Limits, Project
from capsule.policy.units import parse_compute, parse_ram, parse_tasks, parse_timeout
from capsule.shared.task_options import OPTIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import TypeVar

    from capsule.policy.secret_rules import SecretRule

    Parse = Callable[[str], dict[str, object]]
    T = TypeVar("T")

# Bytes of one file, and how many files hold together: all are read before a run's time begins.
MAX_CONFIG, MAX_CONFIGS = 64 << 10, 16

_DEFAULT = "default_"
_KEYS = {
    "workflow": ("name", "version", "entrypoint"),
    "tasks": tuple(_DEFAULT + option for option in OPTIONS if option != "name"),
    "limits": (
        "max_compute",
        "max_ram",
        "max_timeout",
        "allowed_files",
        "allowed_hosts",
        "env_variables",
        "run_compute",
        "run_tasks",
        "run_timeout",
        "untrusted",
    ),
    # Its keys are names.
    "secrets": (),
}


def find_project(
    folder: Path, *, working: Path, parse: Parse | None = None, file: Path | None = None
) -> Project:
    """Return the project of the nearest capsule.toml at or above `folder`, a task file's.

    Without one, the project is the working folder, with no defaults. The ceilings of every
    capsule.toml at or above both folders hold, and of those around `file`, the task file or the
    artifact, by its own name and where a link leads: one that lies nearer to a stranger's file
    takes none of those above it away. Secrets count from those at or above `working` alone. `parse`
    reads TOML as `bounded_toml.loads` does, which is what None stands for.

    Raises `ConfigError` when a capsule.toml cannot be read or says something that capsule does not
    know.
    """
    found: dict[Path, Project] = {}
    around_it = () if file is None else (file.parent, Path(os.path.realpath(file)).parent)
    nearest: Project | None = None
    # Most often all of these are one folder.
    for start in dict.fromkeys((folder, working, *around_it)):
        for path in _configs_above(start):
            if path in found:
                continue
            if len(found) == MAX_CONFIGS:
                raise ConfigError(
                    f"there are more than {MAX_CONFIGS} capsule.toml above {start}",
                    hint="one for each project",
                )
            found[path] = read_config(path, parse)
            if nearest is None and start == folder:
                nearest = found[path]
    project = nearest or Project(root=Path(os.path.realpath(working)))
    return project._replace(
        ceilings=tuple(ceiling for around in found.values() for ceiling in around.ceilings),
        secrets=_secrets_around(working, found),
    )


def _secrets_around(working: Path, found: Mapping[Path, Project]) -> tuple[SecretRule, ...]:
    """Return the secrets of the files at or above the caller's folder; the nearest wins."""
    if not any(around.secrets for around in found.values()):
        return ()
    from capsule.policy.secret_rules import first_of_each

    mine = [found[path].secrets for path in _configs_above(working)]
    return first_of_each(rule for secrets in mine for rule in secrets)


def _configs_above(folder: Path) -> Iterator[Path]:
    """Yield every capsule.toml at or above `folder`, the nearest first."""
    start = Path(os.path.realpath(folder))
    for candidate in (start, *start.parents):
        path = candidate / CONFIG_NAME
        # A broken symlink is an error, not a reason to go on without the ceilings it stands for.
        if os.path.lexists(path):
            yield path


def read_config(path: Path, parse: Parse | None = None) -> Project:
    """Return the project that one capsule.toml describes; its folder is the root."""
    table = _load(path, parse or _parse_toml)
    _check_keys(path, table, _KEYS, "section")
    sections: dict[str, dict[str, object]] = {}
    for section, keys in _KEYS.items():
        content = table.get(section, {})
        if not isinstance(content, dict):
            raise ConfigError(
                f"{_name(path)}: {section} is {shown(content)}, not a section",
                hint=f"[{section}]",
            )
        if section != "secrets":
            _check_keys(path, content, keys, "key", section)
        sections[section] = content
    root = Path(os.path.realpath(path.parent))
    defaults = {key.removeprefix(_DEFAULT): value for key, value in sections["tasks"].items()}

    def blame(option: str, wrong: InvalidValueError) -> ConfigError:
        return blame_key(path, "tasks", _DEFAULT + option, wrong)

    def workflow_value(key: str, parse: Callable[[object], T]) -> T | None:
        return _parse_key(path, "workflow", sections, key, parse)

    def limit(key: str, parse: Callable[[object], T]) -> T | None:
        return _parse_key(path, "limits", sections, key, parse)

    limits = Limits(
        max_compute=limit("max_compute", parse_compute),
        max_ram=limit("max_ram", parse_ram),
        max_timeout=limit("max_timeout", parse_timeout),
        allowed_files=limit("allowed_files", parse_folders),
        allowed_hosts=limit("allowed_hosts", parse_hosts),
        env_variables=limit("env_variables", parse_variables),
        run_compute=limit("run_compute", parse_compute),
        run_tasks=limit("run_tasks", parse_tasks),
        run_timeout=limit("run_timeout", parse_timeout),
        untrusted=limit("untrusted", _parse_switch) or False,
    )
    return Project(
        root=root,
        config=path,
        name=workflow_value("name", _parse_text),
        version=workflow_value("version", _parse_text),
        entrypoint=workflow_value("entrypoint", lambda value: _parse_entrypoint(value, root)),
        defaults=parse_options(defaults, blame),
        ceilings=() if limits == Limits() else (Ceiling(path, root, limits),),
        secrets=_parse_secrets(path, sections["secrets"], root),
    )


def blame_key(path: Path, section: str, key: str, wrong: InvalidValueError) -> ConfigError:
    """Return the error that says that a key of capsule.toml is wrong."""
    return ConfigError(f"{_name(path)}: [{section}] {key}: {wrong.message}", hint=wrong.hint)


def _parse_toml(text: str) -> dict[str, object]:
    # TOML costs as much as all of this package, and many projects have no capsule.toml.
    from capsule.bounded_toml import loads

    return loads(text)


def _load(path: Path, parse: Parse) -> dict[str, object]:
    try:
        # Looked at before it is opened: opening a pipe would wait for a writer.
        if not stat.S_ISREG(path.stat().st_mode):
            raise ConfigError(f"{_name(path)}: it is no regular file")
        with path.open("rb") as file:
            content = file.read(MAX_CONFIG + 1)
        if len(content) > MAX_CONFIG:
            raise ConfigError(f"{_name(path)}: larger than {MAX_CONFIG:,} bytes")
        return parse(content.decode())
    except OSError as wrong:
        raise ConfigError(f"{_name(path)}: cannot be read: {wrong.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{_name(path)}: not UTF-8, which TOML has to be") from None
    except MemoryError:
        raise ConfigError(f"{_name(path)}: cannot be read: it takes too much memory") from None
    except (RecursionError, ValueError) as wrong:
        from tomllib import TOMLDecodeError

        if isinstance(wrong, TOMLDecodeError):
            raise ConfigError(f"{_name(path)}: not TOML: {printable(str(wrong))}") from None
        # Too deep or too long, or a number or date that TOML can write and Python cannot hold.
        problem = "nested too deeply" if isinstance(wrong, RecursionError) else str(wrong)
        raise ConfigError(f"{_name(path)}: cannot be read: {printable(problem)}") from None


def _check_keys(
    path: Path, table: dict[str, object], known: Iterable[str], noun: str, section: str = ""
) -> None:
    where = f"{_name(path)}: [{section}]" if section else f"{_name(path)}:"
    for key in table:
        if key not in known:
            meant = nearest(key, known)
            raise ConfigError(
                f"{where} has no {noun} {shown(key)}; allowed: {', '.join(known)}", hint=meant
            )


def _parse_key(
    path: Path,
    section: str,
    sections: Mapping[str, Mapping[str, object]],
    key: str,
    parse: Callable[[object], T],
) -> T | None:
    if key not in sections[section]:
        return None
    try:
        return parse(sections[section][key])
    except InvalidValueError as wrong:
        raise blame_key(path, section, key, wrong) from None


def _parse_secrets(path: Path, section: Mapping[str, object], root: Path) -> tuple[SecretRule, ...]:
    if not section:
        return ()
    from capsule.policy.secret_rules import MAX_SECRETS, parse_config_secret  # few have any

    if len(section) > MAX_SECRETS:
        raise ConfigError(f"{_name(path)}: [secrets] has more than {MAX_SECRETS} names")
    try:
        return tuple(parse_config_secret(name, value, root) for name, value in section.items())
    except InvalidValueError as wrong:
        raise ConfigError(f"{_name(path)}: [secrets]: {wrong.message}", hint=wrong.hint) from None


def _parse_text(value: object) -> str:
    if isinstance(value, str) and value.isprintable():
        return value
    hint = f'"{shown(value)}"' if isinstance(value, (int, float)) else None
    raise InvalidValueError(shown(value), "is not a text", "a string on one line", hint=hint)


def _parse_switch(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise InvalidValueError(shown(value), "is no switch", "true or false")


def _parse_entrypoint(value: object, root: Path) -> Path:
    if not isinstance(value, str):
        raise InvalidValueError(shown(value), "is not a path", 'a string like "src/main.py"')
    path = Path(os.path.realpath(root.joinpath(*relative_parts(value))))
    if path == root or not is_inside(path, root):
        raise InvalidValueError(shown(value), "leads out of the project", "a file inside it")
    return path


def _name(path: Path) -> str:
    return printable(str(path))
