"""Settings are read once, checked, and refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from agelane_serving.gateway.settings import Settings, parse_settings


def test_without_flags_it_is_the_documented_stack() -> None:
    """The gateway on 50051, the model server on 8500, both on loopback."""
    assert parse_settings([], {}) == Settings(
        listen="127.0.0.1:50051", model_server="127.0.0.1:8500", model_name="age"
    )


def test_a_flag_wins_over_the_environment_and_that_over_the_default() -> None:
    """Variables that are not settings are let be: orchestrators add their own."""
    environment = {
        "AGELANE_GATEWAY_LISTEN": "127.0.0.1:1",
        "AGELANE_GATEWAY_MODEL_NAME": "faces",
        "AGELANE_GATEWAY_INSECURE_LISTEN": "true",
        "AGELANE_GATEWAY_POLICY": "a/policy.toml",
        "AGELANE_GATEWAY_DRAIN_SECONDS": "2.5",
        "AGELANE_GATEWAY_SERVICE_HOST": "10.0.0.1",
    }
    settings = parse_settings(["--listen=0.0.0.0:2", "--log-level=debug"], environment)
    assert settings == Settings(
        listen="0.0.0.0:2",
        insecure_listen=True,
        model_name="faces",
        policy=Path("a/policy.toml"),
        drain_seconds=2.5,
        log_level="DEBUG",
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "[::1]"])
def test_loopback_needs_no_permission(host: str) -> None:
    """Plaintext stays within the machine there."""
    assert not parse_settings([f"--listen={host}:0"], {}).insecure_listen


def test_other_machines_may_call_with_tls_and_credentials() -> None:
    """Without saying that it is insecure."""
    flags = ["--listen=0.0.0.0:0", "--tls-certificate=c", "--tls-key=k", "--credentials=t"]
    assert not parse_settings(flags, {}).insecure_listen


def test_several_model_servers_are_told_by_commas() -> None:
    """Spaces don't matter."""
    flags = ["--model-server=a:1, b:2", "--insecure-model-servers"]
    assert parse_settings(flags, {}).model_servers == ["a:1", "b:2"]


@pytest.mark.parametrize("target", ["127.0.0.1:1", "dns:///localhost:1", "[::1]:1", "unix:/a/b"])
def test_photos_may_go_to_this_machine_in_plaintext(target: str) -> None:
    """They do not leave it."""
    assert parse_settings([f"--model-server={target}"], {}).model_servers == [target]


def test_photos_may_go_to_other_machines_over_tls() -> None:
    """With whoever vouches for them."""
    flags = ["--model-server=a:1", "--model-server-ca=ca.pem"]
    assert parse_settings(flags, {}).model_server_ca == Path("ca.pem")


@pytest.mark.parametrize(
    ("flag", "said"),
    [
        ("--listen=0.0.0.0:0", "--insecure-listen"),
        ("--listen=[::]:0", "--insecure-listen"),
        ("--listen=:50051", "--insecure-listen"),
        ("--listen=shop-gateway:0", "--insecure-listen"),
        ("--listen=0.0.0.0:0 --insecure-listen=false", "--insecure-listen"),
        ("--insecure-listen=perhaps", "expected true or false"),
        ("--listen=0.0.0.0:0 --tls-certificate=c --tls-key=k", "no credentials"),
        ("--listen=0.0.0.0:0 --credentials=c", "no TLS"),
        ("--admin-listen=0.0.0.0:0", "--admin-listen 0.0.0.0:0"),
        ("--tls-certificate=c", "belong together"),
        ("--tls-key=k", "belong together"),
        ("--tls-client-ca=c", "--tls-client-ca needs"),
        ("--listen=50051", "HOST:PORT"),
        ("--metrics-listen=0.0.0.0:0", "--insecure-metrics"),
        ("--model-server=dns:///a", "HOST:PORT"),
        ("--model-server=a:1", "--insecure-model-servers"),
        ("--model-server=127.0.0.1:1,10.0.0.2:1", "10.0.0.2:1 in plaintext"),
        ("--metrics-listen=9464", "--metrics-listen must be HOST:PORT"),
        ("--in-flight=0", "--in-flight"),
        ("--waiting=0", "--waiting"),
        ("--waiting-per-lane=0", "--waiting-per-lane"),
        ("--lane-burst=0", "--lane-burst"),
        ("--lane-rate=0", "--lane-rate"),
        ("--lane-rate=nan", "--lane-rate"),
        ("--model-name=age-v2/x", "--model-name"),
        ("--model-name=", "--model-name"),
        ("--processes=0", "--processes"),
        ("--processes=65", "--processes"),
        ("--listen=127.0.0.1:66000", "HOST:PORT"),
        ("--listen=127.0.0.1:http", "HOST:PORT"),
        ("--offers-refresh-seconds=0.5", "--offers-refresh-seconds"),
        ("--offers-refresh-seconds=nan", "--offers-refresh-seconds"),
        ("--drain-seconds=-1", "--drain-seconds"),
        ("--drain-seconds=nan", "--drain-seconds"),
        ("--drain-seconds=soon", "--drain-seconds"),
        ("--log-level=loud", "--log-level"),
        ("--model-server=", "--model-server"),
        ("--model-server=a:1,,b:1", "--model-server"),
        ("--mode", "unrecognized arguments"),
    ],
)
def test_a_wrong_flag_is_refused_by_name(
    flag: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, as for any misused command."""
    with pytest.raises(SystemExit) as caught:
        parse_settings(flag.split(), {})
    assert caught.value.code == 2
    assert said in capsys.readouterr().err


def test_a_wrong_variable_is_refused_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    """The same checks apply, wherever a setting comes from."""
    with pytest.raises(SystemExit):
        parse_settings([], {"AGELANE_GATEWAY_LISTEN": "0.0.0.0:0"})
    assert "--insecure-listen" in capsys.readouterr().err
