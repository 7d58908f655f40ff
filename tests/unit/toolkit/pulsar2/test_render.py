"""Rendering: the shipped template, templates of users that build on it, and templates that are wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from recipebuild.errors import StepError
from recipebuild.resources import shipped, template_sources
from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.pulsar2.compose import BuildSettings
from recipebuild.toolkit.pulsar2.render import rendered
from recipebuild.toolkit.pulsar2.settled import composed

B0 = ImageSpec(
    name="pixel_values",
    shape=(1, 3, 640, 1280),
    color="RGB",
    mean=(123.675, 116.28, 103.53),
    std=(58.395, 57.12, 57.375),
)
SHIPPED = template_sources([shipped("templates")])["pulsar2"]
EXTENDS = '{% extends "shipped/pulsar2/config.json.j2" %}\n'


def build(**changes: Any) -> BuildSettings:
    return BuildSettings.model_validate({"hardware": "AX650", "npu_mode": "NPU3", "count": 32, "input": B0} | changes)


def text(**changes: Any) -> str:
    return rendered(build(**changes), SHIPPED).text


@pytest.fixture
def user(tmp_path: Path) -> Path:
    """A folder for templates of the user's."""
    (tmp_path / "pulsar2").mkdir()
    return tmp_path


def with_shipped(user: Path) -> dict[str, Path]:
    return template_sources([user, shipped("templates")])["pulsar2"]


def user_text(user: Path, template: str, name: str = "config.json.j2", **changes: Any) -> str:
    (user / "pulsar2" / name).write_text(template, encoding="utf-8")
    return rendered(build(**changes), with_shipped(user)).text


def refusal(user: Path, template: str) -> StepError:
    with pytest.raises(StepError) as caught:
        user_text(user, template)
    assert "\n" not in caught.value.message
    assert caught.value.remedy
    return caught.value


def test_b0_640x1280() -> None:
    golden = Path(__file__).with_name("b0-640x1280.json").read_text(encoding="utf-8")
    assert json.loads(text()) == json.loads(golden)


def test_keys_are_in_the_documented_order() -> None:
    golden = json.loads(Path(__file__).with_name("b0-640x1280.json").read_text(encoding="utf-8"))
    assert text() == json.dumps(golden, indent=2) + "\n"


def test_every_value_reaches_the_text() -> None:
    spec = ImageSpec(name="images", shape=(1, 3, 64, 64), color="BGR", mean=(1.5, 2.5, 3.5), std=(0.1, 0.2, 0.3))
    changes = {"hardware": "AX620E", "npu_mode": "NPU2", "count": 7, "quant": {"calibration_method": "KL"}}
    config = json.loads(text(input=spec, **changes))
    (calibration,), (processor,) = config["quant"]["input_configs"], config["input_processors"]
    assert (config["target_hardware"], config["npu_mode"]) == ("AX620E", "NPU2")
    assert config["quant"]["calibration_method"] == "KL"
    assert calibration["calibration_size"] == 7
    assert calibration["tensor_name"] == processor["tensor_name"] == "images"
    assert calibration["calibration_mean"] == processor["mean"] == [1.5, 2.5, 3.5]
    assert calibration["calibration_std"] == processor["std"] == [0.1, 0.2, 0.3]
    assert processor["tensor_format"] == processor["src_format"] == "BGR"


def test_a_name_with_quotes_is_still_json() -> None:
    spec = B0.model_copy(update={"name": 'a"b</script>\\'})
    assert json.loads(text(input=spec))["input_processors"][0]["tensor_name"] == 'a"b</script>\\'


def test_mode_that_the_hardware_does_not_have() -> None:
    with pytest.raises(StepError, match=r"config\.json\.j2 renders .*NPU3 does not exist on AX620E"):
        text(hardware="AX620E", npu_mode="NPU3")


def test_a_user_template_overrides_a_block(user: Path) -> None:
    changed = user_text(
        user, EXTENDS + '{% block quant %}{{ super() }}, "transformer_opt_level": {{ 3 - 2 }}{% endblock %}'
    )
    expected = json.loads(text())
    expected["quant"]["transformer_opt_level"] = 1
    assert json.loads(changed) == expected


@pytest.mark.parametrize("block", ["model", "quant", "calibration", "input_processors", "input_processor", "compiler"])
def test_every_block_can_be_kept_as_it_is(user: Path, block: str) -> None:
    assert user_text(user, EXTENDS + f"{{% block {block} %}}{{{{ super() }}}}{{% endblock %}}") == text()


def test_a_user_template_may_include_one_of_its_own(user: Path) -> None:
    (user / "pulsar2" / "checks.j2").write_text('"check": 2')
    changed = user_text(user, EXTENDS + '{% block compiler %}{% include "pulsar2/checks.j2" %}{% endblock %}')
    assert json.loads(changed)["compiler"] == {"check": 2}


def test_without_a_template_of_the_users_the_shipped_one_is_used(user: Path) -> None:
    assert rendered(build(), with_shipped(user)).text == text()


@pytest.mark.parametrize(
    ("template", "line", "says"),
    [
        ("{\n{% if %}\n", 2, "Expected an expression"),
        ("{{ hardware }", 1, "unexpected '}'"),
        ("\n\n{{ hardwear | tojson }}", 3, "'hardwear' is undefined"),
        ("\n{{ input.colour }}", 2, "no attribute 'colour'"),
        (EXTENDS + "{% block compiler %}\n{{ input.scale }}{% endblock %}", 3, "'scale'"),
        ("{{ range | tojson }}", 1, "cannot be written as JSON"),
        ("{{ 1 / 0 }}", 1, "division by zero"),
        ("{{ hardware + quant }}", 1, "can only concatenate"),
        ("\n{{ hardware | nonsense }}", 2, "No filter named 'nonsense'"),
        ("{{ [1, 2] | random }}", 1, "No filter named 'random'"),
    ],
)
def test_a_wrong_template_is_named_with_its_line(user: Path, template: str, line: int, says: str) -> None:
    message = refusal(user, template).message
    assert message.startswith(f"{user}/pulsar2/config.json.j2:{line}: ")
    assert says in message


@pytest.mark.parametrize(
    "escape",
    [
        "''.__class__",
        "''.__class__.__mro__",
        "''['__class__']",
        "''|attr('__class__')",
        "'{0.__class__}'.format('')",
        "render.__globals__",
        "self._TemplateReference__context.environment",
        "self.__init__.__globals__",
        "cycler.__init__.__globals__.os",
        "range(100000000)",
        "[].append(1) or input.mean.append(1)",
    ],
)
def test_the_sandbox_holds(user: Path, escape: str) -> None:
    error = refusal(user, EXTENDS + f"{{% block compiler %}}{{{{ {escape} }}}}{{% endblock %}}")
    assert error.message.startswith(f"{user}/pulsar2/config.json.j2:2: ")


@pytest.mark.parametrize("name", ["../../secret.txt", "/etc/hostname", "pulsar2/../../secret.txt"])
def test_a_template_reads_nothing_outside_its_folders(user: Path, name: str) -> None:
    (user.parent / "secret.txt").write_text('"check": 3')
    refusal(user, EXTENDS + f"{{% block compiler %}}{{% include '{name}' %}}{{% endblock %}}")


@pytest.mark.parametrize(
    ("block", "body", "says"),
    [
        ("compiler", '"check": 9', "compiler.check: "),
        ("compiler", '{{ super() }}, "chek": 1', "compiler.chek: Extra inputs are not permitted"),
        ("calibration", '{{ super() }}, "calibration_siz": 1', "quant.input_configs[0].calibration_siz: "),
        ("calibration", '"tensor_name": "x"', "quant.input_configs[0].calibration_dataset: Field required"),
        ("quant", '"calibration_method": "Best"', "quant.calibration_method: "),
        ("model", '{{ super() }}, "output_name": 3', "output_name: "),
        ("input_processor", '"tensor_name": "x", "mean": [1e999]', "input_processors[0].mean[0]: "),
    ],
)
def test_an_invalid_configuration_names_template_and_field(user: Path, block: str, body: str, says: str) -> None:
    message = refusal(user, EXTENDS + f"{{% block {block} %}}{body}{{% endblock %}}").message
    assert message.startswith(f"{user}/pulsar2/config.json.j2 renders an invalid configuration: {says}")


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("", "Expecting value"),
        ("[]", "should be an object"),
        ('{"input": "a",}', "property name enclosed in double quotes"),
        ('{"input": "a", "input": "b"}', "the key input is there twice"),
        ('{"input": NaN}', "NaN"),
        (
            EXTENDS + "{% block compiler %},{% endblock %}",
            """property name enclosed in double quotes: '"compiler": {,'""",
        ),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_text_that_is_no_json_object(user: Path, template: str, says: str) -> None:
    message = refusal(user, template).message
    assert message.startswith(f"{user}/pulsar2/config.json.j2 renders")
    assert says in message


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"hardware": "AX620E", "npu_mode": "NPU2", "model_type": "QuantONNX", "format": "NumpyObject"},
        {"quant": {"calibration_method": "KL", "layer_configs": [{"op_type": "Add", "data_type": "U16"}]}},
        {"compiler": {"check": 2, "npu_perf": True}, "overrides": {"quant": {"check": 1}, "debug": {"a": 1}}},
        {"runtime": {"format": "YUV420SP", "csc": {"mode": "LimitedRange"}, "extra_shapes": [[1, 3, 64, 64]]}},
        {"runtime": {"dtype": "FP32", "layout": "NCHW", "normalized": True}},
    ],
)
def test_the_shipped_template_renders_what_is_composed_without_it(changes: dict[str, Any]) -> None:
    configuration = build(**changes)
    assert rendered(configuration, SHIPPED).text == composed(configuration).text


def test_a_template_for_one_version(user: Path) -> None:
    (user / "pulsar2" / "5.1").mkdir()
    (user / "pulsar2" / "5.1" / "config.json.j2").write_text(EXTENDS + '{% block compiler %}"check": 1{% endblock %}')
    templates = with_shipped(user)
    assert json.loads(rendered(build(version="5.1"), templates).text)["compiler"] == {"check": 1}
    assert "compiler" not in json.loads(rendered(build(version="5.2"), templates).text)


def test_missing_templates(user: Path) -> None:
    with pytest.raises(StepError, match=r"no template pulsar2/config\.json\.j2 in"):
        rendered(build(), template_sources([user])["pulsar2"])
    assert (
        "no template shipped/pulsar2/nothing.j2" in refusal(user, '{% extends "shipped/pulsar2/nothing.j2" %}').message
    )


def test_a_template_that_extends_itself(user: Path) -> None:
    refusal(user, '{% extends "pulsar2/config.json.j2" %}')


def test_another_calibration_archive_than_the_builds(user: Path) -> None:
    body = '"tensor_name": "pixel_values", "calibration_dataset": "/data/mine.tar"'
    message = refusal(user, EXTENDS + f"{{% block calibration %}}{body}{{% endblock %}}").message
    assert "quant.input_configs[0].calibration_dataset is '/data/mine.tar'" in message
