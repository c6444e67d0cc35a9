"""`python -m tests.serving.faults.run --calls 100000`: the gateway among servers that misbehave.

Two gateway processes on one port, two model servers, and callers that never pause. Every half a
second something begins to go wrong: a model server is killed, hangs, freezes with its connections
open, answers nonsense or from a version without certificate; the policy file changes, rightly and
wrongly; the clock jumps, by up to two hours, and back; a gateway process stands still for
a while or is told to stop. What must hold for each call, and is checked:

- ALLOW only where a model server has just said, from a certified version, that this very photo
  shows an adult;
- an answer or an error no later than the deadline, and a little;
- in the end no call, no stream and no task is left in any gateway.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import re
import signal
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Never

import grpc
from tqdm import tqdm

from agelane.v1 import assessment_pb2, checkout_pb2, checkout_pb2_grpc
from loadtest.simulate.moved_clock import MovedClock
from tests.ports import free_port
from tests.serving.faults.backend import Backend, Truth
from tests.serving.gateway import photos

_CALLERS = 32
_DEADLINES = (0.1, 0.3, 1.0)
_GRACE_SECONDS = 0.5
_FAULT_SECONDS = 0.5
_PAUSE_SECONDS = 0.01  # or all calls would be spent on the moments in which answers come at once
_IDLE_TASKS = 40
_GAUGES = ("agelane_in_flight", "agelane_waiting", "agelane_streams")
_JUMPS_SECONDS = (1.0, -1.0, 120.0, -120.0, 7200.0, -7200.0)
_POLICY = Path(__file__).parents[3] / "serving/agelane_serving/policy/default.toml"


@dataclass
class Outcome:
    """What came of a run."""

    calls: Counter[str] = field(default_factory=Counter)
    """Calls by decision or status code."""
    faults: Counter[str] = field(default_factory=Counter)
    """What went wrong, how often."""
    unjustified: list[bytes] = field(default_factory=list)
    """Marks of photos that were waved through without a reason."""
    late: list[float] = field(default_factory=list)
    """By how much calls came too late, in seconds."""
    left: dict[str, float] = field(default_factory=dict)
    """What was left in the gateways at the end; empty: nothing."""

    @property
    def holds(self) -> bool:
        """Whether everything held that must."""
        return not (self.unjustified or self.late or self.left)


async def storm(calls: int, seed: int, processes: int = 2) -> Outcome:
    """Make so many calls while things go wrong; everything random comes from `seed`."""
    random_, outcome, truth = random.Random(seed), Outcome(), Truth()
    backends = [Backend(truth), Backend(truth)]
    for backend in backends:
        await backend.start()
    with tempfile.TemporaryDirectory() as folder:
        policy, clock = Path(folder) / "policy.toml", MovedClock(Path(folder) / "clock")
        policy.write_text(_policy_text(0))
        metrics = free_port()
        gateway, address = await _start(backends, policy, clock, metrics, processes)
        disturbing = asyncio.create_task(
            _disturb(backends, policy, clock, gateway, random_, outcome)
        )
        with tqdm(total=calls, unit="call", disable=None) as bar:
            counter = iter(range(calls))
            callers = [
                _Caller(address, truth, outcome, random.Random(seed + n), bar)
                for n in range(_CALLERS)
            ]
            await asyncio.gather(*[caller.run(counter) for caller in callers])
        disturbing.cancel()
        for backend in backends:
            await backend.recover()
        await asyncio.sleep(3)
        outcome.left = await asyncio.to_thread(_left, metrics)
        gateway.send_signal(signal.SIGTERM)
        await gateway.wait()
    for backend in backends:
        await backend.stop()
    return outcome


class _Caller:
    """Makes one call after the other."""

    def __init__(
        self, address: str, truth: Truth, outcome: Outcome, random_: random.Random, bar: tqdm[Never]
    ) -> None:
        self._address, self._truth, self._outcome = address, truth, outcome
        self._random, self._bar = random_, bar

    async def run(self, counter: object) -> None:
        """Call until the counter is used up; over a new connection now and then."""
        done = 0
        while done is not None:
            options = [("grpc.use_local_subchannel_pool", 1)]
            async with grpc.aio.insecure_channel(self._address, options=options) as channel:
                stub: checkout_pb2_grpc.CheckoutServiceAsyncStub
                stub = checkout_pb2_grpc.CheckoutServiceStub(channel)
                for _ in range(200):
                    done = next(counter, None)  # type: ignore[call-overload]
                    if done is None:
                        break
                    await self._call(stub, done)

    async def _call(self, stub: checkout_pb2_grpc.CheckoutServiceAsyncStub, number: int) -> None:
        adult = b"adult" if self._random.random() < 0.7 else b"minor"
        photo = photos.jpeg() + f" {self._random.random()} {number} ".encode() + adult
        request = checkout_pb2.AssessCustomerRequest(photo=photo)
        deadline, began = self._random.choice(_DEADLINES), time.monotonic()
        try:
            answer = await stub.AssessCustomer(request, timeout=deadline, wait_for_ready=True)
        except grpc.aio.AioRpcError as error:
            self._outcome.calls[error.code().name] += 1
        else:
            decision = answer.assessment.alcohol_decision
            self._outcome.calls[assessment_pb2.AlcoholDecision.Name(decision)] += 1
            allowed = decision == assessment_pb2.ALCOHOL_DECISION_ALLOW
            if allowed and photo not in self._truth.justified:
                self._outcome.unjustified.append(photo[-40:])
        self._truth.justified.discard(photo)
        late = time.monotonic() - began - deadline - _GRACE_SECONDS
        if late > 0:
            self._outcome.late.append(late)
        self._bar.update()
        await asyncio.sleep(_PAUSE_SECONDS)


async def _disturb(
    backends: list[Backend],
    policy: Path,
    clock: MovedClock,
    gateway: asyncio.subprocess.Process,
    random_: random.Random,
    outcome: Outcome,
) -> None:
    """Let something go wrong, again and again; sometimes with both model servers."""
    for turn in range(1_000_000):
        await asyncio.sleep(_FAULT_SECONDS)
        clock.jump(0.0)
        what = random_.random()
        if what < 0.1:
            outcome.faults["policy changed"] += 1
            policy.write_text(_policy_text(turn))
        elif what < 0.2:
            outcome.faults["policy spoilt"] += 1
            policy.write_text("schema = ?")
        elif what < 0.3:
            await _halt_one(gateway, random_, outcome)
        elif what < 0.4:
            outcome.faults["clock jumps"] += 1
            clock.jump(random_.choice(_JUMPS_SECONDS))
        for backend in backends:
            await backend.recover()
            if random_.random() < 0.6:
                outcome.faults[await backend.misbehave(random_)] += 1


async def _halt_one(
    gateway: asyncio.subprocess.Process, random_: random.Random, outcome: Outcome
) -> None:
    """Stop one gateway process, for good or for a moment."""
    children = Path(f"/proc/{gateway.pid}/task/{gateway.pid}/children").read_text().split()
    if not children:
        return
    victim = int(random_.choice(children))
    if random_.random() < 0.5:
        outcome.faults["gateway process told to stop"] += 1
        os.kill(victim, signal.SIGTERM)
    else:
        outcome.faults["gateway process stands still"] += 1
        os.kill(victim, signal.SIGSTOP)
        await asyncio.sleep(0.2)
        os.kill(victim, signal.SIGCONT)


async def _start(
    backends: list[Backend], policy: Path, clock: MovedClock, metrics: int, processes: int
) -> tuple[asyncio.subprocess.Process, str]:
    address = f"127.0.0.1:{free_port()}"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "agelane_serving.gateway", f"--listen={address}"),
        f"--model-server={','.join(backend.address for backend in backends)}",
        f"--processes={processes}",
        f"--policy={policy}",
        f"--metrics-listen=127.0.0.1:{metrics}",
        "--drain-seconds=2",
        stderr=asyncio.subprocess.DEVNULL,
        env=os.environ | clock.environment,
    )
    async with grpc.aio.insecure_channel(address) as channel:
        await asyncio.wait_for(channel.channel_ready(), 60)
    return process, address


def _left(metrics: int) -> dict[str, float]:
    """Return gauges that should be zero and are not, and tasks beyond those of an idle gateway."""
    with urllib.request.urlopen(f"http://127.0.0.1:{metrics}/metrics", timeout=10) as response:
        page = response.read().decode()
    values = {
        name: float(found[1])
        for name in (*_GAUGES, "agelane_tasks")
        if (found := re.search(rf"^{name} (\S+)$", page, re.MULTILINE))
    }
    idle = dict.fromkeys(_GAUGES, 0.0) | {"agelane_tasks": _IDLE_TASKS}
    assert values.keys() == idle.keys(), page
    return {name: value for name, value in values.items() if value > idle[name]}


def _policy_text(turn: int) -> str:
    """Return a right policy that differs from turn to turn, and leaves nothing to chance."""
    text = re.sub("audit_share = .*", "audit_share = 0", _POLICY.read_text())
    return text.replace("valid_seconds = 300", f"valid_seconds = {300 + turn % 1000}")


def main() -> int:
    """Run the storm and say how it ended; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument("--calls", type=int, default=100_000, help="calls (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="another one is another storm")
    options = parser.parse_args()
    began = time.monotonic()
    outcome = asyncio.run(storm(options.calls, options.seed))
    seconds = time.monotonic() - began
    print(f"{options.calls} calls in {seconds:.0f} s: {dict(outcome.calls.most_common())}")
    print(f"faults: {dict(outcome.faults.most_common())}")
    print(
        f"ALLOW without reason: {len(outcome.unjustified)}; too late: {len(outcome.late)}; "
        f"left behind: {outcome.left or 'nothing'}"
    )
    return 0 if outcome.holds else 1


if __name__ == "__main__":
    sys.exit(main())
