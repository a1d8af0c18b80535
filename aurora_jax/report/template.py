"""The pages' templates."""

from jinja2 import Environment, PackageLoader, StrictUndefined, Template


def template(name: str) -> Template:
    """Return the page template `name`, in which everything inserted is escaped and nothing may be missing."""
    environment = Environment(
        loader=PackageLoader("aurora_jax.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)
