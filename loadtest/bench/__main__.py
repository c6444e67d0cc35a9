"""`python -m loadtest.bench`: the gateway beside a bare hop, in one run and one table.

Before the same backend, which costs next to nothing, with photos of 20 KB and 32 calls in flight:
a server that only passes calls on (what gRPC for asyncio costs at least), the gateway with every
check on, and two of its processes. Then the embedded model server alone and the whole stack. The
table goes to stdout, the figures to reports/bench.json.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

from agelane.tfserving.v1 import predict_pb2, tensor_pb2
from agelane.v1 import checkout_pb2
from loadtest.bench import processes
from loadtest.bench.load import Call, Load, LoadError, at_rate, flat_out
from loadtest.bench.null_backend import ASSESS, PREDICT, frame
from loadtest.bench.tokens import write_key_file, write_token_file
from loadtest.photos import SAMPLES

REPORT = Path("reports/bench.json")
IN_FLIGHT = 32
_PHOTO_BYTES = 20_000
_PHOTO = SAMPLES / "biden_2010.jpg"
_TOOLS = ("h2load", "nghttpd")


def main() -> int:
    """Measure, print and write; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m loadtest.bench", description=(__doc__ or "").partition("\n\n")[2]
    )
    parser.add_argument("--calls", type=int, default=20_000, help="calls a row (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds; the best counts")
    parser.add_argument("--no-model", action="store_true", help="leave the real model out")
    options = parser.parse_args()
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if missing:
        print(f"{', '.join(missing)} missing: apt install nghttp2-client nghttp2-server")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        figures = _measure(Path(folder), options.calls, options.rounds)
        if not options.no_model:
            figures |= _measure_model(Path(folder))
    print(_table(figures))
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


def _measure(folder: Path, calls: int, rounds: int) -> dict[str, float]:
    token, flags = _every_check(folder)
    body = _assess_body(folder, _photo_of(_PHOTO_BYTES))
    figures: dict[str, float] = {}
    with processes.null_backend() as backend, processes.bare_hop(backend) as hop:
        direct = Call(backend.address, PREDICT, body)
        bare = Call(hop.address, ASSESS, body)
        with processes.gateway(backend, 1, flags) as one:
            checked = Call(one.address, ASSESS, body, token)
            # In turns, so that both meet the same weather.
            pairs = [(_rate(bare, calls), _rate(checked, calls)) for _ in range(rounds)]
            figures["bare_hop_calls_per_second"] = max(pair[0] for pair in pairs)
            figures["gateway_calls_per_second"] = max(pair[1] for pair in pairs)
            half = figures["gateway_calls_per_second"] / 2
            figures |= _added(at_rate(direct, half, 10), at_rate(checked, half, 10))
            _check_none_refused(one)
            figures["gateway_rss_mb"] = one.memory_mb()
            figures["gateway_startup_seconds"] = one.startup_seconds
        with processes.gateway(backend, 2, flags) as two:
            both = Call(two.address, ASSESS, body, token)
            figures["two_processes_calls_per_second"] = max(
                _rate(both, calls) for _ in range(rounds)
            )
            _check_none_refused(two)
    hop_rate, rate = figures["bare_hop_calls_per_second"], figures["gateway_calls_per_second"]
    figures["gateway_over_bare_hop"] = rate / hop_rate
    figures["two_processes_over_one"] = figures["two_processes_calls_per_second"] / rate
    return {name: round(value, 4) for name, value in figures.items()}


def _measure_model(folder: Path) -> dict[str, float]:
    """Measure the embedded model server alone and behind the gateway, with a real photo."""
    photo = _PHOTO.read_bytes()
    environment = {"AGELANE_GATEWAY_WAITING_PER_LANE": str(IN_FLIGHT)}
    with processes.stack(environment) as stack:
        direct = Call(stack.model_server, PREDICT, _predict_body(folder, photo))
        whole = Call(stack.gateway, ASSESS, _assess_body(folder, photo))
        flat_out(direct, 200, IN_FLIGHT)  # warms up
        return {
            "model_server_calls_per_second": round(_rate(direct, 800), 1),
            "whole_stack_calls_per_second": round(_rate(whole, 800), 1),
        }


def _check_none_refused(gateway: processes.Server) -> None:
    refused = gateway.refused_calls()
    if refused:
        raise LoadError(f"{refused} calls were refused and would count as answers")


def _rate(call: Call, calls: int) -> float:
    return flat_out(call, calls, IN_FLIGHT).calls_per_second


def _added(direct: Load, through: Load) -> dict[str, float]:
    """Return by how much a call takes longer through the gateway, at the same rate."""
    return {
        f"added_p{name}_ms": 1000 * (through.percentile(share) - direct.percentile(share))
        for name, share in (("50", 0.5), ("99", 0.99), ("99_9", 0.999))
    }


def _every_check(folder: Path) -> tuple[str, list[str]]:
    """Return a token and the flags of a gateway that checks, limits, signs, logs and counts."""
    token = write_token_file(folder / "tokens.toml")
    write_key_file(folder / "keys.toml")
    return token, [
        f"--credentials={folder / 'tokens.toml'}",
        f"--token-keys={folder / 'keys.toml'}",
        "--lane-rate=100000",
        "--lane-burst=100000",
        f"--waiting-per-lane={IN_FLIGHT}",  # all calls are one lane's
    ]


def _photo_of(size: int) -> bytes:
    """Return a sample photo, made up to this size by a comment before its end."""
    photo = _PHOTO.read_bytes()
    lacking = size - len(photo) - 4
    if lacking <= 0:
        return photo
    comment = b"\xff\xfe" + (lacking + 2).to_bytes(2, "big") + bytes(lacking)
    return photo[:2] + comment + photo[2:]


def _assess_body(folder: Path, photo: bytes) -> Path:
    request = checkout_pb2.AssessCustomerRequest(photo=photo)
    return _written(folder / "assess", frame(request.SerializeToString()))


def _predict_body(folder: Path, photo: bytes) -> Path:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "age"
    tensor = tensor_pb2.TensorProto(dtype=tensor_pb2.DT_STRING, string_val=[photo])
    tensor.tensor_shape.dim.add(size=1)
    request.inputs["image_bytes"].CopyFrom(tensor)
    return _written(folder / "predict", frame(request.SerializeToString()))


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def _table(figures: dict[str, float]) -> str:
    hop = figures["bare_hop_calls_per_second"]
    rows = [
        ("bare grpc.aio hop", "bare_hop_calls_per_second"),
        ("gateway, every check on", "gateway_calls_per_second"),
        ("gateway, two processes", "two_processes_calls_per_second"),
        ("embedded model server", "model_server_calls_per_second"),
        ("whole stack", "whole_stack_calls_per_second"),
    ]
    lines = ["| what | calls a second | over the bare hop |", "|---|---|---|"]
    lines += [
        f"| {name} | {figures[key]:,.0f} | {figures[key] / hop:.2f} |"
        for name, key in rows
        if key in figures
    ]
    lines += [
        "",
        f"Added by the gateway at half of its load: p50 {figures['added_p50_ms']:.2f} ms, "
        f"p99 {figures['added_p99_ms']:.2f} ms, p99.9 {figures['added_p99_9_ms']:.2f} ms. "
        f"Memory {figures['gateway_rss_mb']:.0f} MB, "
        f"{figures['gateway_startup_seconds']:.2f} s from the command to the open port.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
