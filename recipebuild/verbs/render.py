"""``render``: the Pulsar2 configuration of a recipe, nothing built."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipebuild.plan.pulsar2 import configure_params
from recipebuild.recipe.load import load
from recipebuild.recipe.schema import Recipe
from recipebuild.session import DEFAULTS, Options, RecipeName, templates_of

if TYPE_CHECKING:
    from recipebuild.toolkit.pulsar2.compose import BuildSettings
    from recipebuild.toolkit.pulsar2.settled import SettledConfig

__all__ = ["Options", "configure_build", "render", "render_recipe"]


def render(recipe: RecipeName, options: Options = DEFAULTS) -> str:
    """The Pulsar2 configuration of a recipe; of a matrix, that of its first entry.

    Raises:
        RecipeError: If the recipe is wrong.
        StepError: If the template is wrong.
    """
    return render_recipe(load(str(recipe), sets=options.sets, cwd=Path.cwd(), files=False)[0].recipe, options).text


def render_recipe(recipe: Recipe, options: Options) -> SettledConfig:
    """The Pulsar2 configuration of a loaded recipe; layers that are chosen by module stay as patterns.

    Raises:
        StepError: If the template or what it renders is wrong.
    """
    from recipebuild.toolkit.pulsar2.render import rendered

    return rendered(configure_build(recipe), templates_of(options)["pulsar2"])


def configure_build(recipe: Recipe) -> BuildSettings:
    """What the step configure is told, but for layers that are chosen by module: they stay as patterns."""
    from recipebuild.toolkit.pulsar2.compose import BuildSettings

    build = BuildSettings.model_validate(configure_params(recipe))
    layers = [_unresolved(layer) for layer in build.quant.get("layer_configs", ())]
    quant = {**build.quant, **({"layer_configs": layers} if layers else {})}
    return build.model_copy(update={"quant": quant})


def _unresolved(layer: dict[str, Any]) -> dict[str, Any]:
    patterns = layer.get("module")
    rest = {name: value for name, value in layer.items() if name != "module"}
    return {"layer_names": patterns, **rest} if patterns else rest
