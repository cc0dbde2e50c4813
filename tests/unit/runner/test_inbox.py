"""The loop is never kept from its verdicts, limits and signals by what the threads send."""

from __future__ import annotations

from bodywork_compiler.runner.inbox import LONGEST_TAKE_SECONDS, Inbox, LogPiece, Message


def test_a_stage_that_prints_faster_than_we_show_does_not_hold_the_loop() -> None:
    now = [0.0]
    inbox = Inbox(clock=lambda: now[0])
    taken: list[Message] = []

    def show(message: Message) -> None:
        assert len(taken) < 1000, "it never comes back"
        taken.append(message)
        now[0] += LONGEST_TAKE_SECONDS / 10
        inbox.put_lines(LogPiece(0, ("one more",)))

    inbox.put_lines(LogPiece(0, ("first",)))
    inbox.take_all(0.0, show)
    assert len(taken) in {10, 11}


def test_all_that_is_there_is_taken_in_its_order() -> None:
    inbox, taken = Inbox(), list[Message]()
    sent = [LogPiece(0, (str(number),)) for number in range(100)]
    for piece in sent:
        inbox.put_lines(piece)
    inbox.take_all(0.0, taken.append)
    assert taken == sent
