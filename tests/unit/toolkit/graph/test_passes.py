"""What holds for all passes: names, order, switches, documentation."""

from __future__ import annotations

from pathlib import Path

from recipebuild.recipe.rewriting import Rewrite
from recipebuild.toolkit.graph.passes import PASSES, defaults

ROOT = Path(__file__).resolve().parents[4]


def test_every_pass_has_a_switch_in_recipes_and_no_other_has() -> None:
    assert set(Rewrite.model_fields) - {"enabled"} == set(PASSES)


def test_every_pass_has_an_equation_a_reason_a_line_in_the_documentation_and_a_test() -> None:
    page = (ROOT / "docs" / "graphs.md").read_text(encoding="utf-8")
    for name, it in PASSES.items():
        assert "=" in (it.__doc__ or ""), name
        assert f"| `{name}` | {it.WHY} |" in page
        assert (Path(__file__).parent / "passes" / f"test_{name}.py").is_file()


def test_tiles_are_for_the_host_and_legal_spellings_for_npus() -> None:
    host, npu = set(defaults("host")), set(defaults("AX650"))
    assert host - npu == {"tile_attention"}
    assert {"explicit_axes", "write_attributes", "neg_as_mul"} <= npu - host
    for name in npu - host:
        assert "Evidence:" in (PASSES[name].__doc__ or ""), name


def test_operators_that_all_tables_have_are_spelled_out_on_request_only() -> None:
    never = set(PASSES) - set(defaults("host")) - set(defaults("AX650"))
    assert never == {"spell_out_gelu", "spell_out_layer_norm"}


def test_switches_are_what_the_recipe_says_and_nothing_else() -> None:
    assert Rewrite(fold_decoder=False, tile_attention=True).switches == {"fold_decoder": False, "tile_attention": True}
    assert Rewrite().switches == {}
