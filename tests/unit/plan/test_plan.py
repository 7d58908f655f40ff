from __future__ import annotations

import importlib
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from recipebuild.engine.sources import digest_source
from recipebuild.engine.statcache import StatCache
from recipebuild.engine.step import Output, Source
from recipebuild.errors import RecipeError
from recipebuild.plan.kinds import KINDS
from recipebuild.plan.plan import Plan, only_until, plan
from recipebuild.plan.steps import ResolvedToolchain
from recipebuild.recipe.load import Variant, load
from recipebuild.resources import shipped, template_sources

HOST = ResolvedToolchain("onnxruntime", "1.0")
PULSAR2 = ResolvedToolchain("pulsar2", "7.0", {"runner": "native", "image": None}, {"pulsar2": "7.0"})
TEMPLATES = template_sources([shipped("templates")])


def planned(
    recipe: str,
    *sets: str,
    toolchain: ResolvedToolchain = HOST,
    templates: Mapping[str, Mapping[str, Path]] = TEMPLATES,
) -> Plan:
    variants = load(recipe, sets=sets, cwd=Path.cwd())
    return plan(variants, [toolchain] * len(variants), templates)


def names(build: Plan) -> list[str]:
    return [step.name for step in build.steps]


@pytest.mark.parametrize("recipe", ["quickstart", "b0-cityscapes"])
@pytest.mark.parametrize("toolchain", [HOST, PULSAR2], ids=["host", "pulsar2"])
def test_every_step_of_shipped_recipes_takes_the_parameters_it_is_given(
    recipe: str, toolchain: ResolvedToolchain
) -> None:
    for step in planned(recipe, toolchain=toolchain).steps:
        importlib.import_module(step.module).Params.model_validate(dict(step.params))


def test_steps_come_after_what_they_need() -> None:
    seen: set[str] = set()
    for step in planned("quickstart").steps:
        assert step.before <= seen
        seen.add(step.id)


def test_what_needs_torch_begins_before_what_does_not() -> None:
    """Both wait for the head alone: the worker that exported is free then, and has torch."""
    steps = names(planned("quickstart"))
    assert steps.index("verify") < steps.index("lint")


def test_a_recipe_without_a_dataset_is_not_evaluated() -> None:
    assert "evaluate" in names(planned("quickstart"))
    assert "evaluate" not in names(planned("b0-cityscapes"))


@pytest.mark.parametrize("toolchain", [HOST, PULSAR2], ids=["host", "pulsar2"])
@pytest.mark.parametrize("limit", ["evaluate.max_drop=0.1", "quantization.strict=true"])
def test_another_limit_changes_judge_and_nothing_else(toolchain: ResolvedToolchain, limit: str) -> None:
    one, other = (planned("quickstart", *sets, toolchain=toolchain).steps for sets in ([], [limit]))
    assert [a.name for a, b in zip(one, other, strict=True) if a != b] == ["judge"]


def test_judge_reads_what_was_measured_and_is_passed_before_the_bundle() -> None:
    steps = {step.name: step for step in planned("quickstart", "evaluate.max_drop=0.1").steps}
    assert steps["judge"].params == {"strict": False, "max_drop": 0.1}
    assert steps["judge"].inputs == {
        "precision": Output("quickstart/compile", "precision.json"),
        "evaluation": Output("quickstart/evaluate", "evaluation.json"),
    }
    assert steps["bundle"].after == ("quickstart/judge",)
    assert "judge" not in dict(steps["bundle"].params["steps"])


def test_a_recipe_with_nothing_to_judge_has_no_judge() -> None:
    assert "judge" not in names(planned("b0-cityscapes"))
    assert "judge" in names(planned("b0-cityscapes", "quantization.layers=[{op: Softmax, dtype: U16}]"))
    assert "judge" in names(planned("b0-cityscapes", "quantization.strict=true"))


def test_entries_of_a_matrix_of_limits_share_all_that_is_built() -> None:
    build = planned("quickstart", "matrix={evaluate.max_drop: [0.1, 0.2]}")
    assert {name for name in names(build) if names(build).count(name) == 2} == {"judge", "bundle"}
    one, other = (step for step in build.steps if step.name == "bundle")
    assert one.params == other.params


def test_another_version_or_image_compiles_and_simulates_anew_and_nothing_else() -> None:
    (variant,) = load("quickstart", cwd=Path.cwd())
    plans = [
        plan([variant], [ResolvedToolchain("pulsar2", "7.0", {}, {"pulsar2": "7.0", "image": image})], TEMPLATES)
        for image in ("sha256:a", "sha256:b")
    ]
    one, other = ({step.name: step for step in build.steps} for build in plans)
    differing = {name for name in one if one[name].facts != other[name].facts or one[name].params != other[name].params}
    assert differing == {"config-check", "compile", "simulate", "simulate-reference", "bundle"}


def test_pulsar2_compiles_with_the_configuration_after_verification() -> None:
    compile_ = next(s for s in planned("quickstart", toolchain=PULSAR2).steps if s.name == "compile")
    assert compile_.module == KINDS["compile/pulsar2"].module
    assert compile_.inputs["config"] == Output("quickstart/configure", "pulsar2.json")
    assert compile_.after == ("quickstart/verify", "quickstart/config-check")
    assert compile_.facts == {"pulsar2": "7.0"}


def test_an_onnx_file_is_not_exported(tmp_path: Path) -> None:
    (tmp_path / "x.onnx").write_bytes(b"onnx")
    build = planned("quickstart", f"model.source={tmp_path / 'x.onnx'}")
    assert "export" not in names(build)
    simplify = next(s for s in build.steps if s.name == "simplify")
    assert simplify.inputs["model"] == Output("quickstart/fetch", "model.onnx")


def test_a_glob_is_a_folder_and_a_pattern(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.jpg").write_bytes(b"")
    build = planned("quickstart", f"calibration.source={tmp_path}/**/*.jpg")
    calibrate = next(s for s in build.steps if s.name == "calibrate")
    assert calibrate.inputs["source"] == Source(tmp_path)
    assert calibrate.params["pattern"] == "**/*.jpg"


@pytest.mark.parametrize(
    ("template", "used_by"),
    [
        ("pulsar2/config.json.j2", ["configure"]),
        ("bundle/README.md.j2", ["bundle"]),
        ("report/base.html.j2", []),
        ("common/macros.j2", ["configure", "bundle"]),
        ("macros.j2", ["configure", "bundle"]),
        (".git/index", []),
    ],
)
def test_a_template_of_the_users_is_an_input_of_the_steps_that_may_render_it(
    tmp_path: Path, template: str, used_by: list[str]
) -> None:
    (tmp_path / template).parent.mkdir(exist_ok=True)
    (tmp_path / template).touch()
    build = planned("quickstart", templates=template_sources([tmp_path, shipped("templates")]))
    source = Source(tmp_path / template.partition("/")[0])
    assert [s.name for s in build.steps if source in s.inputs.values()] == used_by


@pytest.mark.parametrize(
    ("template", "changed"),
    [
        ("pulsar2/config.json.j2", {"configure"}),
        ("bundle/README.md.j2", {"bundle"}),
        ("bundle/run.py", {"bundle"}),
        ("report/report.css", set()),
    ],
)
def test_a_shipped_template_that_changes_changes_the_step_that_renders_it(
    tmp_path: Path, template: str, changed: set[str]
) -> None:
    folder = tmp_path / "templates"
    shutil.copytree(shipped("templates"), folder)

    def digests() -> dict[str, list[str]]:
        steps = planned("quickstart", templates=template_sources([folder])).steps
        return {
            step.name: [
                digest_source(source.path, StatCache(None))
                for source in step.inputs.values()
                if isinstance(source, Source) and source.path.is_relative_to(folder)
            ]
            for step in steps
        }

    before = digests()
    (folder / template).write_text("changed")
    after = digests()
    assert {name for name in before if before[name] != after[name]} == changed


def test_the_other_order_of_channels_is_folded_in_before_the_head() -> None:
    build = planned("quickstart", "target.runtime_input.format=BGR")
    steps = {step.name: step for step in build.steps}
    assert steps["head"].inputs["model"] == Output("quickstart/channels", "channels.onnx")
    assert steps["verify"].params["input"]["color"] == "RGB"
    for name in ("compile", "answers-float", "answers-quantized", "preview", "configure"):
        assert steps[name].params["input"]["color"] == "BGR"
    assert steps["verify"].params["compiled"] == steps["compile"].params["input"]
    assert "channels" not in names(planned("quickstart", "target.runtime_input.format=RGB"))
    assert "channels" not in names(planned("quickstart", "target.runtime_input.format=YUV420SP"))


def test_tensors_are_made_for_pulsar2_only() -> None:
    build = planned("quickstart", "calibration.format=Numpy", toolchain=PULSAR2)
    compile_ = next(step for step in build.steps if step.name == "compile")
    assert compile_.inputs["calibration"] == Output("quickstart/tensors", "calibration-tensors.tar")
    assert "tensors" not in names(planned("quickstart", "calibration.format=Numpy"))


def test_layers_chosen_by_module_bring_the_model_to_configure() -> None:
    build = planned("quickstart", "quantization.layers=[{module: decode_head.*, dtype: U16}]")
    configure = next(step for step in build.steps if step.name == "configure")
    assert configure.inputs["model"] == Output("quickstart/head", "model.onnx")
    assert "model" not in next(s for s in planned("quickstart").steps if s.name == "configure").inputs


def test_matrix_entries_share_the_steps_that_do_not_differ() -> None:
    build = planned("quickstart", "matrix={quantization.method: [MinMax, MSE]}")
    assert names(build).count("export") == 1
    assert names(build).count("compile") == 2
    by_id = {step.id: step for step in build.steps}
    for label, ids in build.variants.items():
        steps = [by_id[i] for i in ids]
        assert {step.variant for step in steps} == {"", label}
        assert next(s for s in steps if s.name == "compile").params["method"] == label.partition("=")[2]


def test_until_keeps_what_the_step_needs() -> None:
    assert names(only_until(planned("quickstart"), "head")) == ["fetch", "export", "simplify", "rewrite", "head"]
    with pytest.raises(RecipeError, match="no such step"):
        only_until(planned("quickstart"), "bake")


def test_paths_and_names_do_not_enter_parameters() -> None:
    variant = load("quickstart", cwd=Path.cwd())[0]
    renamed = Variant(variant.recipe.model_copy(update={"name": "other"}), "")
    steps, others = (plan([v], [HOST], TEMPLATES).steps for v in (variant, renamed))
    for step, other in zip(steps, others, strict=True):
        assert str(shipped("recipes")) not in str(step.params)
        assert step.params == other.params or step.name == "bundle"  # its card says what it is called
        assert replace(step, id="", params={}, inputs={}, after=()) == replace(
            other, id="", params={}, inputs={}, after=()
        )


@pytest.mark.parametrize(("toolchain", "target"), [("auto", "AX650"), ("pulsar2", "AX650"), ("onnxruntime", "host")])
def test_the_graph_is_for_the_chip_unless_the_recipe_asks_for_the_host(toolchain: str, target: str) -> None:
    steps = planned("quickstart", f"target.toolchain={toolchain}").steps
    assert next(s for s in steps if s.name == "rewrite").params["target"] == target


def test_what_the_library_datasets_reads_goes_through_a_step_of_its_own() -> None:
    sets = "evaluate={dataset: 'hf://datasets/owner/name@v1', count: 20, split: test, depth_scale: null}"
    steps = {step.name: step for step in planned("quickstart", sets).steps}
    dataset = steps["dataset"]
    assert dataset.params["hub_id"] == "owner/name"
    assert (dataset.params["revision"], dataset.params["count"]) == ("v1", 20)
    importlib.import_module(dataset.module).Params.model_validate(dict(dataset.params))
    for name in ("evaluate", "rungs", "preview"):
        assert steps[name].inputs["dataset"] == Output("quickstart/dataset", "dataset")
        assert steps[name].params["dataset"]["layout"] == "folders"
    assert "dataset" not in names(planned("quickstart"))


def test_a_dataset_without_labels_is_not_painted() -> None:
    steps = {step.name: step for step in planned("quickstart", "evaluate.layout=images").steps}
    assert "dataset" in steps["evaluate"].inputs
    assert "dataset" not in steps["preview"].inputs


def test_a_threshold_is_the_same_for_all_that_measure() -> None:
    steps = {step.name: step for step in planned("quickstart", "head={kind: threshold, threshold: 0.7}").steps}
    assert steps["head"].params == {"kind": "threshold", "threshold": 0.7, "output": "mask"}
    assert steps["evaluate"].params["threshold"] == steps["rungs"].params["threshold"] == 0.7
    assert "threshold" not in {step.name: step for step in planned("quickstart").steps}["evaluate"].params


def test_all_that_measure_read_what_the_models_gave() -> None:
    steps = {step.name: step for step in planned("quickstart").steps}
    for name in ("evaluate", "rungs", "preview"):
        for row in ("float", "quantized"):
            assert steps[name].inputs[row] == Output(f"quickstart/answers-{row}", "answers.tar")
    assert steps["answers-float"].inputs["model"] == Output("quickstart/head", "model.onnx")
    assert steps["answers-quantized"].inputs["model"] == Output("quickstart/compile", "quantized.onnx")
    importlib.import_module(steps["answers-float"].module).Params.model_validate(dict(steps["answers-float"].params))


def test_pytorch_is_measured_on_all_images_where_the_recipe_asks_for_it() -> None:
    assert "answers-pytorch" not in names(planned("quickstart"))
    steps = {step.name: step for step in planned("quickstart", "evaluate.reference=pytorch").steps}
    assert steps["answers-pytorch"].inputs["weights"] == Output("quickstart/fetch", "model")
    assert steps["evaluate"].inputs["pytorch"] == Output("quickstart/answers-pytorch", "answers.tar")


@pytest.mark.parametrize("change", ["evaluate.max_drop=0.1", "evaluate.metric=pixel_accuracy", "evaluate.depth=metric"])
def test_how_answers_are_judged_runs_no_model(change: str) -> None:
    before, after = (
        {step.name: step for step in planned("quickstart", "evaluate.reference=pytorch", *sets).steps}
        for sets in ((), (change,))
    )
    if "depth" not in change:  # which decides how answers are counted
        assert before["rungs"] == after["rungs"]
    for name in ("answers-float", "answers-quantized", "answers-pytorch"):
        assert before[name] == after[name]


def test_the_ladder_has_every_model_that_the_build_makes() -> None:
    steps = {step.name: step for step in planned("quickstart", "target.runtime_input.format=BGR").steps}
    assert set(steps["rungs"].inputs) == {
        "model", "export", "simplified", "rewritten", "channels", "head", "float", "quantized", "dataset"
    }  # fmt: skip
    assert set(steps["ladder"].inputs) == {"model", "rungs", "evaluation"}
    assert steps["rungs"].params["original"]["color"] == "RGB"
    assert steps["rungs"].params["input"]["color"] == "BGR"
    pulsar2 = {step.name: step for step in planned("quickstart", toolchain=PULSAR2).steps}
    assert pulsar2["rungs"].inputs["predictions"] == Output("quickstart/simulate", "predictions.tar")
    assert pulsar2["rungs"].inputs["reference_predictions"].step == "quickstart/simulate-reference"
    few = pulsar2["simulate-reference"]
    assert (few.params["mode"], few.params["few"], few.inputs["quantized"].name) == ("Reference", True, "quant")
    assert (pulsar2["ladder"].params["mode"], pulsar2["ladder"].params["sixteen_bits"]) == ("NPUBackend", False)
    sets = ("evaluate.mode=Reference", "quantization.layers=[{op: Add, dtype: U16}]")
    other = {step.name: step for step in planned("quickstart", *sets, toolchain=PULSAR2).steps}
    assert other["rungs"].inputs["predictions"].step == "quickstart/simulate-npu"
    assert other["rungs"].inputs["reference_predictions"].step == "quickstart/simulate"
    assert other["evaluate"].inputs["quantized"].step == "quickstart/simulate"
    assert other["ladder"].params["sixteen_bits"]
    for step in (few, other["simulate-npu"], other["rungs"], other["ladder"]):
        importlib.import_module(step.module).Params.model_validate(dict(step.params))


def test_equalize_stands_between_rewrite_and_head_for_both_toolchains() -> None:
    for toolchain in (HOST, PULSAR2):
        plan_ = planned("quickstart", "equalize={}", toolchain=toolchain)
        steps = {step.name: step for step in plan_.steps}
        assert steps["equalize"].params["techniques"] == ["layer_norm", "linear", "query_key"]
        assert {name: source.step for name, source in steps["equalize"].inputs.items()} == {
            "model": "quickstart/rewrite",
            "calibration": "quickstart/calibrate",
        }
        assert steps["head"].inputs["model"] == Output("quickstart/equalize", "equalized.onnx")
        assert steps["verify"].inputs["equalized"] == Output("quickstart/equalize", "equalized.onnx")
        assert steps["compile"].inputs["model"] == Output("quickstart/head", "model.onnx")
    assert "equalize" not in names(planned("quickstart"))
    off = "equalize={layer_norm: false, linear: false, query_key: false}"
    assert "equalize" not in names(planned("quickstart", off))


def test_a_model_with_corrected_biases_is_compiled_and_the_final_one_is_what_it_is_compared_with() -> None:
    for toolchain in (HOST, PULSAR2):
        plan_ = planned("quickstart", "equalize={bias_correction: true}", toolchain=toolchain)
        steps = {step.name: step for step in plan_.steps}
        final, corrected = Output("quickstart/head", "model.onnx"), Output("quickstart/correct-bias", "corrected.onnx")
        assert steps["correct-bias"].inputs["model"] == final
        assert steps["compile"].inputs["model"] == corrected
        assert steps["configure"].params["model"] == "corrected.onnx"
        for name in ("lint", "verify", "answers-float", "evaluate", "rungs", "preview", "bundle"):
            assert corrected not in steps[name].inputs.values() and final in steps[name].inputs.values(), name
    without = {step.name: step for step in planned("quickstart", "equalize={}").steps}
    assert "correct-bias" not in without and "model" not in without["configure"].params
    alone = "equalize={layer_norm: false, linear: false, query_key: false, bias_correction: true}"
    assert "equalize" not in names(planned("quickstart", alone))


def test_attention_that_divides_in_16_bits_has_them_whatever_compiles() -> None:
    def params(setting: str, toolchain: ResolvedToolchain) -> dict[str, Any]:
        return {step.name: dict(step.params) for step in planned("quickstart", setting, toolchain=toolchain).steps}

    here, there = (params("equalize={attention: U16}", toolchain) for toolchain in (HOST, PULSAR2))
    assert here["equalize"] == there["equalize"]
    assert here["equalize"]["attention"] == "U16"
    wanted = [{"op_type": operator, "data_type": "U16"} for operator in ("Div", "ReduceSum")]
    assert here["compile"]["layers"] == there["configure"]["quant"]["layer_configs"] == wanted
    assert params("equalize={attention: U8}", HOST)["compile"]["layers"] == []
    assert {"attention", "tokens"}.isdisjoint(params("equalize={}", HOST)["equalize"])


def test_kinds_of_tokens_alone_are_a_step() -> None:
    alone = "equalize={layer_norm: false, linear: false, query_key: false, tokens: true}"
    (params,) = [step.params for step in planned("quickstart", alone).steps if step.name == "equalize"]
    assert (params["techniques"], params["tokens"]) == ([], True)


def test_an_adapter_goes_into_what_is_fetched(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    steps = {step.name: step for step in planned("quickstart", f"model.adapter={tmp_path}").steps}
    assert steps["fetch"].inputs["adapter"] == Source(tmp_path)
    images = {step.name: step for step in planned("quickstart", "model.task=image-to-image", "head={kind: none}").steps}
    assert images["preview"].module.endswith("preview_images")
    importlib.import_module(images["preview"].module).Params.model_validate(dict(images["preview"].params))
    importlib.import_module(images["bundle"].module).Params.model_validate(dict(images["bundle"].params))
