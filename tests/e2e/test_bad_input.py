"""Bad input: each with its exit code and a message that a person can act on; nothing is half-written."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.project import Project


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--set", "calibration.cuont=3"], ["calibration.cuont", "count"]),
        (["--set", "input.shape=big"], ["input.shape"]),
        (["--set", "input.shape=[1, 3, -64, 128]"], ["input.shape", "-64"]),
        (["--set", "input.std=[0, 1, 1]"], ["input.std"]),
        (["--set", "calibration.source=nowhere"], ["calibration.source", "nowhere"]),
        (["--until", "bake"], ["bake", "export"]),
        (["--slots", "pulsar2=many"], ["--slots", "pulsar2=2"]),
        (["--timeout", "soon"], ["soon", "time span"]),
        (["--build-dir", "/dev/null/build"], ["/dev/null/build", "--build-dir"]),
        (["--store", "/dev/null/store"], ["/dev/null/store", "--store"]),
    ],
)
def test_a_wrong_recipe_or_option_ends_with_2(built_project: Project, arguments: list[str], words: list[str]) -> None:
    failed = built_project.command("run", built_project.recipe, *arguments, code=2)
    for word in words:
        assert word in failed.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("extends: bad.yaml\n", ["bad.yaml:1", "extends"]),
        ("model: {source: ./model\ninput:\n", ["bad.yaml:"]),
        ("model:\n\tsource: x\n", ["bad.yaml:2"]),
    ],
)
def test_a_broken_recipe_ends_with_2_and_names_the_line(built_project: Project, text: str, words: list[str]) -> None:
    bad = built_project.recipe.with_name("bad.yaml")
    bad.write_text(text)
    failed = built_project.command("run", bad, code=2)
    bad.unlink()
    for word in words:
        assert word in failed.stderr
    assert not (built_project.folder / "build" / "bad").exists()


def test_a_truncated_image_ends_with_3_and_is_named(make_project: Callable[[], Project]) -> None:
    project = make_project()
    image = project.folder / "recipes" / "images" / "street-2.jpg"
    image.write_bytes(image.read_bytes()[:500])
    failed = project.command("run", project.recipe, "--set", "calibration.count=6", "--until", "calibrate", code=3)
    assert "street-2.jpg" in failed.stderr
    assert not (project.build / "calibration.tar").exists()
    assert project.manifest()["status"] == "failed"


def test_a_shape_that_the_model_rejects_ends_with_3(built_project: Project) -> None:
    failed = built_project.command("run", built_project.recipe, "--set", "input.shape=[1, 3, 2, 2]", code=3)
    assert "error: tiny: export: --set input.shape=[1, 3, 2, 2]: input.shape: the model rejects" in failed.stderr
    log = failed.stderr.split("log: ")[1].strip()
    assert (built_project.folder / log).is_file()


def cut_weights(model: Path) -> None:
    weights = model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])


def mistyped_architecture(model: Path) -> None:
    config = model / "config.json"
    config.write_text(config.read_text().replace('"model_type": "segformer"', '"model_type": "segfromer"'))


@pytest.mark.parametrize(
    ("damage", "step", "words"),
    [
        (cut_weights, "fetch", ["model.safetensors is damaged or cut short", "git lfs pull"]),
        (mistyped_architecture, "export", ["model_type segfromer", "did you mean segformer?"]),
    ],
)
def test_a_bad_model_ends_with_3_and_is_told_with_its_line(
    damage: Callable[[Path], None], step: str, words: list[str], make_project: Callable[[], Project]
) -> None:
    project = make_project()
    damage(project.folder / "recipes" / "model")
    failed = project.command("run", project.recipe, "--until", step, code=3)
    assert f"error: tiny: {step}: recipes/tiny.yaml:2:17: model.source: " in failed.stderr
    for word in words:
        assert word in failed.stderr
    assert not list(project.build.rglob("*.onnx"))
    assert not list((project.store / "tmp").iterdir())


def test_a_step_that_takes_too_long_ends_with_3(make_project: Callable[[], Project]) -> None:
    project = make_project()
    failed = project.command("run", project.recipe, "--timeout", "0.2s", "--until", "export", code=3)
    assert "timed out after 0.2 s" in failed.stderr


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 300 kB."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(place)], capture_output=True, check=False
    )
    if not mounted or mounted.returncode:
        pytest.skip("needs the right to mount a tmpfs")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.parametrize(("full", "until"), [("--store", ("--until", "export")), ("--build-dir", ())])
def test_a_full_disk_ends_with_3_and_the_next_run_goes_on(
    built_project: Project, small_disk: Path, full: str, until: tuple[str, ...]
) -> None:
    failed = built_project.command("run", built_project.recipe, full, small_disk / "x", *until, code=3)
    assert "disk is full" in failed.stderr
    assert str(small_disk) in failed.stderr
    if full == "--store":
        assert not list((small_disk / "x" / "tmp").iterdir())
    built_project.command("run", built_project.recipe)
    assert built_project.manifest()["status"] == "ok"


def test_the_hub_that_cannot_be_reached_ends_with_4_and_three_ways_out(built_project: Project) -> None:
    began = time.monotonic()
    failed = built_project.command(
        "run", built_project.recipe, "--set", "model.source=nobody/nothing", code=4, HF_ENDPOINT="http://127.0.0.1:9"
    )
    assert time.monotonic() - began < 15
    for way in ("HF_ENDPOINT", "model.source", "--weights random"):
        assert way in failed.stderr


def test_ctrl_c_in_every_step_ends_with_130_and_the_next_run_goes_on(
    make_built_project: Callable[[], Project],
) -> None:
    project = make_built_project()
    done = project.manifest()
    for step in done["steps"]:
        record = project.store / "actions" / f"{step['key']}.json"
        kept = project.folder / record.name
        for _ in range(5):  # on a busy machine a step may have ended before the signal arrives
            record.rename(kept)  # of this step alone: all others are cached
            process = project.forked("run", project.recipe, "-j", 1)
            assert process.stderr is not None
            assert any(line == f"tiny/{step['name']}: started\n" for line in process.stderr)
            began = time.monotonic()
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=20)
            if not record.exists():
                break
        assert process.returncode == 130, step["name"]
        assert time.monotonic() - began < 4, step["name"]
        assert project.manifest()["status"] == "partial"
        assert not list((project.store / "tmp").iterdir())
        if step["name"] in ("calibrate", "bundle"):
            project.command("run", project.recipe)
            assert project.built() == {step["name"]}
        else:
            kept.rename(record)
    assert [step["outputs"] for step in project.manifest()["steps"]] == [step["outputs"] for step in done["steps"]]
    assert project.manifest()["status"] == "ok"


def test_kill_at_any_moment_leaves_nothing_half_written(
    make_project: Callable[[], Project], make_built_project: Callable[[], Project]
) -> None:
    project, reference = make_project(), make_built_project()
    for delay in (0.2, 0.7, 1.5, 3.0):
        process = project.forked("run", project.recipe)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    project.command("run", project.recipe)
    outputs = [[step["outputs"] for step in p.manifest()["steps"]] for p in (project, reference)]
    assert outputs[0] == outputs[1]
    assert len(list((project.store / "tmp").iterdir())) == 0


@pytest.mark.parametrize("loops", [{"one": "."}, {"one": ".", "two": "."}])
def test_links_that_lead_in_circles_hold_nothing_up(
    tmp_path: Path, street_images: Path, new_cache: Path, loops: dict[str, str]
) -> None:
    shutil.copytree(new_cache, tmp_path / "home" / ".cache")
    project = Project(tmp_path)
    source = f"calibration.source={street_images}"
    plain = project.command("plan", "quickstart", "--set", source, "--json").stdout
    for name, target in loops.items():
        (street_images / name).symlink_to(target)
    assert project.command("plan", "quickstart", "--set", source, "--json").stdout == plain
    checked = project.command("check", "quickstart", "--set", source)
    assert all(f"{street_images / name} leads back" in checked.stdout + checked.stderr for name in loops)
