"""What one writer promises: repeats are repeats, refusals change nothing, a restart forgets nothing."""

from http import HTTPStatus

import jax
import numpy as np
import pytest

from aurora_jax.governance import Decision
from aurora_jax.replay import replay
from aurora_jax.serving import Journal, JournalError, PredictResponse, Refusal, Session, certificate_digest
from tests.serving.conversation import INDEX, now, request


@pytest.fixture
def journal(tmp_path):
    journal = Journal(tmp_path / "journal.sqlite")
    yield journal
    journal.close()


def ask(session, journal, seq, /, *, took_ms=5.0, error_rate=0.0, at=None, **changes):
    return session.predict(
        request(seq, **changes),
        journal=journal,
        now=now(seq) if at is None else at,
        error_rate=error_rate,
        elapsed_ms=lambda: took_ms,
    )


def bits(session) -> list[bytes]:
    """Return everything a session remembers, to the bit."""
    position = session.position
    plain = repr((position.time, position.next_seq, position.request, position.answer, position.latency_ms))
    return [np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(position.state)] + [plain.encode()]


def test_an_answer_is_complete_finite_and_pinned(session, journal):
    answer = ask(session, journal, 0).answer
    assert PredictResponse.model_validate(answer).model_dump() == answer
    assert list(answer) == list(PredictResponse.model_fields)  # so that the JSON text does not depend on the path
    assert answer["certificate"] == certificate_digest(answer)
    assert answer["outcome"] == "OK"
    assert answer["ts"] == f"{np.datetime64(int(INDEX.times[0]), 's')}Z"
    assert answer["interval"]["sp500"]["lower"] < answer["forecast"]["sp500"]["mean"]
    assert answer["interval"]["sp500"]["upper"] > answer["forecast"]["sp500"]["mean"]
    assert sum(answer["regime_probabilities"].values()) == pytest.approx(1.0)
    assert answer["weights"] == {"sp500": pytest.approx(1.0)}


def test_the_answer_is_the_engines_own(session, journal, parts):
    """From the market's own bar, without request, bar and answer being translated between."""
    engine, state = parts
    bar = jax.tree.map(np.asarray, INDEX.bar(0)._replace(data_age_s=np.float64(30.0)))
    _, info = jax.jit(lambda engine, state, bar: engine.step(state, bar))(engine, state, bar)
    answer = ask(session, journal, 0).answer
    assert answer["forecast"]["sp500"]["mean"] == float(info.forecast.mean[0])
    assert answer["interval"]["sp500"]["upper"] == float(info.certificate.interval.upper[0])
    assert answer["kappa_plus"] == float(info.kappa_plus)
    assert answer["decision"] == Decision(int(info.decision)).name


@pytest.mark.slow
def test_the_service_and_a_replay_agree_to_the_bit(session, journal, parts):
    engine, state = parts
    bars = INDEX.rows(0, 60).bars()._replace(data_age_s=np.full(60, 30.0))
    rows = replay(engine, state, bars).rows
    for seq in range(60):
        # The replay's account feeds its drawdown back; the client reports the same.
        drawdown = 0.0 if seq == 0 else float(rows.drawdown[seq - 1])
        transition = ask(session, journal, seq, took_ms=0.0, drawdown=drawdown).transition
        for (path, live), replayed in zip(
            jax.tree_util.tree_leaves_with_path(transition.info), jax.tree.leaves(rows.info), strict=True
        ):
            assert live.tobytes() == replayed[seq].tobytes(), f"bar {seq}: {jax.tree_util.keystr(path)}"
        assert transition.weights.tobytes() == rows.weights[seq].tobytes()


def test_weights_are_chosen_when_the_engine_asks_for_them(session, journal):
    """The artifact rebalances every 5 bars; weights of a single asset are 1, with their certificate."""
    answers = [ask(session, journal, seq).answer for seq in range(6)]
    chosen = [answer["allocation"] for answer in answers if answer["allocation"] is not None]
    assert chosen
    assert all(report["outcome"] == "OK" and report["worst_case_es"] >= report["es"] > 0.0 for report in chosen)


def test_the_same_request_again_gets_the_stored_answer(session, journal):
    first = ask(session, journal, 0)
    before = bits(session)
    again = ask(session, journal, 0, took_ms=99.0, at=now(0) + 1000.0)
    assert (first.repeated, again.repeated) == (False, True)
    assert again.answer == first.answer
    assert bits(session) == before
    assert journal.head.entries == 1


@pytest.mark.parametrize(
    ("seq", "changes", "status", "detail"),
    [
        (5, {}, 409, "seq 5 leaves a gap in INDEX: 2 comes next."),
        (0, {}, 409, "seq 0 of INDEX is over: 2 comes next."),
        (1, {"bar": {"volume": 1.0}}, 409, "seq 1 of INDEX was already answered for another request; 2 is next."),
        (2, {"ts": int(INDEX.times[1])}, 409, "is not later than the last bar of INDEX"),
        (2, {"ts": int(INDEX.times[0])}, 409, "is not later than the last bar of INDEX"),
        (2, {"bar": {"close": 1.0}}, 422, "bar.close of sp500 is 1, outside low"),
        (2, {"timeframe": "1h"}, 422, "timeframe must be 1d"),
        (2, {"ts": int(INDEX.times[2]) + 10 * 86_400}, 422, "ts lies in the future"),
    ],
)
def test_a_refusal_changes_nothing(session, journal, seq, changes, status, detail):
    ask(session, journal, 0)
    ask(session, journal, 1)
    before, head = bits(session), journal.head
    with pytest.raises(Refusal, match=detail) as caught:
        ask(session, journal, seq, **changes)
    assert caught.value.status == HTTPStatus(status)
    assert bits(session) == before
    assert journal.head == head
    if status == 409 and "seq" in detail:
        assert caught.value.facts == {"expected_seq": 2}


def test_a_decision_that_cannot_be_journalled_is_not_taken(session, journal):
    """The pages that the file has are used up first; then it may not grow, as on a full disk."""
    pages = journal._connection.execute("PRAGMA page_count").fetchone()[0]
    journal._connection.execute(f"PRAGMA max_page_count = {pages}")
    before = bits(session)

    def until_full():
        nonlocal before
        for seq in range(40):
            before = bits(session)
            ask(session, journal, seq)

    with pytest.raises(JournalError, match="could not be journalled"):
        until_full()
    assert bits(session) == before
    journal._connection.execute("PRAGMA max_page_count = 1000000")
    refused = session.position.next_seq
    assert ask(session, journal, refused).answer["seq"] == refused


@pytest.mark.bits
def test_a_restart_from_the_journal_gives_the_same_next_answer_to_the_bit(session, journal, artifact, parts):
    for seq in range(8):
        ask(session, journal, seq, error_rate=seq / 100, drawdown=seq / 1000)
    restarted = Session("INDEX", artifact.config.streams["INDEX"], *parts, artifact=artifact.digest)
    assert [restarted.restore(entry) for entry in journal.entries()] == [True] * 8
    assert bits(restarted) == bits(session)
    # The last request again, and the next one.
    assert ask(restarted, journal, 7, drawdown=7 / 1000).repeated
    assert ask(restarted, journal, 8).answer == ask(session, journal, 8).answer


def test_a_restart_tells_if_an_answer_comes_out_differently(session, journal, artifact, parts):
    ask(session, journal, 0)
    (entry,) = journal.entries()
    entry["bar"]["drawdown"] = 0.12  # above the soft limit: another score
    other = Session("INDEX", artifact.config.streams["INDEX"], *parts, artifact=artifact.digest)
    assert other.restore(entry) is False


def test_the_latency_of_a_request_enters_the_next_bar(session, journal):
    ask(session, journal, 0, took_ms=7.0)
    ask(session, journal, 1, took_ms=3.0)
    bars = [entry["bar"] for entry in journal.entries()]
    assert [bar["latency_ms"] for bar in bars] == [0.0, 7.0]
    assert [bar["data_age_s"] for bar in bars] == [30.0, 30.0]


def test_a_slow_service_raises_its_own_guard(session, journal):
    """After 20 warm-up bars the p95 of the latency is far over the hard limit of 450 ms."""
    answers = [ask(session, journal, seq, took_ms=2000.0).answer for seq in range(25)]
    assert "guard_latency_hard" not in answers[0]["reasons"]
    assert "guard_latency_hard" in answers[-1]["reasons"]
    assert answers[-1]["risk_scale"] == 0.0
