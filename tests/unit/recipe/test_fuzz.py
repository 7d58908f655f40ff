"""Whatever a file or an option says, the answer is a recipe or a report, never a traceback."""

from __future__ import annotations

import contextlib

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recipebuild.errors import RecipeError
from recipebuild.recipe.fields import all_fields

WORDS = (
    "model input head kind none shape extends matrix target.npu_mode r.yaml base/segformer 0 -1 1e3 .inf null ~ true"
)
SIGNS = ": - [ ] { } &a *a <<: !!str ' \" | # ? ../ ~/ * **/ é"
PIECES = st.sampled_from(
    [*WORDS.split(), *SIGNS.split(), " ", ": ", ", ", "\n", "\n  ", "\t", "\0", "\x85", "\u2028", "\r"]
)
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["argmax", "a/b"])
)
VALUES = st.recursive(
    SCALARS,
    lambda v: st.lists(v, max_size=4) | st.dictionaries(st.text(max_size=5) | PIECES, v, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    [".".join(path) for path in all_fields()] + ["matrix.input.shape", "head.kind.x", "input.std.0"]
)
quick = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@quick
@given(st.lists(PIECES, max_size=30).map("".join) | st.text())
def test_any_text(desk, text):
    with contextlib.suppress(RecipeError):
        desk.write("r.yaml", text.encode("utf-8", "surrogatepass"))
        load(desk)


@quick
@given(st.binary(max_size=40))
def test_any_bytes(desk, content):
    with contextlib.suppress(RecipeError):
        desk.write("r.yaml", content)
        load(desk)


@quick
@given(FIELDS, VALUES, st.booleans())
def test_any_value_in_any_field(desk, good, field, value, in_file):
    import yaml

    option = yaml.safe_dump(value, default_flow_style=True, width=10**6).removesuffix("...\n").strip()
    desk.write("base.yaml", good)
    section, _, rest = field.partition(".")
    text = (
        f"extends: base.yaml\n{section}: {{{rest}: {option}}}\n"
        if rest
        else f"extends: base.yaml\n{section}: {option}\n"
    )
    desk.write("r.yaml", text if in_file and section != "extends" else "extends: base.yaml\n")
    with contextlib.suppress(RecipeError):
        load(desk, *([] if in_file else [f"{field}={option}"]))


@quick
@given(st.text(max_size=12) | st.lists(PIECES | st.just("="), max_size=8).map("".join))
def test_any_option(desk, good, option):
    desk.write("r.yaml", good)
    with contextlib.suppress(RecipeError):
        load(desk, option)


def load(desk, *sets):
    from recipebuild.recipe.advice import advice
    from recipebuild.recipe.load import load

    for variant in load("r.yaml", sets=sets, cwd=desk.folder):
        advice(variant.recipe)
