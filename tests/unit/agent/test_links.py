import socket

import pytest

from agent.links import GONE, look


def test_an_interface_is_asked_of_the_namespace_this_process_is_in() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        seen = look(sock, "lo")
        assert (seen.present, seen.ifindex) == (True, socket.if_nametoindex("lo"))
        assert look(sock, "nope0") == GONE


def test_what_is_no_interface_question_is_raised_not_guessed() -> None:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.close()
    with pytest.raises((OSError, ValueError)):
        look(sock, "lo")
