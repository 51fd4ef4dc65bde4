from hub.realtime.kicked import Kicked


def test_a_kicked_session_is_remembered_for_its_time() -> None:
    kicked = Kicked(60)
    kicked.add("one", "403::session_kicked", 100.0)
    assert kicked.error("one", 159.9) == "403::session_kicked"
    assert kicked.error("one", 160.0) is None


def test_others_are_not_known() -> None:
    kicked = Kicked(60)
    kicked.add("one", "403::session_kicked", 100.0)
    assert [kicked.error(client_id, 100.0) for client_id in ("two", None, 1, ["one"])] == [None] * 4


def test_what_is_over_takes_no_room() -> None:
    kicked = Kicked(60)
    for number in range(1000):
        kicked.add(str(number), "403::session_kicked", float(number))
    assert len(kicked._sessions) == 60
