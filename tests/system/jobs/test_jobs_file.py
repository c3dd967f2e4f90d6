"""The jobs file: each mistake is named, with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.system.jobs.build import jobs_toml, opened, save
from verifier.app.errors import ConfigError
from verifier.app.jobs_file import parse_jobs
from verifier.trust import Anchor


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("every = 1\n", ""), "either cron or every"),
        (("every = 1\n", 'every = 1\ncron = "0 * * * *"\n'), "either cron or every"),
        (("every = 1\n", 'cron = "61 * * * *"\n'), "cron"),
        (("every = 1\n", 'cron = "0 * * * *"\ntimezone = "Europe/Berlim"\n'), "time zone"),
        (("every = 1\n", "evry = 1\n"), "did you mean every"),
        (('kind = "directory"', 'kind = "folder"'), "kind"),
        (('missed = "report"', 'missed = "ignore"'), "missed"),
        (('contract = "0xc0', 'contract = "0xg0'), "contract"),
        (("lease = 30", 'listen = "nowhere"'), "port"),
    ],
)  # fmt: skip
def test_jobs_files_that_are_none(change: tuple[str, str], said: str) -> None:
    """Each mistake is named, with its place."""
    text = jobs_toml()
    assert change[0] in text
    with pytest.raises(ConfigError) as caught:
        parse_jobs(text.replace(*change))
    assert said in str(caught.value)


@pytest.mark.parametrize(("preset", "anchors"), [("strict", False), ("practical", True)])
def test_a_job_s_policy_is_the_preset_of_a_file_that_names_none(folder: Path, preset: str, anchors: bool) -> None:
    """An account file's own preset wins; without one the job's counts."""
    text = (folder / "account.toml").read_text()
    save(folder, jobs_toml(out=folder / "out").replace("every = 1\n", f'every = 1\npolicy = "{preset}"\n'))
    scheduler = opened(folder)
    job = scheduler.jobs.jobs[0]
    assert Anchor.QUORUM not in scheduler.place.compile(folder / "account.toml", job.policy).policy.anchors
    (folder / "account.toml").write_text(text.replace('preset = "strict"\n', ""))
    assert (Anchor.QUORUM in scheduler.place.compile(folder / "account.toml", job.policy).policy.anchors) is anchors


def test_two_jobs_of_one_name() -> None:
    text = jobs_toml(more='[[jobs]]\nname = "desk"\naccount = "a.toml"\nevery = 5')
    with pytest.raises(ConfigError, match="two jobs"):
        parse_jobs(text)
