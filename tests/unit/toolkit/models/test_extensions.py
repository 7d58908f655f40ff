"""Families that other packages add, through a real installed distribution on the path."""

from __future__ import annotations

import os
from pathlib import Path

from support import warm

MODULE = """\
from recipebuild.toolkit.models.extensions import Family

def register():
    from transformers import AutoConfig, SegformerConfig
    class MineConfig(SegformerConfig):
        model_type = "mine"
    AutoConfig.register("mine", MineConfig)

FAMILY = Family(
    "mine",
    {"config": {"model_type": "mine"}, "sizes": {"s": {"depths": [1, 1, 1, 1]}},
     "hubs": [{"id": "me/mine-(?P<size>s)", "shown": "me/mine-s", "architecture": "Mine", "labels": "three"}]},
    labels={"three": {"count": 3}},
    register=register,
)
"""


def _run(folder: Path, code: str) -> str:
    (folder / "mine.py").write_text(MODULE)
    info = folder / "mine-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[recipebuild.families]\nmine = mine:FAMILY\n")
    (folder / "program.py").write_text(code)
    done = warm.run([], folder, os.environ | {"PYTHONPATH": str(folder)}, folder / "program.py")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_its_architectures_are_known(tmp_path: Path) -> None:
    code = "import recipebuild.toolkit.models.families as f; print(f.config_for('me/mine-s'), f.known_ids()[-1])"
    out = _run(tmp_path, code)
    assert "'depths': [1, 1, 1, 1]" in out and "'num_labels': 3" in out and "me/mine-s" in out


def test_its_model_types_are_registered(tmp_path: Path) -> None:
    code = (
        "from recipebuild.toolkit.models.extensions import register_models; register_models()\n"
        "from transformers import AutoConfig; print(AutoConfig.for_model('mine').model_type)"
    )
    assert _run(tmp_path, code).strip().endswith("mine")
