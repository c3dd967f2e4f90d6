"""Light clients in the store: sealed, restored as they were, and not believed where anything about them was changed."""

from __future__ import annotations

import sqlite3
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from chains.registry import NETWORKS
from tests.simulators.beacon import CHAIN, BeaconChain, devnet, execution_rlp
from verifier.app.account_file import read_account
from verifier.app.compile import compile_account
from verifier.app.errors import SealFailed
from verifier.app.kept import Record
from verifier.app.light_shelf import LightShelf, pack, unpack
from verifier.app.seal import Seal, load_seal
from verifier.app.service import check_account
from verifier.app.store import Store
from verifier.consensus.advance import advance
from verifier.consensus.bootstrap import start
from verifier.consensus.containers import encode_bootstrap, encode_update
from verifier.consensus.forks import Fork
from verifier.errors import Misbehaviour, WrongChain
from verifier.evidence import Bundle, LightEvidence, Section
from verifier.gather_light import Followed, accept_update
from verifier.primitives import ChainId, Timestamp
from verifier.trust import Anchor, Checkpoint
from verifier.verify import Refusal
from verifier.wire import encode_bundle

CONFIG = devnet((Fork.GLOAS, 0))
CHAIN_OF = BeaconChain(CONFIG)
CONFIGS = {CONFIG.chain_id: CONFIG}
POINT = CHAIN_OF.checkpoint(16)
AT = CONFIG.time_of(120)


def followed(point: Checkpoint = POINT, updates: int = 1) -> Followed:
    """A client some updates after its checkpoint."""
    bootstrap = CHAIN_OF.bootstrap(16)
    held = Followed(start(point, bootstrap, CONFIG, AT), LightEvidence(encode_bootstrap(bootstrap)))
    for period in range(updates):
        held = accept_update(held, CHAIN_OF.update(64 * period + 40, 64 * period + 24), AT)
    return held


@pytest.fixture
def shelf(tmp_path: Path):
    with Store(tmp_path / "x.db") as store:
        yield LightShelf(store, load_seal(tmp_path / "x.key"), CONFIGS)


def changed(shelf: LightShelf, sql: str, *values: object) -> None:
    connection = sqlite3.connect(shelf.store.path)
    connection.execute(sql, values)
    connection.commit()
    connection.close()


@pytest.mark.covers("LC-14")
def test_a_client_comes_back_as_it_was_kept(shelf: LightShelf) -> None:
    """State and evidence, for its own checkpoint and for no other."""
    held = followed()
    shelf.save("devnet", held, AT)
    assert shelf.load(CONFIG.chain_id, POINT) == held
    assert shelf.load(CONFIG.chain_id, CHAIN_OF.checkpoint(24)) is None
    assert shelf.load(ChainId(1), POINT) is None
    assert shelf.load(CONFIG.chain_id, None) is None


def test_the_later_takes_the_place_of_the_earlier(shelf: LightShelf) -> None:
    """One row for a checkpoint."""
    shelf.save("devnet", followed(updates=0), AT)
    shelf.save("devnet", followed(updates=1), AT)
    assert shelf.load(CONFIG.chain_id, POINT) == followed(updates=1)
    assert len(shelf.store.rows("SELECT * FROM light_clients")) == 1


@pytest.mark.parametrize("place", [0, 31, 32, 40, 200, 400, -1])
def test_one_changed_byte_breaks_the_seal(shelf: LightShelf, place: int) -> None:
    """A state that was changed counts as not there."""
    shelf.save("devnet", followed(), AT)
    (row,) = shelf.store.rows("SELECT sealed FROM light_clients")
    sealed = bytearray(row["sealed"])
    sealed[place] ^= 1
    changed(shelf, "UPDATE light_clients SET sealed = ?", bytes(sealed))
    assert shelf.load(CONFIG.chain_id, POINT) is None


def test_another_key_opens_nothing(shelf: LightShelf) -> None:
    """Whoever can write the database but not the key file makes no state."""
    forged = Seal(bytes(32)).close(pack(followed(), AT))
    shelf.save("devnet", followed(), AT)
    changed(shelf, "UPDATE light_clients SET sealed = ?", forged)
    assert shelf.load(CONFIG.chain_id, POINT) is None
    assert LightShelf(shelf.store, Seal(bytes(32)), CONFIGS).load(CONFIG.chain_id, POINT) == followed()


def test_a_sealed_state_under_another_row_is_not_that_rows(shelf: LightShelf) -> None:
    """The checkpoint under the seal is what counts, not the column."""
    other = CHAIN_OF.checkpoint(24)
    shelf.save("devnet", followed(), AT)
    changed(shelf, "UPDATE light_clients SET checkpoint = ?", "0x" + other.root.hex())
    assert shelf.load(CONFIG.chain_id, other) is None


def test_a_state_of_a_chain_described_otherwise_is_not_there(shelf: LightShelf) -> None:
    """A development chain that was begun anew has another genesis; its old state is no help."""
    shelf.save("devnet", followed(), AT)
    fresh = devnet((Fork.GLOAS, 0), root=b"\x66" * 32)
    assert LightShelf(shelf.store, shelf.seal, {CONFIG.chain_id: fresh}).load(CONFIG.chain_id, POINT) is None
    with pytest.raises(WrongChain):
        unpack(pack(followed(), AT), {CONFIG.chain_id: fresh})


def test_an_endpoints_checkpoint_comes_back_as_theirs(shelf: LightShelf) -> None:
    """Who named it is under the seal: it never comes back as the checker's own."""
    named = Checkpoint(POINT.chain_id, POINT.root, frozenset({"a", "b"}), 2, AT)
    shelf.save("devnet", followed(named), AT)
    assert shelf.load(CONFIG.chain_id, POINT) is None
    found = shelf.load(CONFIG.chain_id, None)
    assert found is not None
    assert found.state.rests_on == named


@pytest.mark.covers("LC-11")
def test_a_client_that_met_a_contradiction_does_not_go_on(shelf: LightShelf) -> None:
    """Also after a restart; with both sides kept. A client of another checkpoint is another client."""
    held = followed()
    clash = CHAIN_OF.update(48, 24, salt=b"another")
    with pytest.raises(Misbehaviour) as caught:
        advance(held.state, clash, AT)
    shelf.save("devnet", held, AT)
    shelf.stop("devnet", POINT, caught.value, AT)
    with pytest.raises(Misbehaviour) as again:
        shelf.load(CONFIG.chain_id, POINT)
    assert (again.value.slot, again.value.known, again.value.other) == (24, caught.value.known, caught.value.other)
    assert shelf.load(CONFIG.chain_id, CHAIN_OF.checkpoint(24)) is None


def test_what_anchored_a_run_is_found_by_the_block_it_named(shelf: LightShelf) -> None:
    """It is kept in the run's own transaction, and found for that block only."""
    from chains.chain import local_network

    held = followed()
    row = shelf.record(local_network("devnet", CHAIN), held.state, AT)
    shelf.store.keep(Record(at=Timestamp(AT), command="verify", exit_code=0, shown="{}", lights=(row,)))
    block = held.state.finalized.execution_hash
    (found,) = shelf.recorded({CONFIG.chain_id: block})
    assert found == held.state
    assert shelf.recorded({CONFIG.chain_id: CHAIN_OF.header(32).execution_hash}) == ()
    assert shelf.recorded({ChainId(1): block}) == ()
    changed(shelf, "UPDATE light_records SET sealed = zeroblob(200)")
    assert shelf.recorded({CONFIG.chain_id: block}) == ()


# --- the key ---------------------------------------------------------------------------------------------


def test_the_key_is_made_once_for_its_user_alone(tmp_path: Path) -> None:
    """A second load finds the same key; others may not read it."""
    path = tmp_path / "deep" / "x.key"
    one, two = load_seal(path), load_seal(path)
    assert one.open(two.close(b"body")) == b"body"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().strip() not in repr(one)
    assert [entry.name for entry in path.parent.iterdir()] == ["x.key"]


@pytest.mark.parametrize("text", ["", "ab" * 31, "ab" * 33, "zz" * 32])
def test_a_file_that_holds_no_key_is_refused(tmp_path: Path, text: str) -> None:
    """A short key would be a weak one; it is not filled up."""
    path = tmp_path / "x.key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(SealFailed):
        load_seal(path)


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    """It may have been copied."""
    path = tmp_path / "x.key"
    load_seal(path)
    path.chmod(0o644)
    with pytest.raises(SealFailed):
        load_seal(path)


@pytest.mark.covers("LC-11")
def test_a_contradiction_in_a_bundle_is_kept_and_stops_the_client(shelf: LightShelf, tmp_path: Path) -> None:
    """Whoever checks it offline has the evidence from then on; the same bundle without the second signature stands."""
    (tmp_path / "account.toml").write_text(
        f'[account]\nname = "x"\n[networks.devnet]\nchain_id = {CHAIN}\nfamily = "ethereum"\n'
        f'[holders]\nmain = "0x{"11" * 20}"\n[[assets]]\nnetwork = "devnet"\nholder = "main"\nasset = "ETH"\n'
    )
    file, source = read_account(tmp_path / "account.toml")
    spec = compile_account(file, source, NETWORKS, environ={}, online=False)
    spec = replace(spec, roots=(POINT,), beacon=replace(spec.beacon, configs=CONFIGS))
    held, other = followed(), CHAIN_OF.update(50, 24, committee=False, salt=b"x")

    def check(evidence: LightEvidence) -> object:
        section = Section(CONFIG.chain_id, execution_rlp(24), (), (), light=evidence)
        data = encode_bundle(Bundle(AT, spec.claims, (), (section,), ()))
        (outcome,) = check_account(spec, data, now=AT, shelf=shelf).verified.outcomes
        return outcome.error if isinstance(outcome, Refusal) else outcome.trust.anchor

    assert check(held.evidence) is Anchor.FINALIZED
    assert shelf.load(CONFIG.chain_id, POINT) is None
    error = check(replace(held.evidence, final=encode_update(other)))
    assert isinstance(error, Misbehaviour)
    (row,) = shelf.store.rows("SELECT * FROM light_conflicts")
    assert (row["slot"], row["other"]) == (24, encode_update(other))
    with pytest.raises(Misbehaviour):
        shelf.load(CONFIG.chain_id, POINT)
