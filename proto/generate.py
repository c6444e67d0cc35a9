"""Generate the committed stubs in gen/ from the .proto files; `make stubs` calls this.

The generator has an environment of its own, pinned to the oldest protobuf and grpcio that the
stubs must run with: generated code refuses runtimes older than its generator.

    python proto/generate.py            # write them
    python proto/generate.py --check    # fail if those in gen/ are not what would be written
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
STUBS = ROOT / "gen"
ENVIRONMENT = ROOT.parent / ".venv" / "stubs"
# grpcio-tools 1.73 carries protoc 31.0: code for protobuf 6.31 and grpcio 1.73, and anything newer.
TOOLS = ("grpcio-tools==1.73.0", "mypy-protobuf==5.1.0", "setuptools<81")


def generator() -> Path:
    """Return the Python of the generator's environment, made on first use or when TOOLS change."""
    stamp = ENVIRONMENT / "tools.txt"
    python = ENVIRONMENT / "bin" / "python"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != "\n".join(TOOLS):
        venv.create(ENVIRONMENT, clear=True, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *TOOLS], check=True)
        stamp.write_text("\n".join(TOOLS), encoding="utf-8")
    return python


def generate(out: Path) -> None:
    """Write the stubs of all .proto files below ROOT/agelane to `out`."""
    python = generator()
    sources = sorted(ROOT.glob("agelane/**/*.proto"))
    services = [path for path in sources if "\nservice " in path.read_text(encoding="utf-8")]
    protoc(python, sources, out, "python", "mypy")
    protoc(python, services, out, "grpc_python", "mypy_grpc")


def protoc(python: Path, sources: list[Path], out: Path, *languages: str) -> None:
    """Run protoc over `sources`, writing each of `languages` to `out`."""
    command: list[str | Path] = [python, "-m", "grpc_tools.protoc", f"--proto_path={ROOT}"]
    command += [
        f"--{language}_out={'quiet:' * language.startswith('mypy')}{out}" for language in languages
    ]
    search = f"{python.parent}{os.pathsep}{os.environ.get('PATH', '')}"  # protoc looks for plugins
    subprocess.run([*command, *sources], check=True, env={**os.environ, "PATH": search})


def stubs(folder: Path) -> dict[Path, bytes]:
    """Return the contents of all stubs in `folder` by their path below it."""
    paths = (*folder.rglob("*_pb2*.py"), *folder.rglob("*_pb2*.pyi"))
    return {path.relative_to(folder): path.read_bytes() for path in paths}


def check(fresh: dict[Path, bytes]) -> int:
    """Name the committed stubs that differ from `fresh`; return the exit code."""
    committed = stubs(STUBS)
    stale = [
        str(path)
        for path in sorted(fresh.keys() | committed.keys())
        if fresh.get(path) != committed.get(path)
    ]
    if stale:
        print("stale stubs, run `make stubs`:", *stale, sep="\n  ", file=sys.stderr)
    return 1 if stale else 0


def replace(fresh: dict[Path, bytes]) -> int:
    """Put `fresh` in the place of the committed stubs; return the exit code."""
    for old in stubs(STUBS):
        (STUBS / old).unlink()
    for path, content in fresh.items():
        (STUBS / path).write_bytes(content)
    return 0


def main() -> int:
    """Parse the command line and do what it says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare, and write nothing")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        fresh = stubs(Path(folder))
    return check(fresh) if options.check else replace(fresh)


if __name__ == "__main__":
    sys.exit(main())
