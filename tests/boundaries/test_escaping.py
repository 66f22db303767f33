"""What somebody typed is text on every page and in every mail: nothing but constants may be said to be HTML already."""

import ast
from collections.abc import Iterator
from pathlib import Path

from jinja2 import Environment, nodes

ROOT = Path(__file__).parents[2]
# Whole attributes, in which there is nothing to escape. Any other is written into the template as it is.
CONSTANTS = {' aria-current="page"', ' class="second"', ' class="wrong"', ' hreflang="sv"'}
TRUSTING = {"safe", "Markup", "EscapeFormatter", "__html__"}


def files(ending: str) -> list[Path]:
    found = sorted(path for top in ("services", "deploy") for path in (ROOT / top).rglob(f"*{ending}"))
    assert found
    return found


def trusted(template: nodes.Template) -> Iterator[object]:
    """What a template takes for HTML as it stands: a constant's text, or the node of anything else."""
    for used in template.find_all(nodes.Filter):
        if used.name in TRUSTING:
            yield used.node.value if isinstance(used.node, nodes.Const) else used
    # `{% autoescape false %}`
    yield from template.find_all(nodes.ScopedEvalContextModifier)


def test_templates_trust_constant_attributes_alone() -> None:
    parser = Environment(autoescape=True)
    for path in files(".html"):
        found = set(trusted(parser.parse(path.read_text(encoding="utf-8"))))
        assert found <= CONSTANTS, path


def test_what_a_template_trusts_is_found() -> None:
    parser = Environment(autoescape=True)
    for template in ("{{ name|safe }}", "{% autoescape false %}{{ name }}{% endautoescape %}", "{{ ' x'|safe if y }}"):
        assert set(trusted(parser.parse(template))) - CONSTANTS


def test_python_trusts_no_text_and_every_environment_escapes() -> None:
    for path in files(".py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = {getattr(node, name, None) for name in ("id", "attr", "name")}
            assert not names & TRUSTING, (path, node.lineno)
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert "|safe" not in node.value.replace(" ", ""), (path, node.lineno)
            if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "Environment":
                escaping = {given.arg: ast.unparse(given.value) for given in node.keywords}.get("autoescape")
                # A mail has a part in plain text too, in which nothing is escaped.
                assert escaping in ("True", "select_autoescape(['html'])"), (path, node.lineno)
