"""Settings from four places: who wins, where each value came from, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from verifier.app.errors import ConfigError
from verifier.app.settings import InForce, load_settings


def load(
    tmp_path: Path, *, config: str = "", env: dict[str, str] | None = None, here: str = "", home: str = ""
) -> InForce:
    """Settings with each place's text."""
    for name, text in (("here", here), ("home", home)):
        (tmp_path / name).mkdir(exist_ok=True)
        if text:
            (tmp_path / name / "xmargin.toml").write_text(text)
    chosen = tmp_path / "chosen.toml"
    chosen.write_text(config)
    return load_settings(
        chosen if config else None, env or {}, folder=tmp_path / "home", here=tmp_path / "here", data_folder=tmp_path / "data"
    )  # fmt: skip


def places(found: InForce) -> dict[str, str]:
    return {".".join(map(str, o.path)): o.place for o in found.origins}


def test_defaults_are_in_force_alone(tmp_path: Path) -> None:
    """The database lies in the data folder; nothing else is set."""
    found = load(tmp_path)
    assert found.database == tmp_path / "data" / "xmargin.db"
    assert (found.settings.policy, found.settings.timeouts.total) == ("strict", 60.0)
    assert set(places(found).values()) == {"default"}


def test_config_over_environment_over_here_over_home(tmp_path: Path) -> None:
    """Each place sets one key more than the stronger one; the strongest that speaks wins."""
    text = "[timeouts]\ntotal = {0}\nrequest = {0}\nconnect = {0}\n"
    found = load(
        tmp_path,
        config="[timeouts]\ntotal = 4\n",
        env={"XMARGIN_TIMEOUTS__TOTAL": "3", "XMARGIN_TIMEOUTS__REQUEST": "3"},
        here="[timeouts]\ntotal = 2\nrequest = 2\nconnect = 2\n",
        home=text.format(1) + "[store]\nbusy_timeout = 1\n",
    )
    times = found.settings.timeouts
    assert (times.total, times.request, times.connect, found.settings.store.busy_timeout) == (4, 3, 2, 1)
    said = places(found)
    assert said["timeouts.total"].startswith("--config")
    assert said["timeouts.request"] == "environment"
    assert said["timeouts.connect"].endswith("here/xmargin.toml")
    assert said["store.busy_timeout"].endswith("home/xmargin.toml")
    assert said["policy"] == "default"


def test_endpoints_come_as_a_list_or_with_commas(tmp_path: Path) -> None:
    """JSON and commas say the same."""
    one = load(tmp_path, env={"XMARGIN_NETWORKS__ETHEREUM__ENDPOINTS": "https://a.example, https://b.example"})
    two = load(tmp_path, env={"XMARGIN_NETWORKS__ETHEREUM__ENDPOINTS": '["https://a.example", "https://b.example"]'})
    assert one.settings == two.settings
    assert len(one.settings.networks["ethereum"].endpoints) == 2


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"XMARGIN_TIMEOUTS__TOTL": "3"}, "did you mean total?"),
        ({"XMARGIN_TIMEOUTS__TOTAL": "soon"}, "number"),
        ({"XMARGIN_TIMEOUTS__TOTAL": "0"}, "greater than 0"),
        ({"XMARGIN_POLICY": "lax"}, "'strict' or 'practical'"),
        ({"XMARGIN_NETWORKS__ETHEREUM__ENDPOINTS": "[1"}, "expected JSON"),
        ({"XMARGIN_NETWORKS__ETHEREUM__PIN": "0x" + "00" * 32}, "unset field"),
        ({"XMARGIN_NETWORKS__ETHEREUM__ENDPOINTS": "[" * 100_000}, "nested deeper"),
        ({"XMARGIN_TIMEOUTS": "3", "XMARGIN_TIMEOUTS__TOTAL": "3"}, "no table"),
    ],
)
def test_variables_that_cannot_be_taken_are_refused(tmp_path: Path, env: dict[str, str], words: str) -> None:
    """Each with its sentence; one that can be taken is taken."""
    assert load(tmp_path, env={"XMARGIN_TIMEOUTS__TOTAL": "3"}).settings.timeouts.total == 3
    with pytest.raises(ConfigError, match=r".") as caught:
        load(tmp_path, env=env)
    assert words in str(caught.value)


def test_a_variable_that_means_nothing_is_warned_of(tmp_path: Path) -> None:
    """A slip of the pen is not silent; the test suite's own variable is."""
    found = load(tmp_path, env={"XMARGIN_DATABSE": "x", "XMARGIN_SHARED": "y", "PATH": "z"})
    assert found.warnings == ("XMARGIN_DATABSE means nothing here; after XMARGIN_, did you mean DATABASE?",)


def test_an_unknown_key_of_a_file_is_refused_with_its_line(tmp_path: Path) -> None:
    """Each place answers for its own mistakes."""
    assert load(tmp_path, here='policy = "practical"\n').settings.policy == "practical"
    with pytest.raises(ConfigError, match=r"polcy \(line 2\): unknown key; did you mean policy\?"):
        load(tmp_path, here='database = "x"\npolcy = "practical"\n')


def test_a_config_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """It was named, so it must exist; the other places need not."""
    with pytest.raises(ConfigError, match="no such file"):
        load_settings(tmp_path / "none.toml", {}, folder=tmp_path, here=tmp_path, data_folder=tmp_path)
