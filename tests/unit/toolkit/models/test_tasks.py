"""Tasks: which tensor of which model, for small models of many families."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from recipebuild.errors import MissingError, StepError
from recipebuild.toolkit.models.detector import detector_of
from recipebuild.toolkit.models.export import export
from recipebuild.toolkit.models.load import load
from recipebuild.toolkit.models.tasks import _scores

SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
DINO = {"image_size": 56, "patch_size": 14, "mlp_ratio": 2, **SMALL}
TOWER = {"image_size": 32, "patch_size": 16, "projection_dim": 24, **SMALL}
CONFIGS: dict[str, dict[str, Any]] = {
    "dinov2": {"model_type": "dinov2", **DINO},
    "registers": {"model_type": "dinov2_with_registers", "num_register_tokens": 4, **DINO},
    "clip": {"model_type": "clip", "projection_dim": 24, "vision_config": TOWER, "text_config": SMALL},
    "siglip": {"model_type": "siglip", "vision_config": TOWER, "text_config": SMALL},
    "vit": {"model_type": "vit", "image_size": 32, "patch_size": 16, "num_labels": 7, **SMALL},
    "swin": {"model_type": "swin", "image_size": 32, "patch_size": 4, "window_size": 4, "embed_dim": 16,
             "depths": [1, 1], "num_heads": [2, 2], "num_labels": 7},
    "segformer": {"model_type": "segformer", "hidden_sizes": [8, 16, 16, 16], "depths": [1, 1, 1, 1],
                  "num_attention_heads": [1, 1, 1, 1], "decoder_hidden_size": 16, "num_labels": 7},
    "pvt": {"model_type": "pvt", "image_size": 64, "hidden_sizes": [8, 16, 16, 32], "depths": [1, 1, 1, 1],
            "num_attention_heads": [1, 1, 2, 2]},
    "glpn": {"model_type": "glpn", "hidden_sizes": [8, 16, 16, 16], "depths": [1, 1, 1, 1],
             "num_attention_heads": [1, 1, 1, 1], "decoder_hidden_size": 16},
    "swin2sr": {"model_type": "swin2sr", "image_size": 16, "embed_dim": 8, "depths": [1], "num_heads": [2],
                "window_size": 4, "upscale": 2, "upsampler": "pixelshuffledirect"},
    "aimv2": {"model_type": "aimv2_vision_model", "image_size": 32, "patch_size": 16, **SMALL},
    "pixio": {"model_type": "pixio", "image_size": 32, "patch_size": 16, "n_cls_tokens": 3, "mlp_ratio": 2, **SMALL},
    "convnext": {"model_type": "dinov3_convnext", "hidden_sizes": [8, 8, 16, 16], "depths": [1, 1, 1, 1]},
    "yolos": {"model_type": "yolos", "image_size": [32, 32], "num_detection_tokens": 5, **SMALL},
    "pp_lcnet": {"model_type": "pp_lcnet", "scale": 0.25, "num_labels": 7},
    "siglip2": {"model_type": "siglip2", "vision_config": {"num_patches": 16, **SMALL}, "text_config": SMALL},
    "detr": {"model_type": "detr", "d_model": 32, "encoder_layers": 1, "decoder_layers": 1, "num_queries": 8,
             "use_timm_backbone": False, "backbone": None,
             "backbone_config": {"model_type": "resnet", "hidden_sizes": [8, 8, 8, 8], "depths": [1, 1, 1, 1],
                                 "embedding_size": 8, "out_features": ["stage4"]}},
    "dinat": {"model_type": "dinat", "embed_dim": 8, "depths": [1], "num_heads": [1], "dilations": [[1]]},
    "depth_anything": {"model_type": "depth_anything", "patch_size": 14, "reassemble_hidden_size": 32,
                       "neck_hidden_sizes": [8, 8, 8, 8], "fusion_hidden_size": 8, "head_hidden_size": 8,
                       "backbone_config": {"model_type": "dinov2", **DINO, "num_hidden_layers": 4,
                                           "reshape_hidden_states": False,
                                           "out_features": ["stage1", "stage2", "stage3", "stage4"]}},
}  # fmt: skip
FEATURES, CLASSES, DEPTH = "image-feature-extraction", "image-classification", "depth-estimation"
IMAGES = "image-to-image"


def folder_of(name: str, tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text(json.dumps(CONFIGS[name]))
    return tmp_path


@pytest.mark.parametrize(
    ("name", "task", "features", "side", "shape"),
    [
        ("dinov2", FEATURES, None, 56, (1, 16, 32)),
        ("dinov2", FEATURES, "cls", 56, (1, 32)),
        ("dinov2", FEATURES, "tokens", 28, (1, 5, 32)),
        ("dinov2", FEATURES, "pooled", 28, (1, 32)),
        ("registers", FEATURES, "patches", 28, (1, 4, 32)),
        ("registers", FEATURES, "tokens", 28, (1, 9, 32)),
        ("clip", FEATURES, None, 32, (1, 24)),
        ("clip", FEATURES, "patches", 64, (1, 16, 32)),
        ("siglip", FEATURES, None, 32, (1, 32)),
        ("siglip", FEATURES, "patches", 32, (1, 4, 32)),
        ("vit", CLASSES, None, 64, (1, 7)),
        ("vit", FEATURES, "patches", 32, (1, 4, 32)),
        ("swin", CLASSES, None, 32, (1, 7)),
        ("segformer", "semantic-segmentation", None, 64, (1, 7, 16, 16)),
        ("segformer", CLASSES, None, 64, (1, 7)),
        ("glpn", DEPTH, None, 64, (1, 64, 64)),
        ("depth_anything", DEPTH, None, 56, (1, 56, 56)),
        ("aimv2", FEATURES, "patches", 32, (1, 4, 32)),
        ("pixio", FEATURES, "patches", 32, (1, 4, 32)),
        ("convnext", FEATURES, "patches", 64, (1, 4, 16)),
        ("yolos", FEATURES, "patches", 32, (1, 4, 32)),
        ("detr", FEATURES, "tokens", 64, (1, 8, 32)),
        ("pp_lcnet", CLASSES, None, 64, (1, 7)),
        ("swin2sr", IMAGES, None, 16, (1, 3, 32, 32)),
        ("swin2sr", IMAGES, None, 20, (1, 3, 40, 40)),
    ],
)
def test_a_task_gives_its_tensor(
    name: str, task: str, features: str | None, side: int, shape: tuple[int, ...], tmp_path: Path
) -> None:
    import torch

    module = load(folder_of(name, tmp_path), task=task, weights="random", seed=0, features=features)
    with torch.no_grad():
        assert module(torch.rand(1, 3, side, side)).shape == shape


def test_masks_of_queries_become_scores_of_classes(tmp_path: Path) -> None:
    import torch

    queries = torch.tensor([[[0.0, 0.0, 0.0], [2.0, 1.0, 0.0]]])  # two queries, two classes and "no object"
    masks = torch.tensor([[[[-30.0, 30.0]], [[30.0, 0.0]]]])  # sigmoid: 0, 1; 1, 1/2
    scores = _scores(queries, masks)
    second = queries[0, 1].exp() / queries[0, 1].exp().sum()
    expected = [[[second[0], 1 / 3 + second[0] / 2]], [[second[1], 1 / 3 + second[1] / 2]]]
    torch.testing.assert_close(scores, torch.tensor([expected]))


def test_models_of_masks_do_semantic_segmentation(tmp_path: Path) -> None:
    pytest.importorskip("scipy")
    import torch

    config = {"model_type": "eomt", "image_size": 32, "patch_size": 16, "num_blocks": 1, "num_queries": 4, **SMALL}
    (tmp_path / "config.json").write_text(json.dumps({**config, "id2label": {str(i): f"{i}" for i in range(7)}}))
    module = load(tmp_path, task="semantic-segmentation", weights="random", seed=0)
    torch.export.export(module, (torch.rand(1, 3, 32, 32),))
    with torch.no_grad():
        assert module(torch.rand(1, 3, 32, 32)).shape == (1, 7, 8, 8)


def test_a_library_that_a_model_needs_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="the model needs the library natten") as caught:
        load(folder_of("dinat", tmp_path), task=CLASSES, weights="random", seed=0)
    assert caught.value.remedy == "pip install natten"


def test_patches_are_the_tokens_behind_class_token_and_registers(tmp_path: Path) -> None:
    import torch

    folder = folder_of("registers", tmp_path)
    image = torch.rand(1, 3, 28, 28)
    with torch.no_grad():
        tokens, patches, first = (
            load(folder, task=FEATURES, weights="random", seed=0, features=kind)(image)
            for kind in ("tokens", "patches", "cls")
        )
    torch.testing.assert_close(tokens[:, 5:], patches)
    torch.testing.assert_close(tokens[:, 0], first)


def test_normalized_features_have_length_one(tmp_path: Path) -> None:
    import torch

    module = load(folder_of("clip", tmp_path), task=FEATURES, weights="random", seed=0, normalize=True)
    with torch.no_grad():
        length = module(torch.rand(2, 3, 32, 32)).norm(dim=-1)
    torch.testing.assert_close(length, torch.ones(2))


@pytest.mark.parametrize(
    ("name", "task", "features", "says"),
    [
        ("dinov2", DEPTH, None, "model.task: a dinov2 model cannot do depth-estimation"),
        ("glpn", FEATURES, "cls", "model.features"),
        ("siglip", FEATURES, "cls", "model.features: this model has no class token"),
        ("siglip2", FEATURES, None, "a siglip2 model needs more than an image: pixel_attention_mask, spatial_shapes"),
        ("detr", "semantic-segmentation", None, "a detr model cannot do semantic-segmentation"),
        ("dinov2", "cooking", None, "model.task: cooking is not one of"),
    ],
)
def test_what_a_model_does_not_have_is_named(
    name: str, task: str, features: str | None, says: str, tmp_path: Path
) -> None:
    import torch

    folder, image = folder_of(name, tmp_path), torch.rand(1, 3, 64, 64)
    with pytest.raises(StepError, match=says):
        load(folder, task=task, weights="random", seed=0, features=features)(image)


@pytest.mark.parametrize(
    ("name", "task", "side"), [("dinov2", FEATURES, 28), ("vit", CLASSES, 64), ("pvt", CLASSES, 64)]
)
def test_positions_are_constants_in_the_graph_and_equal_to_the_models_own(
    name: str, task: str, side: int, tmp_path: Path
) -> None:
    import numpy as np
    import onnx
    import torch

    from recipebuild.toolkit.graph.compare import run_model

    folder, wide = folder_of(name, tmp_path), side if name == "pvt" else 2 * side
    image = torch.rand(1, 3, side, wide, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = load(folder, task=task, weights="random", seed=0)(image).numpy()
    module, path = load(folder, task=task, weights="random", seed=0), tmp_path / "export.onnx"
    names = {"input_name": "pixel_values", "output_name": "out"}
    export(module, path, shape=(1, 3, side, wide), opset=17, exporter="torchscript", **names)
    if name != "pvt":  # which hands over embeddings of its own: they are constants for simplify
        assert Counter(node.op_type for node in onnx.load(path).graph.node)["Resize"] == 0
    np.testing.assert_allclose(run_model(path, [{"pixel_values": image.numpy()}])[0][0], expected, atol=1e-5)
    assert expected.std() > 0


def test_a_checkpoint_of_two_towers_gives_its_image_tower(tmp_path: Path) -> None:
    import torch
    from transformers import AutoConfig, AutoModel

    folder = folder_of("clip", tmp_path)
    whole = AutoModel.from_config(AutoConfig.from_pretrained(folder)).eval()
    whole.save_pretrained(folder)
    image = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        expected = whole.visual_projection(whole.vision_model(pixel_values=image).pooler_output)
        features = load(folder, task=FEATURES, weights="pretrained", seed=0)(image)
    torch.testing.assert_close(features, expected)


@pytest.mark.parametrize(("name", "side"), [("dinov2", 60), ("clip", 40), ("vit", 50)])
def test_a_size_that_is_no_multiple_of_the_patches_is_refused(name: str, side: int, tmp_path: Path) -> None:
    task = CLASSES if name == "vit" else FEATURES
    module = load(folder_of(name, tmp_path), task=task, weights="random", seed=0)
    names = {"input_name": "pixel_values", "output_name": "out"}
    with pytest.raises(
        StepError, match=rf"input\.shape: {side}x{side} is not a multiple of the model's patch size 1[46]x1[46]"
    ):
        export(module, tmp_path / "e.onnx", shape=(1, 3, side, side), opset=17, exporter="torchscript", **names)
    assert not (tmp_path / "e.onnx").exists()


DETECTORS: dict[str, tuple[dict[str, Any], str]] = {
    "yolos": ({"model_type": "yolos", "image_size": [32, 64], "patch_size": 16, "num_detection_tokens": 10,
               "use_mid_position_embeddings": False, "num_labels": 3, **SMALL}, "detr"),
    "rt_detr": ({"model_type": "rt_detr", "num_labels": 3, "encoder_hidden_dim": 32, "encoder_in_channels": [8, 16, 16],
                 "encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "d_model": 32, "decoder_in_channels": [32, 32, 32],
                 "num_queries": 10, "decoder_layers": 1, "encoder_layers": 1, "encoder_attention_heads": 2,
                 "decoder_attention_heads": 2, "num_denoising": 0,
                 "backbone_config": {"model_type": "rt_detr_resnet", "embedding_size": 8, "depths": [1, 1, 1, 1],
                                     "hidden_sizes": [8, 8, 16, 16], "layer_type": "basic",
                                     "out_features": ["stage2", "stage3", "stage4"]}}, "rt-detr"),
}  # fmt: skip


@pytest.mark.parametrize("name", DETECTORS)
def test_a_detector_gives_logits_and_boxes(name: str, tmp_path: Path) -> None:
    import torch

    config, kind = DETECTORS[name]
    (tmp_path / "config.json").write_text(json.dumps(config))
    model = load(tmp_path, task="object-detection", weights="random", seed=0)
    with torch.inference_mode():
        logits, boxes = model(torch.zeros(1, 3, 32, 64))
    detector = detector_of(tmp_path / "config.json")
    assert (detector.kind, detector.classes) == (kind, 3)
    assert logits.shape == (1, 10, 3 + (kind == "detr"))
    assert boxes.shape == (1, 10, 4)


def test_a_detector_is_exported_with_both_outputs(tmp_path: Path) -> None:
    import onnx

    (tmp_path / "config.json").write_text(json.dumps(DETECTORS["yolos"][0]))
    model = load(tmp_path, task="object-detection", weights="random", seed=0)
    export(
        model, tmp_path / "a.onnx", input_name="x", output_name="logits", more_outputs=("pred_boxes",),
        shape=(1, 3, 32, 64), opset=17, exporter="torchscript",
    )  # fmt: skip
    graph = onnx.load(tmp_path / "a.onnx").graph
    shapes = [[dim.dim_value for dim in value.type.tensor_type.shape.dim] for value in graph.output]
    assert [value.name for value in graph.output] == ["logits", "pred_boxes"]
    assert shapes == [[1, 10, 4], [1, 10, 4]]


@pytest.mark.parametrize(
    ("config", "kind", "classes"),
    [
        ({"model_type": "detr", "id2label": {"0": "N/A", "1": "person"}}, "detr", 2),
        ({"model_type": "d_fine", "id2label": {"0": "a", "1": "b", "2": "c"}}, "rt-detr", 3),
        ({"model_type": "rt_detr_v2"}, "rt-detr", 2),
    ],
)
def test_a_config_tells_how_boxes_are_given(config: dict[str, Any], kind: str, classes: int, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    detector = detector_of(tmp_path / "config.json")
    assert (detector.kind, detector.classes) == (kind, classes)
