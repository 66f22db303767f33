"""An entity of which a part cannot be read: the rest of it, for rules to judge at once with what is wrong. Pure.

Whoever asks it for what could not be read is told so by `directory.rules.register.Unread`, so that no rule is judged on
a value that nobody wrote.
"""

from collections.abc import Collection, Mapping
from functools import cache
from typing import Annotated, Any, NoReturn

from pydantic import BaseModel, TypeAdapter

from directory.events import Entity
from directory.rules.register import PathOf, Unread


def partly(model: type[Entity], data: Mapping[str, Any], faulty: Collection[PathOf]) -> Entity | None:
    """The entity that plain data make without the fields at `faulty` paths, which are all that are wrong with them.

    None where the id could not be read, or whether it has ended: of such nothing can be said.
    """
    made: Entity = _partly(model, data, faulty)
    return made if {"id", "ended"} <= vars(made).keys() else None


def _partly(model: type[BaseModel], data: Mapping[str, Any], faulty: Collection[PathOf]) -> Any:
    values = {}
    for name, field in model.model_fields.items():
        inside = [path[1:] for path in faulty if path[:1] == (name,)]
        if not inside and name in data:
            values[name] = _reader(model, name).validate_python(data[name])
        elif not inside:
            values[name] = field.get_default(call_default_factory=True)
        elif (rest := _rest(field.annotation, data.get(name), inside)) is not None:
            values[name] = rest
    made = _with_gaps(model).model_construct(**values)
    for name in model.model_fields.keys() - values.keys():
        vars(made).pop(name, None)
    return made


def _rest(annotation: Any, value: Any, faulty: Collection[PathOf]) -> Any:
    """What can be read of a value that has faults within; None where it is nothing but one."""
    kinds = [annotation, *getattr(annotation, "__args__", ())]
    model = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
    if model is None or () in faulty:
        return None
    if isinstance(value, Mapping):
        return _partly(model, value, faulty)
    if not isinstance(value, list) or any(len(path) == 1 for path in faulty):
        return None
    return [_partly(model, row, [path[1:] for path in faulty if path[0] == n]) for n, row in enumerate(value)]


@cache
def _reader(model: type[BaseModel], name: str) -> TypeAdapter[Any]:
    field = model.model_fields[name]
    annotated: Any = Annotated[field.annotation, field]
    return TypeAdapter(annotated)


@cache
def _with_gaps(model: type[BaseModel]) -> type[BaseModel]:
    """A kind of the same name whose fields may be missing."""

    def missing(_: BaseModel, name: str) -> NoReturn:
        raise Unread(name) if name in model.model_fields else AttributeError(name)

    kind: Any = type(model)
    made: type[BaseModel] = kind(model.__name__, (model,), {"__module__": __name__, "__getattr__": missing})
    return made
