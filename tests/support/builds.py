"""Build folders as ``run`` leaves them, made without building: for what tells of builds afterwards."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

LAYERS = [
    # layer, operator, SNR by itself, SNR end to end, dB
    ("/encoder/block.0/mlp/dense1/MatMul", "MatMul", 18.5, 16.0),
    ("/encoder/block.1/attention/Softmax", "Softmax", 24.0, 19.5),
    ("/encoder/block.0/norm/LayerNormalization", "LayerNormalization", 31.0, 22.0),
    ("/decode_head/classifier/Conv", "Conv", 42.0, 20.0),
    ("/decode_head/Relu", "Relu", None, 25.0),
]
CLASSES = [("road", "#804080"), ("sky", "#4682b4"), ("car", "#00008e")]
ROUND = {"fetch": 0.4, "export": 9.5, "simplify": 0.8, "rewrite": 1.2, "head": 0.1, "calibrate": 0.4, "configure": 0.1}
NEEDS = {
    "fetch": [], "export": ["fetch"], "simplify": ["export"], "rewrite": ["simplify"], "head": ["rewrite"],
    "calibrate": [], "configure": [], "verify": ["fetch", "export", "head", "calibrate"],
    "compile": ["head", "calibrate", "verify"], "evaluate": ["head", "compile"],
    "ladder": ["head", "compile"], "layers": ["head", "compile"],
    "preview": ["head", "compile"], "judge": ["compile", "evaluate"],
    "bundle": ["compile", "configure", "evaluate", "judge"], "deploy": ["bundle"],
}  # fmt: skip


def make_build(
    folder: Path, *, name: str = "tiny", drop: float = 0.004, method: str = "MinMax", failed: str | None = None
) -> dict[str, Any]:
    """Write the build folder of a recipe; give its manifest.

    Args:
        folder: Is made.
        name: The recipe's name.
        drop: What quantization costs.
        method: How ranges were chosen.
        failed: A step that failed; what needs it was skipped.
    """
    build = _Build(folder, name)
    for step in NEEDS:
        build.add(step, _metrics(step, drop, method))
    build.write_files(drop, method)
    if failed:
        build.fail(failed)
    return build.manifest()


class _Build:
    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self.steps: list[dict[str, Any]] = []
        self.notes = ["warning: calibrate: 4 images are few; take 32 or more", "note: nothing else <b>to say</b>"]

    def add(self, step: str, metrics: dict[str, Any]) -> None:
        entry = {
            "id": f"{self.name}/{step}", "name": step, "variant": "",
            "needs": [f"{self.name}/{need}" for need in NEEDS[step]],
            "key": step.encode().hex().ljust(64, "0"), "status": "built", "seconds": ROUND.get(step, 3.0),
            "outputs": [], "metrics": metrics, "log": f"logs/{step}.log",
        }  # fmt: skip
        if step == "configure":
            entry["origins"] = {
                "npu_mode": {"field": "target.npu_mode", "place": None},
                "quant.calibration_method": {"field": "quantization.method", "place": "recipes/tiny.yaml:7"},
            }
        self.steps.append(entry)

    def file(self, step: str, name: str, content: bytes, place: str | None = None) -> None:
        path = self.folder / (place or f"steps/{step}/{name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        entry = next(entry for entry in self.steps if entry["name"] == step)
        output = {"name": name, "path": str(path.relative_to(self.folder)), "sha256": "ab" * 32, "bytes": len(content)}
        entry["outputs"].append(output)

    def write_files(self, drop: float, method: str) -> None:
        config = {"npu_mode": "NPU3", "quant": {"calibration_method": method, "input_configs": [{"mean": [1, 2]}]}}
        self.file("configure", "pulsar2.json", json.dumps(config).encode(), "pulsar2.json")
        self.file("compile", "quantized.onnx", b"model", "quantized.onnx")
        self.file("ladder", "ladder.json", json.dumps(_ladder(drop)).encode())
        self.file("layers", "layers.json", json.dumps(_layers()).encode())
        classes = [{"name": name, "color": color} for name, color in CLASSES]
        self.file("preview", "panels/classes.json", json.dumps(classes).encode())
        for row in range(2):
            for index, title in enumerate(("input", "ground-truth", "float", "quantized", "difference")):
                ending = "jpg" if title in ("input", "difference") else "png"
                self.file("preview", f"panels/{row}/{title}.{ending}", _picture(ending, 40 * index + 20 * row))

    def fail(self, step: str) -> None:
        later = False
        for entry in self.steps:
            if entry["name"] == step:
                later = True
                error = {"message": "it broke", "remedy": "mend it", "exit_code": 3}
                entry |= {"status": "failed", "key": None, "metrics": {}, "outputs": [], "error": error}
            elif later:
                entry |= {"status": "skipped", "key": None, "metrics": {}, "outputs": []}

    def manifest(self) -> dict[str, Any]:
        ok = all(entry["status"] == "built" for entry in self.steps)
        value = {
            "recipe": self.name, "recipe_digest": "cd" * 32, "status": "ok" if ok else "failed",
            "toolchain": {"name": "onnxruntime", "version": "1.2"}, "steps": self.steps,
            "variants": {"": [entry["id"] for entry in self.steps]}, "metrics": {}, "notes": self.notes,
            "environment": {
                "recipebuild": "0.1.0", "python": "3.11.7", "platform": "linux-x86_64",
                "distributions": {"numpy": "2.0"},
            },
            "made": {
                "command": f"recipebuild run recipes/{self.name}.yaml", "date": "2026-01-02T03:04:05Z",
                "commit": "ef" * 20,
            },
            "files": [output["path"] for entry in self.steps for output in entry["outputs"]],
        }  # fmt: skip
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "manifest.json").write_text(json.dumps(value), encoding="utf-8")
        return value


def _metrics(step: str, drop: float, method: str) -> dict[str, Any]:
    table = [
        {"op": "Add", "before": 15, "after": 9},
        {"op": "Gemm", "before": 25, "after": 0},
        {"op": "MatMul", "before": 9, "after": 22},
    ]
    per_class = {str(i): {"float": 0.9 - 0.1 * i, "quantized": 0.9 - 0.1 * i - drop} for i in range(3)}
    metrics: dict[str, dict[str, Any]] = {
        "export": {
            "nodes": 60, "bytes": 2_000_000, "parameters": 457011, "opset": 17, "exporter": "dynamo", "operators": {},
        },
        "simplify": {
            "operators": [{"op": "Add", "before": 40, "after": 15}, {"op": "Gemm", "before": 0, "after": 25}],
            "nodes_before": 60, "nodes_after": 49, "bytes_before": 2_000_000, "bytes": 1_900_000,
        },
        "rewrite": {
            "operators": table, "nodes_before": 49, "nodes_after": 31, "multiply_adds_before": 375_000_000,
            "multiply_adds_after": 238_000_000, "peak_activation_bytes_before": 9_000_000,
            "peak_activation_bytes_after": 4_000_000, "layout_changes_before": 12, "layout_changes_after": 2,
            "relative": 5e-7, "agreement": 1.0, "rolled_back": [], "bytes": 1_800_000,
            "passes": [{"name": "fuse_gelu", "times": 4, "nodes": 45}, {"name": "fold_scale", "times": 8, "nodes": 31}],
            "refused": [{"name": "fold_decoder", "reason": "a Conv for each branch would be no less work", "times": 1}],
        },
        "head": {"nodes": 32, "bytes": 1_800_000, "inputs": [], "outputs": []},
        "compile": {"bytes": 640_000, "method": method, "images": 4, "quantized_nodes": 31},
        "evaluate": {
            "images": 24, "miou_float": 0.83, "miou_quantized": 0.83 - drop, "pixel_accuracy_float": 0.94,
            "pixel_accuracy_quantized": 0.94 - drop, "drop": drop, "per_class": per_class,
            "labels": [name for name, _ in CLASSES],
            "metric": "miou", "against": "labels", "drop_interval": [-0.001, 0.009],
            "interval": {"float": [0.82, 0.84], "quantized": [0.816, 0.835]},
        },
        "preview": {"images": 2},
        "judge": {
            "checks": [
                {
                    "figure": "loss of mIoU", "field": "evaluate.max_drop", "value": drop, "bound": "at most",
                    "limit": 0.01, "passed": drop <= 0.01,
                }
            ]
        },
        "deploy": {
            "board": "desk", "latency_ms": {"min": 3.9, "avg": 4.1, "max": 4.6}, "cmm_bytes": 21_000_000,
            "miou_board": 0.82 - drop, "images": 24, "versions": {"pulsar2": "4.2"}, "model": {}, "copied": [],
            "agreement": {}, "cosine": {}, "warnings": [],
        },
    }  # fmt: skip
    return metrics.get(step, {})


def _ladder(drop: float) -> dict[str, Any]:
    rung = {"within_noise": True, "change_interval": None}
    return {
        "images": 8, "metric": "miou", "against": "labels", "warnings": [],
        "verdict": f"Largest loss: quantized (host), mIoU 83.00 to {83 - 100 * drop:.2f} %.",
        "rows": [
            {"rung": "pytorch", "title": "PyTorch", "miou": 0.83, "interval": [0.82, 0.84]},
            {
                **rung, "rung": "export", "title": "exported", "miou": 0.83, "change": 0.0, "same": 1.0,
                "cosine_before": 1.0, "largest_error": 1e-6,
            },
            {
                **rung, "rung": "quantized", "title": "quantized (host)", "miou": 0.83 - drop, "change": -drop,
                "change_interval": [-0.009, 0.001], "same": 0.995, "cosine_before": 0.999, "largest_error": None,
            },
        ],
    }  # fmt: skip


def _layers() -> dict[str, Any]:
    def error(snr: float | None) -> dict[str, float | None]:
        return {"snr_db": snr, "cosine": 0.99, "mse": 1e-4}

    return {
        "images": 2,
        "tensors": [
            {
                "tensor": f"{layer}_output_0", "layer": layer, "operator": operator, "module": layer.split("/")[1],
                "low": -3.0, "high": 4.5, "outlier": 1.5, "alone": error(alone), "end_to_end": error(together),
            }
            for layer, operator, alone, together in LAYERS
        ],
    }  # fmt: skip


def _picture(ending: str, shade: int) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (64, 32), (shade, 255 - shade, 128)).save(file, {"jpg": "JPEG"}.get(ending, "PNG"))
    return file.getvalue()
